"""The demo hub as a child process, for a program that only wants to use it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from types import TracebackType

from tui_hub.demo.hub import PER_CONNECTION, TOTAL
from tui_hub.domain.errors import HubError

_STOP_SECONDS = 5.0


@dataclass
class DemoProcess:
    """A running demo hub. Use it as a context manager; leaving it ends the process."""

    endpoint: str
    """Scheme, host and port of the hub."""
    cdn: str
    """Scheme, host and port of the origin that large files come from."""
    token: str = field(repr=False)
    """A token with access to everything."""
    process: subprocess.Popen[str] = field(repr=False)

    def stop(self) -> None:
        """End the process; closing its input is the sign."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> DemoProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def launch(
    port: int = 0,
    *,
    per_connection: int = PER_CONNECTION,
    total: int = TOTAL,
    later: bool = False,
) -> DemoProcess:
    """Start the demo hub with this Python and wait until it answers.

    Args:
        port: the hub's port on loopback; 0 takes any that is free.
        per_connection: bytes a second for one answer; 0 is no limit.
        total: bytes a second for all answers together; 0 is no limit.
        later: whether what happens on the hub by itself has happened before.

    Raises:
        HubError: when it does not come up.
    """
    command = [
        sys.executable, "-m", "tui_hub.demo", "--port", str(port),
        "--throttle", str(per_connection), "--total", str(total), *(["--later"] if later else []),
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        # Ctrl-C in the terminal is for the program that uses the hub, not for the hub
        start_new_session=True,
    )
    line = process.stdout.readline() if process.stdout is not None else ""
    try:
        ready = json.loads(line)
        return DemoProcess(ready["endpoint"], ready["cdn"], ready["token"], process)
    except (ValueError, KeyError, TypeError):
        process.kill()
        process.communicate()
        raise HubError(
            "the demo hub did not start",
            hint=f"Run {' '.join(command[:3])} by hand to see why.",
        ) from None
