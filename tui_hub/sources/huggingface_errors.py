"""What the Hub's refusals mean to a person.

Statuses and `X-Error-Code` as huggingface.co sends them: 401 without a code stands for a
repository that is missing or private, `GatedRepo` for one whose maker grants access one by one.
"""

from __future__ import annotations

from tui_hub.domain.errors import (
    GatedError,
    HiddenError,
    HubError,
    NotFoundError,
    TakenDownError,
    UnauthorizedError,
    UnreachableError,
)
from tui_hub.domain.frozen import dataclass
from tui_hub.sources.exchange import Answer
from tui_hub.sources.login import LOG_IN
from tui_hub.sources.network import host_of
from tui_hub.text import clean


@dataclass(frozen=True, slots=True)
class Subject:
    """What was asked for: a listing, a repository, a revision or file of one."""

    repository: str = ""
    revision: str | None = None
    file: str | None = None


def needs_token_check(answer: Answer) -> bool:
    """Whether a refusal may as well mean that the token is wrong."""
    return answer.status == 401


def explain(
    answer: Answer, subject: Subject, endpoint: str, *, has_token: bool, token_is_valid: bool
) -> HubError:
    """The error for an answer that is no success."""
    host, status = host_of(endpoint), answer.status
    code = answer.headers.get("x-error-code", "")
    if not code and answer.is_page():
        return UnreachableError(
            f"{host} answers {status} with a web page instead of data",
            hint="Is the endpoint right? Is there a login page or a proxy between here and there?",
        )
    page = f"{endpoint}/{subject.repository}" if subject.repository else endpoint
    if status == 401 and has_token and not token_is_valid:
        return UnauthorizedError(
            f"{host} does not know the token that is set",
            hint="Check it with `hf auth whoami`: it may have expired. "
            f"To use a new one, {LOG_IN}.",
        )
    if code == "GatedRepo":
        return _gated(subject.repository, page, has_token=has_token)
    if status in (410, 451):
        return TakenDownError(
            f"{subject.repository or 'this'} is not to be had any more from {host} ({status})",
            hint=f"What there is to know of it stands at {page}.",
        )
    if subject.repository and (status in (400, 404) or (status == 401 and not code)):
        return _not_found(code, subject, host, page, status, has_token=has_token)
    if status == 403 and "disabled" in answer.message.lower():
        return TakenDownError(
            f"{subject.repository or 'this'} was taken down on {host}",
            hint=f"What there is to know of it stands at {page}.",
        )
    if status in (401, 403):
        way = f"The token may lack the right to read this; see {page}."
        return UnauthorizedError(
            f"{host} refuses: {clean(answer.message, 200) or status}",
            hint=way if has_token else f"{LOG_IN[0].upper()}{LOG_IN[1:]}; see {page}.",
        )
    return UnreachableError(
        f"{host} answers {status} where data was expected",
        hint="Is the endpoint right, and does it speak the Hub's protocol?",
    )


def _gated(repository: str, page: str, *, has_token: bool) -> GatedError:
    name = repository or "this"
    if has_token:
        return GatedError(
            f"{name} is gated, and you have no access to it yet",
            hint=f"Ask for access at {page}, then try again.",
        )
    return GatedError(
        f"{name} is gated: its maker grants access one by one",
        hint=f"First {LOG_IN}. Then read and accept the agreement at {page}, and try again.",
    )


def _not_found(
    code: str, subject: Subject, host: str, page: str, status: int, *, has_token: bool
) -> NotFoundError:
    if code == "RevisionNotFound":
        return NotFoundError(
            f"{subject.repository} has no revision {clean(subject.revision, 80)!r} on {host}",
            hint=f"Its branches and tags stand at {page}.",
        )
    if code == "EntryNotFound" or (subject.file and status != 401 and code != "RepoNotFound"):
        file = clean(subject.file, 100) or "such file"
        return NotFoundError(
            f"{subject.repository} has no {file} at this revision",
            hint="It may have been renamed or removed; list the files again.",
        )
    if status == 401 or not has_token:
        kind = HiddenError if status == 401 else NotFoundError
        return kind(
            f"there is no model {subject.repository} on {host}, or it is private",
            hint="A private model needs a token that may see it"
            + (f"; see {page}." if has_token else f": {LOG_IN}; see {page}."),
        )
    return NotFoundError(
        f"there is no model {subject.repository} on {host}",
        hint="Check its name, or search for it.",
    )
