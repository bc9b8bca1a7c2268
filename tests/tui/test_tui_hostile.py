"""Text from outside: shown, never obeyed, whatever it holds and wherever it stands."""

from __future__ import annotations

from pathlib import Path

from screen_driver import WIDE, fill, made, screen

from tui_hub.domain.types import ModelType
from tui_hub.settings import Configuration
from tui_hub.tui.drawing.markdown import LIMIT, render_card
from tui_hub.tui.screens.model import ModelScreen

CLIPBOARD = "\x1b]52;c;c3RvbGVu\x07"
EVIL = f"[/]{CLIPBOARD}\x1b[2J[red]x[/red]\u202eeman\n[@click=app.quit]"


async def test_hostile_names_are_drawn_as_text_on_every_screen(offline: Configuration) -> None:
    model = made(
        0,
        id="hf:evil/name",
        name=EVIL,
        author=EVIL,
        description=EVIL * 3,
        tags=(EVIL, "[/]"),
        license=EVIL,
        facts={EVIL: EVIL, "links": {"home": EVIL}},
        type=ModelType.LLM,
    )
    await fill(offline, [model, made(1)])
    async with screen(offline, WIDE) as driver:
        await driver.sees("[/]", "[red]x[/red]", "model-0001")
        for keys in (["enter"], ["escape", "d"], ["escape", "a"], ["escape", "b"], ["2"], ["5"]):
            await driver.press(*keys)
            await driver.settled()
            assert not {"\x1b", "\x07", "\u202e", "\n"} & set("".join(driver.lines()))
        for keys in (["1", "c"], ["j", "c"], ["C"], ["y"], ["escape", "ctrl+o"]):
            await driver.press(*keys)
            await driver.pilot.pause()
            assert not {"\x1b", "\x07", "\u202e", "\n"} & set("".join(driver.lines()))
        assert driver.app.is_running


async def test_notes_are_text(offline: Configuration) -> None:
    async with screen(offline) as driver:
        driver.app.notify(EVIL)
        await driver.sees("[red]x[/red]")
        assert not {"\x1b", "\x07"} & set("".join(driver.lines()))


def lines_of(card: str, width: int = 60) -> list[str]:
    """The lines of a card without styles."""
    return [
        "".join(segment.text for segment in line).rstrip() for line in render_card(card, width, {})
    ]


def test_a_card_is_inert() -> None:
    drawn = "\n".join(
        lines_of(
            f"# {EVIL}\n\n<div onclick='x'>kept <b>words</b></div>\n\n<script>alert(1)</script>\n\n"
            "[link](javascript:alert) ![pic](http://127.0.0.1:1/t.png)\n\n```\n[/] <s> code\n```\n"
        )
    )
    assert not {"\x1b", "\x07", "\u202e"} & set(drawn)
    assert "kept words" in drawn and "<div" not in drawn
    assert "[/] <s> code" in drawn
    assert "[pic]" in drawn
    for line in render_card("[a](https://x.org)", 40, {}):
        assert all(segment.style is None or segment.style.link is None for segment in line)


def test_a_long_card_is_cut_with_a_sign() -> None:
    assert "only its beginning" in "\n".join(lines_of("word " * (LIMIT // 5 + 100)))
    nested = lines_of("> " * 200 + "deep\n\n" + "- " * 100 + "deeper")
    assert nested


async def test_a_card_reaches_the_page_and_follows_its_width(
    offline: Configuration, tmp_path: Path
) -> None:
    await fill(offline, [made(0)])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        await driver.press("enter")
        page = driver.app.screen
        assert isinstance(page, ModelScreen)
        await driver.until(lambda: page.card.virtual_size.height > 0)
        page.card.show_card("# Title\n\n" + "many words " * 60)
        await driver.sees("Title", "many words")
        tall = page.card.virtual_size.height
        await driver.pilot.resize_terminal(70, 30)
        await driver.until(lambda: page.card.virtual_size.height != tall)
