"""What a revision is called: names of the user's own, and beginnings of commits."""

from __future__ import annotations

import re

from tui_hub.domain.errors import UsageError
from tui_hub.domain.identifiers import is_sha1
from tui_hub.domain.models import DEFAULT_REF
from tui_hub.domain.revisions import Version
from tui_hub.services.context import Context
from tui_hub.text import clean

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_BEGINNING = re.compile(r"[0-9a-f]{7,39}")


def check_name(name: str) -> str:
    """A name that a user may give to a revision.

    Raises:
        UsageError: when it is none, or could be taken for something else.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{clean(name, 80)!r} is no name for a version",
            hint="Up to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit.",
        )
    if name.lower() == DEFAULT_REF or is_sha1(name.lower()):
        raise UsageError(
            f"{name!r} would be taken for the source's own",
            hint=f"{DEFAULT_REF!r} and commits keep their meaning; choose another name.",
        )
    return name


async def named_version(context: Context, model: str, ref: str | None) -> Version | None:
    """The version that a user named so, if there is one; it goes before the source's names."""
    if ref in (None, DEFAULT_REF):
        return None
    return await context.hub.versions.get(model, str(ref))


async def commit_of(context: Context, model: str, ref: str | None) -> str | None:
    """The commit that a user's name, or the beginning of a commit seen before, stands for.

    Anything else comes back as it is, for the source to say what it means.
    """
    version = await named_version(context, model, ref)
    if version is not None:
        return version.revision
    if ref is None or not _BEGINNING.fullmatch(ref):
        return ref
    seen = await context.hub.artifacts.revisions(model)
    found = [one.revision for one in seen if one.revision.startswith(ref)]
    return found[0] if len(found) == 1 else ref
