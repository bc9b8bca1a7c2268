"""`versions` and `MODEL@NAME` from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import Inside
from small_models import small_repositories

from tui_hub.demo import DemoHub, RepositoryFile

TINY = "hf:acme/tiny"


@pytest.fixture
def hub() -> Iterator[DemoHub]:
    """A hub of one's own, since these tests put new commits into it."""
    with DemoHub(per_connection=0, total=0, repositories=small_repositories()) as running:
        yield running


@pytest.fixture
def program(hub: DemoHub, tmp_path: Path) -> Inside:
    """The program on a fresh home."""
    return Inside(tmp_path / "home", {"HF_ENDPOINT": hub.endpoint})


def test_a_revision_is_named_fetched_renamed_and_let_go(program: Inside, hub: DemoHub) -> None:
    first = program.json("download", "acme/tiny").document["revision"]
    assert "named: stable" in program("versions", "acme/tiny", "--name", "stable").out
    tiny = small_repositories()[0]
    files = (*tiny.files[:-1], RepositoryFile("model.safetensors", b"other"))
    second = hub.put(replace(tiny, files=files, license="other"))
    listed = program.json("versions", "acme/tiny", "--refresh").document
    assert (listed["model"], listed["installed"]) == (TINY, first)
    newest, oldest = listed["versions"]
    assert (newest["revision"], newest["name"], newest["names"]) == (second, None, [])
    assert (oldest["revision"], oldest["name"], oldest["variant"]) == (first, "stable", None)
    changes = newest["changes"]
    assert (changes["previous"], changes["changed"], changes["added"]) == (first, 1, 0)
    assert changes["license"] == {"from": "apache-2.0", "to": "other"}
    assert changes["files"][0]["path"] == "model.safetensors"
    assert "1 file changed, -3.0 MiB, licence apache-2.0" in program("versions", "acme/tiny").out

    shown = program("show", "acme/tiny").out
    assert f"stable ({first[:12]})" in shown
    assert "1 file changed" in shown
    assert program.json("show", "acme/tiny@stable").document["revision"] == first
    assert (
        program.json("files", "acme/tiny", "--revision", second[:8]).document["revision"] == second
    )
    assert (
        program.json("download", "acme/tiny", "--revision", "main").document["revision"] == second
    )
    assert program.json("download", "acme/tiny@stable").document["revision"] == first

    renamed = program.json("versions", "acme/tiny", "--rename", "stable", "good").document
    assert [one["name"] for one in renamed["versions"]] == [None, "good"]
    assert program("versions", "acme/tiny", "--remove", "good").code == 0
    assert program.json("versions", "acme/tiny", "--remove", "good").error == "not_found"
    assert program.json("download", "acme/tiny@good").error == "not_found"


def test_a_version_may_mean_a_variant(program: Inside) -> None:
    ran = program.json("versions", "acme/quants", "--name", "small", "--variant", "q4_0")
    (revision,) = ran.document["versions"]
    assert (revision["name"], revision["variant"]) == ("small", "Q4_0")
    done = program.json("download", "acme/quants@small").document
    assert done["variant"] == "Q4_0"
    assert {file["path"] for file in done["files"]} == {"README.md", "quants-Q4_0.gguf"}
    planned = program.json("download", "acme/quants@small", "--dry-run").document
    assert planned["variant"] == "Q4_0"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--name", "a", "--remove", "b"], 2),
        (["--revision", "abc"], 2),
        (["--name", "main"], 2),
        (["--name", "x", "--variant", "Q9"], 4),
        (["--name", "x", "--revision", "nothing"], 4),
        (["--remove", "x"], 4),
    ],
)
def test_what_is_wrong_is_told(program: Inside, arguments: list[str], code: int) -> None:
    ran = program.json("versions", "acme/quants", *arguments)
    assert ran.code == code
    assert ran.document["error"]["message"]
