"""How a model reads on the screen: the columns of a list, and its facts in order."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from tui_hub import text
from tui_hub.domain.catalogue import Sort
from tui_hub.domain.models import SIZE_OF, Fit, Model, ModelStatus
from tui_hub.domain.published import FACTS, published_pairs
from tui_hub.domain.stored_need import Capacity
from tui_hub.tui.drawing.columns import Column
from tui_hub.tui.drawing.draw import Line, Piece
from tui_hub.tui.drawing.glyphs import Glyphs


def status_mark(model: Model, glyphs: Glyphs) -> Piece:
    """One sign for what this box has of a model."""
    match model.status:
        case ModelStatus.ACTIVE:
            return (glyphs.active, "good")
        case ModelStatus.INSTALLED:
            return (glyphs.installed, "good")
        case ModelStatus.DOWNLOADING:
            return (glyphs.downloading, "info")
        case ModelStatus.ERROR:
            return (glyphs.failed, "bad")
        case _:
            return (glyphs.none, "")


def status_words(model: Model, glyphs: Glyphs) -> Piece:
    """The same with words beside the sign, as colour and shape alone are not enough."""
    sign, tone = status_mark(model, glyphs)
    words = model.status.value.replace("_", " ")
    return (f"{sign} {words}".strip(), tone or "faint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the home of the list knows of models, by their ids, beside their rows."""

    favourites: AbstractSet[str] = frozenset()
    compared: AbstractSet[str] = frozenset()
    """Those that are marked for a comparison."""
    installed: Mapping[str, int] = field(default_factory=dict)
    """Bytes that are here of each that is installed."""
    lost: AbstractSet[str] = frozenset()
    """Those of which files are damaged or missing."""


def _name(model: Model) -> Line:
    author: list[Piece] = [(f"{model.author}/", "muted")] if model.author else []
    name = [*author, (model.name, "faint" if model.removed else "strong")]
    if model.removed:
        name.append((" removed", "warn"))
    elif model.deprecated:
        name.append((" deprecated", "warn"))
    return name


def _size(model: Model, here: int | None = None) -> str:
    return "" if model.size is None else text.model_size(model, here)


_SORTED = {
    Sort.LIKES: "Likes",
    Sort.TRENDING: "Trend",
    Sort.UPDATED: "Updated",
    Sort.SIZE: "Size",
    Sort.PARAMS: "Params",
    Sort.FIT: "Size",
    Sort.NAME: "Model",
}
"""The title of the column that an order goes by; downloads are named by a sign."""


def model_columns(
    glyphs: Glyphs,
    sort: Sort = Sort.DOWNLOADS,
    known: Known = Known(),
    capacity: Capacity | None = None,
) -> list[Column[Model]]:
    """The columns of the catalogue; the one that the list is ordered by never gives way.

    Args:
        glyphs: the signs to draw with.
        sort: the order of the list.
        known: what this home knows of the models.
        capacity: the memory of this box, where somebody has looked.
    """

    def name(model: Model) -> Line:
        star = [(f" {glyphs.favourite}", "accent")] if model.id in known.favourites else []
        to_compare = [(f" {glyphs.compared}", "info")] if model.id in known.compared else []
        lost = [(" damaged", "bad")] if model.id in known.lost else []
        return [*_name(model), *lost, *star, *to_compare]

    by = _SORTED.get(sort, _downloads_title(glyphs))
    sign = glyphs.up if sort in (Sort.NAME, Sort.FIT) else glyphs.down
    columns = [Column("", 1, lambda model: [status_mark(model, glyphs)]), Column("Model", 0, name)]
    columns += _figures(glyphs, known.installed, trending=sort is Sort.TRENDING)
    if capacity is not None:
        fit: Column[Model] = Column(
            "Fit", 4, lambda model: [_FITS.get(capacity.fit(model), ("", ""))], rank=4
        )
        columns.insert(7, fit)
    return [
        replace(
            column,
            title=f"{column.title} {sign}",
            width=max(column.width, len(column.title) + 2) if column.width else 0,
            rank=-1,
        )
        if column.title == by
        else column
        for column in columns
    ]


_FITS: Mapping[Fit, Piece] = {
    Fit.FITS: ("fits", "good"),
    Fit.NEEDS_GPUS: ("GPUs", "warn"),
    Fit.OFFLOAD: ("part", "warn"),
    Fit.TOO_BIG: ("no", "bad"),
}
"""What the list says: on one GPU, on several, partly in host memory, not at all; or nothing."""


def _downloads_title(glyphs: Glyphs) -> str:
    return f"{glyphs.downloading} 30 d"


def _figures(
    glyphs: Glyphs, installed: Mapping[str, int], *, trending: bool
) -> list[Column[Model]]:
    """The columns beside the name, the least important with the highest rank."""
    trend: Column[Model] = Column(
        "Trend", 7, lambda model: [(text.count(round(model.trending)), "")], align="right"
    )
    return [
        Column("", 5, lambda model: [("gated" if model.gated else "", "warn")], rank=5),
        Column("Type", 9, lambda model: [(model.type.value, "muted")], rank=3),
        Column("Source", 9, lambda model: [(model.source, "faint")], rank=9),
        Column(
            "Params",
            6,
            lambda model: [(text.count(model.params) if model.params else "", "muted")],
            align="right",
            rank=7,
        ),
        Column(
            "Size",
            10,
            lambda model: [(_size(model, installed.get(model.id)), "")],
            align="right",
            rank=2,
        ),
        Column(
            _downloads_title(glyphs),
            6,
            lambda model: [(text.count(model.downloads) if model.downloads else "", "info")],
            align="right",
            rank=1,
        ),
        Column(
            "Likes",
            5,
            lambda model: [(text.count(model.likes) if model.likes else "", "muted")],
            align="right",
            rank=8,
        ),
        Column(
            "Updated",
            10,
            lambda model: [(text.ago(model.last_modified) if model.last_modified else "", "faint")],
            align="right",
            rank=6,
        ),
        *([trend] if trending else []),
    ]


def facts_of(model: Model, here: int | None = None) -> list[tuple[str, str]]:
    """What is known of a model in pairs of word and value; what is unknown is left out.

    Args:
        model: the model.
        here: bytes of it that are installed.
    """
    access = {False: "open", True: "gated"}.get(bool(model.gated), "open")
    if isinstance(model.gated, str):
        access = f"gated, {model.gated} approval"
    pairs = [
        ("type", model.type.value),
        ("task", model.task),
        ("library", model.library),
        ("licence", model.license),
        ("access", access),
        ("parameters", text.count(model.params) if model.params else None),
        ("size", text.size_words(model, here)),
        ("downloads", f"{text.count(model.downloads)} in 30 days" if model.downloads else None),
        ("likes", text.count(model.likes) if model.likes else None),
        ("updated", text.ago(model.last_modified) if model.last_modified else None),
        ("created", model.created_at[:10] if model.created_at else None),
        ("revision", model.revision[:12] if model.revision else None),
    ]
    return [(word, value) for word, value in pairs if value]


_ELSEWHERE = (*FACTS, SIZE_OF, "links", "source_link")
"""Facts that are told apart from the others."""


def more_facts(model: Model, limit: int = 12) -> list[tuple[str, str]]:
    """What only some sources know, in short lines; nested values are joined.

    What `published_facts` and `benchmark_lines` tell is left out, and the links.
    """
    others = [(key, value) for key, value in model.facts.items() if key not in _ELSEWHERE]
    return [
        (text.clean(str(key), 24).replace("_", " "), _flat(value))
        for key, value in others[:limit]
        if value not in (None, "", [], {}) and _flat(value)
    ]


def published_facts(model: Model) -> list[tuple[str, str]]:
    """The end and the price of a model, each with its source, as pairs of word and value."""
    pairs = published_pairs(model, text.now()[:10])
    return [(word, text.clean(value, 300)) for word, value in pairs]


def _flat(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        joined = ", ".join(f"{key} {_flat(one)}" for key, one in list(value.items())[:6])
        return text.clean(joined, 300)
    if isinstance(value, list | tuple):
        return text.clean(", ".join(_flat(one) for one in value[:6]), 300)
    return text.clean(str(value), 300)
