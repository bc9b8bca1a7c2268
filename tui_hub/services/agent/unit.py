"""A systemd user unit that runs the agent from boot to shutdown."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from tui_hub.domain.errors import RefusedError
from tui_hub.settings import Configuration

NAME = "tui-hub-agent.service"
COMMANDS = (
    "systemctl --user daemon-reload",
    f"systemctl --user enable --now {NAME}",
    "loginctl enable-linger",
)
"""What a person runs once the unit is there. Lingering lets it run without anybody logged in."""

_KEPT = re.compile(
    r"HF_ENDPOINT|HF_HOME|HF_HUB_CACHE|OLLAMA_HOST|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE"
    r"|XDG_(DATA|STATE|CACHE|CONFIG)_HOME|(?i:(https?|all|no)_proxy)|TUI_HUB_\w+__\w+"
)
"""Variables that lead the agent to the same places. Tokens stay in the files of their owners."""
_TOKENS = re.compile(
    r"HF_TOKEN|HUGGING_FACE_HUB_TOKEN|REPLICATE_API_TOKEN|CIVITAI(_API)?_TOKEN|MODELSCOPE_API_TOKEN"
)
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|KEY", re.IGNORECASE)

_UNIT = """\
[Unit]
Description=tui-hub agent: keeps the model catalogue fresh and goes on with downloads
Documentation=man:systemd.service(5)
After=network-online.target

[Service]
Type=exec
ExecStart={command}
{environment}# Only the agent itself is stopped: the processes that hold active models live on.
KillMode=process
TimeoutStopSec=30
Restart=on-failure
RestartSec=10

[Install]
WantedBy=default.target
"""


def unit_path(environment: Mapping[str, str]) -> Path:
    """Where systemd looks for the units of this user (systemd.unit(5))."""
    config = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(config) / "systemd" / "user" / NAME


def write_unit(configuration: Configuration) -> Path:
    """Write the unit for this home, in place of an earlier one.

    Raises:
        RefusedError: when the folder cannot be written.
    """
    path = unit_path(configuration.environment)
    fresh = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(unit_text(configuration), encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise RefusedError(
            f"the unit {path} cannot be written: {error.strerror}",
            hint="Check the folder's permissions, or set XDG_CONFIG_HOME.",
        ) from None
    return path


def left_out(configuration: Configuration) -> list[str]:
    """The variables that the agent has a use for, but that no file for others to read may hold."""
    hooks = {hook.secret for hook in configuration.settings.hooks.values()}
    return [
        name
        for name, value in sorted(configuration.environment.items())
        if value
        and (
            name in hooks
            or _TOKENS.fullmatch(name)
            or (_KEPT.fullmatch(name) and _is_secret(name, value))
        )
    ]


def unit_text(configuration: Configuration) -> str:
    """The unit that runs the agent of this home with the same settings."""
    paths, given = configuration.paths, configuration.environment
    command = [sys.executable, "-P", "-m", "tui_hub", "agent"]
    if paths.home is not None:
        command += ["--home", str(paths.home)]
    if paths.config_file.exists():
        command += ["--config", str(paths.config_file)]
    variables = [f"MODEL_STORE_PATH={paths.store}"] + [
        f"{name}={value}"
        for name, value in sorted(given.items())
        if value and _KEPT.fullmatch(name) and not _is_secret(name, value)
    ]
    lines = [f"Environment={_quoted(one)}\n" for one in variables]
    return _UNIT.format(command=" ".join(map(_argument, command)), environment="".join(lines))


def _is_secret(name: str, value: str) -> bool:
    """Whether a value is a secret by its name, or may hold one: `http://user:password@proxy`."""
    return _SECRET.search(name) is not None or "@" in value


def _argument(word: str) -> str:
    """A word of ExecStart, where a dollar sign would name a variable (systemd.service(5))."""
    return _quoted(word.replace("$", "$$"))


def _quoted(word: str) -> str:
    """A word as it stands, whatever is in it (systemd.syntax(7)).

    Raises:
        RefusedError: for a word that a line of a unit cannot hold.
    """
    if any(ord(sign) < 32 for sign in word):
        raise RefusedError(f"{os.fsencode(word)!r} cannot be part of a systemd unit")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
