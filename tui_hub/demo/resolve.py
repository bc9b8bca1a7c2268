"""`/{repository}/resolve/{revision}/{path}`: where the bytes of a file are."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tui_hub.demo import problems
from tui_hub.demo.access import Access, Caller, Moved
from tui_hub.demo.cdn import Cdn
from tui_hub.demo.content import Bytes
from tui_hub.demo.delivery import deliver, file_headers
from tui_hub.demo.registry import Entry, Snapshot
from tui_hub.demo.repository import RepositoryFile

_SANDBOX = "default-src 'none'; sandbox"


class Resolver:
    """Sends large files to the second origin, small ones to the cache or straight back."""

    def __init__(self, access: Access, cdn: Cdn) -> None:
        self._access = access
        self._cdn = cdn

    async def answer(self, request: Request, segments: list[str]) -> Response:
        """Route by the segments of the path.

        Raises:
            Problem: for everything that the Hub refuses.
        """
        caller = self._access.caller(request.headers.get("authorization", ""))
        if request.method not in ("GET", "HEAD"):
            raise problems.Problem(405, "Method not allowed")
        match segments:
            case ["api", "resolve-cache", "models", organisation, name, commit, *path]:
                entry, snapshot, file = await self._file(organisation, name, commit, path, caller)
                return self._small(request, snapshot, file)
            case [organisation, name, "raw", revision, *path]:
                entry, snapshot, file = await self._file(organisation, name, revision, path, caller)
                return self._raw(request, snapshot, file)
            case [organisation, name, "resolve", revision, *path]:
                entry, snapshot, file = await self._file(organisation, name, revision, path, caller)
                return self._resolve(request, entry, snapshot, file)
        raise problems.Problem(404, "Not found")

    async def _file(
        self, organisation: str, name: str, revision: str, path: list[str], caller: Caller
    ) -> tuple[Entry, Snapshot, RepositoryFile]:
        """A file that the caller may have, its hashes ready. An earlier id is served directly."""
        try:
            entry = self._access.entry(f"{organisation}/{name}", caller)
        except Moved as moved:
            entry = self._access.entry(moved.id, caller)
        self._access.check_files(entry.head.repository, caller)
        snapshot = entry.revision(revision)
        if snapshot is None:
            raise problems.no_revision(revision)
        file = snapshot.repository.by_path.get("/".join(path))
        if file is None:
            raise problems.no_entry(snapshot.commit)
        await asyncio.to_thread(lambda: file.digests)
        return entry, snapshot, file

    def _resolve(
        self, request: Request, entry: Entry, snapshot: Snapshot, file: RepositoryFile
    ) -> Response:
        repository = snapshot.repository
        if file.large:
            ollama = request.headers.get("user-agent", "").lower().startswith("ollama")
            return self._redirect(
                307 if ollama else 302,
                self._cdn.address(file, entry.key),
                {
                    "X-Linked-Size": str(file.size),
                    "X-Linked-ETag": f'"{file.digests.sha256}"',
                    "X-Repo-Commit": snapshot.commit,
                    "Cache-Control": "no-store",
                },
            )
        if repository.private or repository.gated:
            return self._small(request, snapshot, file)
        asked = quote(request.url.path, safe="")
        etag = quote(f'"{file.digests.oid}"', safe="")
        cached = f"/api/resolve-cache/models/{repository.id}/{snapshot.commit}/{quote(file.path)}"
        return self._redirect(
            307,
            f"{cached}?{asked}=&etag={etag}",
            {"X-Linked-ETag": f'"{file.digests.oid}"', "X-Repo-Commit": snapshot.commit},
        )

    def _redirect(self, status: int, location: str, headers: dict[str, str]) -> Response:
        word = "Found" if status == 302 else "Temporary Redirect"
        fixed = {"Location": location, "Accept-Ranges": "bytes", "Vary": "Origin, Accept"}
        return PlainTextResponse(f"{word}. Redirecting to {location}", status, fixed | headers)

    def _small(self, request: Request, snapshot: Snapshot, file: RepositoryFile) -> Response:
        headers = file_headers(file.path) | {
            "X-Repo-Commit": snapshot.commit,
            "X-Hub-Cache": "HIT",
            "Content-Security-Policy": _SANDBOX,
        }
        return deliver(request, file.content, file.digests.oid, headers, self._cdn.throttle)

    def _raw(self, request: Request, snapshot: Snapshot, file: RepositoryFile) -> Response:
        """What git itself holds: for a large file its pointer."""
        if not file.large:
            return self._small(request, snapshot, file)
        pointer = Bytes(file.pointer(file.digests.sha256))
        headers = file_headers("pointer.txt") | {"X-Repo-Commit": snapshot.commit}
        return deliver(request, pointer, file.digests.oid, headers, self._cdn.throttle)
