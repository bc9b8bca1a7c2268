"""Which Python loads models, and whether it has torch."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tui_hub.domain.errors import HubError
from tui_hub.runtime.spawning import child_environment
from tui_hub.runtime.torch_child.devices import torch_version
from tui_hub.text import clean

SCRIPT = Path(__file__).with_name("torch_child")
_PROBE_SECONDS = 30.0
_WAY = "`runtime.python` names the Python that loads models."
_PLACES = ("PATH", "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "HOME")
"""Variables by which another torch may be found."""
_found: dict[tuple[str, ...], str] = {}
"""The versions that were found, so that each Python is asked once. That one has none may change."""


def python_of(setting: str | None) -> str:
    """The Python that the setting `runtime.python` names; this program's own for an empty one.

    A name without a slash is looked for in `PATH` when it is run.
    """
    if not setting:
        return sys.executable
    expanded = os.path.expanduser(setting)
    return os.path.abspath(expanded) if "/" in expanded else expanded


async def probe_torch(
    python: str | None, *, environment: Mapping[str, str] | None = None
) -> str | None:
    """The version of the torch that a Python would import, without importing it.

    Args:
        python: as in the settings; empty or `None` is this program's own, and needs no process.
        environment: what that Python runs in; this process's own by default.

    Raises:
        HubError: when that Python cannot be run.
    """
    if not python:
        return await asyncio.to_thread(torch_version)
    environment = os.environ if environment is None else environment
    key = (python_of(python), *(environment.get(name, "") for name in _PLACES))
    if key not in _found:
        version = await asyncio.to_thread(_probe, python_of(python), environment)
        if version is None:
            return None
        _found[key] = version
    return _found[key]


def no_torch(python: str | None) -> tuple[str, str]:
    """That a Python has no torch, and how to come by one."""
    if python:
        name = clean(python_of(python), 200)
        return (
            f"{name} has no torch",
            f"`{name} -m pip install torch` brings it, or name another Python in the setting "
            "runtime.python.",
        )
    return (
        "torch is not installed",
        'Install it with `pip install "tui-hub[torch]"`, or name a Python that has it in the '
        "setting runtime.python.",
    )


def _probe(python: str, environment: Mapping[str, str]) -> str | None:
    try:
        run = subprocess.run(
            [python, str(SCRIPT), "--probe"],
            env=child_environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except OSError as error:
        raise HubError(f"{clean(python)} cannot be run: {error.strerror}", hint=_WAY) from None
    except subprocess.TimeoutExpired:
        raise HubError(
            f"{clean(python)} does not answer within {_PROBE_SECONDS:.0f} s", hint=_WAY
        ) from None
    if run.returncode:
        last = run.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        message = f"{clean(python)} cannot look for torch: {clean(''.join(last), 300)}"
        raise HubError(message, hint=_WAY)
    return clean(run.stdout.decode("utf-8", "replace").strip(), 60) or None
