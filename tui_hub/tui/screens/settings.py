"""Settings: every one with its value, where that comes from and what it means."""

from __future__ import annotations

import re

from textual import getters, on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tui_hub import text
from tui_hub.services.preferences import Preference
from tui_hub.settings.values import Setting, Value, value_words
from tui_hub.tui.command import Command, bindings
from tui_hub.tui.commands.settings import EditSetting, OnlyChanged, ResetSetting
from tui_hub.tui.drawing.columns import Column
from tui_hub.tui.drawing.draw import Piece, safe
from tui_hub.tui.screens.base import HubScreen
from tui_hub.tui.themes import DARK
from tui_hub.tui.widgets.panel import Panel
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.widgets.table import Table

_PASSWORD = re.compile(r"(://)[^\s/@]+@")
"""What may stand before the host of an address, and is nobody's to read."""
_MUTED = "$foreground 62%"
_FAINT = "$foreground 42%"
_TONES = {"default": "faint", "file": "info", "environment": "warn", "option": "warn"}


def shown(setting: Setting, value: Value) -> str:
    """A value as it is read: bytes in their unit."""
    if setting.about.startswith("Bytes") and isinstance(value, int) and value:
        rate = "/s" if setting.about.startswith("Bytes a second") else ""
        return f"{text.size(value)}{rate}"
    return _PASSWORD.sub(r"\1***@", value_words(value, ", "))


def _value(one: Preference) -> list[Piece]:
    words = shown(one.setting, one.setting.value)
    changed = one.setting.value != one.setting.default
    tone = "strong" if changed else "faint" if not words else ""
    return [(words or "none", tone), (" from the next start" if one.waits else "", "warn")]


def _columns() -> list[Column[Preference]]:
    return [
        Column("Setting", 23, lambda one: [(one.setting.key, "")]),
        Column("Value", 0, _value),
        Column("From", 11, lambda one: [(one.setting.origin, _TONES[one.setting.origin])], rank=1),
        Column("Meaning", 56, lambda one: [(one.setting.about, "muted")], rank=2),
    ]


class SettingTable(Table[Preference]):
    """Settings, known again by their key."""

    least = 20

    def key_of(self, row: Preference) -> object:
        return row.setting.key


class SettingsScreen(HubScreen):
    """The list, and all about the one under the cursor."""

    CSS_PATH = "settings.tcss"
    BINDINGS = bindings(EditSetting, ResetSetting, OnlyChanged)
    BINDING_GROUP_TITLE = "Settings"
    AUTO_FOCUS = "#settings"

    settings = getters.query_one(SettingTable)
    about = getters.query_one("#about", Static)

    def __init__(self) -> None:
        super().__init__()
        self._all: tuple[Preference, ...] = ()
        self._only_changed = False

    def compose_body(self) -> ComposeResult:
        with Panel("Settings", id="list"):
            yield SettingTable(_columns(), id="settings")
        with Panel(id="about-box"):
            yield Static(id="about")

    def word_of(self, command: type[Command]) -> str:
        one = self.settings.current
        if command is ResetSetting and (one is None or one.setting.origin != "file"):
            return ""
        if command is OnlyChanged and self._only_changed:
            return "all"
        return super().word_of(command)

    def on_mount(self) -> None:
        """Say where they are written."""
        path = str(self.app.services.configuration.paths.config_file)
        self.query_one("#list", Panel).label(note=path)
        self.settings.empty = [("Everything is as it comes with the program.", "muted")]

    def on_screen_resume(self) -> None:
        """Read them again, as somebody may have edited the file."""
        self.read()

    @work(group="settings", exclusive=True)
    async def read(self) -> None:
        """Read the settings."""
        with self.app.reporting():
            self._all = await self.app.services.preferences.list()
            self._show()

    def _show(self) -> None:
        chosen = self._all
        if self._only_changed:
            chosen = tuple(one for one in chosen if one.setting.origin != "default")
        self.query_one("#list", Panel).label(
            f"Settings {self.app.glyphs.dot} changed ones" if self._only_changed else "Settings"
        )
        self.settings.show(chosen)
        self.name_keys()

    @on(RowList.Moved, "#settings")
    def _moved(self) -> None:
        one = self.settings.current
        self.query_one("#about-box", Panel).label(one.setting.key if one else "")
        self.about.update(_about(one) if one else Content())

    def action_choose(self) -> None:
        """What a second click does."""
        self.edit()

    def action_edit_setting(self) -> None:
        """Change the setting under the cursor."""
        self.edit()

    @work(group="edit", exclusive=True)
    async def edit(self) -> None:
        """Turn a switch over; ask for anything else."""
        one = self.settings.current
        if one is None:
            return
        key, value = one.setting.key, one.setting.value
        if isinstance(value, bool):
            words: str | None = value_words(not value)
        else:
            words = await self._ask(one.setting)
        if words is None:
            return
        with self.app.reporting():
            self._take_over(key, await self.app.services.preferences.set(key, words))
            if one.setting.origin == "environment" and not one.setting.lent:
                self.app.hint(f"{one.setting.variable} is set and wins over the file.")
        self.read()

    async def _ask(self, setting: Setting) -> str | None:
        from tui_hub.tui.screens.prompt import Prompt

        if setting.key == "screen.theme":
            from tui_hub.tui.screens.theme import ThemeDialog

            return await self.app.push_screen_wait(ThemeDialog())

        def meaning(words: str) -> str:
            setting.check(words)
            return words

        value = "" if setting.lent else value_words(setting.value, ", ")
        return await self.app.push_screen_wait(Prompt(setting.key, setting.about, value, meaning))

    def _take_over(self, key: str, value: Value) -> None:
        """Go by a new value at once where this program can."""
        if key == "screen.theme":
            self.app.theme = str(value) or DARK.name
        elif key == "downloads.limit" and isinstance(value, int):
            self.app.services.downloads.set_limit(value)

    @work(group="edit", exclusive=True)
    async def action_reset_setting(self) -> None:
        """Let the default count again."""
        one = self.settings.current
        if one is None:
            return
        with self.app.reporting():
            if await self.app.services.preferences.unset(one.setting.key):
                self._take_over(one.setting.key, one.setting.default)
            else:
                self.app.hint(f"{one.setting.key} does not stand in the file.")
        self.read()

    def action_only_changed(self) -> None:
        """Show fewer settings, or all."""
        self._only_changed = not self._only_changed
        self._show()


def _about(one: Preference) -> Content:
    """What a setting means and how else it can be told."""
    setting = one.setting
    default = shown(setting, setting.default) or "none"
    second = Content.assemble(
        ("default ", _FAINT), (safe(default), _MUTED),
        ("   from ", _FAINT), (setting.origin, _MUTED),
        ("   variable ", _FAINT), (setting.variable, _MUTED),
    )  # fmt: skip
    lines = [Content(setting.about), second]
    if one.waits:
        lines.append(Content.styled("It counts from the next start of the program.", "$warning"))
    return Content("\n").join(lines)
