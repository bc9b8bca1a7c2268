"""The registry's rows as the parts of a document."""

from __future__ import annotations

from collections.abc import Mapping

from tui_hub.domain.additions import Addition
from tui_hub.domain.models import Registration
from tui_hub.domain.registry import Pin, RegistryRows
from tui_hub.domain.revisions import Version
from tui_hub.services.registry.shape import (
    DefinitionShape,
    FileShape,
    InstalledShape,
    ModelShape,
    PlacedFileShape,
    RegistrationShape,
    SlotShape,
    VersionShape,
)


def tell(rows: RegistryRows, pins: Mapping[str, Pin]) -> list[ModelShape]:
    """One part for each model that there is something to tell of."""
    edits = {one.model: one for one in rows.edits}
    registrations = {one.model: one for one in rows.registrations}
    additions = {one.model: one for one in rows.additions}
    versions: dict[str, list[Version]] = {}
    for version in rows.versions:
        versions.setdefault(version.model, []).append(version)
    told = []
    for model in {*edits, *registrations, *additions, *versions, *rows.configurations, *pins}:
        edit = edits.get(model)
        entry = ModelShape(
            id=model,
            note=(edit.note or None) if edit else None,
            favourite=edit.favourite if edit else False,
            type=edit.type if edit else None,
            registration=_registration(registrations.get(model)),
            definition=_definition(additions.get(model)),
            versions=[_version(one) for one in versions.get(model, ())],
            configuration=rows.configurations[model].values if model in rows.configurations else {},
            installed=_installed(pins.get(model)),
        )
        if entry != ModelShape(id=model):
            told.append(entry)
    return told


def _registration(row: Registration | None) -> RegistrationShape | None:
    if row is None:
        return None
    return RegistrationShape(vendor=row.vendor, name=row.name, auto_sync=row.auto_sync)


def _version(row: Version) -> VersionShape:
    return VersionShape(
        name=row.name, revision=row.revision, variant=row.variant, named_at=row.named_at
    )


def _definition(row: Addition | None) -> DefinitionShape | None:
    if row is None:
        return None
    return DefinitionShape(
        type=row.type,
        files=[
            PlacedFileShape(
                path=file.path,
                place=file.place,
                size=file.size,
                sha256=file.sha256,
                md5=file.md5,
                mark=file.mark,
            )
            for file in row.files
        ],
        folder=row.folder,
        license=row.license,
        gpu_memory=row.gpu_memory,
        torch=row.torch,
        added_at=row.added_at,
    )


def _installed(pin: Pin | None) -> InstalledShape | None:
    if pin is None:
        return None
    return InstalledShape(
        revision=pin.revision,
        type=pin.type,
        files=[
            FileShape(
                path=file.path,
                size=file.size,
                sha256=file.sha256,
                verified=file.verified,
                etag=file.etag,
            )
            for file in pin.files
        ],
        variants=list(pin.variants),
        license=pin.license,
        installed_at=pin.installed_at,
        slots=[
            SlotShape(type=slot.type, runtime=slot.runtime, variant=slot.variant)
            for slot in pin.slots
        ],
    )
