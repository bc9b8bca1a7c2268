"""What a revision changed against the one before."""

from __future__ import annotations

from dataclasses import replace

from tui_hub.domain.artifacts import Artifact, artifact_id
from tui_hub.domain.revisions import (
    FILES,
    FileChangeKind,
    Revision,
    RevisionChanges,
    RevisionFacts,
    changes_between,
)
from tui_hub.services.models.revision_words import change_lines, change_words

GIB = 1024**3


def file(path: str, size: int | None = 10, **hashes: str) -> Artifact:
    """One file at some revision."""
    return Artifact(
        id=artifact_id("hf:a/b", "r", path),
        model="hf:a/b",
        revision="r",
        path=path,
        size=size,
        **hashes,  # type: ignore[arg-type]
    )


def compared(before: list[Artifact], after: list[Artifact]) -> RevisionChanges:
    """The changes between two sets of files under the same terms."""
    return changes_between("old", before, after, RevisionFacts(), RevisionFacts())


def test_files_are_told_apart_by_hash_before_size() -> None:
    changes = compared(
        [file("same", sha256="a"), file("other", sha256="a"), file("gone"), file("grown", 1)],
        [file("same", sha256="a"), file("other", sha256="b"), file("new", 7), file("grown", 2)],
    )
    assert {one.path: one.change for one in changes.files} == {
        "other": FileChangeKind.CHANGED,
        "gone": FileChangeKind.REMOVED,
        "new": FileChangeKind.ADDED,
        "grown": FileChangeKind.CHANGED,
    }
    assert (changes.added, changes.removed, changes.changed) == (1, 1, 2)
    assert changes.bytes == 7 - 10 + 1


def test_a_hash_that_only_one_knows_says_nothing() -> None:
    downloaded = file("config.json", sha256="computed", git_sha1="g")
    assert compared([downloaded], [file("config.json", git_sha1="g")]).files == ()
    assert compared([downloaded], [file("config.json", git_sha1="h")]).changed == 1
    assert compared([file("x", sha256="a")], [file("x", md5="m")]).files == ()


def test_an_unknown_size_leaves_the_sum_open() -> None:
    assert compared([file("x", None)], [file("x", 5)]).bytes is None


def test_terms_count_where_both_are_known() -> None:
    old, new = RevisionFacts(license="mit"), RevisionFacts(license="other", gated="manual")
    changes = changes_between("old", [], [], old, new)
    assert (changes.license, changes.gated) == (("mit", "other"), (False, "manual"))
    unknown = changes_between("old", [], [], None, new)
    assert (unknown.license, unknown.gated) == (None, None)


def test_a_change_in_words() -> None:
    changes = replace(
        compared(
            [file(f"{n}.bin", GIB, sha256="a") for n in range(3)],
            [file(f"{n}.bin", 2 * GIB, sha256="b") for n in range(3)],
        ),
        license=("apache-2.0", "other"),
        gated=("auto", False),
    )
    one = Revision(model="hf:a/b", revision="new", seen_at="", changes=changes)
    assert (
        change_words(one)
        == "3 files changed, +3.0 GiB, licence apache-2.0 → other, gated (auto) → open"
    )
    assert "changed  0.bin  1.0 GiB > 2.0 GiB" in list(change_lines(one, ">"))
    assert change_words(replace(one, changes=compared([], []))) == "no file changed"
    assert change_words(replace(one, changes=None)) == ""


def test_thousands_of_files_are_counted_and_the_heaviest_named() -> None:
    many = [file(f"{number}.bin", number) for number in range(5000)]
    changes = compared([], many)
    assert (changes.added, len(changes.files)) == (5000, FILES)
    assert changes.files[0].path == "4999.bin"
    one = Revision(model="hf:a/b", revision="new", seen_at="", changes=changes)
    assert list(change_lines(one))[-1] == f"and {5000 - FILES} files more"
