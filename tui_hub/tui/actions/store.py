"""What can be done with the store as a whole: verify, scan, sweep, make room."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual import work

from tui_hub import text
from tui_hub.domain.errors import InterruptedJobError, UsageError
from tui_hub.domain.scanning import ScanReport, ScanStatus
from tui_hub.tui.commands import ShowStorage
from tui_hub.tui.drawing.draw import Line
from tui_hub.tui.screens.base import HubScreen
from tui_hub.tui.words.findings import garbage_lines, scan_lines, verification_lines


class StoreActions(HubScreen):
    """A screen that shows what such work finds."""

    def show_findings(self, title: str, lines: Iterable[Line]) -> None:
        """Show what was found."""
        raise NotImplementedError

    def chosen_model(self) -> str | None:
        """The id of the model under the cursor."""
        raise NotImplementedError

    def action_verify_store(self) -> None:
        """Hash everything again."""
        self._verify(None)

    def action_verify_model(self) -> None:
        """Hash one model again."""
        model = self.chosen_model()
        if model is None:
            self.app.hint("There is no model here.")
        else:
            self._verify(model)

    @work(group="verify")
    async def _verify(self, model: str | None) -> None:
        with self.app.reporting():
            try:
                found = await self.app.services.verify.run(model)
            except InterruptedJobError:
                self.app.hint("Stopped; the next verification goes on from there.")
                return
            self.show_findings("Verified", verification_lines(found))
            lost = len(found.damaged) + len(found.missing)
            if lost and not self.is_current:
                words = "1 blob is" if lost == 1 else f"{lost} blobs are"
                words = f"The verification is done: {words} damaged or missing; "
                words += f"{self.app.key_of(ShowStorage)} tells more."
                self.app.notify(words, severity="error", timeout=10)

    @work(group="scan")
    async def action_scan_box(self) -> None:
        """Look for models, then ask whether to take in what was found."""
        from tui_hub.tui.screens.confirm import adoption_question
        from tui_hub.tui.screens.prompt import Prompt

        words = (
            "A folder, or nothing for where Hugging Face's libraries, Ollama, LM Studio and "
            "ComfyUI keep models. Nothing there is changed."
        )
        place = await self.app.push_screen_wait(
            Prompt("Find models on this box", words, "", _place)
        )
        if place is None:
            return
        places = (place,) if place else ()
        with self.app.reporting():
            try:
                report = await self.app.services.scanning.run(places)
                self._show_scan(report)
                if _adoptable(report) and await self.app.push_screen_wait(
                    adoption_question(report)
                ):
                    self._show_scan(await self.app.services.scanning.run(places, adopt=True))
            except InterruptedJobError:
                self._show_scan(self.app.services.scanning.report)
                self.app.hint("Stopped; what was read is remembered.")

    def _show_scan(self, report: ScanReport) -> None:
        self.show_findings("Scanned", scan_lines(report))

    @work(group="sweep", exclusive=True)
    async def action_sweep_store(self) -> None:
        """Say what nothing needs, and sweep it when the person agrees."""
        from tui_hub.tui.screens.confirm import sweep_question

        with self.app.reporting():
            before = text.now()
            garbage = await self.app.services.garbage.look(quarantined_before=before)
            if not garbage.pieces:
                self.app.hint("Nothing is left over: all that lies in the store is needed.")
                return
            self.show_findings("Left over", garbage_lines(garbage))
            if await self.app.push_screen_wait(sweep_question(garbage)):
                done = await self.app.services.garbage.sweep(quarantined_before=before)
                self.show_findings("Swept", garbage_lines(done))

    @work(group="room", exclusive=True)
    async def action_make_room(self) -> None:
        """Ask how much, show what would go, and delete it when the person agrees."""
        from tui_hub.tui.screens.room import room_prompt, room_question

        wanted = await self.app.push_screen_wait(room_prompt())
        if wanted is None:
            return
        with self.app.reporting():
            services = self.app.services
            plan = await services.room.plan(wanted)
            if not plan.steps:
                self.app.hint("Nothing can go: what is here is active or shared.")
                return
            if await self.app.push_screen_wait(room_question(plan)):
                freed = 0
                for step in plan.steps:
                    freed += (await services.storage.delete(step.model)).bytes_freed
                models = "1 model" if len(plan.steps) == 1 else f"{len(plan.steps)} models"
                self.app.notify(f"Deleted {models}: {text.size(freed)} free again")

    @work(group="stop")
    async def action_stop_work(self) -> None:
        """Stop the work on the disk that this screen shows."""
        works = self.app.services.works.pictures()
        if not works:
            self.app.hint("No verification and no scan goes on here.")
        for one in works:
            with self.app.reporting():
                await self.app.services.jobs.cancel(one.job)


def _place(words: str) -> str:
    """A folder that can be looked through, or nothing.

    Raises:
        UsageError: when it is not there.
    """
    place = words.strip()
    if place and not Path(place).expanduser().exists():
        raise UsageError(f"there is no {place[:80]!r} on this box", hint="Check how it is spelt.")
    return place


def _adoptable(report: ScanReport) -> bool:
    return any(one.status is ScanStatus.FOUND for one in report.models)
