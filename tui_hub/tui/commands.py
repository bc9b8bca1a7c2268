"""Every key of the program: one class is its binding, its help and its palette entry."""

from __future__ import annotations

from tui_hub.tui.command import Command

# Everywhere


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


class CopySomething(Command):
    """Have the terminal copy the id, the address, the folder or the hash of what is in front."""

    key, label, shown = "y", "copy", False


class Jump(Command):
    """Put letters on the places of this screen; a letter goes there."""

    key, label, sign, shown = "ctrl+o", "jump", "^o", False


class GoBack(Command):
    """Go back to where you were."""

    key, label, sign, shown = "escape", "back", "esc", False


# Lists


class Down(Command):
    """Move down."""

    key, label, shown, act = "down,j", "down", False, "cursor_down"


class Up(Command):
    """Move up."""

    key, label, shown, act = "up,k", "up", False, "cursor_up"


class PageDown(Command):
    """Move down by a page."""

    key, label, shown = "pagedown", "page down", False


class PageUp(Command):
    """Move up by a page."""

    key, label, shown = "pageup", "page up", False


class HalfPageDown(Command):
    """Move down by half a page."""

    key, label, shown = "ctrl+d", "half page down", False


class HalfPageUp(Command):
    """Move up by half a page."""

    key, label, shown = "ctrl+u", "half page up", False


class First(Command):
    """Go to the first row."""

    key, label, shown = "g,home", "first", False


class Last(Command):
    """Go to the last row that is known."""

    key, label, sign, shown = "G,end", "last", "G", False


class Choose(Command):
    """Open what the cursor is on."""

    key, label, sign = "enter", "open", "⏎"


class Toggle(Command):
    """Choose this value, or drop it again."""

    key, label, sign, act = "enter,space", "choose", "⏎", "choose"


# The search box


class ToResults(Command):
    """Go to the results; the words stay."""

    key, label, sign = "enter,down", "results", "⏎"


class LeaveSearch(Command):
    """Leave the search box; the words stay."""

    key, label, sign = "escape", "leave", "esc"


# Models


class ToggleFilters(Command):
    """Show or hide the filters with their counts."""

    key, label = "f", "filters"


class ClearFilters(Command):
    """Drop all filters and the search."""

    key, label, sign = "u,backspace", "clear", "u"


class ChangeOrder(Command):
    """List by the next order: downloads, likes, trending, updated, size, parameters, name."""

    key, label = "o", "order"


class ToggleDetail(Command):
    """Show or hide the detail of the model under the cursor."""

    key, label = "v", "detail"


class DownloadModel(Command):
    """Plan a download: what is transferred, what is already here, and the disk afterwards."""

    key, label = "d", "download"


class ActivateModel(Command):
    """Make this the active model of its type, after showing what leaves."""

    key, label = "a", "activate"


class DeleteModel(Command):
    """Delete this model's files, or those of one variant, after showing what is lost."""

    key, label = "x", "delete"


class ToggleFavourite(Command):
    """Mark this model as a favourite, or drop the mark."""

    key, label = "b", "favourite"


class EditNote(Command):
    """Write a note of your own about this model."""

    key, label = "n", "note"


class NameVersion(Command):
    """Give the revision under the cursor a name of your own, or take the name back."""

    key, label = "m", "name"


class NextTab(Command):
    """Go to the next tab."""

    key, label, sign = "right,tab,l", "next tab", "→"


class PreviousTab(Command):
    """Go to the previous tab."""

    key, label, sign, shown = "left,shift+tab,h", "previous tab", "←", False


class RefreshModel(Command):
    """Ask the source for this model anew."""

    key, label = "r", "refresh"


# Downloads and jobs


class PauseOrResume(Command):
    """Pause this download, or let it go on."""

    key, label, sign = "space", "pause", "space"


class CancelDownload(Command):
    """Cancel this download, and free the disk that its unfinished files take."""

    key, label = "x", "cancel"


class RetryDownload(Command):
    """Try this download again, from the bytes that are here."""

    key, label = "r", "retry"


class MoveLater(Command):
    """Move this download down the line."""

    key, label, sign = "J", "later", "J"


class MoveEarlier(Command):
    """Move this download up the line."""

    key, label, sign = "K", "sooner", "K"


class LimitSpeed(Command):
    """Limit the speed of all downloads together."""

    key, label, sign = "L", "limit", "L"


class CancelJob(Command):
    """Cancel this job."""

    key, label = "x", "cancel"


class RetryJob(Command):
    """Run this job again."""

    key, label = "r", "retry"


class FilterType(Command):
    """Show jobs of the next type only, then of all."""

    key, label = "t", "type"


class FilterStatus(Command):
    """Show jobs of the next status only, then of all."""

    key, label = "s", "status"


# Slots, storage, sync


class DeactivateSlot(Command):
    """Empty this slot; the model's files stay. Cancels a change that is under way."""

    key, label = "x", "deactivate"


class FillSlot(Command):
    """Choose an installed model for this slot, and see the memory as it would be."""

    key, label = "a", "fill"


class ReloadSlot(Command):
    """Load this slot's model again, from its files."""

    key, label = "r", "reload"


class FreeOllama(Command):
    """Have Ollama's daemon let go of the models that stand in no slot."""

    key, label = "f", "free ollama"


class CancelChange(Command):
    """Cancel the change of this slot that is under way; the old model stays, or comes back."""

    key, label = "c", "cancel"


class SyncNow(Command):
    """Bring every feed up to date now."""

    key, label = "s", "sync all"


class SyncFeed(Command):
    """Bring the feed under the cursor up to date now."""

    key, label, sign, act = "enter", "sync feed", "⏎", "choose"


class FilterChanges(Command):
    """Show other changes: all, new models, what fits this box, what is installed."""

    key, label = "f", "changes"


class OtherList(Command):
    """Go from the feeds to the changes, and back."""

    key, label, sign = "tab", "other list", "⇥"


class CancelSync(Command):
    """Stop the running sync; what it has written stays."""

    key, label = "x", "cancel"


class Reload(Command):
    """Measure again."""

    key, label = "r", "measure"


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
    CopySomething,
    Jump,
    GoBack,
)
LISTS: tuple[type[Command], ...] = (
    Down,
    Up,
    PageDown,
    PageUp,
    HalfPageDown,
    HalfPageUp,
    First,
    Last,
)
