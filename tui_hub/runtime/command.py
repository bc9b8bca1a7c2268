"""A server of the user's, from its settings to what is run: placeholders, program, port."""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from tui_hub.domain.configuration import OPTION, ModelConfiguration
from tui_hub.domain.errors import RefusedError, UnsafeError
from tui_hub.domain.runtime import PLACEHOLDERS
from tui_hub.text import clean

_CONTEXT = "context"
_PLACEHOLDER = re.compile(
    r"\{(?:(" + "|".join(one for one in PLACEHOLDERS if one != _CONTEXT) + r")"
    r"|(" + _CONTEXT + r"|options\.[A-Za-z0-9_-]+)(?::([^{}]*))?)\}"
)
"""`{path}`; for what may be set for a model also `{context:8192}`, with what counts else."""
_NUMBER = re.compile(r"-\d+(?:\.\d+)?")
_SPACE = re.compile(r"\s")
_SHELL = re.compile(r"[$`'\"\\;&|<>()\n]")
"""What ends a word for a shell, or is more to it than itself, even between quotes."""
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - dialled, not bound
"""What a server may be bound to, and what reaches it then."""


def fill(words: str, values: Mapping[str, str]) -> str:
    """A text with its placeholders filled in; other braces stay as they are."""

    def value(found: re.Match[str]) -> str:
        return values.get(found[1] or found[2], found[3] or "")

    return _PLACEHOLDER.sub(value, words)


def values_of(configuration: ModelConfiguration) -> dict[str, str]:
    """What is set for a model, by the placeholders that stand for it."""
    return {
        key: str(value)
        for key, value in configuration.values.items()
        if key == _CONTEXT or key.startswith(OPTION)
    }


def placeholders(texts: Iterable[str]) -> set[str]:
    """What of that texts leave to be filled in."""
    return {found[2] for words in texts for found in _PLACEHOLDER.finditer(words) if found[2]}


def unfilled(texts: Iterable[str], values: Mapping[str, str]) -> set[str]:
    """What of that nothing is set for, where a text does not say what counts else."""
    return {
        found[2]
        for words in texts
        for found in _PLACEHOLDER.finditer(words)
        if found[2] and found[3] is None and found[2] not in values
    }


def fill_all(words: Iterable[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """The program and its arguments, filled in.

    Raises:
        UnsafeError: when what is filled in would be read as an option, which a negative number is
            not, or run by a shell that the user has in between.
    """
    filled = []
    for word in words:
        for found in _PLACEHOLDER.finditer(word):
            name = found[1] or found[2]
            given = values.get(name, "")
            if _SPACE.search(word) and _SHELL.search(given):
                raise UnsafeError(
                    f"{clean(given, 200)!r} in a line of words could make a shell run "
                    "another program",
                    hint=f'Hand it over as a variable: `environment = {{ ANY = "{{{name}}}" }}` '
                    'in the settings of the command, and "$ANY" in the line.',
                )
        value = fill(word, values)
        would_be_option = value.startswith("-") and not word.startswith("-")
        if would_be_option and not _NUMBER.fullmatch(value):
            raise UnsafeError(f"{clean(value, 80)!r} would be read as an option by the command")
        filled.append(value)
    return tuple(filled)


def find_program(name: str, environment: Mapping[str, str], folder: Path) -> str:
    """Where a program is; a relative path begins in the folder that it will run in.

    Raises:
        RefusedError: when it is not there, or cannot be run.
    """
    wanted = os.path.expanduser(name)
    if "/" in wanted:
        wanted = str(folder / wanted)
    found = shutil.which(wanted, path=environment.get("PATH", os.defpath))
    if found is None:
        raise RefusedError(
            f"the program {clean(name, 200)!r} is not there, or cannot be run",
            hint="Install it, or name its whole path in the settings of the command.",
        )
    return os.path.abspath(found)


def dialled(host: str) -> str:
    """The host by which a server is reached that listens at another."""
    return _EVERYWHERE.get(host, host)


def in_address(host: str) -> str:
    """That host as it stands in a web address."""
    reached = dialled(host)
    return f"[{reached}]" if ":" in reached else reached


def port_of(url: str | None) -> int:
    """The port of such an address; 0 where there is none."""
    port = (url or "").rpartition(":")[2]
    return int(port) if port.isdigit() else 0


def free_port(host: str, wanted: int = 0) -> int | None:
    """A port that nobody listens at: the wanted one, or any; `None` where that is taken.

    Raises:
        RefusedError: when nobody can listen at that host.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, wanted))
            return int(trial.getsockname()[1])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return None
        why = error.strerror or str(error)
        raise RefusedError(
            f"no server can listen at {clean(host, 80)} port {wanted or 'any'}: {why}",
            hint="The setting `host` of the command names an address of this box.",
        ) from None
