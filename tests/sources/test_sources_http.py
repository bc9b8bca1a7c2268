"""The API client against a server that stumbles, storms, redirects, lies or talks without end."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import logging
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from fake_time import FakeTime
from hub_server import HubServer, Reply
from proxies import NoSocks, Relay, Socks

from tui_hub.domain.errors import (
    HubError,
    NoConnectionError,
    RateLimitedError,
    UnreachableError,
    UnsafeError,
)
from tui_hub.settings import NetworkSettings
from tui_hub.sources import http
from tui_hub.sources.exchange import Ask, TooLargeError
from tui_hub.sources.http import Api
from tui_hub.sources.limits import Clock, Gate

Make = Callable[..., Api]
PRIVATE = {"Authorization": "Bearer hf_canary"}


@pytest.fixture
async def api(time: FakeTime) -> AsyncIterator[Make]:
    made: list[Api] = []

    def make(timeout: float = 5.0, retries: int = 5, **environment: str) -> Api:
        settings = NetworkSettings(timeout=timeout, retries=retries)
        made.append(Api(settings, environment, clock=time.clock))
        return made[-1]

    yield make
    for each in made:
        await each.close()


async def test_a_server_that_stumbles_is_asked_again(
    hub: HubServer, api: Make, time: FakeTime
) -> None:
    hub.on("/", Reply(status=503), Reply(status=502), Reply(b"[]", length=9), Reply(b"[1]"))
    answer = await api().fetch(f"{hub.url}/x")
    assert (answer.body, answer.requests) == (b"[1]", 4)
    assert time.sleeps == [1.0, 2.0, 4.0]


async def test_nothing_is_asked_again_once_the_program_is_offline(
    hub: HubServer, time: FakeTime
) -> None:
    hub.on("/", Reply(status=503), Reply(b"[1]"))
    api = Api(NetworkSettings(), {}, clock=time.clock, offline=lambda: bool(hub.seen))
    with pytest.raises(NoConnectionError, match="offline"):
        await api.fetch(f"{hub.url}/x")
    await api.close()
    assert len(hub.seen) == 1


async def test_a_server_that_stays_down_is_given_up(
    hub: HubServer, api: Make, time: FakeTime
) -> None:
    hub.on("/", Reply(b"oops", 500))
    with pytest.raises(UnreachableError, match=f"127.0.0.1:{hub.port} answers 500"):
        await api(retries=3).fetch(f"{hub.url}/x")
    assert len(hub.seen) == 3


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("7", 7.0),
        ("0", 1.0),
        ("-5", 1.0),
        ("1000000000000", 330.0),
        ("²", 1.0),
        ("٣", 1.0),
        ("soon", 1.0),
        ("", 1.0),
        ("Mon, 21 Sep 2026 14:14:00 GMT", 840.0 - 800.0),
        ("Mon, 21 Sep 2020 14:14:00 GMT", 1.0),
        ("Mon, 21 Sep 99999 14:14:00 GMT", 1.0),
    ],
)
async def test_retry_after_in_every_form(
    asked: str, waited: float, hub: HubServer, api: Make, time: FakeTime
) -> None:
    time.now = 1_790_000_000.0  # Mon, 21 Sep 2026 14:13:20 GMT
    headers = {"Retry-After": asked.encode("utf-8").decode("latin-1")}
    hub.on("/", Reply(b"slow", 429, headers), Reply(b"[]"))
    answer = await api().fetch(f"{hub.url}/x")
    assert answer.status == 200
    assert time.sleeps == [waited]


async def test_a_storm_without_any_hint_backs_off(
    hub: HubServer, api: Make, time: FakeTime
) -> None:
    hub.on("/", *[Reply(status=429)] * 8, Reply(b"[]"))
    assert (await api().fetch(f"{hub.url}/x")).requests == 9
    assert time.sleeps == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


async def test_a_longer_pause_than_a_lookup_waits_for_is_told_at_once(
    hub: HubServer, api: Make, time: FakeTime
) -> None:
    hub.on("/", Reply(status=429, headers={"Retry-After": "100000"}))
    with pytest.raises(RateLimitedError, match="a pause of 27 h 46 min") as caught:
        await api().fetch(f"{hub.url}/x", Ask(patience=330.0))
    assert time.sleeps == [] and caught.value.wait == 100_000.0


async def test_impatience_ends_a_storm(hub: HubServer, api: Make, time: FakeTime) -> None:
    hub.on("/", Reply(status=429, headers={"RateLimit": '"api";r=0;t=40'}))
    with pytest.raises(RateLimitedError) as caught:
        await api().fetch(f"{hub.url}/x", Ask(patience=100.0))
    assert time.sleeps == [41.0, 41.0]
    assert caught.value.wait == 41.0


async def test_an_empty_quota_holds_the_next_request_back(
    hub: HubServer, api: Make, time: FakeTime
) -> None:
    empty = {"RateLimit": '"api";r=0;t=9', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}
    hub.on("/", Reply(b"[]", headers=empty), Reply(b"[]"))
    client = api()
    await client.fetch(f"{hub.url}/x")
    assert time.sleeps == []
    await client.fetch(f"{hub.url}/x")
    assert time.sleeps == [10.0]


async def test_a_quota_that_runs_low_is_spread(hub: HubServer, api: Make, time: FakeTime) -> None:
    policy = {"RateLimit-Policy": '"fixed window";"api";q=500;w=300'}
    plenty = {"RateLimit": '"api";r=400;t=100', **policy}
    low = {"RateLimit": '"api";r=20;t=100', **policy}
    hub.on("/", Reply(b"[]", headers=plenty), Reply(b"[]", headers=low), Reply(b"[]"))
    client = api()
    for _ in range(3):
        await client.fetch(f"{hub.url}/x")
    assert time.sleeps == [5.0]


async def test_one_origins_limit_is_not_anothers(
    hub: HubServer, elsewhere: HubServer, api: Make, time: FakeTime
) -> None:
    hub.on("/", Reply(b"[]", headers={"RateLimit": '"api";r=0;t=9'}))
    elsewhere.on("/", Reply(b"[]"))
    client = api()
    await client.fetch(f"{hub.url}/x")
    await client.fetch(f"{elsewhere.url}/x")
    assert time.sleeps == []


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_refused_connection_names_the_host(api: Make, time: FakeTime) -> None:
    port = closed_port()
    with pytest.raises(NoConnectionError, match=f"127.0.0.1:{port}.*refused"):
        await api().fetch(f"http://127.0.0.1:{port}/x?Signature=secret", Ask(private=PRIVATE))
    assert len(time.sleeps) == 2, "a host that refuses is given up soon"


async def test_a_name_without_address(api: Make) -> None:
    with pytest.raises(NoConnectionError, match=r"hub\.invalid"):
        await api().fetch("http://hub.invalid/x")


async def test_tls_that_is_none_is_not_tried_again(
    hub: HubServer, api: Make, time: FakeTime
) -> None:
    with pytest.raises(NoConnectionError, match="certificate"):
        await api().fetch(f"https://127.0.0.1:{hub.port}/x")
    assert time.sleeps == []


async def test_a_server_that_accepts_and_never_answers(api: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(NoConnectionError, match="no answer"):
            await api(timeout=0.1).fetch(f"http://127.0.0.1:{port}/x")


async def test_a_body_that_trickles_for_ever_is_cut_off(
    hub: HubServer, api: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_BODY_TIMEOUTS", 0.3)
    hub.on("/", Reply(chunks=now_and_then()))
    with pytest.raises(UnreachableError) as caught:
        await api(timeout=1.0, retries=1).fetch(f"{hub.url}/x")
    assert type(caught.value) is UnreachableError, "there was an answer"


def now_and_then() -> Iterator[bytes]:
    pause = threading.Event()
    yield b"x" * 70_000  # more than the server's buffer, so that the head goes out with it
    for _ in range(100):
        pause.wait(0.05)
        yield b"x"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"oops", 500),
        Reply(b"[1]", length=99),
        Reply(b"[]", headers={"X-Long": "x" * 200_000}),
    ],
    ids=["server error", "broken off", "no proper HTTP"],
)
async def test_whoever_answers_wrongly_is_there_all_the_same(
    reply: Reply, hub: HubServer, api: Make
) -> None:
    hub.on("/", reply)
    with pytest.raises(UnreachableError) as caught:
        await api(retries=1).fetch(f"{hub.url}/x")
    assert type(caught.value) is UnreachableError


async def test_a_pause_that_many_wait_for_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tui_hub.sources.waiting")
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        until = now + seconds
        await asyncio.sleep(0)
        now = max(now, until)

    gate = Gate("hub", Clock(monotonic=lambda: now, sleep=sleep))
    gate.observe({"retry-after": "3"}, refused=True)
    assert await asyncio.gather(*(gate.enter(9.0) for _ in range(3))) == [3.0] * 3
    assert [record.message for record in caplog.records] == ["hub limits the rate: waiting 3 s"]


async def test_a_pause_for_the_rate_limit_is_told(
    hub: HubServer, api: Make, time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tui_hub.sources.waiting")
    hub.on("/", Reply(status=429, headers={"Retry-After": "6.2"}), Reply(b"[]"))
    client = api()
    await client.fetch(f"{hub.url}/x")
    hub.on("/", Reply(b"[]", headers={"RateLimit": '"api";r=0;t=9'}), Reply(b"[]"))
    await client.fetch(f"{hub.url}/x")
    await client.fetch(f"{hub.url}/x")
    told = [record.message for record in caplog.records if "waiting" in record.name]
    host = f"127.0.0.1:{hub.port}"
    assert told == [f"{host} limits the rate: waiting {seconds} s" for seconds in (7, 10)]


async def test_the_origins_own_word_on_a_file_survives_its_redirects(
    hub: HubServer, elsewhere: HubServer, api: Make
) -> None:
    first = {"Location": f"{elsewhere.url}/cdn", "X-Linked-ETag": '"real"'}
    hub.on("/", Reply(status=302, headers=first))
    elsewhere.on("/", Reply(b"x", headers={"X-Linked-ETag": '"forged"'}))
    ask = Ask(foreign=True)
    assert (await api().fetch(f"{hub.url}/x", ask)).linked_etag == "real"
    hub.on("/", Reply(status=302, headers={"Location": f"{elsewhere.url}/cdn"}))
    assert (await api().fetch(f"{hub.url}/x", ask)).linked_etag is None


async def test_a_body_without_end_is_capped(hub: HubServer, api: Make) -> None:
    hub.on("/", Reply(chunks=itertools.repeat(b"[" * 65_536, 1_000)))
    with pytest.raises(TooLargeError):
        await api().fetch(f"{hub.url}/x", Ask(limit=1_000_000))
    assert len(hub.seen) == 1


async def test_a_packed_bomb_is_capped(hub: HubServer, api: Make) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    hub.on("/", Reply(bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(TooLargeError):
        await api().fetch(f"{hub.url}/x", Ask(limit=1_000_000))


async def test_packing_is_taken_where_it_was_asked_for(hub: HubServer, api: Make) -> None:
    packed = gzip.compress(b"[]" * 1_000)
    hub.on("/", Reply(packed, headers={"Content-Encoding": "gzip"}))
    answer = await api().fetch(f"{hub.url}/x")
    assert answer.body == b"[]" * 1_000
    assert answer.transferred == len(packed)
    with pytest.raises(UnreachableError, match="packs"):
        await api().fetch(f"{hub.url}/x", Ask(packed=False))


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "nonsense"])
async def test_unknown_packing_is_refused(coding: str, hub: HubServer, api: Make) -> None:
    hub.on("/", Reply(b"[]", headers={"Content-Encoding": coding}))
    with pytest.raises(UnreachableError):
        await api().fetch(f"{hub.url}/x")


async def test_headers_without_end_are_refused(hub: HubServer, api: Make) -> None:
    hub.on("/", Reply(b"[]", headers={"X-Long": "x" * 200_000}))
    with pytest.raises(UnreachableError):
        await api(retries=1).fetch(f"{hub.url}/x")


async def test_redirects_keep_the_token_on_its_origin_only(
    hub: HubServer, elsewhere: HubServer, api: Make
) -> None:
    hub.on("/a", Reply(status=307, headers={"Location": "b?x=1"}))
    hub.on("/b", Reply(status=302, headers={"Location": f"{elsewhere.url}/c"}))
    elsewhere.on("/c", Reply(status=301, headers={"Location": "/d"}))
    elsewhere.on("/d", Reply(b"done"))
    ask = Ask(private={**PRIVATE, "X-Api-Key": "k"}, foreign=True)
    answer = await api().fetch(f"{hub.url}/a", ask)
    assert (answer.body, answer.requests) == (b"done", 4)
    assert answer.url == f"{elsewhere.url}/d"
    assert all("authorization" in seen.headers for seen in hub.seen)
    for seen in elsewhere.seen:
        assert not {"authorization", "x-api-key", "cookie", "referer"} & set(seen.headers)


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://x/y", "data:,x", "javascript:x", "http://u:p@x/", "http://[::1",
     "", "\\\\evil\\x", "http://x\\@y/"],
)  # fmt: skip
async def test_redirects_that_are_not_followed(location: str, hub: HubServer, api: Make) -> None:
    hub.on("/", Reply(status=302, headers={"Location": location}))
    with pytest.raises((UnsafeError, UnreachableError)):
        await api().fetch(f"{hub.url}/x", Ask(private=PRIVATE))
    assert set(hub.paths()) == {"/x"}


async def test_redirects_in_a_circle_end(hub: HubServer, api: Make) -> None:
    hub.on("/", lambda seen: Reply(status=302, headers={"Location": seen.target}))
    with pytest.raises(UnreachableError, match="without end"):
        await api().fetch(f"{hub.url}/x")
    assert len(hub.seen) == 11


async def test_a_redirect_from_a_public_host_into_a_private_network(
    hub: HubServer, api: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def private(url: str) -> bool:
        return "169.254" in url

    monkeypatch.setattr(http, "is_private", private)
    hub.on("/", Reply(status=302, headers={"Location": "http://169.254.169.254/latest"}))
    with pytest.raises(UnsafeError, match="private network"):
        await api().fetch(f"{hub.url}/x", Ask(foreign=True))


async def test_a_proxy_is_taken_from_the_environment_and_no_proxy_obeyed(
    hub: HubServer, elsewhere: HubServer, api: Make
) -> None:
    elsewhere.on("http://", Reply(b"through the proxy"))
    hub.on("/", Reply(b"direct"))
    answer = await api(HTTP_PROXY=elsewhere.url).fetch(f"{hub.url}/x", Ask(private=PRIVATE))
    assert answer.body == b"through the proxy"
    assert hub.seen == []
    answer = await api(http_proxy=elsewhere.url, NO_PROXY="localhost,127.0.0.1").fetch(
        f"{hub.url}/x"
    )
    assert answer.body == b"direct"
    with pytest.raises(UnreachableError, match="proxy"):
        await api(ALL_PROXY="socks4://127.0.0.1:1").fetch(f"{hub.url}/x")


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_a_socks_proxy_with_a_password(hub: HubServer, api: Make, scheme: str) -> None:
    hub.on("/", Reply(b"[]"))
    with Socks("me", "p@ss:wörd", map_to="127.0.0.1") as proxy:
        named = proxy.url("me:p%40ss%3Aw%C3%B6rd@").replace(Socks.scheme, scheme)
        url = hub.url.replace("127.0.0.1", "only-the-proxy-knows.example")
        assert (await api(HTTP_PROXY=named).fetch(f"{url}/x")).body == b"[]"
        assert proxy.seen == [url.partition("//")[2]]
        with pytest.raises(UnreachableError, match="proxy refuses") as caught:
            await api(all_proxy=proxy.url("me:wrongword@")).fetch(f"{hub.url}/x")
        assert "wrongword" not in f"{caught.value!r} {caught.value.hint}"
    with NoSocks() as proxy, pytest.raises(UnreachableError, match="does not speak SOCKS5"):
        await api(all_proxy=proxy.url()).fetch(f"{hub.url}/x")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_http_proxy_that_wants_another_password(
    hub: HubServer, api: Make, scheme: str
) -> None:
    """It is not the endpoint that is wrong then."""
    with Relay("me", "right") as proxy:
        environment = {"all_proxy": proxy.url("me:wrongword@")}
        with pytest.raises(UnreachableError, match="proxy refuses") as caught:
            await api(**environment).fetch(f"{hub.url}/x".replace("http", scheme, 1))
        assert "user and password" in (caught.value.hint or "")
        assert "wrongword" not in f"{caught.value!r} {caught.value.hint}"
    assert hub.seen == []


async def test_certificates_that_cannot_be_read(api: Make) -> None:
    with pytest.raises(UnreachableError, match="certificates"):
        await api(SSL_CERT_FILE="/nowhere/ca.pem").fetch("https://127.0.0.1:1/x")


async def test_posting(hub: HubServer, api: Make) -> None:
    hub.on("/", lambda seen: Reply(seen.method.encode() + b" " + seen.body))
    answer = await api().fetch(f"{hub.url}/x", Ask(method="POST", content=b"{}"))
    assert answer.body == b"POST {}"


async def test_no_secret_reaches_a_log_or_an_error(
    hub: HubServer, api: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hub.on("/", Reply(b"hf_echo", 500))
    with pytest.raises(HubError) as caught:
        await api(retries=2).fetch(f"{hub.url}/x?Signature=hf_signature", Ask(private=PRIVATE))
    shown = f"{caught.value!r}{caught.value.hint}{caplog.text}{Ask(private=PRIVATE)!r}"
    for secret in ("hf_canary", "hf_signature", "hf_echo"):
        assert secret not in shown


async def test_a_connection_is_kept_for_the_next_request(hub: HubServer, api: Make) -> None:
    hub.on("/", Reply(b"[]"))
    client = api()
    for _ in range(3):
        await client.fetch(f"{hub.url}/x")
    assert len({seen.port for seen in hub.seen}) == 1


async def test_a_certificate_of_ones_own(tmp_path: Path, api: Make) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl to make a certificate")
    certificate, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    make = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=x",
    ]
    make += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run(make, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server = HubServer(tls)
    try:
        server.on("/", Reply(b"[]"))
        with pytest.raises(NoConnectionError, match="not trusted"):
            await api().fetch(f"{server.url}/x", Ask(private=PRIVATE))
        assert server.seen == []
        for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            answer = await api(**{variable: certificate}).fetch(f"{server.url}/x")
            assert answer.body == b"[]"
    finally:
        server.close()
