"""The feeds of Ollama's library and of the daemon: what they bring, and what stops them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_time import FakeTime
from ollama_server import OllamaServer, Said

from tui_hub.domain.errors import (
    AbsentError,
    HubError,
    NoConnectionError,
    UnreachableError,
    UsageError,
)
from tui_hub.domain.feeds import Feed, Query
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.types import ModelType
from tui_hub.settings import OllamaSettings
from tui_hub.sources.base import SourcePage
from tui_hub.sources.feeds import SHIPPED
from tui_hub.sources.ollama import Ollama
from tui_hub.sources.ollama_daemon import daemon_address
from tui_hub.sources.ollama_library import shipped_names
from tui_hub.sources.ollama_page import names_in

Consult = Callable[..., Ollama]
LIBRARY = next(feed for feed in SHIPPED if feed.name == "ollama:library")
LOCAL = next(feed for feed in SHIPPED if feed.name == "ollama:local")
ROW = Path(__file__).parent / "recorded" / "ollama" / "library_tags_row.html"
NOWHERE = "http://127.0.0.1:1"


async def walk(source: Ollama, feed: Feed = LIBRARY, cursor: str | None = None) -> list[SourcePage]:
    return [page async for page in source.pages(feed, cursor)]


def ids(pages: list[SourcePage]) -> list[str]:
    return [model.id for page in pages for model in page.models]


def page_of(*names: str) -> bytes:
    links = "".join(f'<li><a href="/library/{name}"><h2>{name}</h2></a></li>' for name in names)
    return f"<!doctype html><html><body><ul>{links}</ul></body></html>".encode()


def served(ollama: OllamaServer, *names: str) -> None:
    for name in names:
        ollama.add(f"library/{name}:latest", {"model": name.encode()})


async def failure(source: Ollama, feed: Feed = LIBRARY) -> HubError:
    with pytest.raises(HubError) as caught:
        await walk(source, feed)
    return caught.value


async def test_the_library_is_what_its_page_links_to(
    ollama: OllamaServer, consult: Consult
) -> None:
    served(ollama, "one", "two")
    ollama.library = page_of("one", "two")
    (page,) = await walk(consult())
    assert [model.id for model in page.models] == ["ollama:one", "ollama:two"]
    assert page.models[0].revision and page.models[0].size
    assert (page.skipped, page.cursor) == ((), None)
    assert page.requests == len(ollama.asked)
    assert page.bytes > len(ollama.library)


async def test_a_name_that_fails_costs_no_other(ollama: OllamaServer, consult: Consult) -> None:
    served(ollama, "one", "two")
    ollama.library = page_of("one", "gone", "broken", "teapot", "two")
    ollama.faults["/v2/library/broken/manifests/latest"] = Said(b'{"layers": 1}')
    ollama.faults["/v2/library/teapot/manifests/latest"] = Said(b"\x1b[2J", 418)
    (page,) = await walk(consult())
    assert ids([page]) == ["ollama:one", "ollama:two"]
    assert [line.partition(":")[0] for line in page.skipped] == ["gone", "broken", "teapot"]
    assert all(line.isprintable() for line in page.skipped)


@pytest.mark.parametrize(
    "said",
    [
        Said(b"gone", 404),
        Said(b"<html>nothing to see</html>"),
        Said(b"<a href='/library/../x'>x</a><a href='https://evil/library/y'>"),
        Said(b"x", 302, {"Location": "http://127.0.0.1:1/login"}),
        Said(b"<" * (5 * 1024**2)),
    ],
)
async def test_without_its_page_the_shipped_names_stand_in(
    said: Said, ollama: OllamaServer, consult: Consult
) -> None:
    served(ollama, "llama3.1", "granite4.2")
    ollama.faults["/library"] = said
    pages = await walk(consult())
    assert ids(pages) == ["ollama:llama3.1", "ollama:granite4.2"]
    assert pages[0].skipped[0].startswith("the page of Ollama's library: ")
    assert len(ollama.paths("/v2/library/")) >= len(shipped_names())


async def test_no_page_is_asked_for_where_none_is_configured(
    ollama: OllamaServer, consult: Consult
) -> None:
    served(ollama, "llama3.1")
    pages = await walk(consult(TUI_HUB_OLLAMA__LIBRARY=""))
    assert ids(pages) == ["ollama:llama3.1"]
    assert ollama.paths("/library") == []
    assert not any("the page" in line for page in pages for line in page.skipped)


async def test_a_walk_goes_on_where_it_stopped(ollama: OllamaServer, consult: Consult) -> None:
    names = [f"m{number}" for number in range(40)]
    served(ollama, *names)
    ollama.library = page_of(*names)
    source = consult()
    first = await anext(aiter(source.pages(LIBRARY)))
    assert first.cursor is not None
    ollama.asked.clear()
    rest = await walk(consult(), cursor=first.cursor)
    assert ids([first, *rest]) == [f"ollama:{name}" for name in names]
    assert ollama.paths("/library") == [], "the names are in the cursor"
    assert rest[-1].cursor is None


@pytest.mark.parametrize(
    "cursor",
    ["", "{", "null", "[]", '{"feed": "other", "left": ["x"]}', '{"feed": 1, "left": 2}'],
)
async def test_a_cursor_that_is_not_this_feeds_is_ignored(
    cursor: str, ollama: OllamaServer, consult: Consult
) -> None:
    served(ollama, "one")
    ollama.library = page_of("one")
    assert ids(await walk(consult(), cursor=cursor)) == ["ollama:one"]


async def test_hostile_names_in_a_cursor_are_skipped(
    ollama: OllamaServer, consult: Consult
) -> None:
    names = [f"m{number}" for number in range(17)]
    served(ollama, *names)
    ollama.library = page_of(*names)
    first = await anext(aiter(consult().pages(LIBRARY)))
    place = json.loads(first.cursor or "")
    place["left"] = ["../../etc/passwd", "x\x1b[2J", "m16"]
    (page,) = await walk(consult(), cursor=json.dumps(place))
    assert ids([page]) == ["ollama:m16"]
    assert len(page.skipped) == 2 and all(line.isprintable() for line in page.skipped)


async def test_queries_and_limits(ollama: OllamaServer, consult: Consult) -> None:
    names = ("llama3", "llama3.1", "gemma", "llama2", "codellama")
    served(ollama, *names)
    ollama.library = page_of(*names)
    feed = Feed(name="ollama:mine", source="ollama", queries=(Query(search="LLAMA"),), limit=3)
    assert ids(await walk(consult(), feed)) == ["ollama:llama3", "ollama:llama3.1", "ollama:llama2"]


async def test_where_nothing_answers_the_library_is_not_there(
    consult: Consult, time: FakeTime
) -> None:
    source = consult(TUI_HUB_OLLAMA__REGISTRY=NOWHERE, TUI_HUB_OLLAMA__LIBRARY=NOWHERE)
    error = await failure(source)
    assert isinstance(error, AbsentError)
    assert "refused" in error.message
    assert len(time.sleeps) <= 8, "the other names are not tried"


async def test_a_registry_that_goes_away_ends_the_walk(
    ollama: OllamaServer, consult: Consult
) -> None:
    names = [f"m{number}" for number in range(40)]
    served(ollama, *names)
    ollama.library = page_of(*names)
    pages = consult().pages(LIBRARY)
    first = await anext(aiter(pages))
    ollama.close()
    with pytest.raises(NoConnectionError):
        await anext(pages)
    assert len(first.models) == 16


async def test_a_registry_that_is_none_fails_the_feed(
    ollama: OllamaServer, consult: Consult
) -> None:
    ollama.library = page_of("one", "two")
    for name in ("one", "two"):
        ollama.faults[f"/v2/library/{name}/manifests/latest"] = Said(b"<html>log in</html>")
    error = await failure(consult())
    assert isinstance(error, UnreachableError) and not isinstance(error, AbsentError)


async def test_a_registry_that_refuses_everything_fails_the_feed(
    ollama: OllamaServer, consult: Consult
) -> None:
    served(ollama, "one")
    ollama.library = page_of("one", "gone")
    ollama.faults["/v2/library/one/manifests/latest"] = Said(status=403)
    assert (await failure(consult())).code == "unauthorized"


async def test_one_bad_name_alone_on_the_last_page_is_skipped(
    ollama: OllamaServer, consult: Consult
) -> None:
    names = [f"model-{number:02}" for number in range(17)]
    for name in names[:-1]:
        served(ollama, name)
    ollama.library = page_of(*names)
    ollama.faults[f"/v2/library/{names[-1]}/manifests/latest"] = Said(b"[]")
    pages = await walk(consult())
    assert ids(pages) == [f"ollama:{name}" for name in names[:-1]]
    assert any(names[-1] in reason for page in pages for reason in page.skipped)


async def test_a_registry_that_knows_none_of_the_names_fails_the_feed(
    ollama: OllamaServer, consult: Consult
) -> None:
    ollama.library = page_of("one", "two")
    error = await failure(consult())
    assert error.code == "unreachable"
    assert "ollama.registry" in (error.hint or "")


async def test_a_rate_limit_slows_a_walk_down_and_fails_none(
    ollama: OllamaServer, consult: Consult, time: FakeTime
) -> None:
    served(ollama, "one")
    ollama.library = page_of("one")
    pause = Said(status=429, headers={"Retry-After": "300"})
    ollama.faults["/v2/library/one/manifests/latest"] = [pause, pause, pause]
    assert ids(await walk(consult())) == ["ollama:one"]
    assert sum(time.sleeps) == 900


async def test_offline_nothing_is_asked(ollama: OllamaServer, consult: Consult) -> None:
    for feed in (LIBRARY, LOCAL):
        error = await failure(consult(offline=True), feed)
        assert type(error) is NoConnectionError or type(error) is AbsentError
        assert "offline" in error.message
    assert ollama.asked == []


async def test_without_a_registry_the_library_is_not_there(
    ollama: OllamaServer, consult: Consult
) -> None:
    ollama.library = page_of("one")
    assert isinstance(await failure(consult(TUI_HUB_OLLAMA__REGISTRY="")), AbsentError)
    assert ollama.asked == []


def test_the_recorded_rows_of_the_library() -> None:
    assert names_in(ROW.read_bytes()) == ("qwen3.5",)


@pytest.mark.parametrize(
    "page",
    [
        b"<a href=" * 300_000,
        b"<a " + b"x " * 1_000_000,
        b"<!--" * 500_000,
        b"<![x" * 500_000,
        b"<a href='/library/" + b"x" * 3_000_000,
        bytes(range(256)) * 5000,
    ],
)
def test_a_hostile_page_comes_to_nothing_soon(page: bytes) -> None:
    before = b'<a href="/library/first:8b?x=1#y">'
    assert names_in(before + page) == ("first",)


def test_a_tag_longer_than_any_ends_the_page() -> None:
    page = b'<a href="/library/first"><a ' + b"x " * 100_000 + b'><a href="/library/second">'
    assert names_in(page) == ("first",)


def test_what_a_link_may_lead_to() -> None:
    good = ("/library/a:b", "/library/c?sort=x", "/library/a")
    bad = ("/library/A", "/library/z/b", "//x/library/c2", "/library/", "library/d")
    page = "".join(f'<a href="{link}">' for link in (*good, *bad))
    assert names_in(f'{page}<a href><b href="/library/e"><a>'.encode()) == ("a", "c")


async def test_what_the_daemon_holds(
    ollama: OllamaServer, consult: Consult, recorded: Callable[[str], Any]
) -> None:
    ollama.daemon = recorded("ollama/tags_local.json")["models"]
    (page,) = await walk(consult(), LOCAL)
    qwen, granite = page.models
    assert qwen.id == "ollama:hf.co/unsloth/Qwen3.8-27B-GGUF:UD-Q4_K_XL"
    assert (qwen.author, qwen.type) == ("unsloth", ModelType.LLM)
    assert granite.id == "ollama:granite4.2:8b"
    assert (granite.params, granite.size) == (8_800_000_000, 5347929757)
    assert granite.revision == "f586c02fdecdf151b656207c339aa003997345774a41768bac1fd6d2fb85913b"
    assert granite.tags == ("granite", "gguf", "Q4_K_M", "thinking", "tools", "daemon")
    assert granite.facts == {
        "family": "granite",
        "quantization": "Q4_K_M",
        "context_length": 131072,
        "capabilities": ["thinking", "tools"],
        "daemon": "granite4.2:8b",
    }
    assert (granite.origin, granite.status.value) == ("local", "not_installed")
    assert (page.skipped, page.requests) == ((), 1)


async def test_models_of_servers_take_no_room(ollama: OllamaServer, consult: Consult) -> None:
    entry = json.loads((ROW.parent / "cloud_tags_entry.json").read_text("utf-8"))["body_entry"]
    ollama.daemon = [entry, entry | {"name": "big:cloud", "remote_host": "https://o.com"}]
    (page,) = await walk(consult(), LOCAL)
    plain, remote = page.models
    assert (plain.size, plain.revision) == (15700000000, None), "its digest is a placeholder"
    assert (remote.size, remote.facts["closed"]) == (None, True)


async def test_entries_of_the_daemon_that_cannot_be(ollama: OllamaServer, consult: Consult) -> None:
    ollama.daemon = [
        {"name": "../../etc/passwd"},
        {"name": "a\x1b[2J"},
        {"size": 1},
        {"name": 7},
        {"name": "a:b:c"},
        "text",  # type: ignore[list-item]
        {"name": "fine", "size": -1, "digest": "zzz", "details": [], "capabilities": 7},
        {"name": "big", "size": 10**30, "details": {"parameter_size": [1]}},
    ]
    (page,) = await walk(consult(), LOCAL)
    assert [(model.id, model.size) for model in page.models] == [
        ("ollama:fine", None),
        ("ollama:big", None),
    ]
    assert len(page.skipped) == 6 and all(line.isprintable() for line in page.skipped)


async def test_an_empty_daemon(ollama: OllamaServer, consult: Consult) -> None:
    for empty in (b'{"models": []}', b'{"models": null}'):
        ollama.faults["/api/tags"] = Said(empty)
        (page,) = await walk(consult(), LOCAL)
        assert page.models == ()


async def test_without_a_daemon_its_feed_is_skipped(consult: Consult) -> None:
    error = await failure(consult(OLLAMA_HOST="127.0.0.1:1"), LOCAL)
    assert isinstance(error, AbsentError)
    assert "http://127.0.0.1:1" in error.message and "ollama serve" in (error.hint or "")


@pytest.mark.parametrize(
    "said",
    [
        Said(b"<html>router</html>"),
        Said(b"{}"),
        Said(b'{"models": 7}'),
        Said(b"nope", 404),
        Said(b"busy", 500),
        Said(b'{"models": ['),
    ],
)
async def test_what_answers_in_the_place_of_a_daemon(
    said: Said, ollama: OllamaServer, consult: Consult
) -> None:
    ollama.faults["/api/tags"] = said
    error = await failure(consult(), LOCAL)
    assert isinstance(error, UnreachableError) and not isinstance(error, AbsentError)
    assert len(ollama.asked) == 1, "it is asked once"


async def test_no_proxy_stands_between_here_and_the_daemon(
    ollama: OllamaServer, consult: Consult
) -> None:
    ollama.daemon = []
    assert len(await walk(consult(http_proxy=NOWHERE), LOCAL)) == 1


async def test_a_model_that_only_the_daemon_has(ollama: OllamaServer, consult: Consult) -> None:
    ollama.daemon = [{"name": "mine:latest", "size": 5, "details": {"family": "llama"}}]
    (held,) = (await walk(consult(), LOCAL))[0].models
    source, mine = consult(), ModelId.parse("ollama:mine")
    assert await source.model(mine) == held
    with pytest.raises(HubError, match="only the daemon of Ollama has ollama:mine"):
        await source.files(mine)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("  ", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        (":8080", "http://127.0.0.1:8080"),
        ("localhost", "http://localhost:11434"),
        ("box.lan", "http://box.lan:11434"),
        ("192.168.1.7:99", "http://192.168.1.7:99"),
        ('"192.168.1.7"', "http://192.168.1.7:11434"),
        ("http://box.lan", "http://box.lan:80"),
        ("https://box.lan", "https://box.lan:443"),
        ("https://box.lan:8443/", "https://box.lan:8443"),
        ("http://box.lan/ollama/", "http://box.lan:80/ollama"),
        ("box.lan/ollama", "http://box.lan:11434/ollama"),
        ("box.lan:port", "http://box.lan:11434"),
        ("box.lan:99999", "http://box.lan:11434"),
        ("box.lan:0", "http://box.lan:11434"),
        ("box.lan:", "http://box.lan:11434"),
        ("http://box.lan:-1", "http://box.lan:80"),
        ("::1", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:99", "http://[::1]:99"),
        ("::", "http://[::1]:11434"),
        ("http://[::]:99", "http://[::1]:99"),
    ],
)
def test_the_spellings_of_ollama_host(text: str, address: str) -> None:
    assert daemon_address(OllamaSettings(), {"OLLAMA_HOST": text}) == address
    assert daemon_address(OllamaSettings(host=text), {}) == address


def test_the_setting_goes_before_the_variable() -> None:
    settings = OllamaSettings(host="other")
    assert daemon_address(settings, {"OLLAMA_HOST": "box.lan"}) == "http://other:11434"


@pytest.mark.parametrize(
    "text", ["unix:///run/ollama.sock", "http://me:SECRET@box", "me:SECRET@box:1", "a b", "[::1"]
)
def test_what_is_no_address_of_a_daemon(text: str) -> None:
    try:
        address = daemon_address(OllamaSettings(), {"OLLAMA_HOST": text})
    except UsageError as error:
        assert "OLLAMA_HOST" in error.message
        assert "SECRET" not in f"{error.message} {error.hint}"
    else:
        assert address == "http://[::1]:11434"


def test_the_shipped_feeds() -> None:
    assert (LIBRARY.schedule, LIBRARY.enabled, LIBRARY.networked) == ("0 3 * * *", True, True)
    assert (LOCAL.schedule, LOCAL.enabled) == ("", True)
