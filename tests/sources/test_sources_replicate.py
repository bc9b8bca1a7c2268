"""Replicate: its listing, its collections, lookups, and where its token goes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fake_time import FakeTime
from hub_server import HubServer, Reply, as_json
from replicate_server import TOKEN, ReplicateServer, record, replicate_server, version

from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.errors import (
    AbsentError,
    HubError,
    NoConnectionError,
    NotFoundError,
    RefusedError,
    UnauthorizedError,
    UnreachableError,
    UsageError,
)
from tui_hub.domain.feeds import Feed, Query
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.types import ModelType
from tui_hub.settings import Configuration
from tui_hub.sources.base import SourcePage
from tui_hub.sources.feeds import SHIPPED
from tui_hub.sources.replicate import Replicate

Configure = Callable[..., Configuration]
Connect = Callable[..., Replicate]
MODELS, COLLECTIONS = (feed for feed in SHIPPED if feed.source == "replicate")
SDXL = ModelId.parse("replicate:stability-ai/sdxl")


@pytest.fixture
def server() -> Iterator[ReplicateServer]:
    with replicate_server() as running:
        running.models = [
            record("acme/painter", run_count=7, latest_version=version(4, "2026-01-04T00:00:00Z")),
            record("acme/speaker", latest_version=version(3, "2026-01-03T00:00:00Z")),
            record("acme/empty"),
            record("acme/writer", latest_version=version(2, "2026-01-02T00:00:00Z")),
            record("acme/old", latest_version=version(1, "2025-01-01T00:00:00Z")),
        ]
        running.collections = {
            "text-to-image": ["acme/painter"],
            "official": ["acme/painter", "acme/speaker"],
            "language-models": ["acme/writer"],
        }
        yield running


@pytest.fixture
async def connect(
    configure: Configure, time: FakeTime, server: ReplicateServer
) -> AsyncIterator[Connect]:
    made: list[Replicate] = []

    def make(offline: bool = False, token: str = TOKEN, **environment: str) -> Replicate:
        given = {
            "REPLICATE_API_TOKEN": token,
            "TUI_HUB_REPLICATE__ENDPOINT": server.endpoint,
            **environment,
        }
        source = Replicate(configure(offline, **given), clock=time.clock)
        made.append(source)
        return source

    yield make
    for source in made:
        await source.close()


async def pages(source: Replicate, feed: Feed = MODELS, **where: str | None) -> list[SourcePage]:
    return [page async for page in source.pages(feed, **where)]


def names(found: list[SourcePage]) -> list[str]:
    return [model.name for page in found for model in page.models]


def feed_of(*queries: Query, **more: Any) -> Feed:
    return Feed(name="replicate:mine", source="replicate", queries=queries, **more)


async def refusal(
    source: Replicate, model: ModelId = SDXL, revision: str | None = None
) -> HubError:
    with pytest.raises(HubError) as caught:
        await source.model(model, revision)
    shown = f"{caught.value.message} {caught.value.hint} {caught.value!r}"
    assert TOKEN not in shown
    assert shown.isprintable()
    return caught.value


async def test_the_listing_is_walked_by_its_links(
    connect: Connect, server: ReplicateServer
) -> None:
    found = await pages(connect())
    assert names(found) == ["painter", "speaker", "empty", "writer", "old"]
    assert [page.requests for page in found] == [1, 1, 1]
    assert all(page.bytes > 1000 for page in found)
    assert server.asked() == ["/models", "/models?cursor=2", "/models?cursor=4"]
    painter = found[0].models[0]
    assert (painter.id, painter.author) == ("replicate:acme/painter", "acme")
    assert painter.revision == f"{4:064x}"
    assert painter.last_modified == "2026-01-04T00:00:00Z"
    assert painter.owner == "replicate_sync_system"
    assert painter.facts == {"hosted": True, "runs": 7}


async def test_a_walk_goes_on_behind_a_cursor(connect: Connect, server: ReplicateServer) -> None:
    source = connect()
    (first, *_) = await pages(source)
    server.hub.seen.clear()
    assert names(await pages(source, cursor=first.cursor)) == ["empty", "writer", "old"]
    assert server.asked() == ["/models?cursor=2", "/models?cursor=4"]


async def test_what_is_known_already_is_not_asked_for(
    connect: Connect, server: ReplicateServer
) -> None:
    server.models += [
        record("acme/older", latest_version=version(9, "2024-01-01T00:00:00Z")),
        record("acme/oldest", latest_version=version(8, "2023-01-01T00:00:00Z")),
    ]
    found = await pages(connect(), replace(MODELS, limit=1), since="2026-01-03T00:00:00Z")
    assert names(found) == ["painter", "speaker", "empty"], "the limit does not count"
    assert [page.known for page in found] == [0, 1]
    assert server.asked() == ["/models", "/models?cursor=2"], "the rest is older still"
    assert len(await pages(connect(), since="2026-01-04T00:00:00Z")) == 2, "its first page is mixed"
    for feed in (feed_of(Query(search="old")), COLLECTIONS):
        again = await pages(connect(), feed, since="2027-01-01T00:00:00Z")
        assert names(again) == names(await pages(connect(), feed)), "nobody tells what changed"
        assert names(again)


async def test_a_feed_takes_no_more_than_its_limit(connect: Connect) -> None:
    found = await pages(connect(), replace(MODELS, limit=3))
    assert names(found) == ["painter", "speaker", "empty"]
    assert found[-1].cursor is None


async def test_a_search_sends_its_words_as_they_are(
    connect: Connect, server: ReplicateServer
) -> None:
    found = await pages(connect(), feed_of(Query(search="er"), Query(search="old")))
    assert names(found) == ["painter", "speaker", "writer", "old"]
    assert {seen.method for seen in server.hub.seen} == {"QUERY"}
    assert [seen.body for seen in server.hub.seen] == [b"er", b"er", b"old"]


async def test_collections_say_what_their_models_are_for(
    connect: Connect, server: ReplicateServer
) -> None:
    found = await pages(connect(), COLLECTIONS)
    models = {model.name: model for page in found for model in page.models}
    assert set(models) == {"painter", "speaker", "writer"}
    painter = models["painter"]
    assert painter.tags == ("official", "text-to-image")
    assert (painter.type, painter.task) == (ModelType.IMAGE_GEN, "text-to-image")
    assert (models["speaker"].type, models["speaker"].task) == (ModelType.UTILITY, None)
    assert models["writer"].type is ModelType.LLM
    assert server.asked() == [
        "/collections", "/collections?cursor=2", "/collections/text-to-image",
        "/collections/official", "/collections/language-models",
    ]  # fmt: skip
    assert sum(page.requests for page in found) == 5
    assert found[-1].cursor is None


async def test_a_collection_that_went_costs_only_itself(connect: Connect) -> None:
    found = await pages(connect(), feed_of(Query(filter=("official", "gone"))))
    assert names(found) == ["painter", "speaker"]
    (skipped,) = [reason for page in found for reason in page.skipped]
    assert "/collections/gone" in skipped


@pytest.mark.parametrize(
    ("slug", "expected"),
    [
        ("text-to-video", ModelType.VIDEO_GEN),
        ("text-to-video-models", ModelType.VIDEO_GEN),
        ("image-to-video", ModelType.VIDEO_GEN),
        ("text-to-speech", ModelType.TTS),
        ("speech-to-text", ModelType.AUDIO),
        ("ai-music-generation", ModelType.MUSIC),
        ("lipsync", ModelType.LIP_SYNC),
        ("embedding-models", ModelType.EMBEDDING),
        ("vision-models", ModelType.VISION),
        ("3d-models", ModelType.THREE_D),
        ("t2i-adapter", ModelType.UTILITY),
        ("flux", ModelType.UTILITY),
    ],
)
async def test_types_of_collections(
    connect: Connect, server: ReplicateServer, slug: str, expected: ModelType
) -> None:
    server.collections = {slug: ["acme/empty"]}
    (model,) = (await pages(connect(), COLLECTIONS))[-1].models
    assert (model.type, model.tags) == (expected, (slug,))


async def test_a_name_that_holds_a_task_tells_the_type(
    connect: Connect, server: ReplicateServer
) -> None:
    server.models = [record("a/any_text-to-video"), record("a/context-to-videos")]
    (page,) = await pages(connect())
    assert [model.type for model in page.models] == [ModelType.VIDEO_GEN, ModelType.UTILITY]
    server.collections = {"text-to-image": ["a/any_text-to-video", "a/context-to-videos"]}
    found = (await pages(connect(), COLLECTIONS))[-1].models
    assert [model.type for model in found] == [ModelType.VIDEO_GEN, ModelType.IMAGE_GEN]


async def test_recorded_answers(
    connect: Connect, server: ReplicateServer, recorded: Callable[[str], Any]
) -> None:
    def replay(path: str, name: str) -> None:
        server.hub.on(f"/v1/{path}", as_json(recorded(f"replicate/{name}.json")))

    replay("models/stability-ai/sdxl", "model")
    replay("models/mattt/empty", "model_empty")
    replay("collections/text-to-image", "collection")
    source = connect()
    sdxl = await source.model(SDXL)
    assert sdxl.description == "A text-to-image generative AI model that creates beautiful images"
    assert sdxl.facts["runs"] == 19_361_490
    assert sdxl.facts["links"] == {
        "code": "https://github.com/replicate/cog-sdxl",
        "paper": "https://arxiv.org/abs/2307.01952",
        "licence": "https://github.com/Stability-AI/generative-models/blob/main/model_licenses/"
        "LICENSE-SDXL1.0",
    }
    assert sdxl.last_modified == "2023-11-06T23:13:07Z"
    empty = await source.model(ModelId.parse("replicate:mattt/empty"))
    assert (empty.revision, empty.last_modified, empty.description) == (None, None, None)
    found = await pages(source, feed_of(Query(filter=("text-to-image",))))
    assert names(found) == ["t2i_cl", "feed_forward_vqgan_clip"]
    replay("models", "models")
    (first, *_) = [page async for page in source.pages(replace(MODELS, limit=1))]
    assert first.models[0].id == "replicate:catio-apps/controlnet-interior-design"
    replay("models", "search")
    found = await pages(source, feed_of(Query(search="llama")))
    assert names(found) == ["meta-llama-3-8b", "meta-llama-3-70b-instruct"]
    assert found[0].models[0].created_at == "2024-04-17T18:04:26Z"


async def test_without_a_token_nothing_is_asked(connect: Connect, server: ReplicateServer) -> None:
    source = connect(token=" ")
    for ask in (source.model(SDXL), pages(source), pages(source, COLLECTIONS)):
        with pytest.raises(AbsentError, match="REPLICATE_API_TOKEN") as caught:
            await ask
        assert "replicate.com/account/api-tokens" in (caught.value.hint or "")
    assert server.hub.seen == []


async def test_a_wrong_token(connect: Connect, server: ReplicateServer) -> None:
    error = await refusal(connect(token="r8_wrongwrong"))
    assert isinstance(error, UnauthorizedError)
    assert "You did not pass a valid authentication token" in error.message
    with pytest.raises(UnauthorizedError):
        await pages(connect(token="r8_wrongwrong"))
    count = len(server.hub.seen)
    assert isinstance(await refusal(connect(token="r8_a\x1bb\nc")), UnauthorizedError)
    assert len(server.hub.seen) == count, "such a token is never sent"


async def test_the_token_goes_to_the_api_alone(
    connect: Connect, server: ReplicateServer, hub: HubServer, elsewhere: HubServer
) -> None:
    elsewhere.on("/", as_json({"next": None, "results": []}))
    leads_away = Reply(b"", 302, {"Location": f"{elsewhere.url}/v1/models/stability-ai/sdxl"})
    server.hub.on("/v1/models/stability-ai/sdxl", leads_away)
    assert isinstance(await refusal(connect()), UnreachableError)
    for link in (f"{elsewhere.url}/other", "http://[", "ftp://x/v1/models", "//evil.example/x"):
        server.hub.on("/v1/models", as_json({"next": link, "results": []}))
        with pytest.raises(UnreachableError, match="not its own"):
            await pages(connect())
    assert elsewhere.seen == [] == hub.seen
    assert all(seen.headers["authorization"] == f"Bearer {TOKEN}" for seen in server.hub.seen)


async def test_a_mirror_is_asked_for_the_pages_that_it_names_as_the_apis(
    connect: Connect, server: ReplicateServer
) -> None:
    first = {"next": "https://api.replicate.com/v1/models?cursor=x", "results": []}
    last = {"next": None, "results": [record("acme/last")]}
    server.hub.on("/v1/models", as_json(first), as_json(last))
    assert names(await pages(connect())) == ["last"]
    assert server.asked() == ["/models", "/models?cursor=x"]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "nonsense",
        "[1]",
        '{"feed": "other"}',
        '{"feed": "$", "query": 7}',
        '{"feed": "$", "query": -1}',
        '{"feed": "$", "taken": -1}',
        '{"feed": "$", "next": "https://evil.example/v1/models"}',
        '{"feed": "$", "next": "file:///etc/passwd"}',
    ],
)
async def test_a_cursor_that_cannot_be_is_ignored(
    connect: Connect, server: ReplicateServer, cursor: str
) -> None:
    source = connect()
    digest = json.loads((await pages(source))[0].cursor or "")["feed"]
    server.hub.seen.clear()
    await pages(source, cursor=cursor.replace("$", digest))
    assert server.asked()[0] == "/models"


async def test_a_cursor_that_the_server_forgot_begins_anew(
    connect: Connect, server: ReplicateServer
) -> None:
    source = connect()
    cursor = (await pages(source))[0].cursor
    assert cursor is not None
    server.hub.seen.clear()
    found = await pages(source, cursor=cursor.replace("cursor=2", "cursor=gone"))
    assert len(names(found)) == 5
    assert server.asked()[:2] == ["/models?cursor=gone", "/models"]


async def test_a_listing_in_a_circle_ends(connect: Connect, server: ReplicateServer) -> None:
    page = {"next": f"{server.endpoint}/models", "results": [record("acme/one")]}
    server.hub.on("/v1/models", as_json(page))
    with pytest.raises(UnreachableError, match="in a circle"):
        await pages(connect())

    def onward(seen: Any) -> Reply:
        number = int(seen.query.get("cursor", ["0"])[0]) + 1
        return as_json({**page, "next": f"{server.endpoint}/models?cursor={number}"})

    server.hub.on("/v1/models", onward)
    with pytest.raises(UnreachableError, match="over and over"):
        await pages(connect(), replace(MODELS, limit=None))


async def test_a_bad_record_costs_only_itself(connect: Connect, server: ReplicateServer) -> None:
    server.models = [
        record("../x"), record("acme/good"), {"name": 7}, record("a/b\x1b[2J"), [1],
        record("acme/types", run_count="many", github_url=[1], latest_version="v", paper_url={}),
        record("acme/wrong", description=7),
    ]  # fmt: skip
    found = await pages(connect())
    assert names(found) == ["good", "types"]
    skipped = [reason for page in found for reason in page.skipped]
    assert len(skipped) == 5
    assert all(reason.isprintable() for reason in skipped)
    types = [model for page in found for model in page.models][-1]
    assert types.facts == {"hosted": True}


async def test_links_and_words_are_clean(connect: Connect, server: ReplicateServer) -> None:
    server.models = [
        record(
            "acme/evil",
            description="a\x1b[2J\nb\u202e",
            github_url="javascript:alert(1)",
            paper_url="http://arxiv.org/abs/1",
            license_url="https://user:word@x.org/",
            run_count=-3,
            latest_version={"id": "\x1b]0;x\x07", "created_at": "2999-01-01T00:00:00Z"},
        )
    ]
    (page,) = await pages(connect())
    (evil,) = page.models
    assert evil.facts == {"hosted": True}
    assert evil.last_modified is None
    assert evil.description is not None and evil.revision is not None
    assert not {"\x1b", "\x07", "\u202e"} & set(evil.description + evil.revision)
    assert "\n" in evil.description


@pytest.mark.parametrize(
    "link",
    ["https://x.org/" + "a" * 1000, "https://x.org/\u202e", "https://", "https://x.org/a b", "", 7],
)
async def test_links_that_nobody_should_open(
    connect: Connect, server: ReplicateServer, link: object
) -> None:
    server.models = [record("acme/evil", github_url=link, paper_url="https://x.org/a?b=c#d")]
    (page,) = await pages(connect())
    assert page.models[0].facts["links"] == {"paper": "https://x.org/a?b=c#d"}


async def test_one_model(connect: Connect, server: ReplicateServer) -> None:
    source = connect()
    painter = ModelId.parse("replicate:acme/painter")
    found = await source.model(painter)
    assert found.facts["runs"] == 7
    assert await source.model(painter, "main") == found
    assert await source.model(painter, f"{4:064x}") == found
    assert len(server.hub.seen) == 3
    assert await source.model(painter, "older") == found
    error = await refusal(source, painter, "a/../b")
    assert isinstance(error, NotFoundError) and "no version" in error.message
    assert server.asked()[-1] == "/models/acme/painter/versions/a%2F..%2Fb"
    for name in ("replicate:acme/none", "replicate:alone", "replicate:a/b:c"):
        assert isinstance(await refusal(source, ModelId.parse(name)), NotFoundError)
    assert source.web_page(painter) == "https://replicate.com/acme/painter"


async def test_what_runs_as_a_service_has_no_files(connect: Connect) -> None:
    source = connect()
    with pytest.raises(RefusedError, match="gives no files") as caught:
        await source.files(SDXL)
    assert "https://replicate.com/stability-ai/sdxl" in (caught.value.hint or "")
    artifact = Artifact(id="1", model=str(SDXL), revision="1", path="x")
    for ask in (source.request(artifact), source.read(artifact, 10)):
        with pytest.raises(RefusedError):
            await ask


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (as_json({"detail": "no\x1b[2J"}, 403), UnauthorizedError),
        (as_json({"detail": "bad"}, 400), UsageError),
        (as_json({"detail": "bad"}, 422), UsageError),
        (as_json({"detail": 7}, 418), UnreachableError),
        (Reply(b"<html>", 200, {"Content-Type": "text/html"}), UnreachableError),
        (Reply(b"<html>", 401, {"Content-Type": "text/html"}), UnreachableError),
        (Reply(b'{"owner": "a"'), UnreachableError),
        (Reply(b"[" * 100_000), UnreachableError),
        (as_json([]), UnreachableError),
        (as_json({"owner": "a"}), UnreachableError),
    ],
)
async def test_refusals_and_nonsense(
    connect: Connect, server: ReplicateServer, reply: Reply, kind: type[HubError]
) -> None:
    server.hub.on("/v1/models", reply)
    assert type(await refusal(connect())) is kind
    with pytest.raises(kind):
        await pages(connect())


async def test_the_rate_limit_is_waited_for(
    connect: Connect, server: ReplicateServer, time: FakeTime
) -> None:
    throttled = as_json(
        {"detail": "Request was throttled. Your rate limit resets in ~30s."},
        429,
        ratelimit_remaining="0",
        ratelimit_reset="30",
    )
    server.hub.on("/v1/models", throttled, as_json({"next": None, "results": [record("a/b")]}))
    (page,) = await pages(connect())
    assert (names([page]), page.requests) == (["b"], 2)
    assert time.sleeps == [31.0]


async def test_offline_nothing_is_asked(connect: Connect, server: ReplicateServer) -> None:
    with pytest.raises(NoConnectionError):
        await connect(offline=True).model(SDXL)
    assert server.hub.seen == []


def test_an_endpoint_that_is_none(connect: Connect) -> None:
    for wrong in ("api.replicate.com", "https://user:s3cret@x.org/v1", "file:///x"):
        source = connect(TUI_HUB_REPLICATE__ENDPOINT=wrong)
        with pytest.raises(UsageError, match=r"replicate\.endpoint") as caught:
            source.pages(MODELS)
        assert "s3cret" not in caught.value.message
    assert connect(TUI_HUB_REPLICATE__ENDPOINT="").endpoint == "https://api.replicate.com/v1"


def test_its_feeds_need_the_network() -> None:
    assert MODELS.networked and COLLECTIONS.networked
