"""Which one of several: a question that is answered from a list."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui_hub.domain.frozen import dataclass
from tui_hub.tui.command import bindings
from tui_hub.tui.commands.questions import Cancel, Take
from tui_hub.tui.drawing.columns import Column
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.screens.base import HubDialog
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.widgets.table import Table


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer."""

    value: str
    about: str = ""
    """What a person should know of it."""


class ChoiceTable(Table[Choice]):
    """Answers to choose from."""

    least = 10

    def __init__(self, heading: str, choices: Sequence[Choice]) -> None:
        width = max(len(heading), *(len(one.value) for one in choices))
        told = any(one.about for one in choices)
        about: list[Column[Choice]] = [Column("", 0, lambda one: [(one.about, "muted")])]
        value: Column[Choice] = Column(
            heading, min(width, 30) if told else 0, lambda one: [(one.value, "strong")]
        )
        super().__init__([value, *(about if told else ())])
        self._choices = choices

    def on_mount(self) -> None:
        """Show the answers."""
        self.styles.height = len(self._choices) + 1
        self.show(self._choices)


class ChoiceDialog(HubDialog[str | None]):
    """Asks for one of some values; `None` when closed without an answer."""

    BINDINGS = bindings(Take, Cancel)
    BINDING_GROUP_TITLE = "Question"
    DEFAULT_CSS = """
    ChoiceDialog ChoiceTable { background: $panel; max-height: 60vh; margin-top: 1; }
    """

    def __init__(
        self,
        title: str,
        words: str,
        choices: Sequence[Choice],
        chosen: str | None = None,
        *,
        heading: str = "Value",
    ) -> None:
        super().__init__()
        self._title, self._words, self._heading = title, words, heading
        self._choices, self._chosen = choices, chosen

    def compose(self) -> ComposeResult:
        box = Vertical(classes="dialog")
        box.border_title = Content(safe(self._title))
        box.border_subtitle = self.offer((Take, "takes it"), (Cancel, "closes"))
        with box:
            yield Static(Content(safe(self._words)))
            yield ChoiceTable(self._heading, self._choices)

    def on_mount(self) -> None:
        """Rest on the answer that is most likely meant."""
        table = self.query_one(ChoiceTable)
        table.focus()
        values = [one.value for one in self._choices]
        if self._chosen in values:
            table.cursor = values.index(self._chosen)

    @on(RowList.Chosen)
    def _clicked_twice(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        """Take the answer under the cursor."""
        current = self.query_one(ChoiceTable).current
        self.dismiss(None if current is None else current.value)

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)
