"""The form of a model that comes from addresses or from a folder of this box."""

from __future__ import annotations

from collections.abc import Sequence

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from tui_hub.domain.additions import Proposal
from tui_hub.domain.errors import ConsentError, HubError, UsageError
from tui_hub.domain.models import Model
from tui_hub.domain.types import ModelType
from tui_hub.text import parse_size
from tui_hub.tui.command import bindings
from tui_hub.tui.commands.feeds import NextField, PreviousField
from tui_hub.tui.commands.questions import Cancel
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.screens.base import HubDialog
from tui_hub.tui.screens.confirm import Confirm

_MUTED = "$foreground 62%"
_TYPES = [str(kind) for kind in ModelType]
_FIELDS = {
    "name": ("Name", "empty takes that of the file or folder"),
    "type": ("Type", ", ".join(_TYPES)),
    "checksum": ("Checksum", "SHA-256 or MD5; FILE=HEX, with blanks between, for several"),
    "license": ("Licence", ""),
    "gpu_memory": ("GPU memory", "that it needs: 8GiB"),
    "torch": ("torch", "the oldest version that will do"),
}
_MD5_DIGITS = 32


class AddDialog(HubDialog[Model | None]):
    """Asks for what no source tells, and adds the model; `None` when closed without that."""

    BINDINGS = bindings(Cancel, NextField, PreviousField)
    BINDING_GROUP_TITLE = "Add"
    AUTO_FOCUS = "Input"
    DEFAULT_CSS = """
    AddDialog .dialog { width: 84; padding: 1 2; }
    AddDialog .field { height: 1; }
    AddDialog .label { width: 14; }
    AddDialog Input, AddDialog Input:focus {
        border: none; height: 1; width: 1fr; padding: 0 1; background: $background;
    }
    AddDialog #places { margin-bottom: 1; }
    AddDialog #problem { min-height: 2; height: auto; margin-top: 1; }
    AddDialog.-low .dialog { padding: 0 1; }
    """

    problem = getters.query_one("#problem", Static)

    def __init__(self, places: Sequence[str], shown: Sequence[str]) -> None:
        super().__init__()
        self._places, self._shown = tuple(places), tuple(shown)

    def compose(self) -> ComposeResult:
        box = VerticalScroll(classes="dialog", can_focus=False)
        box.border_title = "Add a model"
        keys = self.offer((NextField, "goes on"), (Cancel, "closes"))
        box.border_subtitle = f"enter adds it, {keys}"
        with box:
            yield Static(Content("\n").join(Content(safe(one)) for one in self._shown), id="places")
            for name, (label, words) in _FIELDS.items():
                types = SuggestFromList(_TYPES) if name == "type" else None
                with Horizontal(classes="field"):
                    yield Static(Content.styled(label, _MUTED), classes="label")
                    yield Input(id=name, placeholder=words, suggester=types, max_length=1000)
            yield Static(id="problem")

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.add()

    @work(group="add", exclusive=True)
    async def add(self) -> None:
        """Add the model; what is wrong with that is said here, and nothing typed is lost."""
        try:
            proposal, consents = self._proposal(), set[str]()
            self.problem.update(Content.styled("looking at its files", _MUTED))
            while True:
                try:
                    self.dismiss(await self.app.services.adding.add(proposal, consents))
                    return
                except ConsentError as needed:
                    body = Content(safe(needed.question))
                    sure = Confirm("Add it?", body, yes="Yes", no="No", danger=True)
                    if not await self.app.push_screen_wait(sure):
                        self.problem.update()
                        return
                    consents.add(needed.about)
        except HubError as error:
            self.problem.update(self.problem_of(error))

    def action_cancel(self) -> None:
        """Close without adding anything."""
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


def _type(word: str) -> ModelType | None:
    try:
        return ModelType(word.lower()) if word else None
    except ValueError:
        raise UsageError(f"{word[:40]!r} is no type.", hint=f"{', '.join(_TYPES)}.") from None
