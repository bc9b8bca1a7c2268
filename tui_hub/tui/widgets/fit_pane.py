"""Whether a model fits, live: each device as a bar, for the context and batch that are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual import work

from tui_hub.domain.errors import HubError, UsageError
from tui_hub.domain.fit import FitReport, Workload
from tui_hub.domain.models import Details
from tui_hub.events import Event, HardwareSampled, SlotChanged
from tui_hub.services.fit.service import MOST_BATCH, MOST_CONTEXT
from tui_hub.tui.command import bindings
from tui_hub.tui.commands import fit as f
from tui_hub.tui.drawing.draw import Line, wrap
from tui_hub.tui.widgets.lines_pane import LinesPane
from tui_hub.tui.words.fit import fit_lines


class FitPane(LinesPane):
    """The tab of a model's fit. It asks for headers once it is looked at, and not before."""

    BINDINGS = bindings(
        f.LongerContext,
        f.ShorterContext,
        f.SetContext,
        f.LargerBatch,
        f.SmallerBatch,
        f.OtherVariant,
    )
    BINDING_GROUP_TITLE = "Fit"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._details: Details | None = None
        self._variant: str | None = None
        self._workload = Workload()
        self._report: FitReport | None = None
        self._trouble = ""

    def on_mount(self) -> None:
        """Follow the memory."""
        self.app.event_signal.follow(self, self._happened, HardwareSampled, SlotChanged)

    def on_show(self) -> None:
        """Look once it is in front."""
        if self._report is None:
            self.look_up()

    def show_model(self, details: Details) -> None:
        """Be about this model from now on."""
        if self._details is not None and self._details.files == details.files:
            return
        self._details, self._report = details, None
        if self._in_front:
            self.look_up()

    @property
    def _in_front(self) -> bool:
        return self.is_mounted and self.display and self.screen.is_current

    def _happened(self, event: Event) -> None:
        if self._in_front:
            self.judge()

    @work(group="fit", exclusive=True)
    async def look_up(self) -> None:
        """Find out what the model needs; asks its source for headers that are not here."""
        if self._details is None:
            return
        self.follow()
        try:
            report = await self.app.services.fit.check(
                self._details.model.id,
                variant=self._variant,
                context=self._workload.context,
                batch=self._workload.batch,
            )
        except HubError as error:
            self._trouble = error.message
        else:
            self._trouble, self._variant = "", report.variant
            self._workload, self._report = report.workload, report
        self.follow()

    @work(group="judge", exclusive=True)
    async def judge(self) -> None:
        """Judge again, for what is chosen and the memory as it is now; asks no source."""
        report = self._report
        if report is None:
            return
        try:
            again, trouble = await self.app.services.fit.again(report, self._workload), ""
        except HubError as error:
            again, trouble = report, error.message
        if self._report is report:  # else another variant is looked at by now
            self._report, self._trouble = again, trouble
        self.follow()

    def lines(self, width: int, rows: int) -> Sequence[Line]:
        if self._trouble:
            return wrap([(self._trouble, "bad")], width, 2)
        if self._report is None:
            return [[("reading the headers of its weights", "muted")]]
        sample = self.app.services.hardware.sample
        without = None if sample is None or sample.gpus else sample.error or "no GPU is seen here"
        return fit_lines(self._report, without, width, self.glyphs)

    def _choose(self, *, context: int | None = None, batch: int | None = None) -> None:
        before = self._workload
        self._workload = replace(
            before,
            context=before.context if context is None else min(max(context, 1), MOST_CONTEXT),
            batch=before.batch if batch is None else min(max(batch, 1), MOST_BATCH),
        )
        self.judge()

    def _tokens(self) -> int | None:
        """The context that is chosen; says so where the model has none."""
        tokens = None if self._report is None else self._report.profile.context(self._workload)
        if tokens is None:
            self.app.hint("This model keeps no context.")
        return tokens

    def action_longer_context(self) -> None:
        """Judge for twice the context, and no more than the model takes."""
        tokens = self._tokens()
        known = None if self._report is None else self._report.profile.architecture
        if tokens is not None and known is not None:
            most = known.context or MOST_CONTEXT
            self._choose(context=min(2 * tokens, most) if tokens < most else tokens)

    def action_shorter_context(self) -> None:
        """Judge for half the context."""
        tokens = self._tokens()
        if tokens is not None:
            self._choose(context=tokens // 2)

    @work(group="edit", exclusive=True)
    async def action_set_context(self) -> None:
        """Ask for the tokens of context."""
        from tui_hub.tui.screens.prompt import Prompt

        tokens = self._tokens()
        if tokens is not None:
            words = "Tokens of context that the fit is judged for, 8192 or 32k for example."
            question = Prompt("Context", words, str(tokens), parse_tokens)
            wanted = await self.app.push_screen_wait(question)
            if wanted is not None:
                self._choose(context=wanted)

    def action_larger_batch(self) -> None:
        """Judge for one more at the same time."""
        self._choose(batch=self._workload.batch + 1)

    def action_smaller_batch(self) -> None:
        """Judge for one fewer at the same time."""
        self._choose(batch=self._workload.batch - 1)

    def action_other_variant(self) -> None:
        """Look at the next variant."""
        names = [] if self._details is None else [one.name for one in self._details.variants]
        if len(names) < 2:
            self.app.hint("It has no other variant.")
            return
        at = names.index(self._variant) if self._variant in names else -1
        self._variant, self._report = names[(at + 1) % len(names)], None
        self.look_up()


def parse_tokens(words: str) -> int:
    """Tokens from `8192`, `8 192`, `32k` or `1M`, in binary thousands as contexts are.

    Raises:
        UsageError: when the words are no number of tokens.
    """
    plain = words.strip().replace(" ", "").replace(",", "").lower()
    unit = {"k": 1024, "m": 1024**2}.get(plain[-1:], 1)
    digits = plain[:-1] if unit > 1 else plain
    tokens = (
        int(digits) * unit if digits.isascii() and digits.isdecimal() and len(digits) < 11 else 0
    )
    if not 0 < tokens <= MOST_CONTEXT:
        raise UsageError(f"{words[:40]!r} is no number of tokens.", hint="Type 8192, 32k or 1M.")
    return tokens
