"""The registry as one document: out of this home, and into it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from tui_hub.domain.additions import Addition, Consent
from tui_hub.domain.artifacts import Artifact, present
from tui_hub.domain.errors import HubError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.registry import (
    Decision,
    ImportReport,
    Outcome,
    Part,
    Pin,
    PinnedFile,
    PinnedSlot,
    RegistryRows,
)
from tui_hub.domain.slots import Slot
from tui_hub.domain.storage import Install
from tui_hub.events import CatalogueChanged, ModelChanged
from tui_hub.services.context import Context
from tui_hub.services.downloads.installing import retype
from tui_hub.services.models.pins import mirror_pins
from tui_hub.services.models.statuses import live_downloads, settle_status
from tui_hub.services.models.trust import untrusted_hosts
from tui_hub.services.registry.entries import Entry, Reading, read_document
from tui_hub.services.registry.merging import Merged, Terms, merge
from tui_hub.services.registry.shape import document_of
from tui_hub.services.registry.telling import tell
from tui_hub.services.slots.standing import read_slots
from tui_hub.services.sync.feeds import Feeds
from tui_hub.sources.added import listing_of

_THIS_BOX = "this box"


class Registry:
    """Writes down all that a lost database would cost, and takes such a document in."""

    def __init__(self, context: Context, feeds: Feeds) -> None:
        self._context = context
        self._feeds = feeds
        self._trust = context.configuration.settings.trust

    async def export(self) -> dict[str, Any]:
        """The registry of this home; `services.registry.shape` describes the document.

        It holds no token, no time of its own making and no path of the store.
        """
        rows = await self._context.hub.registry.read()
        installed = [await self._pin(install) for install in await self._installs()]
        pins = {pin.model: pin for pin in rows.pins} | {pin.model: pin for pin in installed}
        feeds = self._feeds.written()
        return await asyncio.to_thread(lambda: document_of(tell(rows, pins), feeds))

    async def read(self, body: bytes) -> Reading:
        """What a document says, for `preview` and `take`.

        Raises:
            CorruptError: it is no such document.
            RefusedError: it is too large, or of a newer version.
        """
        return await asyncio.to_thread(read_document, body)

    async def preview(
        self, reading: Reading, consents: Collection[str] = (), *, replace: bool = False
    ) -> ImportReport:
        """What `take` would do. Changes nothing."""
        terms = await self._terms(consents, replace)
        here = await self._context.hub.registry.read()
        merged = await asyncio.to_thread(merge, reading.entries.values(), here, terms)
        feeds = [self._feed(name, reading, replace)[0] for name in reading.feeds]
        return await self._report(reading, merged, feeds)

    async def take(
        self, reading: Reading, consents: Collection[str] = (), *, replace: bool = False
    ) -> ImportReport:
        """Take a document in. What is here stays, unless `replace` says otherwise.

        All rows are written in one transaction; then follow what hangs on them, which a repeated
        import would do again, and the feeds in the settings file.

        Args:
            reading: the document.
            consents: `Consent.HOST` lets definitions name any host, and files of this box.
            replace: let the document's word go before what this home has.
        """
        terms = await self._terms(consents, replace)
        merged = Merged()

        def decide(here: RegistryRows) -> RegistryRows:
            nonlocal merged
            merged = merge(reading.entries.values(), here, terms)
            return merged.rows

        await self._context.hub.registry.change(decide)
        await self._follow(merged)
        feeds = [await self._take_feed(name, reading, replace) for name in reading.feeds]
        return await self._report(reading, merged, feeds)

    async def _installs(self) -> list[Install]:
        return await self._context.hub.installs.list()

    async def _pin(self, install: Install) -> Pin:
        """An installed model as it is to be installed elsewhere."""
        files = present(await self._context.hub.artifacts.of(install.model, install.revision))
        known = await self._context.catalogue.models.get(install.model)
        slots = await read_slots(self._context)
        return Pin(
            model=install.model,
            revision=install.revision,
            type=install.type,
            variants=install.variants,
            license=known.license if known is not None else None,
            installed_at=install.installed_at,
            files=tuple(map(_file, files)),
            slots=tuple(_slot(slot) for slot in slots.values() if slot.model == install.model),
        )

    async def _terms(self, consents: Collection[str], replace: bool) -> Terms:
        busy = {slot.model for slot in (await read_slots(self._context)).values()}
        busy |= {str(job.payload.get("model")) for job in await live_downloads(self._context)}
        allowed = Consent.HOST in consents

        def doubt(addition: Addition) -> str | None:
            places = self._doubtful(addition)
            if places and self._trust.others == "refuse" and places != (_THIS_BOX,):
                return f"the settings refuse files of {', '.join(places)}"
            if places and not allowed:
                return f"it takes files from {', '.join(places)}; --yes agrees to that"
            return None

        return Terms(
            replace=replace,
            installs={install.model: install for install in await self._installs()},
            busy=busy,
            doubt=doubt,
        )

    def _doubtful(self, addition: Addition) -> tuple[str, ...]:
        """The places of a definition that the settings do not trust."""
        if ModelId.parse(addition.model).source == "local":
            return (_THIS_BOX,)
        return untrusted_hosts(self._trust, [file.place for file in addition.files])

    async def _follow(self, merged: Merged) -> None:
        """Let the catalogue and the views follow the rows; whatever is done already is no change.

        What is said of a model in the document counts, also where it was here already: an import
        that was cut short is completed by the next one.
        """
        context, models = self._context, self._context.catalogue.models
        rows = await context.hub.registry.read()
        decided = {one.subject for one in merged.decisions if one.outcome is not Outcome.SKIPPED}
        written = {one.model for one in merged.rows.additions}
        known = await models.known([one.model for one in rows.additions])
        for addition in rows.additions:
            new = addition.model in written
            if new or (addition.model in decided and addition.model not in known):
                await self._define(addition)
        await mirror_pins(context, [pin for pin in rows.pins if pin.model in decided])
        for edit in rows.edits:
            if edit.type is not None and edit.model in decided:
                await models.set_local(edit.model, type=edit.type)
                await retype(context, edit.model)
        await models.set_favourites(edit.model for edit in rows.edits if edit.favourite)
        touched = {one.model for group in _groups(merged.rows) for one in group}
        for model in sorted(touched.union(merged.rows.configurations)):
            context.bus.publish(ModelChanged(model))
        context.bus.publish(CatalogueChanged())

    async def _define(self, addition: Addition) -> None:
        """Take an added model into the catalogue by its definition."""
        context = self._context
        source = context.source(ModelId.parse(addition.model))
        await context.hub.users.ensure(source.user, "sync", source.prefix)
        listing = listing_of(addition, source.user)
        await context.hub.artifacts.replace_listing(addition.model, listing.revision, listing.files)
        await context.catalogue.models.replace(listing.model)
        await retype(context, addition.model)
        await settle_status(context, addition.model)

    def _feed(self, name: str, reading: Reading, replace: bool) -> tuple[Decision, bool]:
        """What becomes of a feed, and whether it is to be written."""
        wanted, here = reading.feeds[name], self._feeds.written().get(name)
        outcome, reason = Outcome.CREATED, None
        if here == wanted:
            outcome = Outcome.UNCHANGED
        elif here is not None and replace:
            outcome = Outcome.UPDATED
        elif here is not None:
            outcome, reason = Outcome.SKIPPED, "a feed of that name is here; --replace changes it"
        decision = Decision(
            subject=name,
            part=Part.FEED,
            outcome=outcome,
            reason=reason,
            place=f"$.feeds[{name!r}]",
        )
        return decision, outcome in (Outcome.CREATED, Outcome.UPDATED)

    async def _take_feed(self, name: str, reading: Reading, replace: bool) -> Decision:
        decision, written = self._feed(name, reading, replace)
        if not written:
            return decision
        try:
            await self._feeds.put(name, reading.feeds[name])
        except HubError as error:
            return Decision(
                subject=name,
                part=Part.FEED,
                outcome=Outcome.SKIPPED,
                reason=error.message,
                place=decision.place,
            )
        return decision

    async def _report(
        self, reading: Reading, merged: Merged, feeds: Sequence[Decision]
    ) -> ImportReport:
        installed = {install.model for install in await self._installs()}
        waiting = {one.model for one in merged.rows.pins} | {
            pin.model for pin in await self._context.hub.pins.list() if pin.model in reading.entries
        }
        return ImportReport(
            decisions=(*merged.decisions, *feeds, *reading.problems),
            pinned=tuple(sorted(waiting - installed)),
            hosts=await self._unknown_places(reading.entries.values()),
        )

    async def _unknown_places(self, entries: Collection[Entry]) -> tuple[str, ...]:
        known = {one.model: one for one in await self._context.hub.additions.list()}
        places: dict[str, None] = {}
        for entry in entries:
            wanted = entry.definition
            here = known.get(entry.model)
            if wanted is not None and (here is None or here.files != wanted.files):
                places.update(dict.fromkeys(self._doubtful(wanted)))
        return tuple(places)


def _groups(rows: RegistryRows) -> tuple[Sequence[Any], ...]:
    return rows.edits, rows.registrations, rows.additions, rows.versions, rows.pins


def _file(file: Artifact) -> PinnedFile:
    return PinnedFile(
        path=file.path,
        size=file.size,
        sha256=file.blob,
        verified=file.verified,
        etag=file.etag,
    )


def _slot(slot: Slot) -> PinnedSlot:
    return PinnedSlot(type=slot.type, runtime=slot.runtime, variant=slot.variant)
