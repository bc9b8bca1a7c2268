"""Which model of the catalogue a found one is: by its layout, by its hashes, or one of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tui_hub.domain.artifacts import Artifact, artifact_id, weights_format
from tui_hub.domain.errors import HubError, UnreachableError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import ModelId
from tui_hub.foreign import FoundModel
from tui_hub.services.context import Context
from tui_hub.services.models.adding import name_from
from tui_hub.services.models.repositories import Repositories
from tui_hub.services.scanning.intake import Seen

_DIGITS = 8
"""Of the hash, behind a name that another model has already."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A model that a found one is, and which of its files each found file is."""

    model: str
    revision: str | None
    listing: tuple[Artifact, ...]
    """All its files as they are listed; none for one that nothing lists yet."""
    files: tuple[tuple[Seen, Artifact], ...]
    known: bool = True
    """Whether the listing is in the database already."""


class Identifier:
    """Says what found models are, over one scan."""

    def __init__(self, context: Context, repositories: Repositories) -> None:
        self._context = context
        self._repositories = repositories
        self._by_hash: dict[str, Identity] = {}
        """What layouts told, by the hashes of weights."""
        self._reachable = not context.configuration.offline

    async def identify(self, found: FoundModel, seen: Sequence[Seen]) -> Identity:
        """The model that these files are of.

        A layout that knows it is believed, as far as the hashes allow. Else the hashes that
        sources tell decide; where none is known and the place tells the repository, it is asked.
        What is left becomes a model of this box alone.
        """
        if found.model is not None and found.revision is not None:
            return await self._told(found, found.model, found.revision, seen)
        match = await self._match(seen)
        if match is None and found.likely is not None and await self._ask(found.likely):
            match = await self._match(seen)
        return match or Identity(await self._own_name(found, seen), None, (), ())

    async def _told(
        self, found: FoundModel, model: ModelId, revision: str, seen: Sequence[Seen]
    ) -> Identity:
        entry = await self._context.catalogue.models.get(str(model))
        name = entry.id if entry is not None else str(model)  # it may have been renamed
        listing = tuple(await self._context.hub.artifacts.of(name, revision))
        known = bool(listing)
        if not known:
            listing = tuple(
                replace(file, model=name, id=artifact_id(name, revision, file.path))
                for file in found.listing
            )
        by_path = {file.path: file for file in listing}
        files = [(one, by_path[one.file.path]) for one in seen if one.file.path in by_path]
        identity = Identity(name, revision, listing, tuple(files), known)
        for one in seen:
            if weights_format(one.file.path) is not None:
                self._by_hash.setdefault(one.sha256, identity)
        return identity

    async def _match(self, seen: Sequence[Seen]) -> Identity | None:
        """The listed model that has most of these weights, by their hashes."""
        table = self._context.hub.artifacts
        votes: Counter[tuple[str, str]] = Counter()
        for one in seen:
            if weights_format(one.file.path) is not None:
                rows = await table.with_sha256(one.sha256)
                votes.update(list(dict.fromkeys((row.model, row.revision) for row in rows)))
        if not votes:
            hashes = [one.sha256 for one in seen if one.sha256 in self._by_hash]
            told = self._by_hash[hashes[0]] if hashes else None
            return None if told is None else _of(told, seen)
        # Of equals the first counts, and those that are installed come first.
        (model, revision), _ = votes.most_common(1)[0]
        listing = tuple(await table.of(model, revision))
        return _of(Identity(model, revision, listing, ()), seen)

    async def _ask(self, model: ModelId) -> bool:
        """Ask a repository for its files, unless they are known or nobody may be asked."""
        if not self._reachable or await self._context.hub.artifacts.of(str(model)):
            return False
        try:
            return bool((await self._repositories.details(model)).files)
        except UnreachableError:
            self._reachable = False  # who waits for one in vain need not wait for all
        except HubError:
            pass
        return False

    async def _own_name(self, found: FoundModel, seen: Sequence[Seen]) -> str:
        """The id of a model of this box alone, one that is free."""
        try:
            name = name_from(found.name)
        except HubError:
            name = "model"
        if found.likely is not None and found.likely.author is not None:
            name = f"{found.likely.author}/{name}"
        taken = await self._context.hub.additions.get(f"local:{name}")
        digest = next((one.sha256 for one in seen if weights_format(one.file.path)), "")
        place = Path(taken.folder or taken.files[0].place) if taken is not None else found.place
        return f"local:{name}" if place == found.place else f"local:{name}-{digest[:_DIGITS]}"


def _of(identity: Identity, seen: Sequence[Seen]) -> Identity:
    """The same model, with those of its files that these are."""
    files = [(one, row) for one in seen if (row := _row_of(one, identity.listing)) is not None]
    return replace(identity, files=tuple(files))


def _row_of(one: Seen, listing: Sequence[Artifact]) -> Artifact | None:
    """The listed file that a found one is: of its hash, of its path too if there are several."""
    same = [row for row in listing if row.sha256 == one.sha256]
    named = [row for row in listing if row.path == one.file.path]
    for row in named:
        if row in same or (row.sha256 is None and row.size == one.file.size):
            return row
    return same[0] if same else None
