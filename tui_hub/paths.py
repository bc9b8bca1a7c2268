"""Where things live: under `TUI_HUB_HOME` when that is set, else in the platform's directories."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from tui_hub.domain.frozen import dataclass

_APP = "tui-hub"


@dataclass(frozen=True, slots=True)
class Paths:
    """The files and folders of one home and its store."""

    home: Path | None
    """The folder that holds everything, when there is one."""
    config_file: Path
    hub_database: Path
    catalogue_database: Path
    store: Path
    logs: Path
    state: Path
    """Sockets and other things of running processes."""

    @property
    def sockets(self) -> Path:
        """The folder of the sockets by which the processes of a home are found again."""
        return self.state / "runtime"

    def log_of(self, socket: str) -> Path:
        """The file that gets what the process behind a socket says."""
        return self.logs / socket.replace(".sock", ".log")

    def variables(self) -> dict[str, str]:
        """The environment by which another program finds the same; nothing for the defaults."""
        default = resolve_paths(self.home, environment={})
        found = {
            "TUI_HUB_HOME": self.home,
            "TUI_HUB_CONFIG_FILE": _unless(default.config_file, self.config_file),
            "MODEL_STORE_PATH": _unless(default.store, self.store),
        }
        return {name: str(path) for name, path in found.items() if path is not None}


def resolve_paths(
    home: str | os.PathLike[str] | None = None,
    config_file: str | os.PathLike[str] | None = None,
    store: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Paths:
    """Find every location. Options win over the environment, which wins over the defaults.

    Creates nothing.
    """
    environment = os.environ if environment is None else environment
    chosen = home or environment.get("TUI_HUB_HOME")
    store = store or environment.get("MODEL_STORE_PATH")
    config_file = config_file or environment.get("TUI_HUB_CONFIG_FILE")
    if chosen:
        base = _absolute(chosen)
        return Paths(
            home=base,
            config_file=_absolute(config_file) if config_file else base / "config.toml",
            hub_database=base / "hub.db",
            catalogue_database=base / "catalogue.db",
            store=_absolute(store) if store else base / "store",
            logs=base / "logs",
            state=base / "state",
        )
    data = Path(platformdirs.user_data_dir(_APP, appauthor=False))
    cache = Path(platformdirs.user_cache_dir(_APP, appauthor=False))
    state = Path(platformdirs.user_state_dir(_APP, appauthor=False))
    config = Path(platformdirs.user_config_dir(_APP, appauthor=False))
    return Paths(
        home=None,
        config_file=_absolute(config_file) if config_file else config / "config.toml",
        hub_database=data / "hub.db",
        catalogue_database=cache / "catalogue.db",
        store=_absolute(store) if store else data / "store",
        logs=state / "logs",
        state=state,
    )


def existing_parent(path: Path) -> Path:
    """The nearest folder above a path that exists already."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _unless(default: Path, path: Path) -> Path | None:
    return None if path == default else path


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.abspath(os.path.expanduser(path)))
