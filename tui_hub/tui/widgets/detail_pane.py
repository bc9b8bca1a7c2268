"""What is known of the model under the cursor, from the row itself: no network, no waiting."""

from __future__ import annotations

from textual import getters
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui_hub.domain.models import Model, ModelEdit
from tui_hub.domain.published import benchmark_lines
from tui_hub.tui.app import HubApp
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.drawing.links import can_link, link
from tui_hub.tui.words.model import facts_of, more_facts, published_facts, status_words

MUTED = "$foreground 62%"
FAINT = "$foreground 42%"
_SHORT = 24
"""Characters of a value that stands beside its word."""
_TONES = {"good": "$success", "info": "$primary", "bad": "$error", "faint": FAINT}


class DetailPane(VerticalScroll, can_focus=False):
    """Name, facts, description and tags of one model."""

    DEFAULT_CSS = """
    DetailPane { scrollbar-size-vertical: 1; padding: 0 1; }
    DetailPane > Static { height: auto; }
    """

    app = getters.app(HubApp)
    body = getters.query_one(Static)

    def compose(self) -> ComposeResult:
        yield Static()

    def show(
        self,
        model: Model | None,
        edit: ModelEdit | None = None,
        here: int | None = None,
        lost: str = "",
    ) -> None:
        """Fill the pane, or empty it.

        Args:
            model: the model, if any.
            edit: what the user added to it.
            here: bytes of it that are installed.
            lost: which of its files were here and are not any more, in words.
        """
        self.scroll_home(animate=False)
        self.body.update(Content() if model is None else self._about(model, edit, here, lost))

    def _about(self, model: Model, edit: ModelEdit | None, here: int | None, lost: str) -> Content:
        words, tone = status_words(model, self.app.glyphs)
        star = f" {self.app.glyphs.favourite}" if edit and edit.favourite else ""
        blocks = [
            Content.assemble((safe(model.name), "bold"), (star, "$accent")),
            Content.assemble((safe(model.author or model.source), MUTED)),
            Content.assemble((words, _TONES[tone])),
            *([Content.styled(lost, "$error")] if lost else []),
            Content(),
            *_table(facts_of(model, here)),
        ]
        if model.removed:
            blocks.insert(4 if lost else 3, Content.styled("vanished upstream", "$warning"))
        blocks += _table(published_facts(model), "$warning" if model.deprecated else MUTED)
        if edit and edit.note:
            blocks += [Content(), Content.styled(safe(edit.note), "$accent")]
        if model.description:
            blocks += [Content(), Content(safe(model.description))]
        results = [Content.styled(safe(line), MUTED) for line in benchmark_lines(model)]
        if results:
            blocks += [Content(), Content.styled("benchmarks", FAINT), *results]
        more = more_facts(model)
        if more:
            blocks += [Content(), *_table(more)]
        links = self.app.services.repositories.links(model)
        if links:
            able = can_link(self.app.services.configuration.environment)
            blocks += [
                Content(),
                *(link(one, FAINT, linked=able) for one in dict.fromkeys(links.values())),
            ]
        if model.tags:
            tags = f" {self.app.glyphs.dot} ".join(safe(tag) for tag in model.tags[:24])
            blocks += [Content(), Content.styled(tags, FAINT)]
        blocks += [Content(), Content.styled(safe(model.id), FAINT)]
        return Content("\n").join(blocks)


def _table(pairs: list[tuple[str, str]], tone: str = MUTED) -> list[Content]:
    """Short values in two columns; long ones below their word, on lines of their own."""
    short = [(word, value) for word, value in pairs if len(value) <= _SHORT]
    wide = min(max((len(word) for word, _ in short), default=0), 14) + 2
    lines = [
        Content.assemble((safe(word).ljust(wide), FAINT), (safe(value), ""))
        for word, value in short
    ]
    for word, value in pairs:
        if len(value) > _SHORT:
            lines.append(Content.assemble((safe(word), FAINT), "\n", (safe(value), tone)))
    return lines
