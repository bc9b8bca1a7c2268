"""Replicate's API on loopback: a token for everything, pages with absolute links, a search."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hub_server import HubServer, Reply, Seen, as_json

TOKEN = "r8_CANARYcanary"
_PAGE = 2


def record(path: str, **more: object) -> dict[str, Any]:
    """A model as the API tells of it."""
    owner, _, name = path.partition("/")
    return {
        "url": f"https://replicate.com/{path}",
        "owner": owner,
        "name": name,
        "description": f"{name} by {owner}",
        "visibility": "public",
        "github_url": None,
        "paper_url": None,
        "license_url": None,
        "run_count": 0,
        "default_example": {"logs": "x" * 1000},
        "latest_version": None,
        "some_new_key": {"deep": [1, {"er": None}]},
        **more,
    }


def version(number: int, created: str = "2026-01-01T00:00:00.123456Z") -> dict[str, Any]:
    """A version as a model carries it."""
    return {
        "id": f"{number:064x}",
        "created_at": created,
        "openapi_schema": {"info": {}, "components": {"schemas": {}}},
    }


@dataclass
class ReplicateServer:
    """What the API has, and what it was asked."""

    hub: HubServer
    models: list[dict[str, Any]] = field(default_factory=list)
    collections: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hub.on("/v1", self._answer)

    @property
    def endpoint(self) -> str:
        return f"{self.hub.url}/v1"

    def asked(self) -> list[str]:
        """What was asked for, below the endpoint."""
        return [seen.target.removeprefix("/v1") for seen in self.hub.seen]

    def _answer(self, seen: Seen) -> Reply:
        if seen.headers.get("authorization") != f"Bearer {TOKEN}":
            detail = "You did not pass a valid authentication token"
            return _problem(401, detail, title="Unauthenticated")
        parts = seen.path.removeprefix("/v1/").split("/")
        if parts == ["models"]:
            found = self.models
            if seen.method == "QUERY":
                assert seen.headers["content-type"] == "text/plain"
                found = [one for one in found if seen.body.decode() in one["name"]]
            return self._page(seen, found)
        if parts == ["collections"]:
            listed = [{"name": slug, "slug": slug, "description": ""} for slug in self.collections]
            return self._page(seen, listed)
        if parts[0] == "collections" and parts[1] in self.collections:
            members = self.collections[parts[1]]
            inside = [one for one in self.models if _path(one) in members]
            return as_json({"name": parts[1], "slug": parts[1], "models": inside})
        for one in self.models:
            if parts[0] == "models" and parts[1:3] == _path(one).split("/"):
                known = [one["latest_version"]["id"]] if one["latest_version"] else []
                if len(parts) == 3:
                    return as_json(one)
                if parts[4] in known or parts[4] == "older":
                    return as_json({"id": parts[4]})
        return _problem(404, "No Model matches the given query.")

    def _page(self, seen: Seen, records: list[dict[str, Any]]) -> Reply:
        cursor = seen.query.get("cursor", ["0"])[0]
        if not cursor.isdecimal():
            return _problem(404, "Invalid cursor")
        start = int(cursor)
        end = start + _PAGE
        here = f"{self.hub.url}{seen.path}"
        return as_json(
            {
                "previous": f"{here}?cursor={max(start - _PAGE, 0)}" if start else None,
                "next": f"{here}?cursor={end}" if end < len(records) else None,
                "results": records[start:end],
            },
            ratelimit_remaining="2999",
            ratelimit_reset="1",
        )


def _path(one: dict[str, Any]) -> str:
    return f"{one['owner']}/{one['name']}"


def _problem(status: int, detail: str, **more: str) -> Reply:
    said = as_json({"detail": detail, "status": status, **more}, status)
    return Reply(said.body, status, {"Content-Type": "application/problem+json"})


@contextmanager
def replicate_server() -> Iterator[ReplicateServer]:
    """A running server with nothing in it."""
    hub = HubServer()
    try:
        yield ReplicateServer(hub)
    finally:
        hub.close()
