"""Kinds of values that several verbs take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from tui_hub.cli.options import Options
from tui_hub.domain.types import ModelType

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


_Function = TypeVar("_Function", bound=Callable[..., object])


class _ModelType(click.Choice[str]):
    """One of the types of models, by the name that the contract gives it."""

    def __init__(self) -> None:
        super().__init__([kind.value for kind in ModelType])

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> ModelType:
        return ModelType(super().convert(value, param, ctx))


class _Size(click.ParamType[int]):
    """A number of bytes, as a person writes it."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        from tui_hub.text import parse_size

        return parse_size(str(value))


class _Named(click.ParamType[str]):
    """A name as it was typed, for which a shell offers those that there are."""

    def __init__(self, name: str, *kinds: str) -> None:
        self.name = name
        self._kinds = kinds

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from tui_hub.cli.completing import names

        options = ctx.ensure_object(Options)
        return [CompletionItem(name) for name in names(options, self._kinds, incomplete)]


MODEL = _Named("model", "model")
"""A model, of the whole catalogue."""

INSTALLED = _Named("model", "installed")
"""A model that is here."""

SLOT_OR_MODEL = _Named("target", "type", "installed")
"""A type, or a model that is here."""

SYNC_TARGET = _Named("target", "feed", "model")
"""A feed, a source or a model."""

FEED = _Named("feed", "feed")
"""A feed."""

SETTING = _Named("setting", "setting")
"""The key of a setting."""

SIZE = _Size()
"""Bytes, in binary units."""

MODEL_TYPE = _ModelType()


def workload(function: _Function) -> _Function:
    """The options that say what a model is to do at once."""
    batch = click.option(
        "--batch",
        metavar="N",
        type=click.IntRange(1, 4096),
        default=1,
        help="Sequences, images or clips at the same time; 1 without it.",
    )
    context = click.option(
        "--context",
        metavar="TOKENS",
        type=click.IntRange(1, 2**31 - 1),
        help="Tokens of context; without it as configured, else 8192, or fewer if it takes fewer.",
    )
    return context(batch(function))


def placement(function: _Function) -> _Function:
    """Which model is to stand in a slot, and how: what `activate` and `switch` are told."""
    for parameter in (
        click.option(
            "--allow-pickle", is_flag=True, help="Take weights from pickle files, no code."
        ),
        click.option(
            "--runtime", metavar="NAME", help="torch, ollama, link, or a command of yours."
        ),
        click.option(
            "--variant", metavar="NAME", help="The variant to take, where several are here."
        ),
        click.option("--type", "kind", type=MODEL_TYPE),
        click.argument("model", type=INSTALLED),
    ):
        function = parameter(function)
    return function
