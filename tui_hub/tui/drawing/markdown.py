"""A model's card as lines for the screen. Textual's own Markdown mounts a widget for every block,
which takes minutes for a long card; this renders text in a thread, once for a width.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from typing import ClassVar

from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, ImageItem, Markdown, MarkdownElement
from rich.padding import Padding
from rich.segment import Segment
from rich.style import Style
from rich.syntax import Syntax
from rich.text import Text
from rich.theme import Theme

from tui_hub.text import clean

LIMIT = 200_000
"""Characters of a card that are shown."""
_TAG = re.compile(r"<!--.*?-->|</?[A-Za-z!][^<>]*>", re.DOTALL)


class _Heading(Heading):
    """A heading at the left, told apart by weight and a rule."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text = self.text.copy()
        text.justify = "left"
        yield text
        if self.tag == "h1":
            yield Text("─" * min(text.cell_len, options.max_width), style="markdown.hr")


class _Code(CodeBlock):
    """Code, indented, on the screen's own background."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        syntax = Syntax(
            str(self.text).rstrip(),
            self.lexer_name,
            theme=self.theme,
            word_wrap=True,
            background_color="default",
        )
        yield Padding(syntax, (0, 2))


class _Image(ImageItem):
    """A picture by what it is said to show; nothing is fetched."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        words = self.text.plain or "picture"
        yield Text(f"[{words}]", style="markdown.link_url")


class Card(Markdown):
    """Markdown whose HTML is text, whose links are words and whose pictures are captions."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _Heading,
        "fence": _Code,
        "code_block": _Code,
        "image": _Image,
    }

    def __init__(self, text: str, code_theme: str) -> None:
        super().__init__(text, hyperlinks=False, code_theme=code_theme)
        self.parsed = list(_without_html(self.parsed))


def _without_html(tokens: list[Token]) -> Iterator[Token]:
    """HTML blocks as paragraphs of the text in them."""
    for token in tokens:
        if token.type != "html_block":
            yield token
            continue
        words = " ".join(_TAG.sub(" ", token.content).split())
        if words:
            yield Token("paragraph_open", "p", 1)
            child = Token("text", "", 0, content=words)
            yield Token("inline", "", 0, content=words, children=[child])
            yield Token("paragraph_close", "p", -1)


def render_card(
    text: str, width: int, styles: Mapping[str, Style], code_theme: str = "nord"
) -> list[list[Segment]]:
    """The lines of a card. Takes up to a second or two for the longest: call it in a thread.

    Args:
        text: Markdown from outside; it is cleaned and cut here.
        width: cells of a line.
        styles: styles by the names of Rich's Markdown theme.
        code_theme: the name of a Pygments style.
    """
    shown = clean(text, LIMIT, lines=True).expandtabs(4)
    if len(text) > LIMIT:
        shown += "\n\n*The card goes on; only its beginning is shown.*"
    console = Console(
        width=max(width, 10),
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        theme=Theme(dict(styles), inherit=True),
        emoji=False,
        markup=False,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
    return console.render_lines(Card(shown, code_theme), pad=False)
