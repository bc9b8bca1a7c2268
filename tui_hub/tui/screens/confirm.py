"""Questions with two answers, and the wording of each."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from tui_hub import text
from tui_hub.domain.downloads import Download
from tui_hub.domain.errors import HubError
from tui_hub.domain.garbage import Garbage
from tui_hub.domain.ollama import OllamaModel
from tui_hub.domain.runtime import Program
from tui_hub.domain.scanning import ScanReport, ScanStatus
from tui_hub.domain.slots import Slot
from tui_hub.domain.storage import Deletion
from tui_hub.domain.swaps import SwapPicture
from tui_hub.services.storage.deletion_words import files_words
from tui_hub.tui.command import Command, KeyOf, bindings
from tui_hub.tui.commands import PauseOrResume
from tui_hub.tui.commands.questions import No, Yes
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.screens.base import HubDialog
from tui_hub.tui.words.programs import becomes_of

MUTED = "$foreground 62%"
"""The colour of what stands beside the matter."""


class Confirm(HubDialog[bool]):
    """Says what would happen and asks. A dangerous question rests on `no`."""

    CSS_PATH = "confirm.tcss"
    BINDINGS = bindings(Yes, No)
    BINDING_GROUP_TITLE = "Question"

    def __init__(
        self, title: str, body: Content, *, yes: str, no: str = "Keep", danger: bool = False
    ) -> None:
        super().__init__()
        self._title, self._body = title, body
        self._yes, self._no, self._danger = yes, no, danger

    def compose(self) -> ComposeResult:
        box = Vertical(classes="dialog")
        box.set_class(self._danger, "-danger")
        box.border_title = self._title
        with box:
            yield Static(self._body, id="body")
            with Horizontal(id="answers"):
                yield Button(self._answer(Yes, self._yes), id="yes", compact=True)
                yield Button(self._answer(No, self._no), id="no", compact=True)

    def _answer(self, command: type[Command], words: str) -> Content:
        return Content(f"{self.app.key_of(command)}  {words}")

    def on_mount(self) -> None:
        """Rest on the answer that does no harm."""
        self.query_one("#no" if self._danger else "#yes", Button).focus()

    def on_descendant_focus(self) -> None:
        """Name the answer that enter gives: some questions rest on the one, some on the other."""
        if isinstance(self.focused, Button):
            words = self._yes if self.focused.id == "yes" else self._no
            self.query_one(".dialog").border_subtitle = f"enter: {words}"

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.action_answer(event.button.id or "no")

    def action_answer(self, answer: str) -> None:
        """End the question."""
        self.dismiss(answer == "yes")

    def key_left(self) -> None:
        """Go to the other answer."""
        self.focus_previous()

    def key_right(self) -> None:
        """Go to the other answer."""
        self.focus_next()


def cancellation_question(one: Download, key_of: KeyOf) -> Confirm:
    """Whether to give up a download with what has arrived of it."""
    body = Content.assemble(
        (safe(one.model), "bold"),
        (f"\n{text.size(one.done)} have arrived. Unfinished files are given up.\n", ""),
        (f"{key_of(PauseOrResume)} pauses it and keeps every byte.", MUTED),
    )
    return Confirm("Cancel?", body, yes="Cancel it", no="Go on", danger=True)


def cancel_question(swap: SwapPicture) -> Confirm:
    """Whether to cancel the change of a slot."""
    what = swap.model or swap.previous or ""
    body = Content.assemble((safe(what), "bold"), f"\n{given_up(swap)}")
    return Confirm("Cancel the change?", body, yes="Cancel it", no="Let it go on", danger=True)


def given_up(swap: SwapPicture) -> str:
    """What becomes of a slot whose change is cancelled."""
    if swap.previous is None:
        return "What is done of it is undone: the slot stays empty."
    return f"What is done of it is undone: {safe(swap.previous)} stays, or is loaded again."


def release_question(models: Sequence[OllamaModel]) -> Confirm:
    """Whether the daemon of Ollama is to let go of models."""
    names = ", ".join(safe(one.name) for one in models)
    size = text.size(sum(one.size for one in models))
    body = Content.assemble(
        (names, "bold"),
        f"\nleave the memory of Ollama's daemon: {size}.\n",
        ("It loads one again when somebody asks it for it.", MUTED),
    )
    return Confirm("Free Ollama's memory?", body, yes="Free it", no="Leave it")


def reload_question(slot: Slot, programs: Sequence[Program] | None) -> Confirm:
    """Whether to load a model again that is in memory, and perhaps in that of programs."""
    ends = "the process that holds it now is ended"
    if slot.pid is None:
        ends = "the daemon that holds it now lets go of it before"
    body = Content.assemble(
        (safe(slot.model), "bold"),
        f"\nis loaded again from its files, and {ends}.\n",
        ("Where both do not fit at once, it is gone for as long as that takes.", MUTED),
        _users(programs),
    )
    return Confirm("Reload?", body, yes="Reload", no="Leave it")


def pickle_question(model: str, error: HubError) -> Confirm:
    """Whether weights may be taken from pickle files."""
    lines = [
        Content.styled(safe(model), "bold"),
        Content.styled(safe(error.message), "$warning"),
        Content(),
        Content("With your consent torch takes nothing but weights from them, and runs no code."),
        Content.styled("A safetensors version of the model is the better way.", MUTED),
    ]
    body = Content("\n").join(lines)
    return Confirm("Load pickle files?", body, yes="Load weights only", no="Refuse", danger=True)


def deletion_question(
    loss: Deletion,
    active: Sequence[Slot],
    variant: str | None = None,
    staying: Sequence[str] = (),
) -> Confirm:
    """Whether to delete a model's files, or those of one variant while others stay."""
    part: list[tuple[str, str]] = [] if variant is None else [("  " + safe(variant), "$primary")]
    goes = "goes" if loss.files == 1 else "go"
    lines = [
        Content.assemble((safe(loss.model), "bold"), *part),
        Content(f"{files_words(loss)} {goes}; {text.size(loss.bytes_freed)} come free."),
    ]
    if staying:
        words = f"What stays: {', '.join(map(safe, staying))}, with all of their files."
        lines.append(Content.styled(words, "$success"))
    elif variant is not None:
        lines.append(Content.styled("No other variant is here: all of the model goes.", "$warning"))
    if not loss.bytes_freed:
        lines.append(Content.styled("Others share all of these bytes, so they stay.", MUTED))
    for slot in active:
        words = f"It is active as {slot.type}, and is deactivated first."
        lines.append(Content.styled(words, "$warning"))
    lines.append(Content.styled("To have it again it must be downloaded again.", MUTED))
    return Confirm("Delete?", Content("\n").join(lines), yes="Delete", danger=True)


def sweep_question(garbage: Garbage) -> Confirm:
    """Whether to delete what nothing needs."""
    number = len(garbage.pieces)
    what = "1 piece is" if number == 1 else f"{text.grouped(number)} pieces are"
    body = Content.assemble(
        f"{what} left over; {text.size(garbage.bytes)} come free.\n",
        ("No model that is installed, active or on its way needs any of it.", MUTED),
    )
    return Confirm("Sweep?", body, yes="Sweep", danger=True)


def adoption_question(report: ScanReport) -> Confirm:
    """Whether to take in what a scan found."""
    found = [one for one in report.models if one.status is ScanStatus.FOUND]
    models = "1 model" if len({one.model for one in found}) == 1 else f"{len(found)} models"
    body = Content.assemble(
        (f"{models}, {text.size(sum(one.bytes for one in found))}", "bold"),
        "\nBlocks are shared where the disk can; else the files stay where they lie, and "
        "small ones are copied. ",
        ("No file of another program is changed.", MUTED),
    )
    return Confirm("Take them in?", body, yes="Take in", no="Leave them")


def forgetting_question(model: str) -> Confirm:
    """Whether to take a model that the user added out of the catalogue."""
    body = Content.assemble(
        (safe(model), "bold"),
        "\nleaves the catalogue, with your note on it. No file of it is in the store.\n",
        ("What lies at its address or in its folder stays there.", MUTED),
    )
    return Confirm("Forget?", body, yes="Forget it", danger=True)


def deactivation_question(slot: Slot, programs: Sequence[Program] | None) -> Confirm:
    """Whether to empty a slot, which programs may have attached."""
    held = slot.memory.used_after if slot.held else None
    freed = f"\n{text.size(held)} of memory on {safe(slot.device or '')} come free." if held else ""
    body = Content.assemble(
        (safe(slot.model), "bold"),
        (f"\nis no longer published as active/{slot.type.value}. Its files stay.", ""),
        (freed, ""),
        _users(programs),
    )
    return Confirm("Deactivate?", body, yes="Deactivate", no="Leave it", danger=True)


def _users(programs: Sequence[Program] | None) -> tuple[str, str]:
    words = becomes_of(programs)
    return (f"\n{safe(words)}" if words else "", "$warning")
