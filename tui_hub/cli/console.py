"""What a command says: data to stdout, talk to stderr, and nothing unasked to either."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

import click

from tui_hub.cli.exit_codes import DONE, exit_code
from tui_hub.domain.invocation import Invocation
from tui_hub.text import clean

if TYPE_CHECKING:
    from tui_hub.cli.options import Options
    from tui_hub.cli.redaction import Redactor
    from tui_hub.domain.errors import HubError

_MESSAGE = 2000


@dataclass(frozen=True, slots=True)
class Answer:
    """How a verb ended: as a document, as lines for people, and as a code."""

    document: Mapping[str, object]
    lines: Iterable[str] = ()
    brief: Iterable[str] | None = None
    """The lines of `--quiet`; `None` takes the others."""
    error: HubError | None = None
    code: int | None = None
    """The exit code where the error alone does not decide it."""

    @property
    def exit_code(self) -> int:
        """What the process ends with."""
        if self.code is not None:
            return self.code
        return DONE if self.error is None else exit_code(self.error.code)


@dataclass(slots=True)
class Console:
    """The two streams of one run, and what the person wants on them."""

    json: bool
    quiet: bool
    redact: Redactor
    invocation: Invocation = field(default_factory=Invocation)
    """How the person starts the program for this home."""
    _drawn: int = field(default=0, init=False)
    """Characters of the progress line that is on the terminal now."""

    @classmethod
    def of(cls, options: Options, redact: Redactor) -> Console:
        """The console for the options of a run."""
        return cls(options.json, options.quiet, redact, options.invocation)

    @property
    def width(self) -> int | None:
        """Columns of the terminal on stdout; `None` where that is none and nothing may be cut."""
        return shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None

    def give(self, answer: Answer) -> int:
        """Print an answer and its error, and return the exit code."""
        self.progress("")
        if self.json:
            error = {} if answer.error is None else error_document(answer.error, self.redact)
            self.document({**answer.document, **error})
            return answer.exit_code
        lines = answer.lines if answer.brief is None or not self.quiet else answer.brief
        for line in lines:
            sys.stdout.write(self.invocation.advice(line) + "\n")
        if answer.error is not None:
            sys.stdout.flush()
            self.complain(answer.error)
        return answer.exit_code

    def document(self, document: Mapping[str, object]) -> None:
        """Print one JSON document: indented for a person, else on one line; pure ASCII."""
        indent = 2 if is_terminal(sys.stdout) else None
        sys.stdout.write(json.dumps(document, indent=indent) + "\n")
        sys.stdout.flush()

    def complain(self, error: HubError) -> None:
        """Print an error for people."""
        message = self._safe(error.message)
        label = click.style("error:", fg="red", bold=True) if coloured(sys.stderr) else "error:"
        sys.stderr.write(f"{label} {message}\n")
        if error.hint:
            sys.stderr.write(f"  {self._safe(error.hint)}\n")

    def note(self, message: str) -> None:
        """Say something beside the data."""
        if not self.quiet:
            self.progress("")
            sys.stderr.write(self._safe(message) + "\n")

    def heading(self, line: str) -> str:
        """The line as a heading, where the terminal shows such things."""
        return click.style(line, bold=True) if coloured(sys.stdout) else line

    def progress(self, line: str) -> None:
        """Put a line in place of the last progress line; an empty one takes it away."""
        if self.quiet or not is_terminal(sys.stderr) or not (line or self._drawn):
            return
        from tui_hub.cli.tables import cells, cut

        shown = cut(clean(line), shutil.get_terminal_size().columns - 1)
        padding = " " * max(self._drawn - cells(shown), 0)
        sys.stderr.write(f"\r{shown}{padding}" + ("" if line else "\r"))
        sys.stderr.flush()
        self._drawn = cells(shown)

    def _safe(self, message: str) -> str:
        return clean(self.redact(self.invocation.advice(message)), _MESSAGE)


def error_document(error: HubError, redact: Redactor) -> dict[str, object]:
    """The document of an error, cleaned and without secrets."""
    hint = None if error.hint is None else clean(redact(error.hint), _MESSAGE)
    message = clean(redact(error.message), _MESSAGE)
    return {"error": {"code": error.code, "message": message, "hint": hint}}


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person sits at the other end."""
    return stream is not None and not stream.closed and stream.isatty()


def coloured(stream: TextIO) -> bool:
    """Whether colours may be used: the terminal knows them, and nobody said no."""
    return (
        is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )
