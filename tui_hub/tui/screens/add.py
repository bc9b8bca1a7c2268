"""What to tell of a model that comes from an address or from a folder of this box."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from tui_hub.domain.additions import Proposal
from tui_hub.domain.errors import UsageError
from tui_hub.domain.types import ModelType
from tui_hub.text import parse_size
from tui_hub.tui.command import bindings
from tui_hub.tui.draw import safe
from tui_hub.tui.question_commands import Cancel, NextField, PreviousField
from tui_hub.tui.screens.base import HubDialog

_TYPES = [str(kind) for kind in ModelType]
_FIELDS = {
    "name": ("Name", "empty takes that of the file or folder"),
    "type": ("Type", ", ".join(_TYPES)),
    "checksum": ("Checksum", "SHA-256 or MD5; of several files as FILE=HEX, with blanks between"),
    "license": ("Licence", ""),
    "gpu_memory": ("GPU memory", "that it needs: 8GiB"),
    "torch": ("torch", "the oldest version that will do"),
}
_MD5_DIGITS = 32


class AddDialog(HubDialog[Proposal | None]):
    """Asks for what no source tells; `None` when closed without an answer."""

    BINDINGS = bindings(Cancel, NextField, PreviousField)
    BINDING_GROUP_TITLE = "Add"
    DEFAULT_CSS = """
    AddDialog .dialog { width: 84; height: auto; }
    AddDialog Horizontal { height: 1; margin-top: 1; }
    AddDialog .label { width: 12; color: $foreground 62%; }
    AddDialog Input, AddDialog Input:focus {
        border: none; height: 1; padding: 0 1; background: $background; width: 1fr;
    }
    AddDialog #problem { color: $error; height: auto; display: none; margin-top: 1; }
    AddDialog.-low Horizontal { margin-top: 0; }
    """

    def __init__(self, places: Sequence[str], shown: Sequence[str]) -> None:
        super().__init__()
        self._places, self._shown = tuple(places), tuple(shown)

    def compose(self) -> ComposeResult:
        box = Vertical(classes="dialog")
        box.border_title = "Add a model"
        box.border_subtitle = "enter adds it, tab goes on, esc closes"
        with box:
            yield Static(Content("\n").join([Content(safe(place)) for place in self._shown]))
            for name, (label, words) in _FIELDS.items():
                with Horizontal():
                    yield Static(Content(label), classes="label")
                    yield Input(id=name, placeholder=words, suggester=_suggester(name))
            yield Static(id="problem")

    @on(Input.Submitted)
    def _submitted(self) -> None:
        try:
            proposal = self._proposal()
        except UsageError as error:
            problem = self.query_one("#problem", Static)
            problem.update(Content("\n".join(filter(None, (safe(error.message), error.hint)))))
            problem.display = True
            return
        self.dismiss(proposal)

    def action_next_field(self) -> None:
        """Go to the next field."""
        self.focus_next()

    def action_previous_field(self) -> None:
        """Go to the field before."""
        self.focus_previous()

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def _proposal(self) -> Proposal:
        """What was typed.

        Raises:
            UsageError: when a field means nothing.
        """
        typed = {name: self.query_one(f"#{name}", Input).value.strip() for name in _FIELDS}
        checksums = typed["checksum"].split()
        md5 = [one for one in checksums if len(one.rpartition("=")[2]) == _MD5_DIGITS]
        return Proposal(
            places=self._places,
            name=typed["name"] or None,
            type=_type(typed["type"]),
            sha256=tuple(one for one in checksums if one not in md5),
            md5=tuple(md5),
            license=typed["license"] or None,
            gpu_memory=parse_size(typed["gpu_memory"]) if typed["gpu_memory"] else None,
            torch=typed["torch"] or None,
        )


def _suggester(name: str) -> SuggestFromList | None:
    return SuggestFromList(_TYPES) if name == "type" else None


def _type(word: str) -> ModelType:
    try:
        return ModelType(word.lower()) if word else ModelType.UTILITY
    except ValueError:
        raise UsageError(f"{word[:40]!r} is no type.", hint=f"{', '.join(_TYPES)}.") from None
