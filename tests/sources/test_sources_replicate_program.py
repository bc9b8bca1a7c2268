"""Replicate through the whole program: synced, searched, shown, and refused to be downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Inside
from replicate_server import TOKEN, ReplicateServer, record, replicate_server, version


@pytest.fixture
def server() -> Iterator[ReplicateServer]:
    with replicate_server() as running:
        running.models = [
            record(
                "acme/painter",
                run_count=12_345,
                github_url="https://github.com/acme/painter",
                latest_version=version(1),
            ),
            record("acme/other"),
            record("acme/third"),
        ]
        running.collections = {"text-to-image": ["acme/painter"], "official": ["acme/painter"]}
        yield running


@pytest.fixture
def program(server: ReplicateServer, tmp_path: Path) -> Inside:
    return Inside(
        tmp_path / "home",
        {"TUI_HUB_REPLICATE__ENDPOINT": server.endpoint, "REPLICATE_API_TOKEN": TOKEN},
    )


def test_synced_found_and_shown(program: Inside, server: ReplicateServer) -> None:
    synced = program.json("sync", "replicate")
    assert synced.code == 0
    counts = {
        feed["feed"]: (feed["status"], feed["fetched"], feed["created"], feed["requests"])
        for feed in synced.document["feeds"]
    }
    assert counts == {
        "replicate:models": ("completed", 3, 3, 2),
        "replicate:collections": ("completed", 1, 0, 3),
    }
    again = program.json("sync", "replicate").document["feeds"]
    assert [(feed["updated"], feed["unchanged"]) for feed in again] == [(0, 3), (0, 1)]
    (found,) = program.json("search", "painter").document["models"]
    assert (found["id"], found["type"]) == ("replicate:acme/painter", "image_gen")
    assert found["tags"] == ["official", "text-to-image"]
    assert found["owner"] == "replicate_sync_system"
    shown = program.json("show", "replicate:acme/painter").document
    assert shown["links"] == {
        "page": "https://replicate.com/acme/painter",
        "code": "https://github.com/acme/painter",
    }
    assert "gives no files" in shown["note"]
    people = program("show", "replicate:acme/painter")
    assert "https://github.com/acme/painter" in people.out
    told = [line.split() for line in people.out.splitlines()]
    assert ["runs", "12", "345"] in told
    assert ["hosted", "service", "only"] in told
    assert not any(line[:1] == ["downloads"] for line in told)


def test_a_model_that_was_never_seen_is_looked_up_and_not_downloaded(
    program: Inside, server: ReplicateServer
) -> None:
    assert program.json("show", "replicate:acme/other").document["author"] == "acme"
    for arguments in (["download"], ["download", "--dry-run"], ["register"]):
        refused = program.json(*arguments, "replicate:acme/third")
        assert (refused.code, refused.error) == (5, "refused")
        assert "gives no files to download" in refused.document["error"]["message"]
    missing = program.json("show", "replicate:acme/nothing")
    assert (missing.code, missing.error) == (4, "not_found")


def test_without_a_token_its_feeds_are_skipped(program: Inside, server: ReplicateServer) -> None:
    skipped = program.json("sync", "replicate", REPLICATE_API_TOKEN="")
    assert skipped.code == 0
    assert [feed["status"] for feed in skipped.document["feeds"]] == ["skipped", "skipped"]
    assert "REPLICATE_API_TOKEN is not set" in skipped.document["feeds"][0]["error"]
    shown = program.json("show", "replicate:acme/painter", REPLICATE_API_TOKEN="")
    assert (shown.code, shown.error) == (6, "unreachable")
    assert server.hub.seen == []


def test_a_wrong_token_fails_and_is_told_nowhere(
    program: Inside, server: ReplicateServer, tmp_path: Path
) -> None:
    wrong = "r8_somebodyelses"
    failed = program.json("sync", "replicate", "-vv", REPLICATE_API_TOKEN=wrong)
    assert failed.code == 1
    assert {feed["status"] for feed in failed.document["feeds"]} == {"failed"}
    assert program("sync", "replicate", "-vv").code == 0
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (wrong, TOKEN):
        assert secret not in failed.out + failed.err
        assert secret.encode() not in written
