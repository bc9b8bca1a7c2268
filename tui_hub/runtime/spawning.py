"""Starting a process that outlives this one, and telling why it ended."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import BinaryIO

from tui_hub.domain.errors import HubError
from tui_hub.text import clean

_SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL"
    r"|COOKIE|BEARER|WEBHOOK|DOCKER_AUTH"
    r"|(^|_)(AUTH|JWT|KEYS?|PASS|PAT)_?[0-9]*$|_PWD$|^AWS_|^SSH_AUTH_SOCK$",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(r"://[^/\s]*@|^[^/\s:@]+:[^/\s@]+@|\b(hf|r8)_\w{20}")
"""An address with a user, with its scheme or without, and the tokens of the sources."""
_COLOURS = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]")
_TAIL_BYTES = 4096
_LINE_BYTES = 1000


class Process:
    """A process of our own making, which nothing here ends.

    It has a session of its own, so that it outlives the terminal, and a thread waits for it, so
    that it leaves no zombie while this process lives.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.pid = process.pid
        self.exit_status: Future[int] = Future()
        """As `subprocess` tells it: negative for a signal."""
        self._log = log
        self.exit_status.set_running_or_notify_cancel()
        threading.Thread(
            target=lambda: self.exit_status.set_result(process.wait()), daemon=True
        ).start()

    def kill(self) -> None:
        """End it and what it started."""
        if not self.exit_status.done():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def reason(self, timeout: float | None = None) -> str:
        """How it ended, with the last line of its log. Blocks until it has, or kills it then."""
        try:
            status = self.exit_status.result(timeout)
        except TimeoutError:
            self.kill()
            return "hung up and went on"
        if status == -signal.SIGKILL:
            return "was killed; the kernel does that when memory runs out"
        how = ended(status)
        line = last_line(self._log)
        return f"{how}: {line}" if line else how


def spawn(
    command: Sequence[str],
    *,
    folder: Path,
    log: Path,
    environment: Mapping[str, str],
    inherited: socket.socket,
) -> Process:
    """Start a process in a folder, with nothing to read and its words in a log of its own.

    Args:
        command: the program and its arguments.
        folder: its working directory; made for this user alone if it is not there.
        log: what an earlier process wrote there is gone.
        environment: passed on without secrets.
        inherited: the one open file that it inherits; closed here.

    Raises:
        HubError: when it cannot be started.
    """
    with inherited, _prepare(folder, log) as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=child_environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(inherited.fileno(),),
                start_new_session=True,
            )
        except OSError as error:
            raise HubError(
                f"{clean(command[0])} cannot be run: {error.strerror}",
                hint="`runtime.python` names the Python that loads models.",
            ) from None
    return Process(process, log)


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for a process that opens foreign files: no secrets, no network."""
    kept = without_secrets(environment)
    # CUDA then counts the GPUs as NVML does, so that `cuda:1` is the same for all.
    kept.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    return {**kept, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without what is named like a secret, or looks like one."""
    return {
        name: value
        for name, value in environment.items()
        if not _SECRET_NAME.search(name) and not _SECRET_VALUE.search(value)
    }


def _prepare(folder: Path, log: Path) -> BinaryIO:
    """Make the folders, and begin the log afresh, for this user alone."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW
    try:
        for place in (folder, log.parent):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        output = os.open(log, flags, 0o600)
    except OSError as error:
        raise HubError(f"{error.filename} cannot be made: {error.strerror}") from None
    os.fchmod(output, 0o600)
    return os.fdopen(output, "wb")


def ended(status: int) -> str:
    """How a process ended, by the status that `subprocess` tells."""
    return f"ended with exit status {status}" if status >= 0 else f"was ended by {_name(-status)}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def last_line(log: Path) -> str:
    """The last line of a log, clean; empty where there is none."""
    return "".join(line.strip()[:300] for line in last_lines(log, 1))


def last_lines(log: Path, most: int) -> list[str]:
    """The last lines of a log, clean and without colours. Blocks for a moment."""
    size = max(_TAIL_BYTES, most * _LINE_BYTES)
    try:
        with log.open("rb") as file:
            file.seek(max(os.fstat(file.fileno()).st_size - size, 0))
            content = _COLOURS.sub(b"", file.read(size))
    except OSError:
        return []
    lines = content.decode("utf-8", "replace").strip().splitlines()
    return [clean(line.rstrip().expandtabs(4), _LINE_BYTES) for line in lines[-most:]]
