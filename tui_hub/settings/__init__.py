"""The settings: their meaning, their defaults, and how the file and the environment change them.

`sections` has every setting, `own` the tables that a user names; `values` lists and changes single
ones, `file` writes into the file.
"""

from tui_hub.settings.loading import Configuration, load_configuration, parse, reread
from tui_hub.settings.own import (
    HOOK_VARIABLE,
    CommandSettings,
    FeedSettings,
    HookSettings,
    QuerySettings,
    RuleSettings,
)
from tui_hub.settings.sections import (
    HuggingFaceSettings,
    NetworkSettings,
    OllamaSettings,
    Settings,
    SyncSettings,
    TrustSettings,
)

__all__ = [
    "HOOK_VARIABLE",
    "CommandSettings",
    "Configuration",
    "FeedSettings",
    "HookSettings",
    "HuggingFaceSettings",
    "NetworkSettings",
    "OllamaSettings",
    "QuerySettings",
    "RuleSettings",
    "Settings",
    "SyncSettings",
    "TrustSettings",
    "load_configuration",
    "parse",
    "reread",
]
