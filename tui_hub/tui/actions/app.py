"""What the keys do that work on every screen."""

from __future__ import annotations

from textual import work
from textual.widgets import Input

from tui_hub.tui.commands import Quit, WorkOffline
from tui_hub.tui.notes import NotingApp


class ActingApp(NotingApp):
    """Goes places, and asks what is asked from anywhere. Dialogs are imported when one is shown."""

    temporary: bool
    """Whether the home is removed at the end."""

    async def action_show_mode(self, mode: str) -> None:
        """Go to one of the main screens; from a page on top of it, back down to it."""
        await self.switch_mode(mode)
        while len(self.screen_stack) > 1:
            await self.pop_screen()

    async def show_download(self, job: str) -> None:
        """Go to a download in the list of all."""
        from tui_hub.tui.screens.downloads import DownloadsScreen

        await self.action_show_mode("downloads")
        if isinstance(self.screen, DownloadsScreen):
            self.screen.downloads.stand_on(job)

    async def action_do_there(self, mode: str, action: str) -> None:
        """Go to one of the main screens, then do something there or on its model's page."""
        await self.action_show_mode(mode)
        self.call_after_refresh(self._do_here, action, True)

    async def _do_here(self, action: str, may_open: bool) -> None:
        if hasattr(self.screen, f"action_{action.partition('(')[0]}"):
            await self.screen.run_action(action)
        elif may_open:
            await self.screen.run_action("choose")
            self.call_after_refresh(self._do_here, action, False)

    def action_change_theme(self) -> None:
        """Show the themes, and write the one that is taken into the settings file."""
        self.choose_theme()

    @work(group="edit", exclusive=True)
    async def choose_theme(self) -> None:
        """Ask for a theme, and keep it."""
        from tui_hub.tui.screens.theme import ThemeDialog

        name = await self.push_screen_wait(ThemeDialog())
        if name is not None:
            with self.reporting():
                await self.services.preferences.set("screen.theme", name)

    @work(group="network", exclusive=True)
    async def action_work_offline(self) -> None:
        """Open no connection any more, or go online again."""
        network, key = self.services.network, self.key_of(WorkOffline)
        with self.reporting():
            if network.offline:
                network.go_online()
                self.notify("Online again", timeout=4)
                self.look()
            else:
                resting = await network.go_offline()
                agent = await self.services.agent.holder() is not None
                also = _what_becomes(resting, agent)
                self.notify(f"Offline{also}: {key} goes online again", timeout=6)
            self.screen.query("TopBar, MemoryBar").refresh()

    @work(group="copy", exclusive=True)
    async def action_copy_something(self) -> None:
        """Have the terminal take the id, an address or whatever else the screen has to copy."""
        from tui_hub.tui.screens.base import HubScreen
        from tui_hub.tui.screens.copy import CopyDialog

        screen = self.screen
        with self.reporting():
            offered = await screen.copyables() if isinstance(screen, HubScreen) else []
            if not offered:
                self.hint("There is nothing to copy here.")
                return
            chosen = await self.push_screen_wait(CopyDialog(offered))
            if chosen is not None:
                self.copy_to_clipboard(chosen.value)
                self.notify(f"Sent to the terminal's clipboard: {chosen.value}", timeout=5)

    @work(group="jump", exclusive=True)
    async def action_jump(self) -> None:
        """Put letters on the places of this screen, and go to the one that is named."""
        from tui_hub.tui.screens.jump import JumpScreen, places

        place = await self.push_screen_wait(JumpScreen(places(self.screen)))
        if place is not None:
            place.go()

    async def action_search(self) -> None:
        """Go to the search box, from wherever."""
        await self.action_show_mode("browse")
        await self.screen.run_action("focus_search")

    def action_show_help(self) -> None:
        """Show the keys of this screen."""
        from tui_hub.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen))

    def action_help_quit(self) -> None:
        """Say how to leave: people press ctrl+c for it."""
        typing = isinstance(self.focused, Input)
        self.hint(f"{self.key_of(Quit, typing=typing)} quits")

    @work(group="add", exclusive=True)
    async def action_add_model(self) -> None:
        """Ask for a model, and open its page."""
        from tui_hub.tui.actions.adding import ask_for_model
        from tui_hub.tui.screens.model import ModelScreen

        with self.reporting():
            model = await ask_for_model(self)
            if model is not None:
                self.push_screen(ModelScreen(model))

    async def action_go_back(self) -> None:
        """Close the page on top; on a main screen take notes away, else go to the catalogue."""
        noted = self.take_notes_away()
        if len(self.screen_stack) > 1:
            await self.pop_screen()
        elif not noted:
            await self.switch_mode("browse")

    async def action_quit(self) -> None:
        """End; a second time, without waiting for an answer."""
        if any(worker.group == "quit" for worker in self.workers):
            self.exit(0)
        else:
            self.ask_to_quit()

    @work(group="quit")
    async def ask_to_quit(self) -> None:
        """End, but ask first when that would stop a download or a change of this process."""
        from tui_hub.tui.screens.leaving import LeavingQuestion, own_downloads

        if own_downloads(self.live) or self.services.activation.swaps():
            agent = await self.services.agent.holder() is not None
            question = LeavingQuestion(agent=agent, temporary=self.temporary)
            if not await self.push_screen_wait(question):
                return
        self.exit(0)


def _what_becomes(count: int, agent: bool) -> str:
    """What happens to the downloads of this process when it goes offline."""
    if not count:
        return ""
    them = "1 download" if count == 1 else f"{count} downloads"
    if agent:  # a process of its own, which was told nothing
        return f", but the agent goes on with {them}"
    return f"; {them} {'rests' if count == 1 else 'rest'}"
