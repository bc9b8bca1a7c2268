"""Walking a feed against a server: pages, unions, cursors, watermarks, bad pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fake_time import FakeTime
from hub_server import HubServer, Reply, Seen, as_json

from tui_hub.domain.errors import (
    NoConnectionError,
    UnauthorizedError,
    UnreachableError,
    UsageError,
)
from tui_hub.domain.feeds import NO_MODEL, Feed, Query, Quota, Reach
from tui_hub.settings import Settings
from tui_hub.sources.base import SourcePage
from tui_hub.sources.feeds import feeds_from
from tui_hub.sources.huggingface import HuggingFace

Connect = Callable[..., HuggingFace]
FEED = Feed(name="hf:test", source="hf", queries=(Query(filter=("a-tag",)),))


def row(number: int, day: int = 1, **more: object) -> dict[str, object]:
    return {
        "_id": f"{number:024x}",
        "id": f"org/model-{number}",
        "lastModified": f"2026-08-{day:02}T00:00:00.000Z",
        **more,
    }


def linked(hub: HubServer, rows: object, following: str | None) -> Reply:
    extra = {"Link": f'<{hub.url}{following}>; rel="next"'} if following else {}
    return as_json(rows, **extra)


async def walk(
    source: HuggingFace, feed: Feed, cursor: str | None = None, since: str | None = None
) -> list[SourcePage]:
    return [page async for page in source.pages(feed, cursor, since)]


def names(pages: list[SourcePage]) -> list[str]:
    return [model.name for page in pages for model in page.models]


async def test_the_request_is_what_the_hub_expects(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models", as_json([row(1)]))
    query = Query(
        filter=("one", "Two"), pipeline_tag="text-to-image", author="me", library="lib", search="s"
    )
    await walk(connect(HF_TOKEN="hf_test"), Feed(name="hf:x", source="hf", queries=(query,)))
    seen = hub.seen[0]
    assert seen.path == "/api/models"
    assert seen.query["filter"] == ["one", "Two", "lib"], "tags verbatim; library= is ignored there"
    assert seen.query["pipeline_tag"] == ["text-to-image"]
    assert (seen.query["author"], seen.query["search"]) == (["me"], ["s"])
    assert (seen.query["sort"], seen.query["limit"]) == (["lastModified"], ["1000"])
    assert {"usedStorage", "safetensors", "gguf", "cardData", "sha"} <= set(seen.query["expand"])
    assert seen.headers["authorization"] == "Bearer hf_test"
    assert seen.headers["user-agent"].startswith("tui-hub/")


async def test_pages_follow_the_link_to_the_last(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models?filter", linked(hub, [row(1), row(2)], "/api/models?cursor=b"))
    hub.on("/api/models?cursor=b", linked(hub, [row(3)], "/api/models?cursor=c"))
    hub.on("/api/models?cursor=c", as_json([row(4)]))
    pages = await walk(connect(), FEED)
    assert names(pages) == ["model-1", "model-2", "model-3", "model-4"]
    assert [page.cursor is None for page in pages] == [False, False, True]
    assert all(page.requests == 1 and page.bytes > 10 for page in pages)


async def test_the_union_of_tags_lists_each_model_once(hub: HubServer, connect: Connect) -> None:
    by_tag = {"litert": [1, 2], "litert-lm": [2, 3], "tflite": [3, 4], "LiteRT": [1, 5]}

    def answer(seen: Seen) -> Reply:
        return as_json([row(number) for number in by_tag[seen.query["filter"][0]]])

    hub.on("/api/models", answer)
    litert = next(feed for feed in feeds_from(Settings()) if feed.name == "hf:litert")
    pages = await walk(connect(), litert)
    assert sorted(names(pages)) == [f"model-{number}" for number in range(1, 6)]
    assert [seen.query["filter"][0] for seen in hub.seen] == list(by_tag), "case kept"


async def test_a_model_that_moved_to_the_next_page_is_listed_once(
    hub: HubServer, connect: Connect
) -> None:
    hub.on("/api/models?filter", linked(hub, [row(1), row(2)], "/api/models?cursor=b"))
    renamed = {**row(2), "id": "org/New-Name"}
    other_case = {**row(9), "id": "ORG/Model-1"}
    hub.on("/api/models?cursor=b", as_json([renamed, other_case, row(3)]))
    assert names(await walk(connect(), FEED)) == ["model-1", "model-2", "model-3"]


async def test_a_model_is_known_again_after_many_others(
    hub: HubServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui_hub.sources.huggingface_feeds._REMEMBERED", 4)
    hub.on("/api/models?filter", linked(hub, [row(1), row(2)], "/api/models?cursor=b"))
    hub.on("/api/models?cursor=b", linked(hub, [row(3)], "/api/models?cursor=c"))
    hub.on("/api/models?cursor=c", as_json([row(1), row(2), row(3), row(4)]))
    assert names(await walk(connect(), FEED)) == ["model-1", "model-2", "model-3", "model-4"]


async def test_an_interrupted_walk_goes_on_after_its_cursor(
    hub: HubServer, connect: Connect
) -> None:
    hub.on("/api/models?filter=x", linked(hub, [row(1)], "/api/models?cursor=b"))
    hub.on("/api/models?filter=y", as_json([row(3)]))
    hub.on("/api/models?cursor=b", as_json([row(2)]))
    feed = Feed(name="hf:x", source="hf", queries=(Query(filter=("x",)), Query(filter=("y",))))
    first = await anext(connect().pages(feed))
    assert json.loads(first.cursor or "")["next"] == f"{hub.url}/api/models?cursor=b"
    hub.seen.clear()
    rest = await walk(connect(), feed, first.cursor)
    assert names(rest) == ["model-2", "model-3"]
    assert len(hub.seen) == 2


@pytest.mark.parametrize("tamper", ["origin", "scheme", "query", "feed", "text", "type", "user"])
async def test_a_cursor_that_cannot_be_trusted_is_ignored(
    tamper: str, hub: HubServer, elsewhere: HubServer, connect: Connect
) -> None:
    hub.on("/api/models", linked(hub, [row(1)], "/api/models?cursor=b"))
    cursor = (await anext(connect(HF_TOKEN="hf_secret").pages(FEED))).cursor or ""
    place: dict[str, Any] = json.loads(cursor)
    match tamper:
        case "origin":
            place["next"] = f"{elsewhere.url}/api/models?cursor=b"
        case "scheme":
            place["next"] = "file:///etc/passwd"
        case "user":
            place["next"] = place["next"].replace("http://", "http://me@")
        case "query":
            place["query"] = 7
        case "feed":
            place["feed"] = "0" * 16
        case "type":
            place["next"] = 7
    hub.seen.clear()
    stored = "not json" if tamper == "text" else json.dumps(place)
    await anext(connect(HF_TOKEN="hf_secret").pages(FEED, stored))
    assert elsewhere.seen == []
    assert "filter" in hub.seen[0].query, "the query starts over"


async def test_a_cursor_that_the_server_forgot_starts_its_query_over(
    hub: HubServer, connect: Connect
) -> None:
    hub.on("/api/models?filter", linked(hub, [row(1)], "/api/models?cursor=b"))
    hub.on("/api/models?cursor=b", as_json({"error": "invalid cursor"}, 400))
    cursor = (await anext(connect().pages(FEED))).cursor
    again = await anext(connect().pages(FEED, cursor))
    assert names([again]) == ["model-1"]


async def test_the_limit_of_a_feed_counts_per_query(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models?filter", linked(hub, [row(n) for n in range(3)], "/api/models?cursor=b"))
    hub.on("/api/models?cursor=b", linked(hub, [row(n) for n in range(3, 6)], "/api/models?c"))
    feed = Feed(name="hf:x", source="hf", queries=(Query(filter=("x",)),), limit=5)
    pages = await walk(connect(), feed)
    assert len(names(pages)) == 5
    assert pages[-1].cursor is None
    assert hub.seen[0].query["limit"] == ["5"]


def targets(hub: HubServer) -> list[str]:
    return [seen.target.split("&")[0] for seen in hub.seen]


async def test_a_walk_since_a_watermark_ends_each_query_where_the_rest_is_known(
    hub: HubServer, connect: Connect
) -> None:
    hub.on("/api/models?filter=x", linked(hub, [row(1, 20), row(2, 11)], "/api/models?cursor=x2"))
    hub.on("/api/models?cursor=x2", linked(hub, [row(3, 10), row(4, 7)], "/api/models?cursor=x3"))
    hub.on("/api/models?filter=y", linked(hub, [row(5, 3)], "/api/models?cursor=y2"))
    feed = Feed(name="hf:x", source="hf", queries=(Query(filter=("x",)), Query(filter=("y",))))
    pages = await walk(connect(), feed, since="2026-08-10T00:00:00Z")
    assert targets(hub) == [
        "/api/models?filter=x",
        "/api/models?cursor=x2",
        "/api/models?filter=y",
    ]
    assert names(pages) == ["model-1", "model-2", "model-3"], "what did not change is left out"
    assert pages[-1].cursor is None


async def test_a_walk_that_finds_nothing_new_costs_one_short_page(
    hub: HubServer, connect: Connect
) -> None:
    hub.on("/api/models", linked(hub, [row(1, 10), row(2, 9)], "/api/models?cursor=b"))
    pages = await walk(connect(), FEED, since="2026-08-10T00:00:00Z")
    assert [seen.query["limit"] for seen in hub.seen] == [["10"]]
    assert names(pages) == ["model-1"], "the time of the watermark has ties"


async def test_a_walk_that_finds_much_goes_on_in_whole_pages(
    hub: HubServer, connect: Connect
) -> None:
    hub.on(
        "/api/models?filter=a-tag&sort=lastModified&limit=10&",
        linked(hub, [row(1, 20)], "/api/models?cursor=b"),
    )
    hub.on("/api/models?cursor=b", linked(hub, [row(2, 19)], "/api/models?cursor=c"))
    hub.on(
        "/api/models?filter=a-tag&sort=lastModified&limit=1000&",
        linked(hub, [row(1, 20), row(2, 19), row(3, 18)], "/api/models?cursor=d"),
    )
    hub.on("/api/models?cursor=d", as_json([row(4, 17)]))
    pages = await walk(connect(), FEED, since="2026-08-10T00:00:00Z")
    assert names(pages) == ["model-1", "model-2", "model-3", "model-4"]
    assert len(hub.seen) == 4
    hub.seen.clear()
    rest = await walk(connect(), FEED, pages[2].cursor, since="2026-08-10T00:00:00Z")
    assert (names(rest), len(hub.seen)) == (["model-4"], 1), "and can be resumed"


async def test_a_server_that_does_not_order_by_time_is_walked_until_a_page_is_wholly_older(
    hub: HubServer, connect: Connect
) -> None:
    hub.on("/api/models?filter", linked(hub, [row(1, 1), row(2, 30)], "/api/models?cursor=b"))
    hub.on("/api/models?cursor=b", linked(hub, [row(3, 1), row(4, 2)], "/api/models?cursor=c"))
    pages = await walk(connect(), FEED, since="2026-08-10T00:00:00Z")
    assert (names(pages), len(hub.seen)) == (["model-2"], 2)


async def test_since_a_watermark_every_query_is_asked_for_the_newest_without_its_limit(
    hub: HubServer, connect: Connect
) -> None:
    hub.on("/api/models?", as_json([row(1, 20), row(2, 19), row(3, 1)]))
    query = Query(filter=("x",), sort="downloads")
    feed = Feed(name="hf:x", source="hf", queries=(query,), limit=1)
    assert names(await walk(connect(), feed)) == ["model-1"]
    assert names(await walk(connect(), feed, since="2026-08-10T00:00:00Z")) == [
        "model-1",
        "model-2",
    ]
    assert [seen.query["sort"] for seen in hub.seen] == [["downloads"], ["lastModified"]]


async def test_a_page_says_when_it_was_and_what_the_rate_limit_leaves(
    hub: HubServer, connect: Connect
) -> None:
    hub.on(
        "/api/models",
        as_json(
            [row(1)],
            Date="Fri, 20 Nov 2026 10:00:00 GMT",
            RateLimit='"api";r=499;t=298',
            RateLimit_Policy='"fixed window";"api";q=500;w=300',
        ),
    )
    (page,) = await walk(connect(), FEED)
    assert page.at == "2026-11-20T10:00:00Z"
    assert page.quota == Quota(left=499, total=500, seconds=298)


async def test_a_limit_tells_how_far_down_a_query_was_walked(
    hub: HubServer, connect: Connect
) -> None:
    rows = [row(number, downloads=100 - number) for number in range(1, 6)]
    hub.on("/api/models", linked(hub, rows[:3], "/api/models?cursor=b"))
    reaches = {
        "downloads": Reach(floor=97, certain=195),
        "lastModified": Reach(floor=0, certain=NO_MODEL),
        "likes": Reach(floor=NO_MODEL, certain=NO_MODEL),
    }
    for sort, reach in reaches.items():
        queries = (Query(filter=("x",), sort=sort),) * 2
        feed = Feed(name="hf:x", source="hf", queries=queries, limit=3)
        pages = await walk(connect(), feed)
        assert [(page.query, page.reach) for page in pages] == [(0, reach), (1, reach)]


async def test_a_listing_that_ends_at_the_limit_is_not_cut(
    hub: HubServer, connect: Connect
) -> None:
    hub.on("/api/models", as_json([row(1), row(2), row(3)]))
    (page,) = await walk(connect(), Feed(name="hf:x", source="hf", limit=3))
    assert page.reach is None


async def test_bad_records_are_skipped_with_reasons(hub: HubServer, connect: Connect) -> None:
    body = (
        b'[{"id": "a/good"}, {"id": 7}, {"nothing": 1}, {"id": "a/nan", "likes": NaN},'
        b' {"id": "a/half", "author": "\\ud800"}, {"id": "a/last"}, {"id": "a/less", "likes": -1}]'
    )
    hub.on("/api/models", Reply(body, headers={"Content-Type": "application/json"}))
    (page,) = await walk(connect(), FEED)
    assert names([page]) == ["good", "last"]
    assert len(page.skipped) == 5
    assert all(reason and reason.isprintable() for reason in page.skipped)
    places = [reason.partition(":")[0] for reason in page.skipped]
    assert places == [f"record {number} of the page" for number in (2, 3, 4, 5, 7)]
    assert page.skipped[4].startswith("record 7 of the page: a/less: ")


BAD_PAGES = {
    "a login page": Reply(b"<!doctype html>", headers={"Content-Type": "text/html"}),
    "a login page called JSON": Reply(b"\n <html>", headers={"Content-Type": "application/json"}),
    "null": as_json(None),
    "an object": as_json({"models": []}),
    "text": as_json("x"),
    "nothing": Reply(b""),
    "half a page": Reply(b'[{"id": "a/b"}, {"id":'),
    "not found": as_json({"error": "not found"}, 404),
    "no content": Reply(status=204),
}  # fmt: skip


@pytest.mark.parametrize("reply", BAD_PAGES.values(), ids=BAD_PAGES.keys())
async def test_a_bad_page_is_a_failure_and_no_empty_catalogue(
    reply: Reply, hub: HubServer, connect: Connect
) -> None:
    hub.on("/api/models", reply)
    with pytest.raises(UnreachableError) as caught:
        await walk(connect(), FEED)
    assert f"127.0.0.1:{hub.port}" in caught.value.message
    assert not isinstance(caught.value, NoConnectionError)


async def test_a_query_that_the_hub_refuses_is_the_users_to_mend(
    hub: HubServer, connect: Connect
) -> None:
    hub.on("/api/models", as_json({"error": "✖ Invalid option: \x1b[2J"}, 400))
    with pytest.raises(UsageError, match="Invalid option") as caught:
        await walk(connect(), FEED)
    assert "\x1b" not in caught.value.message


async def test_a_listing_that_refuses_the_token(hub: HubServer, connect: Connect) -> None:
    refusal = as_json(
        {"error": "x"}, 401, X_Error_Message="Invalid credentials in Authorization header"
    )
    hub.on("/api/", refusal)
    with pytest.raises(UnauthorizedError) as caught:
        await walk(connect(HF_TOKEN="hf_canary"), FEED)
    assert "hf_canary" not in f"{caught.value.message} {caught.value.hint} {caught.value!r}"


async def test_the_next_page_of_a_mirror_is_asked_of_the_mirror(
    hub: HubServer, elsewhere: HubServer, connect: Connect
) -> None:
    link = f'<{elsewhere.url}/api/models?cursor=b>; rel="next"'
    hub.on("/api/models?filter", as_json([row(1)], Link=link))
    hub.on("/api/models?cursor=b", as_json([row(2)]))
    assert names(await walk(connect(HF_TOKEN="hf_x"), FEED)) == ["model-1", "model-2"]
    assert elsewhere.seen == []


@pytest.mark.parametrize(
    "link", ["file:///etc/passwd", "http://169.254.169.254/latest", "//evil/x", "http://[::1"]
)
async def test_a_next_page_somewhere_else_is_refused(
    link: str, hub: HubServer, connect: Connect
) -> None:
    hub.on("/api/models", as_json([row(1)], Link=f'<{link}>; rel="next"'))
    with pytest.raises(UnreachableError, match="not its own"):
        await walk(connect(), FEED)


async def test_a_listing_that_runs_in_a_circle_ends(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models?filter", linked(hub, [row(1)], "/api/models?cursor=b"))
    hub.on("/api/models?cursor=b", linked(hub, [row(2)], "/api/models?cursor=b"))
    with pytest.raises(UnreachableError, match="circle"):
        await walk(connect(), FEED)


async def test_a_listing_that_repeats_itself_under_new_addresses_ends(
    hub: HubServer, connect: Connect
) -> None:
    hub.on(
        "/api/models",
        lambda seen: linked(hub, [row(1)], f"/api/models?cursor={len(hub.seen)}"),
    )
    with pytest.raises(UnreachableError, match="over and over"):
        await walk(connect(), FEED)
    assert len(hub.seen) < 300


async def test_offline_opens_no_connection(hub: HubServer, connect: Connect) -> None:
    for source in (connect(offline=True), connect(HF_HUB_OFFLINE="1")):
        with pytest.raises(NoConnectionError, match="offline"):
            await walk(source, FEED)
    assert hub.seen == []


async def test_a_storm_of_429_slows_a_walk_and_fails_nothing(
    hub: HubServer, connect: Connect, time: FakeTime
) -> None:
    storm = Reply(b"<html>slow down", 429, {"RateLimit": '"api";r=0;t=55'})
    hub.on("/api/models", *[storm] * 12, as_json([row(1)]))
    (page,) = await walk(connect(), FEED)
    assert names([page]) == ["model-1"]
    assert page.requests == 13
    assert time.sleeps == [56.0] * 12
