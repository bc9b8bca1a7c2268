"""How often the screen reads its style sheets, and draws what nobody sees."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from screen_driver import screen
from textual._compositor import Compositor
from textual._context import active_app
from textual.css import stylesheet

from tui_hub.settings import Configuration
from tui_hub.tui.modes import MODES
from tui_hub.tui.themes import THEMES


async def test_each_sheet_is_read_once_for_every_set_of_colours(
    offline: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[object] = Counter()
    parse = stylesheet.parse

    def counting(scope: str, css: str, read_from: object, *rest: Any, **more: Any) -> Any:
        read[scope, read_from, more["tie_breaker"]] += 1
        return parse(scope, css, read_from, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(stylesheet, "parse", counting)
    async with screen(offline) as driver:
        for mode in MODES:
            await driver.app.action_show_mode(mode)
        await driver.settled()
        assert set(read.values()) == {1}
        before = driver.app.screen.styles.background
        driver.app.theme = next(one.name for one in THEMES if one.name != driver.app.theme)
        await driver.until(lambda: driver.app.screen.styles.background != before)
        await driver.app.action_show_mode("browse")
        await driver.until(lambda: driver.app.screen.styles.background != before)


async def test_what_is_drawn_is_shown(
    offline: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    render = Compositor.render_full_update

    def noting(self: Compositor, simplify: bool = False) -> Any:
        drawn.append(active_app.get()._batch_count)
        return render(self, simplify)

    monkeypatch.setattr(Compositor, "render_full_update", noting)
    async with screen(offline) as driver:
        await driver.sees("Browse")
        assert drawn and not any(drawn), "nothing is drawn while Textual throws it away"
