"""The question before a model becomes active: at once on screen, its figures when they come."""

from __future__ import annotations

from dataclasses import replace

from textual import work
from textual.content import Content
from textual.widgets import Button, Static

from tui_hub.domain.errors import HubError
from tui_hub.domain.models import Model
from tui_hub.domain.slots import Slot
from tui_hub.tui.screens.confirm import Confirm
from tui_hub.tui.words.change import Known, change_text


class ActivationQuestion(Confirm):
    """Shows what leaves and what comes; where there is no room it says why, and rests on `no`."""

    def __init__(self, model: Model, slot: Slot | None, variant: str | None = None) -> None:
        word = "Activate" if slot is None else "Switch"
        super().__init__(f"{word}?", Content(), yes=word, no="Leave it")
        self.add_class("-figures")
        self._known = Known(model=model, slot=slot, variant=variant)

    def on_mount(self) -> None:
        """Look at the figures once the question is on screen."""
        self.call_after_refresh(self._draw)
        self.call_after_refresh(self.look_up)

    def on_resize(self) -> None:
        """Draw the bar for another width."""
        self.call_after_refresh(self._draw)

    @work(group="preview", exclusive=True)
    async def look_up(self) -> None:
        """Find out what it would do, then whether there is room to work in."""
        model, variant = self._known.model.id, self._known.variant
        services = self.app.services
        if (slot := self._known.slot) is not None:
            programs = (await services.activation.programs(slot))[slot.type]
            self._learn(replace(self._known, programs=programs))
        try:
            preview = await services.activation.preview(model, variant=variant)
            self._learn(replace(self._known, preview=preview))
            if preview.device is not None:
                report = await services.fit.check(model, variant=variant)
                self._learn(replace(self._known, report=report))
        except HubError as error:
            self._learn(replace(self._known, trouble=error.message))

    def _learn(self, known: Known) -> None:
        self._known = known
        self._draw()
        if known.stands_against:
            self.query_one(".dialog").add_class("-danger")
            self.query_one("#no", Button).focus()

    def _draw(self) -> None:
        body = self.query_one("#body", Static)
        sample, slots = self.app.services.hardware.sample, self.app.live.slots
        width = max(body.content_size.width, 20)
        body.update(change_text(self._known, sample, slots, self.app.glyphs, width))
