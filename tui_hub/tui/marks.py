"""What a person marked for a comparison, for as long as the program runs."""

from __future__ import annotations

from tui_hub.domain.errors import RefusedError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Model

MOST = 4
"""Models or variants that are compared at once."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A model that is to be compared, or one variant of it."""

    model: Model
    variant: str | None = None

    @property
    def key(self) -> tuple[str, str | None]:
        """By what it is known again when the model's entry has changed."""
        return self.model.id, self.variant

    @property
    def words(self) -> str:
        """How it is called."""
        return self.model.name if self.variant is None else f"{self.model.name} {self.variant}"


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks in the order in which they were made."""

    all: tuple[Mark, ...] = ()

    def __len__(self) -> int:
        return len(self.all)

    def __contains__(self, mark: Mark) -> bool:
        return any(one.key == mark.key for one in self.all)

    def toggled(self, mark: Mark) -> Marks:
        """The marks with one more, or without one that is among them.

        Raises:
            RefusedError: when there are as many as can be compared.
        """
        if mark in self:
            return self.without(mark)
        if len(self) == MOST:
            names = ", ".join(one.words for one in self.all)
            raise RefusedError(
                f"{MOST} are marked already: {names}", hint="Drop the mark of one of them first."
            )
        return Marks((*self.all, mark))

    def without(self, mark: Mark) -> Marks:
        """The marks without one."""
        return Marks(tuple(one for one in self.all if one.key != mark.key))

    @property
    def models(self) -> frozenset[str]:
        """The ids of the models with a mark, on themselves or on a variant."""
        return frozenset(one.model.id for one in self.all)

    def variants_of(self, model: str) -> frozenset[str]:
        """The variants of a model that carry a mark."""
        return frozenset(one.variant for one in self.all if one.model.id == model and one.variant)
