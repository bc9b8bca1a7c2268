"""Kinds of values that several verbs take."""

from __future__ import annotations

import click

from tui_hub.domain.types import ModelType


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


SIZE = _Size()
"""Bytes, in binary units."""

MODEL_TYPE = _ModelType()
