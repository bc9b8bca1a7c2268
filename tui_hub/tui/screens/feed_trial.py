"""What a feed would take in and leave out, model by model, with nothing written."""

from __future__ import annotations

from textual import getters, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui_hub import text
from tui_hub.domain.errors import HubError
from tui_hub.domain.feed_trials import Trial
from tui_hub.domain.feeds import Feed
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Model
from tui_hub.services.sync.feed_words import trial_words
from tui_hub.tui.command import bindings
from tui_hub.tui.commands.feeds import MorePages
from tui_hub.tui.commands.questions import Dismiss
from tui_hub.tui.drawing.columns import Column
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.screens.base import HubDialog
from tui_hub.tui.widgets.table import Table

_MUTED = "$foreground 62%"


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A model that the queries found."""

    model: Model
    reasons: tuple[str, ...] = ()
    """Why the rules leave it out; empty for one that they take."""


def _rows(trial: Trial) -> list[TrialRow]:
    taken = [TrialRow(model) for model in trial.taken]
    return taken + [TrialRow(one.model, one.reasons) for one in trial.left_out]


def _columns(glyphs: Glyphs) -> list[Column[TrialRow]]:
    def sign(row: TrialRow) -> list[tuple[str, str]]:
        return [(glyphs.dash, "warn") if row.reasons else (glyphs.installed, "good")]

    right = "right"
    return [
        Column("", 1, sign),
        Column(
            "Model",
            0,
            lambda row: [(row.model.id, "faint" if row.reasons else "strong")],
            model=lambda row: row.model.id,
        ),
        Column("Left out because", 22, lambda row: [(", ".join(row.reasons), "warn")], rank=1),
        Column("Licence", 12, lambda row: [(row.model.license or "", "muted")], rank=4),
        Column("Task", 16, lambda row: [(row.model.task or "", "muted")], rank=5),
        Column("Downloads", 9, lambda row: [(text.count(row.model.downloads), "")], right, 2),
        Column("Size", 10, lambda row: [(text.model_size(row.model), "muted")], right, 3),
    ]


class TrialTable(Table[TrialRow]):
    """The models, those that are taken in first."""

    least = 24


class TrialDialog(HubDialog[None]):
    """Walks the first page of each query of a feed, and more if asked."""

    CSS_PATH = "feed_trial.tcss"
    BINDINGS = bindings(MorePages, Dismiss)
    BINDING_GROUP_TITLE = "Trial"
    AUTO_FOCUS = "#models"

    models = getters.query_one("#models", TrialTable)
    words = getters.query_one("#words", Static)

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self._feed = feed
        self._pages = 1
        self._whole = False

    def compose(self) -> ComposeResult:
        box = Vertical(classes="dialog")
        box.border_title = Content(f"What {safe(self._feed.name)} would take in")
        keys = self.offer((MorePages, "walks more pages"), (Dismiss, "closes"))
        box.border_subtitle = f"{keys}; nothing is written"
        with box:
            yield Static(id="words")
            yield TrialTable(_columns(self.app.glyphs), id="models")

    def on_mount(self) -> None:
        """Ask the source once the question is on screen."""
        self.call_after_refresh(self.walk)

    @work(group="trial", exclusive=True)
    async def walk(self) -> None:
        """Walk the pages and show what they hold."""
        self.words.update(Content.styled("asking the source", _MUTED))
        try:
            trial = await self.app.services.feeds.try_out(self._feed, self._pages)
        except HubError as error:
            self.words.update(self.problem_of(error))
            return
        self._whole = trial.whole
        self.words.update(Content(safe(trial_words(trial))))
        self.models.show(_rows(trial))

    def action_more_pages(self) -> None:
        """Walk twice as many pages."""
        if self._whole:
            self.app.hint("that is all that the queries find")
            return
        self._pages *= 2
        self.walk()

    def action_choose(self) -> None:
        """Nothing opens from here."""

    def action_dismiss(self) -> None:  # type: ignore[override]
        """Close."""
        self.dismiss()
