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
from tui_hub.domain.models import Model
from tui_hub.domain.slots import Slot
from tui_hub.domain.storage import Deletion
from tui_hub.tui.command import bindings
from tui_hub.tui.draw import safe
from tui_hub.tui.question_commands import No, Yes
from tui_hub.tui.screens.base import HubDialog

_MUTED = "$foreground 62%"


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
            yield Static(self._body)
            with Horizontal(id="answers"):
                yield Button(Content(f"y  {self._yes}"), id="yes", compact=True)
                yield Button(Content(f"n  {self._no}"), id="no", compact=True)

    def on_mount(self) -> None:
        """Rest on the answer that does no harm."""
        self.query_one("#no" if self._danger else "#yes", Button).focus()

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


def quit_question(running: Sequence[Download]) -> Confirm:
    """Whether to leave although downloads of this process run."""
    left = sum(max(one.bytes_total - one.done, 0) for one in running)
    words = "download is" if len(running) == 1 else "downloads are"
    body = Content.assemble(
        (f"{len(running)} {words} under way, with {text.size(left)} to go.\n", ""),
        ("They pause, keep every byte, and go on when you resume them.", _MUTED),
    )
    return Confirm("Leave?", body, yes="Leave", no="Stay", danger=True)


def deletion_question(
    loss: Deletion,
    active: Sequence[Slot],
    variant: str | None = None,
    staying: Sequence[str] = (),
) -> Confirm:
    """Whether to delete a model's files, or those of one variant while others stay."""
    part: list[tuple[str, str]] = [] if variant is None else [("  " + safe(variant), "$primary")]
    files = "1 file goes" if loss.files == 1 else f"{loss.files} files go"
    lines = [
        Content.assemble((safe(loss.model), "bold"), *part),
        Content(f"{files}; {text.size(loss.bytes_freed)} come free."),
    ]
    if staying:
        words = f"What stays: {', '.join(map(safe, staying))}, with all of their files."
        lines.append(Content.styled(words, "$success"))
    elif variant is not None:
        lines.append(Content.styled("No other variant is here: all of the model goes.", "$warning"))
    if not loss.bytes_freed:
        lines.append(Content.styled("Others share all of these bytes, so they stay.", _MUTED))
    for slot in active:
        words = f"It is active as {slot.type}, and is deactivated first."
        lines.append(Content.styled(words, "$warning"))
    lines.append(Content.styled("To have it again it must be downloaded again.", _MUTED))
    return Confirm("Delete?", Content("\n").join(lines), yes="Delete", danger=True)


def activation_question(model: Model, slot: Slot | None, variant: str | None = None) -> Confirm:
    """Whether to make a model the active one of its type."""
    lines = [
        Content.assemble(("slot     ", _MUTED), (model.type.value, "bold")),
        Content.assemble(
            ("comes    ", _MUTED), (safe(model.id), "$success"), ("  " + safe(variant or ""), "")
        ),
    ]
    if slot is None:
        lines.append(Content.assemble(("leaves   ", _MUTED), ("nothing, the slot is empty", "")))
    else:
        leaves = "  ".join(filter(None, (safe(slot.model), safe(slot.variant or ""))))
        lines.append(Content.assemble(("leaves   ", _MUTED), (leaves, "strike $warning")))
    lines += [
        Content.assemble(("runtime  ", _MUTED), ("link", "")),
        Content(),
        Content.styled(
            f"Its folder is published as active/{model.type.value}; no memory is used.", _MUTED
        ),
    ]
    return Confirm("Activate?", Content("\n").join(lines), yes="Activate", no="Leave it")


def deactivation_question(slot: Slot) -> Confirm:
    """Whether to empty a slot."""
    body = Content.assemble(
        (safe(slot.model), "bold"),
        (f"\nis no longer published as active/{slot.type.value}. Its files stay.", ""),
    )
    return Confirm("Deactivate?", body, yes="Deactivate", no="Leave it", danger=True)
