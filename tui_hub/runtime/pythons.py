"""Which Python loads models, and whether it has torch."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tui_hub.domain.errors import HubError
from tui_hub.runtime.spawning import child_environment, ended
from tui_hub.runtime.torch_child.devices import torch_version
from tui_hub.text import clean

SCRIPT = Path(__file__).with_name("torch_child")
_PROBE_SECONDS = 30.0
_TRY_SECONDS = 90.0
"""From a slow disk torch takes its time."""
_WAY = "Name a Python whose torch works in the setting runtime.python."
_PLACES = ("PATH", "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "HOME")
"""Variables by which another torch may be found."""
_found: dict[tuple[str, ...], str] = {}
"""The versions that were found, so that each Python is asked once. That one has none may change."""
_tried: set[tuple[str, ...]] = set()
"""Those of them whose torch was imported."""


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
    return await _version(python, environment, imported=False)


async def try_torch(
    python: str | None, *, environment: Mapping[str, str] | None = None
) -> str | None:
    """The same, once it was seen that a named Python really can import it.

    Args:
        python: as in the settings; this program's own is only looked at.
        environment: what that Python runs in; this process's own by default.

    Raises:
        HubError: when that Python cannot be run, or cannot import the torch that it has.
    """
    return await _version(python, environment, imported=True)


async def _version(
    python: str | None, environment: Mapping[str, str] | None, *, imported: bool
) -> str | None:
    if not python:
        return await asyncio.to_thread(torch_version)
    environment = os.environ if environment is None else environment
    key = (python_of(python), *(environment.get(name, "") for name in _PLACES))
    if key not in (_tried if imported else _found):
        version = await asyncio.to_thread(_probe, python_of(python), environment, imported)
        if version is None:
            return None
        _found[key] = version
        if imported:
            _tried.add(key)
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


def _probe(python: str, environment: Mapping[str, str], imported: bool) -> str | None:
    patience = _TRY_SECONDS if imported else _PROBE_SECONDS
    try:
        run = subprocess.run(
            [python, str(SCRIPT), "--try" if imported else "--probe"],
            env=child_environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=patience,
            check=False,
        )
    except OSError as error:
        raise HubError(f"{clean(python)} cannot be run: {error.strerror}", hint=_WAY) from None
    except subprocess.TimeoutExpired:
        raise HubError(
            f"{clean(python)} does not answer within {patience:.0f} s", hint=_WAY
        ) from None
    if run.returncode:
        last = run.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        why = clean("".join(last), 300) or ended(run.returncode)
        what = "import the torch that it has" if run.stdout.strip() else "look for torch"
        raise HubError(f"{clean(python)} cannot {what}: {why}", hint=_WAY)
    # Before it a torch may have said something of its own.
    said = run.stdout.decode("utf-8", "replace").strip().splitlines()[-1:]
    return clean("".join(said), 60) or None
