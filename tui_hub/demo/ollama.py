"""The hub in the place of Ollama's registry, as the real one answers for GGUF repositories.

`/v2/<organisation>/<name>/manifests/<quantisation>`; beside that `library/<name>` for the models of
the demo itself, and a page that links to them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from tui_hub.demo.access import Access, Caller
from tui_hub.demo.cdn import Cdn
from tui_hub.demo.problems import Problem
from tui_hub.demo.registry import Entry
from tui_hub.demo.repository import Repository, RepositoryFile
from tui_hub.domain.frozen import dataclass

OWN = "demo-lab"
"""The organisation whose GGUF repositories stand in the library."""

_SUFFIX = "-gguf"
_LIBRARY = "library"
_LATEST = "Q4_K_M"
_TEMPLATE = b"{{ .System }}\n{{ .Prompt }}"
_IMAGE = "application/vnd.ollama.image."
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_UNITS = ((10**9, "B"), (10**6, "M"), (10**3, "K"))


@dataclass(frozen=True, slots=True)
class _Tag:
    """One quantisation of a repository, as a registry describes it."""

    manifest: bytes
    small: dict[str, bytes]
    """The blobs beside the weights, by digest."""


class OllamaRegistry:
    """Makes manifests of GGUF files, and says where their bytes are."""

    def __init__(self, access: Access, cdn: Cdn) -> None:
        self._access = access
        self._cdn = cdn

    def page(self) -> Response:
        """The library's page."""
        names = sorted(
            entry.id.partition("/")[2].removesuffix(_SUFFIX)
            for entry in (one.head for one in self._access.visible(Caller.ANONYMOUS))
            if entry.id.startswith(f"{OWN}/") and entry.id.endswith(_SUFFIX)
        )
        links = "".join(f'<li><a href="/library/{name}">{name}</a></li>' for name in names)
        return HTMLResponse(f"<!doctype html><title>Demo library</title><ul>{links}</ul>")

    async def answer(self, request: Request, segments: list[str]) -> Response:
        """Route by the segments behind `v2`.

        Raises:
            Problem: for everything that a registry refuses.
        """
        caller = self._access.caller(request.headers.get("authorization", ""))
        match segments:
            case [organisation, name, "manifests", tag]:
                entry = self._entry(organisation, name, caller)
                found = await asyncio.to_thread(_tag, entry, tag)
                if found is None and organisation == _LIBRARY:
                    raise _unknown()
                if found is None:
                    raise Problem(400, "The specified tag is not a valid quantization scheme.")
                return Response(found.manifest, media_type=_MANIFEST)
            case [organisation, name, "blobs", digest]:
                entry = self._entry(organisation, name, caller)
                return await asyncio.to_thread(self._blob, entry, digest)
        raise _unknown()

    def _entry(self, organisation: str, name: str, caller: Caller) -> Entry:
        if organisation == _LIBRARY:
            organisation, name = OWN, f"{name}{_SUFFIX}"
            if self._access.registry.find(f"{organisation}/{name}") is None:
                raise _unknown()
        entry = self._access.entry(f"{organisation}/{name}", caller)
        self._access.check_files(entry.head.repository, caller)
        return entry

    def _blob(self, entry: Entry, digest: str) -> Response:
        for file in _files(entry.head.repository).values():
            tag = _made(entry, file)
            if digest in tag.small:
                return Response(tag.small[digest], media_type="application/octet-stream")
            if digest == f"sha256:{file.digests.sha256}":
                place = self._cdn.address(file, entry.key)
                return PlainTextResponse("Temporary Redirect", 307, {"Location": place})
        raise Problem(404, "blob unknown")


def _unknown() -> Problem:
    return Problem(404, "manifest unknown")


def _tag(entry: Entry, tag: str) -> _Tag | None:
    """What a tag stands for; `None` for one that no file has."""
    files = _files(entry.head.repository)
    if tag == "latest":
        tag = _LATEST if _LATEST in files else next(iter(files), "")
    file = files.get(tag.upper())
    return None if file is None else _made(entry, file)


def _files(repository: Repository) -> dict[str, RepositoryFile]:
    """The GGUF files of a repository by their quantisation."""
    return {_quantisation(file): file for file in repository.files if file.path.endswith(".gguf")}


def _quantisation(file: RepositoryFile) -> str:
    return file.path.removesuffix(".gguf").rpartition("-")[2].upper()


def _made(entry: Entry, file: RepositoryFile) -> _Tag:
    gguf = entry.head.repository.gguf
    config = json.dumps(
        {
            "model_format": "gguf",
            "model_family": gguf.get("architecture", "llama"),
            "model_type": _count(gguf.get("total")),
            "file_type": _quantisation(file),
            "context_length": gguf.get("context_length", 0),
        }
    ).encode()
    small = {f"sha256:{hashlib.sha256(body).hexdigest()}": body for body in (config, _TEMPLATE)}
    first, second = small
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {"mediaType": _CONFIG, "digest": first, "size": len(config)},
        "layers": [
            {
                "mediaType": f"{_IMAGE}model",
                "digest": f"sha256:{file.digests.sha256}",
                "size": file.size,
            },
            {"mediaType": f"{_IMAGE}template", "digest": second, "size": len(_TEMPLATE)},
        ],
    }
    return _Tag(json.dumps(manifest).encode(), small)


def _count(total: object) -> str:
    """A number of parameters as Ollama writes it: `7.2B`."""
    for unit, letter in _UNITS:
        if isinstance(total, int) and total >= unit:
            return f"{total / unit:.1f}{letter}"
    return ""
