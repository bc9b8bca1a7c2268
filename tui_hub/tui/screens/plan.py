"""The plan of a download: what comes, what is here already, and the disk before and after."""

from __future__ import annotations

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from tui_hub.domain.artifacts import preferred_variant
from tui_hub.domain.downloads import Plan
from tui_hub.domain.errors import HubError
from tui_hub.domain.fit import FitReport
from tui_hub.domain.models import Model
from tui_hub.tui.command import bindings
from tui_hub.tui.commands import ShowDownloads
from tui_hub.tui.commands.questions import Accept, Dismiss
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.screens.base import HubDialog
from tui_hub.tui.widgets.option_table import Option, OptionTable, options_of
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.words.plan import fit_text, is_harmless, on_its_way_text, plan_text

_MUTED = "$foreground 62%"
_FAINT = "$foreground 40%"


_ASKING = Content.styled("looking whether it fits in memory", _FAINT)
_CLOSES = (Dismiss, "closes")
_STARTS = ((Accept, "starts"), _CLOSES)
_SHOWS = ((Accept, "shows it"), _CLOSES)


class PlanDialog(HubDialog[None]):
    """Asks the source for the files, shows the plan of each variant, starts the one chosen.

    What is on its way already has no plan: the choice goes there.
    """

    CSS_PATH = "plan.tcss"
    BINDINGS = bindings(Accept, Dismiss)
    BINDING_GROUP_TITLE = "Plan"
    AUTO_FOCUS = "#options"

    options = getters.query_one("#options", OptionTable)
    figures = getters.query_one("#figures", Static)

    def __init__(
        self, model: Model, variant: str | None = None, revision: str | None = None
    ) -> None:
        super().__init__()
        self._model, self._variant, self._revision = model, variant, revision
        self._plan: Plan | None = None
        self._fit = _ASKING
        self._report: FitReport | None = None
        self._option: Option | None = None
        """The choice that the figures are about."""
        self._eager = False
        """Whether it was told to start before there was a plan."""
        self._failed = False
        """Whether an error stands in the place of the plan."""

    def compose(self) -> ComposeResult:
        box = Vertical(classes="dialog")
        at = f" at {self._revision[:12]}" if self._revision else ""
        box.border_title = Content(f"Download {safe(self._model.id + at)}")
        box.border_subtitle = self.offer(*_STARTS)
        with box, Horizontal():
            yield OptionTable(self.app.glyphs, id="options")
            yield Static(Content.styled("asking for the files", _FAINT), id="figures")

    def on_mount(self) -> None:
        """Ask for the files once the question is on screen."""
        self.call_after_refresh(self.look_up)

    @work(group="details", exclusive=True)
    async def look_up(self) -> None:
        """Find out what there is to choose from."""
        try:
            details = await self.app.services.repositories.details(
                self._model.id, revision=self._revision
            )
        except HubError as error:
            self._fail(error)
            return
        options = options_of(details, self.app.live.under_way(self._model.id))
        self.options.show(options)
        names = [one.variant.name if one.variant else None for one in options]
        preferred = preferred_variant(details.variants)
        wanted = self._variant or (preferred.name if preferred else None)
        if wanted in names:
            self.options.cursor = names.index(wanted)

    @on(RowList.Moved, "#options")
    def _moved(self) -> None:
        option = self.options.current
        if option is not None:
            if self._option not in (None, option):
                self._eager = False
            self._option = option
            self._plan, self._fit, self._report = None, _ASKING, None
            self._failed = False
            self._say_what_starts()
            if option.download is not None:
                for group in ("plan", "fit"):
                    self.workers.cancel_group(self, group)
                self.figures.update(on_its_way_text(option.download))
                return
            self.measure(option)
            self.judge(option)

    @work(group="plan", exclusive=True)
    async def measure(self, option: Option) -> None:
        """Work out the plan of one choice."""
        variant = option.variant.name if option.variant else None
        try:
            plan = await self.app.services.downloads.plan(
                self._model.id, variant=variant, revision=self._revision
            )
        except HubError as error:
            self._fail(error)
            return
        self._plan = plan
        self._draw()
        self._start_if_asked()

    @work(group="fit", exclusive=True)
    async def judge(self, option: Option) -> None:
        """Find out whether one choice fits in memory; the plan does not wait for it."""
        variant = option.variant.name if option.variant else None
        try:
            report = await self.app.services.fit.check(
                self._model.id, variant=variant, revision=self._revision
            )
        except HubError as error:
            words = f"not known whether it fits in memory: {safe(error.message)}"
            self._fit = Content.styled(words, _MUTED)
        else:
            self._report = report
            self._fit = fit_text(report, named=variant is not None)
        self._draw()
        self._start_if_asked()

    def _start_if_asked(self) -> None:
        """Start what was asked for early, where nothing of the plan should be read before."""
        if not self._eager or self._plan is None or self._fit is _ASKING:
            return
        self._eager = False
        self._say_what_starts()
        if is_harmless(self._plan, self._report):
            self.start()

    def _say_what_starts(self) -> None:
        """Say in the frame what the key of a start does now."""
        there = self._option is not None and self._option.download is not None
        told = self.offer(*_SHOWS) if there else self.offer(*_STARTS)
        if self._failed:
            told = self.offer(_CLOSES)
        if self._eager:
            told = f"starts when all is known, {self.offer(_CLOSES)}"
        self.query_one(".dialog").border_subtitle = told

    def _draw(self) -> None:
        if self._plan is not None:
            size = self.figures.content_size
            glyphs = self.app.glyphs
            self.figures.update(plan_text(self._plan, self._fit, glyphs, size.width, size.height))

    def on_resize(self) -> None:
        """Draw the figures for another size."""
        self.call_after_refresh(self._draw)

    def _fail(self, error: HubError) -> None:
        """Show why there is no plan: nothing can be started."""
        self._failed, self._eager = True, False
        self._show_error(error)
        self._say_what_starts()

    def _show_error(self, error: HubError) -> None:
        self.figures.update(self.problem_of(error))

    @on(RowList.Chosen)
    def _clicked_twice(self) -> None:
        self.start()

    @work(group="start", exclusive=True)
    async def start(self) -> None:
        """Start the download that the figures on screen describe."""
        option = self.options.current
        if option is not None and option.download is not None:
            self.dismiss()
            self.app.call_later(self.app.show_download, option.download.job)
            return
        if option is None or self._plan is None:
            self._eager = not self._failed
            self._say_what_starts()
            return
        variant = option.variant.name if option.variant else None
        what = f"{self._model.name} {variant}" if variant else self._model.name
        try:
            await self.app.services.downloads.start(
                self._model.id, variant=variant, revision=self._revision
            )
        except HubError as error:
            self._show_error(error)
            return
        self.app.notify(f"{what} is in line; {self.app.key_of(ShowDownloads)} shows it")
        self.dismiss()

    def action_choose(self) -> None:
        """Start what the figures describe."""
        self.start()

    def action_dismiss(self) -> None:  # type: ignore[override]
        """Close without starting anything."""
        self.dismiss()
