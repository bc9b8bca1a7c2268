"""The program, as a process of its own or in this one, and a small hub for it to talk to."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from homes import NO_OLLAMA
from small_models import tensors_file

from tui_hub.cli import logs, main
from tui_hub.demo import Repository, RepositoryFile, Weights
from tui_hub.demo.hostile import hostile_repository

CONFIG = b'{"model_type": "llama"}'
BIG = 24_000_000
_TIMEOUT = 60


@dataclass(frozen=True)
class Ran:
    """How one run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout, which must be all there is."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed

    @property
    def error(self) -> str:
        """The code of the error in the document."""
        code: str = self.document["error"]["code"]
        return code


@dataclass
class Program:
    """The program on one home."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, **environment: str) -> Ran:
        """Run a command to its end."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=_TIMEOUT)
        return Ran(process.returncode, out, err)

    def json(self, *arguments: str, **environment: str) -> Ran:
        """Run a command with `--json`; nothing but the document may be said."""
        ran = self(*arguments, "--json", **environment)
        assert isinstance(ran.document, dict)
        assert "Traceback" not in ran.err
        return ran

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command in a session of its own, without a terminal."""
        return subprocess.Popen(
            [sys.executable, "-m", "tui_hub", *arguments],
            env=self.whole(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def whole(self, more: dict[str, str]) -> dict[str, str]:
        """The environment of a run, with nothing of the developer's own."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home.parent),
            "TUI_HUB_HOME": str(self.home),
            "TUI_HUB_NETWORK__RETRIES": "1",
            "TUI_HUB_NETWORK__TIMEOUT": "20",
            "TUI_HUB_RUNTIME__USE": "link",
            **NO_OLLAMA,
            **self.environment,
            **more,
        }


class Inside(Program):
    """The program on one home, its commands run in this process: the same, and much quicker.

    What needs a process (signals, several at once, becoming another program) has `start` and
    `apart`.
    """

    def __call__(self, *arguments: str, **environment: str) -> Ran:
        """Run a command to its end, with no terminal; `run` gets a process that it may become."""
        if "run" in arguments:
            return self.apart(*arguments, **environment)
        given = self.whole(environment)
        out, err = io.StringIO(), io.StringIO()
        with _environment(given), _fresh_log(), redirect_stdout(out), redirect_stderr(err):
            try:
                main(arguments)
            except SystemExit as end:
                code = end.code
            assert dict(os.environ) == given, "a command changes no environment but its own"
        assert isinstance(code, int)
        return Ran(code, out.getvalue(), err.getvalue())

    def apart(self, *arguments: str, **environment: str) -> Ran:
        """Run a command to its end in a process of its own."""
        return super().__call__(*arguments, **environment)


@contextmanager
def _environment(given: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _fresh_log() -> Iterator[None]:
    """The log as a new process finds it, put back afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("tui_hub")
    handlers, level = root.handlers, ours.level
    root.handlers = []
    try:
        yield
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers = handlers
        ours.setLevel(level)
        logging.captureWarnings(False)
        logs.tell_waiting(None)


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for a condition, looking often; fail when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.02)


def repositories() -> list[Repository]:
    """A small hub: two models that can be had, a large one, a gated and a hostile one."""
    return [
        Repository(
            id="acme/tiny-llm",
            task="text-generation",
            library="transformers",
            license="apache-2.0",
            downloads=900,
            files=(
                RepositoryFile("README.md", b"---\nlicense: apache-2.0\n---\n# Tiny\n\nA card.\n"),
                RepositoryFile("config.json", CONFIG),
                RepositoryFile("model.safetensors", tensors_file(1)),
            ),
        ),
        Repository(
            id="acme/twin-llm",
            task="text-generation",
            library="transformers",
            license="mit",
            downloads=800,
            files=(
                RepositoryFile("config.json", CONFIG),
                RepositoryFile("model.safetensors", tensors_file(1)),
            ),
        ),
        Repository(
            id="acme/painter",
            task="text-to-image",
            library="diffusers",
            downloads=700,
            files=(
                RepositoryFile("model_index.json", b"{}"),
                RepositoryFile("unet/model.safetensors", Weights("F32", BIG, "painter")),
            ),
        ),
        Repository(
            id="acme/gated-art",
            task="text-to-image",
            library="diffusers",
            downloads=600,
            gated="manual",
            files=(RepositoryFile("model.safetensors", Weights("F32", 1000, "gated")),),
        ),
        replace(hostile_repository(datetime(2026, 1, 1, tzinfo=UTC)), likes=1),
    ]
