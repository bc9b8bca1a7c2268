"""The keys that work on every screen."""

from __future__ import annotations

from tui_hub.tui.command import Command


class ShowBrowse(Command):
    """Find models in the catalogue."""

    key, label, act, argument, shown = "1", "Browse", "show_mode", "browse", False


class ShowDownloads(Command):
    """See what is being downloaded, and what was."""

    key, label, act, argument, shown = "2", "Downloads", "show_mode", "downloads", False


class ShowActive(Command):
    """See the active model of each type."""

    key, label, act, argument, shown = "3", "Active", "show_mode", "active", False


class ShowJobs(Command):
    """See the background work and its log."""

    key, label, act, argument, shown = "4", "Jobs", "show_mode", "jobs", False


class ShowStorage(Command):
    """See what the store holds, and make room."""

    key, label, act, argument, shown = "5", "Storage", "show_mode", "storage", False


class ShowSync(Command):
    """See how up to date the catalogue is."""

    key, label, act, argument, shown = "6", "Sync", "show_mode", "sync", False


class ShowSettings(Command):
    """See every setting with where it comes from, and change it."""

    key, label, act, argument, shown = "7", "Settings", "show_mode", "settings", False


class Search(Command):
    """Search the catalogue by name, author, tag or description, from any screen."""

    key, label, sign = "slash", "search", "/"


class Help(Command):
    """Show the keys of this screen."""

    key, label, sign, act = "question_mark,f1", "help", "?", "show_help"


class Commands(Command):
    """Find any action by its name."""

    key, label, sign, act = "ctrl+p", "commands", "^p", "command_palette"


class Quit(Command):
    """Leave the program; asks first if that would stop a download or a change of a slot."""

    key, label, act = "q,ctrl+q", "quit", "quit"
    sign = "q"


class AddModel(Command):
    """Add a model by its name, by the addresses of its files, or from a folder of this box."""

    key, label, sign, shown = "plus", "add", "+", False


class ChangeTheme(Command):
    """Choose the colours."""

    key, label, sign, shown = "T", "theme", "T", False


class WorkOffline(Command):
    """Open no connection from now on, or go online again."""

    key, label, sign, shown = "O", "offline", "O", False


class CopySomething(Command):
    """Have the terminal copy the id, the address, the folder or the hash of what is in front."""

    key, label, shown = "y", "copy", False


class Jump(Command):
    """Put letters on the places of this screen; a letter goes there."""

    key, label, sign, shown = "ctrl+o", "jump", "^o", False


class GoBack(Command):
    """Go back to where you were; on a main screen first take away the notes that lie over it."""

    key, label, sign, shown = "escape", "back", "esc", False


EVERYWHERE: tuple[type[Command], ...] = (
    ShowBrowse,
    ShowDownloads,
    ShowActive,
    ShowJobs,
    ShowStorage,
    ShowSync,
    ShowSettings,
    Search,
    Help,
    Commands,
    Quit,
    AddModel,
    ChangeTheme,
    WorkOffline,
    CopySomething,
    Jump,
    GoBack,
)
