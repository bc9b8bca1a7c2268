"""The log: one JSON object to a line in a file that rotates, and on stderr with `-v`.

Every line goes through the redactor as a whole, traceback included, so that no caller has to think
of it. JSON's escapes keep a hostile name from forging a line.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from tui_hub import text
from tui_hub.cli.redaction import Redactor

_FILE = "tui-hub.log"
_BYTES = 2 * 1024**2
_KEPT = 4
_CHATTY = ("httpx", "httpcore", "httpx2", "httpcore2", "huggingface_hub", "aiosqlite", "asyncio")
_WAITING = "tui_hub.sources.waiting"
_LINE = 4000


class _Structured(logging.Formatter):
    """Records as JSON, for the file."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": text.now(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": self._redact(record.getMessage()),
        }
        if record.exc_info:
            entry["traceback"] = self._redact(self.formatException(record.exc_info))
        return json.dumps(entry)


class _Plain(logging.Formatter):
    """Records as a line for a person, for stderr."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return text.clean(self._redact(super().format(record)), _LINE, lines=True)


class _LogFile(RotatingFileHandler):
    """A rotating file that several processes may write: each goes on in the newest one."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        def private(path: str, flags: int) -> int:
            return os.open(path, flags, 0o600)

        return open(self.baseFilename, "a", encoding="utf-8", opener=private)

    def emit(self, record: logging.LogRecord) -> None:
        if self.stream is not None and self._was_rotated(self.stream.fileno()):
            self.stream.close()
            # opened again by the base class, whose errors end in `handleError`
            self.stream = None
        super().emit(record)

    def _was_rotated(self, ours: int) -> bool:
        """Whether another process has moved our file away."""
        try:
            return not os.path.samestat(os.fstat(ours), Path(self.baseFilename).stat())
        except OSError:
            return True

    def handleError(self, record: logging.LogRecord) -> None:
        """A log that cannot be written, on a full disk say, is no reason to fail or to talk."""


class _Teller(logging.Handler):
    """Hands each message to a function, for what a person should see while it happens."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record.getMessage())


def configure(folder: Path, redact: Redactor, verbosity: int, *, talk: bool) -> None:
    """Send the log to a file in `folder`; a second call changes nothing.

    Args:
        folder: made when it is missing; where that cannot be, the run goes without a log file.
        redact: takes the secrets out of every line.
        verbosity: 2 and more logs what is only of use to a developer.
        talk: copy the log to stderr when `verbosity` is not 0.
    """
    root = logging.getLogger()
    if any(isinstance(handler, _LogFile | logging.NullHandler) for handler in root.handlers):
        return
    root.addHandler(_file_handler(folder, redact))
    if verbosity and talk:
        stderr = logging.StreamHandler()
        stderr.setFormatter(_Plain(redact))
        root.addHandler(stderr)
    logging.getLogger("tui_hub").setLevel(logging.DEBUG if verbosity > 1 else logging.INFO)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)


def tell_waiting(tell: Callable[[str], None] | None) -> None:
    """Let `tell` say that a source waits for its rate limit; `None` ends that."""
    logger = logging.getLogger(_WAITING)
    for handler in list(logger.handlers):
        if isinstance(handler, _Teller):
            logger.removeHandler(handler)
    if tell is not None:
        logger.addHandler(_Teller(tell))


def _file_handler(folder: Path, redact: Redactor) -> logging.Handler:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(folder / _FILE)
    except OSError:
        return logging.NullHandler()
    handler.setFormatter(_Structured(redact))
    return handler
