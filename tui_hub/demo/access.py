"""Who may see and fetch what."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from tui_hub.demo import problems
from tui_hub.demo.registry import Entry, Registry
from tui_hub.demo.repository import Repository


class Caller(StrEnum):
    """Whom a request comes from."""

    ANONYMOUS = "anonymous"
    """Nobody, or somebody with a token that is none."""
    OUTSIDER = "outsider"
    """A user without access to what is gated or private."""
    MEMBER = "member"
    """A user with access to everything."""


@dataclass(frozen=True, slots=True)
class Moved(Exception):
    """The repository has another id now."""

    id: str


@dataclass(frozen=True)
class Access:
    """The tokens that a hub knows, and the rules over its repositories."""

    registry: Registry
    member_token: str
    outsider_token: str
    endpoint: str

    def caller(self, authorization: str) -> Caller:
        """Whom an `Authorization` header stands for. A bad token counts as none, as on the Hub."""
        token = authorization.removeprefix("Bearer ").strip()
        if token == self.member_token:
            return Caller.MEMBER
        return Caller.OUTSIDER if token == self.outsider_token else Caller.ANONYMOUS

    def visible(self, caller: Caller) -> Collection[Entry]:
        """The repositories that a listing may show."""
        return [
            entry
            for entry in self.registry.entries()
            if caller is Caller.MEMBER or not entry.head.repository.private
        ]

    def entry(self, repository: str, caller: Caller) -> Entry:
        """A repository that the caller may see.

        Raises:
            Moved: when it has another id now.
            Problem: 401 to the unknown, 404 to the known, whether it is private or missing.
        """
        entry = self.registry.find(repository)
        if entry is None and (new := self.registry.moved(repository)):
            raise Moved(new)
        if entry is None or (entry.head.repository.private and caller is not Caller.MEMBER):
            if caller is Caller.ANONYMOUS:
                raise problems.unauthenticated()
            raise problems.no_repository()
        return entry

    def check_files(self, repository: Repository, caller: Caller) -> None:
        """Whether the caller may have files and history.

        Raises:
            Problem: 403 or 401 for what is disabled or gated.
        """
        if repository.disabled:
            raise problems.disabled()
        if repository.gated and caller is not Caller.MEMBER:
            known = caller is Caller.OUTSIDER
            raise problems.gated(repository.id, self.endpoint, known=known)
