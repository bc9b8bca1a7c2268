"""Work that is killed before one of its steps, again and again, each time in a new process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap

from tui_hub.settings import Configuration

_FRAME = """
import asyncio, functools, json, os, signal, sys
from tui_hub.services import open_services
from tui_hub.settings import load_configuration

arguments = sys.argv[1:]
steps = []

def mortal(owner, name, doomed):
    whole = getattr(owner, name)

    @functools.wraps(whole)
    def step(*arguments, **more):
        if len(steps) == doomed:
            os.kill(os.getpid(), signal.SIGKILL)
        steps.append(name)
        return whole(*arguments, **more)

    setattr(owner, name, step)

{body}

async def run(doomed):
    async with open_services(load_configuration()) as services:
        for owner, names in OWNERS:
            for name in names.split():
                mortal(owner, name, doomed)
        await main(services)
    print(json.dumps(steps), flush=True)

for line in sys.stdin:  # each in a process of its own, which need not import all this anew
    child = os.fork()
    if not child:
        asyncio.run(run(int(line)))
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        print(code, flush=True)
"""


class Mortal:
    """A piece of work on a home, and the steps before which it may die."""

    def __init__(self, configuration: Configuration, body: str, *arguments: str) -> None:
        """Get ready.

        Args:
            configuration: the home.
            body: Python that defines `OWNERS`, pairs of a module or class and the names of its
                functions that are steps, and `async def main(services)`, the work.
            arguments: what `body` finds as `arguments`.
        """
        script = _FRAME.replace("{body}", textwrap.dedent(body))
        self._process = subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            env=dict(configuration.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, doomed: int) -> list[str] | None:
        """The steps that were taken; `None` when the process was killed before that one."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{doomed}\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert isinstance(answer, list) or answer == -signal.SIGKILL
        return answer if isinstance(answer, list) else None

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()
