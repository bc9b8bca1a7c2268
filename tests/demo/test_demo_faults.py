"""What a test can make go wrong, and what the hub remembers."""

from __future__ import annotations

import threading
import time

import httpx
import pytest

from tui_hub.demo import DemoHub, Fault, FaultKind, Repository, RepositoryFile, Weights

LARGE = "/demo-lab/small/resolve/main/weights/model.safetensors"
SIZE = 3_000_001


def test_statuses_strike_as_often_as_told_and_where_told(hub: DemoHub, web: httpx.Client) -> None:
    fault = hub.faults.add(Fault(FaultKind.STATUS, path="/api/models/*", times=2, status=503))
    assert web.get("/api/models").status_code == 200
    statuses = [web.get("/api/models/demo-lab/small").status_code for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert fault.hits == 2


def test_a_429_says_how_long(hub: DemoHub, web: httpx.Client) -> None:
    hub.faults.add(Fault(FaultKind.RATE_LIMITED, seconds=7))
    answer = web.get("/api/models")
    assert answer.status_code == 429
    assert answer.headers["ratelimit"] == '"resolvers";r=0;t=7'


def test_a_page_in_place_of_json(hub: DemoHub, web: httpx.Client) -> None:
    hub.faults.add(Fault(FaultKind.HTML, method="GET"))
    answer = web.get("/api/models")
    assert answer.status_code == 200
    assert "Sign in" in answer.text


@pytest.mark.parametrize("kind", [FaultKind.TRUNCATE, FaultKind.RESET])
@pytest.mark.parametrize("after", [0, 1_500_000])
def test_broken_connections(hub: DemoHub, web: httpx.Client, kind: FaultKind, after: int) -> None:
    location = web.head(LARGE).headers["location"]
    hub.faults.add(Fault(kind, origin="cdn", after=after))
    received = 0
    with pytest.raises(httpx.TransportError), web.stream("GET", location) as answer:
        for piece in answer.iter_raw():
            received += len(piece)
    assert received <= after
    if kind is FaultKind.TRUNCATE:
        assert received == after
    assert len(web.get(location).content) == SIZE


def test_one_wrong_bit(hub: DemoHub, web: httpx.Client) -> None:
    location = web.head(LARGE).headers["location"]
    right = web.get(location).content
    hub.faults.add(Fault(FaultKind.CORRUPT, origin="cdn", after=2_000_000))
    wrong = web.get(location).content
    assert [place for place in range(SIZE) if right[place] != wrong[place]] == [2_000_000]


def test_a_stall_lasts_until_it_is_released(hub: DemoHub, web: httpx.Client) -> None:
    location = web.head(LARGE).headers["location"]
    fault = hub.faults.add(Fault(FaultKind.STALL, origin="cdn", after=1_000_000))
    done = threading.Event()

    def fetch() -> None:
        assert len(web.get(location).content) == SIZE
        done.set()

    thread = threading.Thread(target=fetch)
    thread.start()
    assert hub.requests.wait_for(lambda seen: seen[-1].sent == 1_000_000)
    assert not done.is_set()
    fault.release()
    thread.join(60)
    assert done.is_set()


def test_ignored_ranges_and_other_headers(hub: DemoHub, web: httpx.Client) -> None:
    location = web.head(LARGE).headers["location"]
    ranged = {"Range": "bytes=10-19"}
    hub.faults.add(Fault(FaultKind.IGNORE_RANGE, origin="cdn"))
    assert web.get(location, headers=ranged).status_code == 200
    shifted = {"Content-Range": f"bytes 11-20/{SIZE}"}
    hub.faults.add(Fault(FaultKind.HEADERS, origin="cdn", headers=shifted))
    assert web.get(location, headers=ranged).headers["content-range"] == shifted["Content-Range"]
    assert web.get(location, headers=ranged).headers["content-range"] == f"bytes 10-19/{SIZE}"


def test_offline_resets_open_and_new_connections(hub: DemoHub, web: httpx.Client) -> None:
    assert web.get("/api/models").status_code == 200
    hub.faults.offline = True
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            web.get("/api/models")
    hub.faults.clear()
    assert web.get("/api/models").status_code == 200


def test_the_log_tells_origin_headers_and_bytes(hub: DemoHub, web: httpx.Client) -> None:
    web.get(web.get(LARGE, headers={"Authorization": "Bearer hf_secret"}).headers["location"])
    assert hub.requests.wait_for(lambda seen: len(seen) == 2 and seen[1].sent == SIZE)
    first, second = hub.requests
    assert (first.origin, first.status, first.headers["authorization"]) == (
        "hub",
        302,
        "Bearer hf_secret",
    )
    assert (second.origin, second.status, second.sent) == ("cdn", 200, SIZE)
    assert hub.requests.select("*/resolve/*", method="GET", origin="hub") == [first]
    hub.requests.clear()
    assert len(hub.requests) == 0


@pytest.mark.parametrize(("limits", "lanes"), [((4_000_000, 0), 1), ((0, 4_000_000), 2)])
def test_the_throttle_holds(limits: tuple[int, int], lanes: int) -> None:
    files = (RepositoryFile("model.gguf", Weights("RAW", 1_000_000, "x")),)
    repositories = [Repository(id="demo-lab/slow", files=files)]
    with DemoHub(per_connection=limits[0], total=limits[1], repositories=repositories) as hub:
        address = f"{hub.endpoint}/demo-lab/slow/resolve/main/model.gguf"
        started = time.monotonic()
        threads = [
            threading.Thread(target=httpx.get, args=(address,), kwargs={"follow_redirects": True})
            for _ in range(lanes)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expected = 0.25 * lanes
        assert time.monotonic() - started > expected * 0.9


def test_a_client_that_leaves_frees_the_throttle() -> None:
    files = (RepositoryFile("model.gguf", Weights("RAW", 50_000_000, "x")),)
    repositories = [Repository(id="demo-lab/slow", files=files)]
    with DemoHub(per_connection=0, total=4_000_000, repositories=repositories) as hub:
        address = f"{hub.endpoint}/demo-lab/slow/resolve/main/model.gguf"
        with httpx.stream("GET", address, follow_redirects=True) as answer:
            next(answer.iter_raw())
        left = hub.requests.select(origin="cdn")[0]
        before = left.sent
        headers = {"Range": "bytes=0-1999999"}
        whole = httpx.get(address, headers=headers, follow_redirects=True).content
        assert len(whole) == 2_000_000
        assert left.sent - before < 500_000
