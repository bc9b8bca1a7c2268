"""The revisions of a model as the screen lists them, and giving one a name."""

from __future__ import annotations

from tui_hub import text
from tui_hub.domain.errors import UsageError
from tui_hub.domain.revisions import Revision, Version
from tui_hub.services.models.revision_words import change_lines, change_words
from tui_hub.services.models.version_names import check_name
from tui_hub.tui.commands import DownloadModel
from tui_hub.tui.drawing.columns import Column
from tui_hub.tui.drawing.draw import Piece
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.screens.base import HubScreen
from tui_hub.tui.widgets.table import Table

_HASH = 12
_WORDS = (
    "A name that no sync takes away, and a variant if you mean one: `stable Q4_K_M`. {key} on it "
    "downloads it again while it can be had. Leave it empty to take the name away. Files that stay "
    "for its sake alone go too."
)


class RevisionTable(Table[Revision]):
    """Revisions, known again by their commit."""

    least = 40

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:  # noqa: A002
        super().__init__(self._columns(glyphs), id=id)
        self.installed: str | None = None
        """The commit that is on this box."""

    def key_of(self, row: Revision) -> object:
        return row.revision

    def _columns(self, glyphs: Glyphs) -> list[Column[Revision]]:
        def mark(one: Revision) -> list[Piece]:
            return [(glyphs.installed if one.revision == self.installed else "", "good")]

        return [
            Column("", 1, mark),
            Column("Revision", _HASH, lambda one: [(one.revision[:_HASH], "info")]),
            Column("Seen", 11, lambda one: [(text.ago(one.seen_at), "muted")], rank=1),
            Column("Version", 16, lambda one: [_names(one)]),
            Column("Changes", 0, lambda one: [(change_words(one, glyphs.arrow), "")]),
        ]


def revision_text(one: Revision, glyphs: Glyphs) -> str:
    """A revision in full, for reading."""
    return "\n".join(text.clean(line, 1000) for line in change_lines(one, glyphs.arrow))


async def name_revision(screen: HubScreen, model: str, one: Revision) -> None:
    """Ask for the name of a revision, and keep, change or drop it. Call it in a worker."""
    from tui_hub.tui.screens.prompt import Prompt

    app, versions = screen.app, screen.app.services.versions
    named = one.names[0] if one.names else None
    words = _WORDS.format(key=app.key_of(DownloadModel))
    before = f"{named.name} {named.variant or ''}".strip() if named is not None else ""
    with app.reporting():
        answer = await app.push_screen_wait(
            Prompt(f"Name {one.revision[:_HASH]}", words, before, _name_and_variant)
        )
        if answer is None or answer == _given(named):
            return
        name, variant = answer
        if named is None:
            await versions.name(model, name, revision=one.revision, variant=variant)
        elif name:
            await versions.change(model, named.name, name, variant=variant)
        else:
            freed = await versions.remove(model, named.name)
            more = f"; {text.size(freed)} freed" if freed else ""
            app.notify(f"{named.name} is no version any more{more}")
            return
        app.notify(f"{one.revision[:_HASH]} is {name}")


def _names(one: Revision) -> Piece:
    return (", ".join(f"{name.name} {name.variant or ''}".strip() for name in one.names), "strong")


def _given(named: Version | None) -> tuple[str, str | None]:
    return ("", None) if named is None else (named.name, named.variant)


def _name_and_variant(words: str) -> tuple[str, str | None]:
    """What was typed: a name and perhaps a variant, or nothing.

    Raises:
        UsageError: when it is no name.
    """
    name, _, variant = words.strip().partition(" ")
    if not name:
        return "", None
    try:
        return check_name(name), variant.strip() or None
    except UsageError as error:
        raise UsageError(f"{error.message}.", hint=error.hint) from None
