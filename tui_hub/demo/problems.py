"""Refusals as the Hub words them (recorded answers; see each constructor)."""

from __future__ import annotations

_REALM = 'Bearer realm="Authentication required", charset="UTF-8"'


class Problem(Exception):
    """An answer that is an error: its status, and the headers that clients read."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = {"X-Error-Message": _header(message), **(headers or {})}
        if code:
            self.headers["X-Error-Code"] = code
        if status == 401:
            self.headers["WWW-Authenticate"] = _REALM


def _header(message: str) -> str:
    """A header holds one line of Latin letters; the body says the rest."""
    plain = message.partition("\n")[0].encode("ascii", "replace").decode()
    return "".join(character if character.isprintable() else "?" for character in plain)


def unauthenticated() -> Problem:
    """Private or missing, asked without a valid token. The Hub sends no code here."""
    return Problem(401, "Invalid username or password.")


def no_repository() -> Problem:
    """Missing, asked with a valid token."""
    return Problem(404, "Repository not found", code="RepoNotFound")


def no_revision(name: str) -> Problem:
    """The repository has no such branch, tag or commit."""
    return Problem(404, f"Invalid rev id: {name}", code="RevisionNotFound")


def no_entry(commit: str) -> Problem:
    """The repository has no such file or folder."""
    return Problem(404, "Entry not found", code="EntryNotFound", headers={"X-Repo-Commit": commit})


def gated(repository: str, endpoint: str, *, known: bool) -> Problem:
    """Files of a gated repository, for nobody known (401) or one without a grant (403)."""
    start = f"Access to model {repository} is restricted"
    if known:
        rest = (
            " and you are not in the authorized list."
            f" Visit {endpoint}/{repository} to ask for access."
        )
        return Problem(403, start + rest, code="GatedRepo")
    rest = ". You must have access to it and be authenticated to access it. Please log in."
    return Problem(401, start + rest, code="GatedRepo")


def disabled() -> Problem:
    """Taken down by the Hub."""
    return Problem(403, "Access to this resource is disabled.")


def bad_option(where: str, allowed: tuple[str, ...]) -> Problem:
    """A value that the query does not take."""
    choices = "|".join(f'"{name}"' for name in allowed)
    return Problem(400, f"✖ Invalid option: expected one of {choices}\n  → at {where}")


def bad_value(where: str, expected: str) -> Problem:
    """A value of the wrong form."""
    return Problem(400, f"✖ Invalid input: expected {expected}\n  → at {where}")
