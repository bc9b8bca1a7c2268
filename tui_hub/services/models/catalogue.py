"""The catalogue: search, page, look up, and what a user adds to an entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from tui_hub.domain.catalogue import Facets, Page, Search
from tui_hub.domain.errors import NoConnectionError, RefusedError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model, ModelEdit
from tui_hub.domain.stored_need import Capacity
from tui_hub.domain.types import ModelType
from tui_hub.events import CatalogueChanged, ModelChanged
from tui_hub.services.context import Context, parse_id
from tui_hub.services.downloads.installing import retype
from tui_hub.services.fit.capacity import stored_capacity
from tui_hub.services.slots.standing import slots_of
from tui_hub.text import clean

_MAX_NOTE = 20_000


class Catalogue:
    """Answers from the local catalogue; asks a source only for a model it has never seen."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._models = context.catalogue.models
        self._capacity: Capacity | None = None

    async def search(self, search: Search, limit: int = 50, after: str | None = None) -> Page:
        """The next `limit` models of an answer, best first, from the key of the page before."""
        return await self._models.search(search, limit, after)

    async def with_fit(self, models: Sequence[Model]) -> tuple[Model, ...]:
        """Models with whether they fit this box by their stored need, as it was last seen."""
        if self._capacity is None:
            self._capacity = await stored_capacity(self._context)
        capacity = self._capacity
        if capacity is None:
            return tuple(models)
        return tuple(replace(model, fit=capacity.fit(model)) for model in models)

    async def key_at(self, search: Search, row: int) -> str | None:
        """The key of the page that begins with a row, from 1 on; `None` beyond the answer's end.

        For a jump; the next page's key is in the page before it and costs nothing.
        """
        return await self._models.key_at(search, row)

    async def count(self, search: Search) -> int:
        """How many models answer."""
        return await self._models.count(search)

    async def facets(self, search: Search) -> Facets:
        """How many models of the answer carry each value of each facet."""
        return await self._models.facets(search)

    async def foreign_changes(self) -> int:
        """A number that is another one once other processes have written to the catalogue."""
        return await self._context.catalogue.foreign_changes()

    async def total(self) -> int:
        """How many models the catalogue lists."""
        return await self._models.total()

    async def put_aside(self) -> str | None:
        """What a person has to know of a catalogue that was damaged; told once, whoever asks."""
        aside = await self._context.catalogue.put_aside()
        if aside is None:
            return None
        return (
            f"The catalogue was damaged and is begun anew; the old file is {clean(str(aside))}. "
            "The next sync fills it again. What is installed, and your notes, are not in that file."
        )

    async def find(self, model: str | ModelId) -> Model | None:
        """A model by its id, from the database alone."""
        return await self._models.get(str(parse_id(model)))

    async def get(self, model: str | ModelId) -> Model:
        """A model by its id, looked up at its source when the catalogue does not have it.

        Raises:
            NotFoundError: when neither has it.
            UnreachableError: when the source cannot be asked, or nobody may be.
        """
        wanted = parse_id(model)
        known = await self.find(wanted)
        if known is not None:
            return known
        try:
            found = await self._context.source(wanted).model(wanted)
        except NoConnectionError:
            if not self._context.configuration.offline:
                raise
            raise NoConnectionError(
                f"{wanted} is not in the catalogue, and the program is offline",
                hint="Leave out --offline to look it up at its source.",
            ) from None
        return await self.remember(found)

    async def remember(self, model: Model) -> Model:
        """Take a model that a source told of into the catalogue, and return the merged entry."""
        await self._models.put(model)
        self._context.bus.publish(CatalogueChanged())
        return await self._models.get(model.id) or model

    async def favourites(self) -> frozenset[str]:
        """The ids of the models that the user starred."""
        edits = await self._context.hub.edits.list()
        return frozenset(edit.model for edit in edits if edit.favourite)

    async def edits(self, model: str | ModelId) -> ModelEdit | None:
        """What the user added to a model."""
        known = await self.find(model)
        return await self._context.hub.edits.get(known.id if known else str(parse_id(model)))

    async def edit(
        self,
        model: str | ModelId,
        *,
        note: str | None = None,
        favourite: bool | None = None,
        type: ModelType | Literal["auto"] | None = None,  # noqa: A002 - the spec's word
    ) -> Model:
        """Add a note, a star or a type of the user's own; what is `None` stays as it was.

        No sync overwrites any of it. The type `auto` takes the user's own back.

        Raises:
            RefusedError: when the type of an active model is to change.
        """
        entry = await self.get(model)
        before = await self._context.hub.edits.get(entry.id) or ModelEdit(model=entry.id)
        edit = replace(
            before,
            note=before.note if note is None else clean(note, _MAX_NOTE, lines=True),
            favourite=before.favourite if favourite is None else favourite,
            type=None if type == "auto" else type or before.type,
        )
        if type is not None and await slots_of(self._context, entry.id):
            raise RefusedError(
                f"{entry.id} is active, and its type decides where it stands",
                hint=f"`tui-hub deactivate {entry.id}` first.",
            )
        await self._context.hub.edits.put(edit)
        if favourite is not None:
            await self._models.set_favourites(await self.favourites())
        if edit.type is not None:
            await self._models.set_local(entry.id, type=edit.type)
        elif before.type is not None:
            await self._models.reset_type(entry.id)
        await retype(self._context, entry.id)
        self._context.bus.publish(ModelChanged(entry.id))
        return await self.get(entry.id)
