"""Tokens, redirects, TLS: what goes to whom."""

from __future__ import annotations

import socket

import pytest
from content import CONTENT, SHA256
from hostile import COMMIT, Hostile

from tui_hub.domain.errors import UnreachableError, UnsafeError, UsageError
from tui_hub.transfer import Pool

TOKEN = "Bearer hf_CANARY"


def test_the_token_goes_to_the_origin_only(server, make):
    result = make(server.url("hub"), headers={"Authorization": TOKEN}, sha256=SHA256).run()
    assert {seen.headers.get("authorization") for seen in server.requests} == {TOKEN}
    assert server.other.requests
    assert not any("authorization" in seen.headers for seen in server.other.requests)
    assert not any("CANARY" in str(seen) for seen in server.other.requests)
    assert result.etag == SHA256
    assert result.commit == COMMIT


def test_a_redirect_without_a_scheme_leads_to_another_origin_all_the_same(server, make):
    server.location = f"//127.0.0.1:{server.other.port}/honest"
    make(server.url("elsewhere"), headers={"Authorization": TOKEN}, sha256=SHA256).run()
    assert server.other.requests
    assert not any("authorization" in seen.headers for seen in server.other.requests)


def test_the_token_stays_on_a_redirect_within_the_origin(server, make):
    make(server.url("small"), headers={"Authorization": TOKEN}, sha256=SHA256).run()
    assert all(seen.headers.get("authorization") == TOKEN for seen in server.requests)


def test_the_token_does_not_come_back_once_the_origin_was_left(server, make):
    server.location = server.other.url("elsewhere")
    server.other.location = server.url("honest")
    make(server.url("elsewhere"), headers={"Authorization": TOKEN}, sha256=SHA256).run()
    by_path = {seen.path: "authorization" in seen.headers for seen in server.requests}
    assert by_path == {"/elsewhere": True, "/honest": False}


def test_a_token_that_cannot_be_sent_is_not_shown(server, make):
    with pytest.raises(UsageError) as caught:
        make(server.url("honest"), headers={"Authorization": "hf_CANARY\r\nX: 1"}).run()
    assert "CANARY" not in f"{caught.value} {caught.value.hint} {caught.value.__context__}"


def test_signed_addresses_are_kept_and_renewed_when_they_expire(server, make):
    result = make(server.url("hub"), sha256=SHA256, size=len(CONTENT)).run()
    assert result.retries == 0, "an expired signature is no failure"
    resolved, fetched = len(server.requests), len(server.other.requests)
    assert resolved == pytest.approx(fetched / 4, abs=1.5)
    assert resolved < fetched / 2


def test_a_signature_that_is_refused_at_once_is_a_failure(server, make):
    server.other.hits.update({f"/signed?sig={number}": 9 for number in range(1, 99)})
    with pytest.raises(UnreachableError, match="signed address") as caught:
        make(server.url("hub"), sha256=SHA256).run()
    assert "sig=" not in caught.value.message


def test_a_storage_that_fails_is_looked_for_anew(server, make):
    result = make(server.url("relocating"), sha256=SHA256).run()
    assert result.retries == 1
    assert result.bytes_transferred == len(CONTENT)
    assert server.hits["/relocating"] == 2


def test_every_request_wants_plain_bytes(server, make):
    make(server.url("hub"), sha256=SHA256).run()
    for seen in server.requests + server.other.requests:
        assert seen.headers["accept-encoding"] == "identity"
        assert seen.headers["user-agent"].startswith("tui-hub/")


def test_a_weak_validator_is_not_sent_back(server, make):
    make(server.url("weak-etag"), sha256=SHA256).run()
    assert len(server.requests) > 1
    assert not any("if-range" in seen.headers for seen in server.requests)


def test_a_strong_validator_is_sent_back(server, make):
    make(server.url("honest"), sha256=SHA256).run()
    assert {seen.headers["if-range"] for seen in server.requests[1:]} == {'"strong-1"'}


def test_a_small_file_takes_one_request(server, make):
    server.content = CONTENT[:1000]
    result = make(server.url("honest"), size=1000).run()
    assert result.size == 1000
    assert len(server.requests) == 1
    make(server.url("honest")).run()
    assert len(server.requests) == 2


def test_connections_are_kept_alive(server, make):
    make(server.url("honest"), sha256=SHA256).run()
    assert server.accepted == 1
    assert len(server.requests) >= 3


def test_a_kept_connection_that_died_is_no_failure(server, make):
    result = make(server.url("forgetful"), sha256=SHA256).run()
    assert result.retries == 0
    assert server.accepted > 1


def test_a_pool_is_shared_by_transfers(server, make, destination):
    pool = Pool()
    for _ in range(3):
        destination.reset()
        make(server.url("honest"), pool=pool, sha256=SHA256).run()
    assert server.accepted == 1
    pool.close()


def test_public_servers_do_not_redirect_into_the_local_network(server, make):
    with Hostile(CONTENT, host="127.0.0.2") as inside:
        server.location = inside.url("honest")
        pool = Pool(is_private=lambda address: address == "127.0.0.2")
        with pytest.raises(UnsafeError, match="private network"):
            make(server.url("elsewhere"), pool=pool).run()
        assert not inside.requests
        assert make(server.url("elsewhere")).run().sha256 == SHA256, "a private origin may"
        pool.close()


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "javascript:x", "http://[::1", "http://u:p@h/"],
)
def test_redirects_to_anything_else_are_refused(server, make, location):
    server.location = location
    with pytest.raises(UnsafeError):
        make(server.url("elsewhere")).run()


def test_tls_with_an_authority_of_ones_own(secure_server, make, certificate):
    environment = {"SSL_CERT_FILE": str(certificate)}
    result = make(secure_server.url("honest"), sha256=SHA256, environment=environment).run()
    assert result.sha256 == SHA256


def test_an_untrusted_certificate_ends_the_transfer_at_once(secure_server, make, pauses):
    with pytest.raises(UnreachableError, match="certificate"):
        make(secure_server.url("honest"), sha256=SHA256).run()
    assert not pauses.pauses


def test_no_redirect_from_https_to_http(secure_server, server, make, certificate):
    secure_server.location = server.url("honest")
    with pytest.raises(UnsafeError, match="https to plain http"):
        make(
            secure_server.url("elsewhere"), environment={"REQUESTS_CA_BUNDLE": str(certificate)}
        ).run()
    assert not server.requests


def test_a_missing_bundle_is_named(secure_server, make):
    with pytest.raises(UsageError, match="SSL_CERT_FILE"):
        make(secure_server.url("honest"), environment={"SSL_CERT_FILE": "/nowhere.pem"}).run()


def test_an_unreachable_server_is_named_soon(make, pauses):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1 refuses connections"):
        make(f"http://127.0.0.1:{port}/x").run()
    assert len(pauses.pauses) == 2


def test_a_name_that_does_not_resolve(make):
    with pytest.raises(UnreachableError, match=r"nowhere\.invalid"):
        make("http://nowhere.invalid/x").run()
    with pytest.raises(UnreachableError):
        make("http://a..b/x").run()
