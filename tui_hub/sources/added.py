"""What the sources of added models have in common: records and listings from definitions."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from tui_hub.domain.additions import AddedFile, Addition
from tui_hub.domain.artifacts import Artifact, artifact_id, kind_of
from tui_hub.domain.errors import CorruptError, HubError, NotFoundError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model
from tui_hub.sources.base import FileListing, Find
from tui_hub.text import clean


async def definition(
    find: Find, model: ModelId | str, error: type[HubError] = NotFoundError
) -> Addition:
    """The definition of an added model.

    Args:
        find: gives it.
        model: the model.
        error: what to raise when there is none; where files of it may be here all the same, that
            is no proof that there is no such model.
    """
    found = await find(str(model))
    if found is None:
        raise error(
            f"{model} was never added to this home",
            hint="`tui-hub add` takes the address or path of a model, with --name and --type.",
        )
    return found


def refuse_revision(addition: Addition, revision: str | None) -> None:
    """Added models are what they are now: there is no going back to an earlier state.

    Raises:
        NotFoundError: when another revision than the present one is asked for.
    """
    if revision not in (None, "main", addition.revision):
        raise NotFoundError(
            f"{addition.model} has no revision {clean(revision, 40)!r} any more",
            hint=f"Its files are those of {addition.revision} now.",
        )


def model_of(addition: Addition, owner: str) -> Model:
    """The catalogue's record of an added model."""
    identifier = ModelId.parse(addition.model)
    own = identifier.source == "local"
    requires = {"gpu_memory": addition.gpu_memory, "torch": addition.torch}
    facts = {
        "links": [] if own else [shown(file.place) for file in addition.files],
        "folder": addition.folder or (addition.files[0].place if own else None),
        "requires": {name: value for name, value in requires.items() if value},
    }
    return Model(
        id=addition.model,
        source=identifier.source,
        name=identifier.name,
        author=identifier.author,
        type=addition.type,
        license=addition.license,
        size=addition.size,
        created_at=addition.added_at or None,
        last_modified=addition.added_at or None,
        revision=addition.revision,
        origin="local" if own else "user",
        owner=owner,
        facts={name: value for name, value in facts.items() if value},
    )


def listing_of(addition: Addition, owner: str) -> FileListing:
    """The files of an added model, as they were seen last."""
    revision = addition.revision
    return FileListing(
        model=model_of(addition, owner),
        revision=revision,
        files=tuple(_artifact(addition.model, revision, file) for file in addition.files),
    )


def file_of(addition: Addition, artifact: Artifact) -> AddedFile:
    """What a definition says of a file.

    Raises:
        NotFoundError: when it is none of its files.
    """
    for file in addition.files:
        if file.path == artifact.path:
            return file
    raise NotFoundError(f"{addition.model} has no file {clean(artifact.path, 200)}")


def shown(address: str) -> str:
    """An address for people: without its query."""
    return clean(urlsplit(address)._replace(query="", fragment="").geturl(), 1000)


def check_small(artifact: Artifact, content: bytes) -> bytes:
    """The bytes of a small file, if they are what was listed.

    Raises:
        CorruptError: when they are not.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    checks = ((artifact.size, len(content)), (artifact.sha256, sha256), (artifact.md5, md5))
    if any(listed not in (None, found) for listed, found in checks):
        raise CorruptError(
            f"{clean(artifact.path, 200)} is another file than was listed",
            hint="Ask for the model anew; `tui-hub add` changes its checksum.",
        )
    return content


def _artifact(model: str, revision: str, file: AddedFile) -> Artifact:
    return Artifact(
        id=artifact_id(model, revision, file.path),
        model=model,
        revision=revision,
        path=file.path,
        size=file.size,
        sha256=file.sha256,
        md5=file.md5,
        kind=kind_of(file.path),
        etag=file.mark,
    )
