"""Queries as people type them."""

from __future__ import annotations

import pytest

from tui_hub.domain.errors import UsageError
from tui_hub.domain.feeds import Query
from tui_hub.domain.queries import parse_queries, query_text, query_words


def test_words_with_a_qualifier_narrow_and_the_others_are_searched_for() -> None:
    assert parse_queries(" tag:license:mit  tag:gguf flux task:text-to-image  fast ") == (
        Query(filter=("license:mit", "gguf"), pipeline_tag="text-to-image", search="flux fast"),
    )
    assert parse_queries("author:a;library:b; sort:likes") == (
        Query(author="a"),
        Query(library="b"),
        Query(sort="likes"),
    )
    assert parse_queries("") == parse_queries(" ; ;") == (Query(),)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "tag:litert; tag:LiteRT",
        "tag:license:mit task:text-to-image author:acme library:x sort:downloads words here",
        'author:"a b" "one:two"; tag:"semi;colon"',
    ],
)
def test_a_query_reads_back_as_it_was_typed(typed: str) -> None:
    queries = parse_queries(typed)
    assert parse_queries(query_text(queries)) == queries
    assert query_text(parse_queries(query_text(queries))) == query_text(queries)


@pytest.mark.parametrize(
    "typed",
    ["colour:red", 'tag:"open', "tag:", "task:a task:b", "sort:a/b", "a\x1b[2J", "x" * 300],
)
def test_what_is_no_query_is_told(typed: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_queries(typed)
    assert caught.value.message.isprintable() and caught.value.hint


def test_queries_in_words() -> None:
    assert query_words(parse_queries("tag:a tag:b author:c; x")) == (
        "tag a and tag b and by c; or search x"
    )
    assert query_words((Query(author="a"), Query(sort="likes"))) == "everything"
