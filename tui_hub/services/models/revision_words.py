"""What a revision changed, in words: one line for lists, and one line for each file."""

from __future__ import annotations

from collections.abc import Iterator

from tui_hub import text
from tui_hub.domain.revisions import (
    FileChange,
    FileChangeKind,
    Gating,
    Revision,
    RevisionChanges,
)

_FIRST = "the first that was seen here"


def change_words(revision: Revision, arrow: str = "→") -> str:
    """One line: `3 files changed, +4.9 GiB, licence apache-2.0 → other`.

    Args:
        revision: what changed something.
        arrow: the sign between before and after.
    """
    changes = revision.changes
    if changes is None:
        return ""
    parts = [
        f"{_files(count)} {what}"
        for count, what in (
            (changes.changed, "changed"),
            (changes.added, "added"),
            (changes.removed, "removed"),
        )
        if count
    ]
    if changes.bytes:
        sign = "+" if changes.bytes > 0 else "-"
        parts.append(f"{sign}{text.size(abs(changes.bytes))}")
    if changes.license is not None:
        before, after = (name or "none" for name in changes.license)
        parts.append(f"licence {before} {arrow} {after}")
    if changes.gated is not None:
        before, after = map(_gate, changes.gated)
        parts.append(f"{before} {arrow} {after}")
    return ", ".join(parts) or "no file changed"


def change_lines(revision: Revision, arrow: str = "→") -> Iterator[str]:
    """The revision in full: its commit, what it changed, and the files that differ."""
    facts, changes = revision.facts, revision.changes
    yield f"commit   {revision.revision}"
    if facts is not None and facts.committed_at:
        yield f"made     {facts.committed_at}"
    yield f"seen     {revision.seen_at}"
    for version in revision.names:
        variant = f", {version.variant}" if version.variant else ""
        yield f"version  {version.name}{variant}"
    if facts is not None:
        yield f"holds    {_files(facts.files)}, {text.size(facts.bytes)}"
        yield f"terms    {facts.license or 'no licence named'}, {_gate(facts.gated)}"
    if changes is None:
        yield f"changed  {_FIRST}" if facts is not None else "changed  not known"
        return
    yield f"changed  {change_words(revision, arrow)}"
    yield f"against  {changes.previous}"
    yield ""
    yield from (_file(one, arrow) for one in changes.files)
    hidden = _total(changes) - len(changes.files)
    if hidden:
        yield f"and {_files(hidden)} more"


def _file(one: FileChange, arrow: str) -> str:
    match one.change:
        case FileChangeKind.ADDED:
            sizes = text.size(one.after)
        case FileChangeKind.REMOVED:
            sizes = text.size(one.before)
        case _ if one.before == one.after:
            sizes = f"{text.size(one.after)} as before"
        case _:
            sizes = f"{text.size(one.before)} {arrow} {text.size(one.after)}"
    return f"{one.change.value:<8} {text.clean(one.path, 300)}  {sizes}"


def _total(changes: RevisionChanges) -> int:
    return changes.added + changes.removed + changes.changed


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _gate(gated: Gating) -> str:
    return "open" if gated is False else "gated" if gated is True else f"gated ({gated})"
