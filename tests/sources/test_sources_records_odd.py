"""Records of any shape are read alike, whichever way they go."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta, timezone

from hypothesis import example, given
from hypothesis import strategies as st

from tui_hub.domain.errors import UsageError
from tui_hub.domain.identifiers import ModelId, is_repository
from tui_hub.domain.models import Model
from tui_hub.sources.huggingface_records import BadRecordError, read_model, read_models
from tui_hub.text import clean, parse_time, same_time, stamp

LATEST = "2026-12-31T00:00:00Z"
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "",
            "a" * 201,
            "é",
            "e" + "\u0301" * 3,
            "\x1b[2J",
            "\x7f",
            "a\nb",
            "license:mit",
            "license:",
        ]
    ),
)
NAMES = st.one_of(
    st.from_regex(r"[A-Za-z0-9_.-]{1,9}(/[A-Za-z0-9_.-]{1,9})?", fullmatch=True),
    st.sampled_from(
        ["a/b\n", "a/b ", "hf:a/b", "a:b", "a/b/c", "a/" + "b" * 198, "a/" + "b" * 199]
    ),
    TEXTS,
)
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.one_of(
    st.datetimes().map(lambda moment: f"{moment.isoformat(timespec='milliseconds')}Z"),
    st.datetimes(timezones=ZONES).map(lambda moment: moment.isoformat()),
    st.sampled_from(
        ["2026-02-30T00:00:00.000Z", "2026-01-01T24:00:00.000Z", "2026-W31-6T00:00:00.0000Z",
         "20260101T000000Z", "2026-01-01", "2026-01-01T00:00:00.000z", "1999-12-31T23:59:59.999Z",
         "2026-12-31T00:00:00.999Z", "2026-12-31T00:00:01.000Z", "2026-01-01T00:00:00.000+00:00"]
    ),
    TEXTS,
)  # fmt: skip
COUNTS = st.one_of(st.integers(-1, 2**53 + 1), st.integers(2**62, 2**65), st.none())
PARTS = st.one_of(
    st.none(), st.booleans(), COUNTS, TEXTS,
    st.fixed_dictionaries({}, optional={
        "license": st.one_of(TEXTS, st.lists(TEXTS, max_size=2), COUNTS),
        "total": st.one_of(COUNTS, TEXTS),
        "totalFileSize": st.one_of(COUNTS, st.floats()),
        "parameters": st.dictionaries(TEXTS, COUNTS, max_size=2),
    }),
)  # fmt: skip
ODD = {
    "_id": TEXTS, "id": NAMES, "modelId": NAMES, "author": TEXTS, "pipeline_tag": TEXTS,
    "library_name": TEXTS, "tags": st.lists(TEXTS, max_size=5), "lastModified": TIMES,
    "createdAt": TIMES, "sha": st.one_of(st.from_regex(r"[0-9a-fA]{39,41}", fullmatch=True), TEXTS),
    "downloads": COUNTS, "likes": COUNTS, "usedStorage": COUNTS, "trendingScore": st.floats(),
    "gated": PARTS, "private": PARTS, "disabled": PARTS, "cardData": PARTS, "safetensors": PARTS,
    "gguf": PARTS,
}  # fmt: skip
RECORDS = st.lists(st.sampled_from(sorted(ODD)), max_size=4, unique=True).flatmap(
    lambda names: st.fixed_dictionaries(
        {"id": st.just("org/name")} | {name: ODD[name] for name in names}
    )
)


def read(record: dict[str, object]) -> Model | str:
    """The row of a record, or why there is none."""
    try:
        return read_model(json.dumps(record).encode(), LATEST)
    except BadRecordError as error:
        return str(error)


@given(RECORDS)
def test_a_part_of_unknown_shape_changes_nothing_else(record: dict[str, object]) -> None:
    known = read({**record, "private": True})
    unknown = read({**record, "private": ["a new shape"]})
    if isinstance(known, Model):
        facts = {name: value for name, value in known.facts.items() if name != "private"}
        known = replace(known, facts=facts)
    assert unknown == known


@given(st.lists(RECORDS, max_size=3))
def test_a_page_is_what_its_records_are(records: list[dict[str, object]]) -> None:
    alone = [read(record) for record in records]
    models, skipped = read_models(json.dumps(records).encode(), "host", LATEST)
    assert models == [found for found in alone if isinstance(found, Model)]
    assert skipped == [
        f"record {number} of the page: {found}"
        for number, found in enumerate(alone, start=1)
        if isinstance(found, str)
    ]


@given(TEXTS, TEXTS)
@example("a" * 201, "b")
@example("b", "a" * 201)
def test_every_word_of_a_row_is_clean(word: str, tag: str) -> None:
    record = {"id": "org/name", "_id": word, "author": word, "tags": ["a", tag]}
    found = read({**record, "pipeline_tag": word, "library_name": word})
    assert isinstance(found, Model)
    expected = clean(word, 200) or None
    assert found.author == (expected or "org")
    assert found.task == found.library == found.upstream_id == expected
    assert found.tags == ("a", clean(tag, 200))


@given(NAMES)
def test_the_name_of_a_repository_is_an_id_as_it_stands(name: str) -> None:
    try:
        taken = ModelId.parse(f"hf:{name}").path == name
    except UsageError:
        taken = False
    assert is_repository(name) == taken


@given(TIMES)
def test_a_time_in_the_usual_form_is_cut_to_what_a_stamp_is(text: str) -> None:
    found = parse_time(text)
    assert same_time(text) == (None if found is None else stamp(found))
