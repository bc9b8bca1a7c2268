"""Which Python loads models, and whether it has torch."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
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
    """The same, once it was seen that this Python really can import it, in a process of its own.

    Args:
        python: as in the settings; empty or `None` is this program's own.
        environment: what that Python runs in; this process's own by default.

    Raises:
        HubError: when that Python cannot be run, or cannot import the torch that it has.
    """
    return await _version(python, environment, imported=True)


def torch_installed() -> int | None:
    """A number that changes when this program's own torch does; `None` where there is none."""
    try:
        spec = find_spec("torch")
        origin = None if spec is None else spec.origin
        return None if origin is None else Path(origin).stat().st_mtime_ns
    except (ImportError, ValueError, OSError):
        return None


async def _version(
    python: str | None, environment: Mapping[str, str] | None, *, imported: bool
) -> str | None:
    if not python:
        version = await asyncio.to_thread(torch_version)
        if version is None or not imported:
            return version
    environment = os.environ if environment is None else environment
    key = (python_of(python), *(environment.get(name, "") for name in _PLACES))
    if key not in (_tried if imported else _found):
        version = await _probe(python_of(python), environment, imported)
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


async def _probe(python: str, environment: Mapping[str, str], imported: bool) -> str | None:
    patience = _TRY_SECONDS if imported else _PROBE_SECONDS
    try:
        process = await asyncio.create_subprocess_exec(
            python,
            str(SCRIPT),
            "--try" if imported else "--probe",
            env=child_environment(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise HubError(f"{clean(python)} cannot be run: {error.strerror}", hint=_WAY) from None
    try:
        async with asyncio.timeout(patience):
            said, complained = await process.communicate()
    except TimeoutError:
        raise HubError(
            f"{clean(python)} does not answer within {patience:.0f} s", hint=_WAY
        ) from None
    finally:
        # Also when nobody waits for it any more, as at the end of the program.
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        last = complained.decode("utf-8", "replace").strip().splitlines()[-1:]
        why = clean("".join(last), 300) or ended(process.returncode)
        what = "import the torch that it has" if said.strip() else "look for torch"
        raise HubError(f"{clean(python)} cannot {what}: {why}", hint=_WAY)
    # Before it a torch may have said something of its own.
    words = said.decode("utf-8", "replace").strip().splitlines()[-1:]
    return clean("".join(words), 60) or None
