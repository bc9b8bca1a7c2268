"""Through proxies of every kind: what reaches whom, and what is said when one refuses."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from content import CONTENT, SHA256
from hostile import Hostile
from proxies import NoSocks, Relay, SecureRelay, Socks

from tui_hub.domain.errors import (
    InterruptedJobError,
    UnauthorizedError,
    UnreachableError,
    UsageError,
)
from tui_hub.transfer import Pool

TOKEN = "Bearer hf_CANARY"
USER, PASSWORD = "me", "p@ss:wörd"
CREDENTIALS = "me:p%40ss%3Aw%C3%B6rd@"
KINDS = ("http", "https", "socks")


@pytest.fixture
def proxy(request, certificate: Path) -> Iterator[Relay | Socks]:
    with ExitStack() as stack:
        kind, credentials = request.param
        if kind == "https":
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            yield stack.enter_context(SecureRelay(tls, *credentials))
        else:
            made = Relay(*credentials) if kind == "http" else Socks(*credentials, slow=True)
            yield stack.enter_context(made)


def each(*credentials: str):
    return pytest.mark.parametrize(
        "proxy", [(kind, credentials) for kind in KINDS], indirect=True, ids=KINDS
    )


@each(USER, PASSWORD)
def test_an_encrypted_file_through_a_proxy_with_a_password(proxy, secure_server, make, certificate):
    environment = {"https_proxy": proxy.url(CREDENTIALS), "SSL_CERT_FILE": str(certificate)}
    pool = Pool(environment)
    result = make(
        secure_server.url("honest"),
        sha256=SHA256,
        size=len(CONTENT),
        headers={"Authorization": TOKEN},
        pool=pool,
    ).run()
    pool.close()
    assert result.sha256 == SHA256
    assert {seen.removeprefix("CONNECT ") for seen in proxy.seen} == {
        f"127.0.0.1:{secure_server.port}"
    }
    assert len(proxy.seen) == secure_server.accepted == 1, "one connection is kept alive"
    assert b"CANARY" not in proxy.raw
    assert {seen.headers["authorization"] for seen in secure_server.requests} == {TOKEN}
    assert not any("proxy-authorization" in seen.headers for seen in secure_server.requests)


@each(USER, PASSWORD)
def test_a_plain_file_through_a_proxy_with_a_password(proxy, server, make, certificate):
    environment = {"http_proxy": proxy.url(CREDENTIALS), "SSL_CERT_FILE": str(certificate)}
    assert make(server.url("honest"), environment=environment).run().sha256 == SHA256
    assert {seen.removeprefix("GET ") for seen in proxy.seen} == {f"127.0.0.1:{server.port}"}


@each(USER, PASSWORD)
@pytest.mark.parametrize("credentials", ["", "me:wrongword@"], ids=["none", "wrong"])
def test_a_proxy_that_wants_another_password_says_so_at_once(
    proxy, credentials, secure_server, make, certificate, pauses
):
    environment = {"all_proxy": proxy.url(credentials), "CURL_CA_BUNDLE": str(certificate)}
    with pytest.raises(UnauthorizedError, match=r"the proxy 127\.0\.0\.1") as caught:
        make(secure_server.url("honest"), environment=environment).run()
    assert "wrongword" not in f"{caught.value!r} {caught.value.hint}"
    assert not pauses.pauses and not secure_server.requests


@each()
def test_several_lanes_through_a_proxy(proxy, secure_server, make, certificate):
    environment = {"https_proxy": proxy.url(), "REQUESTS_CA_BUNDLE": str(certificate)}
    secure_server.pace = 0.02
    transfer = make(
        secure_server.url("honest"),
        sha256=SHA256,
        size=len(CONTENT),
        connections=4,
        environment=environment,
    )
    assert transfer.run().sha256 == SHA256
    assert len(proxy.seen) > 1


@each()
def test_a_stop_wakes_a_lane_that_waits_behind_a_proxy(proxy, secure_server, make, certificate):
    environment = {"https_proxy": proxy.url(), "SSL_CERT_FILE": str(certificate)}
    transfer = make(secure_server.url("silent"), environment=environment, stall=60)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            transfer.run()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not secure_server.requests:
        thread.join(0.01)
    transfer.stop()
    thread.join(60)
    assert [type(error) for error in errors] == [InterruptedJobError]


def test_a_socks_proxy_resolves_the_names_itself(server, make):
    with Socks(map_to="127.0.0.1") as proxy:
        url = f"http://only-the-proxy-knows.example:{server.port}/honest"
        assert make(url, environment={"ALL_PROXY": proxy.url()}).run().sha256 == SHA256
        assert proxy.seen[0] == f"only-the-proxy-knows.example:{server.port}"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_beyond_ascii_reaches_the_proxy_as_the_wire_has_it(scheme, make):
    with Relay() as proxy:
        environment = {"all_proxy": proxy.url()}
        with pytest.raises(UnreachableError):
            make(f"{scheme}://bücher.invalid:81/x", environment=environment, retries=0).run()
        assert proxy.seen[0].endswith(" xn--bcher-kva.invalid:81")


@pytest.mark.parametrize(
    ("answer", "reason"), [(2, "its rules forbid it"), (5, "was refused"), (99, "it answers 99")]
)
def test_a_socks_proxy_that_does_not_let_through_says_why(answer, reason, server, make):
    with Socks(answer=answer) as proxy, pytest.raises(UnreachableError, match=reason):
        make(server.url("honest"), environment={"http_proxy": proxy.url()}).run()


def test_what_is_no_socks_proxy_is_told(server, make):
    with NoSocks() as proxy, pytest.raises(UnreachableError, match="does not speak SOCKS5"):
        make(server.url("honest"), environment={"http_proxy": proxy.url()}).run()


def test_a_proxy_that_is_not_there_is_named_instead_of_the_server(make):
    with Relay() as gone:
        url = gone.url()
    with pytest.raises(UnreachableError, match=r"the proxy 127\.0\.0\.1 refuses connections"):
        make("https://hub.example/x", environment={"https_proxy": url}).run()


def test_the_certificate_of_a_proxy_is_checked(certificate, make, pauses):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with SecureRelay(tls) as proxy, pytest.raises(UnreachableError, match="certificate of the pro"):
        make("https://hub.example/x", environment={"https_proxy": proxy.url()}).run()
    assert not pauses.pauses


@each()
def test_the_certificate_of_a_server_behind_a_proxy_is_checked(proxy, make, certificate, pauses):
    environment = {"https_proxy": proxy.url(), "SSL_CERT_FILE": str(certificate)}
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with (
        Hostile(CONTENT, tls=tls, host="127.0.0.2") as other,
        pytest.raises(UnreachableError, match=r"certificate of 127\.0\.0\.2"),
    ):
        make(other.url("honest"), environment=environment).run()
    assert not other.requests and not pauses.pauses


def test_no_proxy_leads_past_the_proxy(server, make):
    environment = {"http_proxy": "http://127.0.0.1:1", "no_proxy": "other, 127.0.0.0/8"}
    assert make(server.url("honest"), environment=environment).run().sha256 == SHA256


def test_a_bundle_may_be_a_folder(secure_server, make, certificate, tmp_path):
    with pytest.raises(UnreachableError, match="certificate"):
        make(secure_server.url("honest"), environment={"SSL_CERT_DIR": str(tmp_path)}).run()
    with pytest.raises(UsageError, match="CURL_CA_BUNDLE"):
        make(secure_server.url("honest"), environment={"CURL_CA_BUNDLE": "/nowhere.pem"}).run()
