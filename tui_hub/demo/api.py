"""`/api/…` of the hub: listing, model info, trees, paths, refs, commits, who am I."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any
from urllib.parse import quote, urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from tui_hub.demo import problems, shapes
from tui_hub.demo.access import Access, Caller
from tui_hub.demo.listing import list_models
from tui_hub.demo.registry import Entry, Snapshot

_TREE_PAGE = 1000
_TREE_PAGE_EXPANDED = 100
_COMMITS_PAGE = 50
_MOST_PATHS = 2000


class Api:
    """Answers of the API, with hashes computed off the event loop."""

    def __init__(self, access: Access, page_size: int) -> None:
        self._access = access
        self._page_size = page_size

    async def answer(self, request: Request, segments: list[str]) -> Response:
        """Route by the segments behind `/api`.

        Raises:
            Moved: when the repository has another id now.
            Problem: for everything that the Hub refuses.
        """
        caller = self._access.caller(request.headers.get("authorization", ""))
        match segments:
            case ["whoami-v2"]:
                return json_response(_whoami(caller))
            case ["models"]:
                return self._listing(request, caller)
            case ["models", organisation, name, *rest]:
                entry = self._access.entry(f"{organisation}/{name}", caller)
                return await self._model(request, entry, rest, caller)
        raise problems.Problem(404, "Not found")

    def _listing(self, request: Request, caller: Caller) -> Response:
        query = request.query_params
        page = list_models(self._access.visible(caller), query, self._page_size)
        rows = [shapes.entry_json(entry, page.keys) for entry in page.entries]
        return json_response(rows, headers=self._link("/api/models", query, page.cursor))

    async def _model(
        self, request: Request, entry: Entry, rest: list[str], caller: Caller
    ) -> Response:
        query = request.query_params
        match rest:
            case []:
                return await _info(entry, entry.head, query)
            case ["revision", revision]:
                return await _info(entry, _snapshot(entry, revision), query)
            case ["refs"]:
                return json_response(shapes.refs_json(entry))
            case ["tree", revision, *folder]:
                return await self._tree(_snapshot(entry, revision), "/".join(folder), query)
            case ["paths-info", revision] if request.method == "POST":
                return await _paths_info(_snapshot(entry, revision), request)
            case ["treesize", revision, *folder]:
                return json_response(_tree_size(_snapshot(entry, revision), "/".join(folder)))
            case ["commits", revision]:
                self._access.check_files(entry.head.repository, caller)
                return self._commits(entry, _snapshot(entry, revision), query)
        raise problems.Problem(404, "Not found")

    async def _tree(self, snapshot: Snapshot, folder: str, query: QueryParams) -> Response:
        recursive, expand = _true(query, "recursive"), _true(query, "expand")
        paths = shapes.tree_rows(snapshot, folder, recursive=recursive)
        if folder and not paths:
            raise problems.no_entry(snapshot.commit)
        most = _TREE_PAGE_EXPANDED if expand else _TREE_PAGE
        limit = min(_number(query, "limit", most), most)
        after = _decode(query.get("cursor", ""))
        left = [path for path in paths if path > after]
        rows = await _rows(snapshot, left[:limit], expand)
        cursor = _encode(left[limit - 1]) if len(left) > limit else None
        address = f"/api/models/{snapshot.id}/tree/{snapshot.commit}"
        return json_response(
            rows, headers=self._link(f"{address}/{quote(folder)}".rstrip("/"), query, cursor)
        )

    def _commits(self, entry: Entry, snapshot: Snapshot, query: QueryParams) -> Response:
        history = entry.snapshots[entry.snapshots.index(snapshot) :]
        limit, page = _number(query, "limit", _COMMITS_PAGE), _number(query, "p", 0)
        shown = history[page * limit : (page + 1) * limit]
        more = str(page + 1) if len(history) > (page + 1) * limit else None
        address = f"/api/models/{snapshot.id}/commits/{snapshot.commit}"
        headers = self._link(address, query, more, name="p")
        headers["X-Total-Count"] = str(len(history))
        return json_response([shapes.commit_json(one) for one in shown], headers=headers)

    def _link(
        self, path: str, query: QueryParams, cursor: str | None, name: str = "cursor"
    ) -> dict[str, str]:
        """The header that leads to the next page, if there is one."""
        if cursor is None:
            return {}
        rest = [(key, value) for key, value in query.multi_items() if key != name]
        address = f"{self._access.endpoint}{path}?{urlencode([*rest, (name, cursor)])}"
        return {"Link": f'<{address}>; rel="next"'}


async def _info(entry: Entry, snapshot: Snapshot, query: QueryParams) -> Response:
    expand = query.getlist("expand")
    if any(name not in shapes.EXPANDABLE for name in expand):
        raise problems.bad_option("expand", shapes.EXPANDABLE)
    keys = ("_id", "id", *expand) if expand else shapes.DETAILS
    document = shapes.entry_json(entry, keys, snapshot)
    if _true(query, "blobs") and not expand:
        document["siblings"] = await asyncio.to_thread(shapes.blob_siblings, snapshot.repository)
    if _true(query, "securityStatus"):
        document["securityRepoStatus"] = shapes.security_json(snapshot.repository)
    return json_response(document)


async def _paths_info(snapshot: Snapshot, request: Request) -> Response:
    """Form-urlencoded, as huggingface_hub sends it, or JSON. Unknown paths are left out."""
    if "json" in request.headers.get("content-type", ""):
        try:
            document = json.loads(await request.body())
            paths, expand = list(document["paths"]), bool(document.get("expand"))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise problems.bad_value("paths", "a list of paths") from None
    else:
        form = QueryParams((await request.body()).decode("utf-8", "replace"))
        paths, expand = form.getlist("paths"), _true(form, "expand")
    if len(paths) > _MOST_PATHS:
        raise problems.bad_value("paths", f"at most {_MOST_PATHS} paths")
    return json_response(
        await _rows(snapshot, [path for path in paths if isinstance(path, str)], expand)
    )


async def _rows(snapshot: Snapshot, paths: list[str], expand: bool) -> list[shapes.Json]:
    rows = await asyncio.to_thread(
        lambda: [shapes.path_json(snapshot, path, expand=expand) for path in paths]
    )
    return [row for row in rows if row is not None]


def _tree_size(snapshot: Snapshot, folder: str) -> shapes.Json:
    inside = f"{folder}/" if folder else ""
    files = [file for file in snapshot.repository.files if file.path.startswith(inside)]
    return {"path": f"/{folder}", "size": sum(file.size for file in files)}


def _snapshot(entry: Entry, revision: str) -> Snapshot:
    snapshot = entry.revision(revision)
    if snapshot is None:
        raise problems.no_revision(revision)
    return snapshot


def _whoami(caller: Caller) -> shapes.Json:
    if caller is Caller.ANONYMOUS:
        raise problems.unauthenticated()
    token = {"displayName": "demo", "role": "read", "createdAt": "2026-01-01T00:00:00.000Z"}
    return {
        "type": "user",
        "id": "000000000000000000000001",
        "name": f"demo-{caller}",
        "fullname": f"Demo {caller}",
        "isPro": False,
        "orgs": [],
        "auth": {"type": "access_token", "accessToken": token},
    }


def _true(query: QueryParams, name: str) -> bool:
    return query.get(name, "").lower() in ("true", "1")


def _number(query: QueryParams, name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not text.isdecimal() or (name == "limit" and int(text) < 1):
        raise problems.bad_value(name, "a positive number")
    return int(text)


def _encode(path: str) -> str:
    return base64.b64encode(path.encode()).decode()


def _decode(cursor: str) -> str:
    try:
        return base64.b64decode(cursor, validate=True).decode()
    except ValueError:
        raise problems.bad_value("cursor", "a cursor of this tree") from None


def json_response(
    document: Any, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A document of the API."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, headers, "application/json; charset=utf-8")
