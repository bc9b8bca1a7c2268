"""What the Hub's JSON becomes: recorded answers, and the shapes that do harm."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tui_hub.domain.artifacts import ArtifactKind
from tui_hub.domain.errors import UnreachableError
from tui_hub.domain.models import Model
from tui_hub.domain.types import ModelType
from tui_hub.sources.huggingface_records import BadRecordError, read_artifact, read_model
from tui_hub.sources.records import split_list

LATEST = "2026-12-31T00:00:00Z"
COMMIT = "3885219b6810b007914f3a7950a8d1b469d598a5"
Recorded = Callable[[str], Any]


def model(**record: object) -> Model:
    return read_model(json.dumps({"id": "org/name", **record}).encode(), LATEST)


def test_a_recorded_model_of_gguf_files(recorded: Recorded) -> None:
    found = read_model(json.dumps(recorded("model_gguf.json")).encode(), LATEST)
    assert found.id == "hf:unsloth/Qwen3.5-9B-GGUF"
    assert (found.source, found.name, found.author) == ("hf", "Qwen3.5-9B-GGUF", "unsloth")
    assert found.type is ModelType.LLM
    assert found.params == 8_953_803_264, "gguf.total counts parameters"
    assert found.size == 17_920_697_312, "gguf.totalFileSize, not usedStorage"
    assert found.license == "apache-2.0"
    assert found.last_modified == "2026-03-02T14:08:36Z"
    assert found.upstream_id == "69a2f5edef408247323ee7f4"
    assert found.revision == COMMIT
    assert (found.downloads, found.likes, found.gated) == (1_474_487, 931, False)


def test_a_recorded_gated_model(recorded: Recorded) -> None:
    found = read_model(json.dumps(recorded("model_gated.json")).encode(), LATEST)
    assert found.gated == "auto"
    assert found.library == "litert-lm"
    assert found.size == 1_432_447_106, "usedStorage where there is no gguf field"
    assert found.upstream_id is None


def test_a_recorded_private_model_says_so(recorded: Recorded) -> None:
    found = read_model(json.dumps(recorded("model_private.json")).encode(), LATEST)
    assert found.facts == {"private": True}


def test_the_id_may_stand_in_model_id_alone(recorded: Recorded) -> None:
    found = read_model(json.dumps(recorded("model_without_id.json")).encode(), LATEST)
    assert found.id == "hf:ggml-org/gemma-3-1b-it-GGUF"


def test_parameters_of_recorded_safetensors(recorded: Recorded) -> None:
    found = [
        read_model(json.dumps(entry).encode(), LATEST) for entry in recorded("safetensors.json")
    ]
    assert [entry.params for entry in found] == [235_093_634_560, 27_781_427_952, 120_412_337_472]


def test_a_listing_row_with_few_keys_takes_its_author_from_the_id(recorded: Recorded) -> None:
    found = [read_model(json.dumps(entry).encode(), LATEST) for entry in recorded("listing.json")]
    assert [entry.author for entry in found] == ["unsloth", "cdiamond"]
    assert [entry.license for entry in found] == ["apache-2.0", "apache-2.0"]
    assert found[0].last_modified is None


@pytest.mark.parametrize(
    ("card", "tags", "expected"),
    [
        ({"license": "mit"}, ["license:apache-2.0"], "apache-2.0"),
        ({"license": "mit"}, [], "mit"),
        ({"license": ["mit", "bsd"]}, [], "mit"),
        ({"license": {"a": 1}}, [], None),
        ("front matter that is text", [], None),
        ([1, 2], [], None),
        (None, [], None),
    ],
)
def test_licence_by_tag_then_by_card(card: object, tags: list[str], expected: str | None) -> None:
    assert model(cardData=card, tags=tags).license == expected


@pytest.mark.parametrize(
    ("gated", "expected"),
    [
        (False, False),
        (None, False),
        (True, True),
        ("manual", "manual"),
        ("", False),
        ({"mode": "new"}, True),
        (7, True),
    ],
)
def test_gating_in_known_and_unknown_shapes(gated: object, expected: object) -> None:
    assert model(gated=gated).gated == expected


def test_unknown_shapes_of_sizes_and_counts_are_ignored() -> None:
    found = model(
        safetensors={"total": "many"}, gguf=[1], config={"deep": {"er": [1]}}, newKey={"x": 1}
    )
    assert (found.params, found.size) == (None, None)


HOSTILE = {
    "no id": b"{}",
    "id is a number": b'{"id": 7}',
    "id is a list": b'{"id": ["a/b"]}',
    "id leaves its folder": b'{"id": "a/../b"}',
    "id with three parts": b'{"id": "a/b/c"}',
    "id is an address": b'{"id": "http://x"}',
    "id of 300 characters": b'{"id": "a/' + b"b" * 300 + b'"}',
    "id with two dashes": b'{"id": "a--b"}',
    "id with a colon": b'{"id": "hf:a/b"}',
    "id with an escape": b'{"id": "a/b\\u001b[2J"}',
    "id with a NUL": b'{"id": "a/b\\u0000"}',
    "negative downloads": b'{"id": "a/b", "downloads": -1}',
    "downloads beyond a database": b'{"id": "a/b", "downloads": 9223372036854775808}',
    "downloads of 5000 digits": b'{"id": "a/b", "downloads": ' + b"9" * 5000 + b"}",
    "downloads as text": b'{"id": "a/b", "downloads": "12"}',
    "downloads true": b'{"id": "a/b", "downloads": true}',
    "infinite trend": b'{"id": "a/b", "trendingScore": 1e999}',
    "not a number": b'{"id": "a/b", "likes": NaN}',
    "tags as an object": b'{"id": "a/b", "tags": {"a": 1}}',
    "tags nested": b'{"id": "a/b", "tags": [["a"]]}',
    "date as epoch": b'{"id": "a/b", "lastModified": 1700000000000}',
    "nested 100,000 deep": b'{"id": "a/b", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "lone surrogate": b'{"id": "a/b", "author": "\\ud800"}',
    "invalid UTF-8": b'{"id": "a/b", "author": "\xff"}',
    "a number": b"7",
    "null": b"null",
    "a list": b"[]",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_record_is_refused_with_a_clean_reason(raw: bytes) -> None:
    with pytest.raises(BadRecordError) as caught:
        read_model(raw, LATEST)
    reason = str(caught.value)
    assert reason.isprintable()
    assert 0 < len(reason) < 350


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_record_costs_its_neighbours_nothing(raw: bytes) -> None:
    page = b' [{"id": "x/first", "tags": ["a,]}"]},\n' + raw + b' , {"id": "x/last"}] '
    rows = split_list(page, "host")
    assert len(rows) == 3
    assert read_model(rows[0], LATEST).id == "hf:x/first"
    assert read_model(rows[2], LATEST).id == "hf:x/last"
    with pytest.raises(BadRecordError):
        read_model(rows[1], LATEST)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b'"text"', b"{}", b"[", b'[{"id": "a/b"}', b'[{"id": "a/b"}]]', b"[{]", b"7",
     '[{"id": "a/b"}]'.encode("utf-16"), b'[{"id": "a/b'],
)  # fmt: skip
def test_what_is_no_list_is_no_page(body: bytes) -> None:
    with pytest.raises(UnreachableError):
        split_list(body, "host")


def test_an_empty_list_and_a_byte_order_mark_are_pages() -> None:
    assert split_list(b"[]", "host") == []
    assert len(split_list(b'\xef\xbb\xbf[{"id": "a/b"}]', "host")) == 1


@pytest.mark.parametrize(
    "date", ["0000-00-00", "10000-01-01T00:00:00Z", "yesterday", "1969-01-01T00:00:00Z", "", None]
)
def test_a_date_that_is_none_is_left_out(date: str | None) -> None:
    assert model(lastModified=date).last_modified is None


def test_a_date_in_the_future_is_left_out() -> None:
    assert model(lastModified="9999-01-01T00:00:00Z").last_modified is None
    assert model(lastModified="2026-06-01T12:00:00").last_modified == "2026-06-01T12:00:00Z"


def test_foreign_text_is_cleaned_and_tags_are_bounded() -> None:
    found = model(author="\x1b[2Jevil", tags=["\u202eabc", *[f"t{n}" for n in range(100_000)]])
    assert "\x1b" not in (found.author or "")
    assert found.tags[0] == "\N{REPLACEMENT CHARACTER}abc"
    assert len(found.tags) == 500


def test_recorded_trees(recorded: Recorded) -> None:
    rows = [json.dumps(row).encode() for row in recorded("tree_gguf.json")]
    files = [read_artifact(row, "hf:a/b", COMMIT) for row in rows]
    by_path = {file.path: file for file in files if file}
    weights = by_path["Qwen3.5-9B-IQ4_NL.gguf"]
    assert weights.sha256 == "12fd6b43e298ae4c8d374e64e8c2406c252d109ead47dffb46e75be3566ed0e5"
    assert (weights.size, weights.kind) == (5_371_028_704, ArtifactKind.WEIGHTS)
    assert weights.git_sha1 is None, "the oid of an LFS file names its pointer, not its bytes"
    readme = by_path["README.md"]
    assert readme.git_sha1 == "b876513d670a4d8a0b63b2f3016dea1a5659b245"
    assert readme.sha256 is None
    folder, *_ = recorded("tree_recursive.json")
    assert read_artifact(json.dumps(folder).encode(), "hf:a/b", COMMIT) is None


@pytest.mark.parametrize(
    "row",
    [
        {"path": "../x"},
        {"path": "/etc/cron.d/x"},
        {"path": "a/../../x"},
        {"path": "C:\\x"},
        {"path": "a\x00b"},
        {"path": "a//b"},
        {"path": "b\u202egpj.safetensors"},
        {"path": "x" * 300},
        {"path": None},
        {"path": "x", "size": -1},
        {"path": "x", "size": 2**60},
        {"path": "x", "lfs": {"oid": "sha256:../../x", "size": 1}},
        {"path": "x", "lfs": {"oid": "A" * 64, "size": 1}},
        {"path": "x", "lfs": {"oid": "a" * 63, "size": 1}},
        {"path": "x", "lfs": {"oid": "a" * 64 + "\n", "size": 1}},
        {"path": "x", "lfs": {}},
    ],
    ids=str,
)
def test_a_hostile_tree_row_is_refused_with_a_clean_reason(row: dict[str, object]) -> None:
    raw = json.dumps({"type": "file", "oid": "a" * 40, "size": 1, **row}).encode()
    with pytest.raises(BadRecordError) as caught:
        read_artifact(raw, "hf:a/b", COMMIT)
    assert str(caught.value).isprintable()
