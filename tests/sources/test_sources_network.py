"""Origins, redirects, proxies and private addresses, without a network."""

from __future__ import annotations

import pytest

from tui_hub.domain.errors import UnreachableError, UnsafeError
from tui_hub.sources.links import next_link
from tui_hub.sources.network import host_of, is_private, origin_of, proxy_for, redirect_target


@pytest.mark.parametrize(
    ("url", "origin", "host"),
    [
        ("https://Huggingface.co/x?y", "https://huggingface.co:443", "huggingface.co"),
        ("https://huggingface.co:443", "https://huggingface.co:443", "huggingface.co"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]:80/", "http://[::1]:80", "[::1]"),
        ("https://host:80", "https://host:80", "host:80"),
    ],
)
def test_origins(url: str, origin: str, host: str) -> None:
    assert origin_of(url) == origin
    assert host_of(url) == host


@pytest.mark.parametrize(
    "url",
    ["", "x", "//host/", "file:///etc/passwd", "ftp://h", "https://", "https://u@h", "https://u:p@h",
     "http://h:port", "http://h:99999", "http://[::1", "http://a b/", "http://h/\n", "http://h\\x"],
)  # fmt: skip
def test_what_has_no_origin(url: str) -> None:
    with pytest.raises(UnsafeError):
        origin_of(url)


def test_redirects_may_not_leave_encryption() -> None:
    assert redirect_target("http://h/a/b", "../c?d") == "http://h/c?d"
    assert redirect_target("http://h/", "https://h/") == "https://h/"
    assert redirect_target("https://h/a", "//other/b") == "https://other/b"
    with pytest.raises(UnsafeError, match="without encryption"):
        redirect_target("https://h/", "http://h/")
    for nowhere in ("", "http://[::1", "x" * 20_000, "mailto:x"):
        with pytest.raises(UnsafeError):
            redirect_target("https://h/", nowhere)


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("10.1.2.3", True),
        ("192.168.0.1", True),
        ("169.254.169.254", True),
        ("[::1]", True),
        ("[::ffff:169.254.169.254]", True),
        ("[fe80::1]", True),
        ("0x7f000001", True),
        ("100.64.0.1", True),
        ("1.1.1.1", False),
        ("[::ffff:1.1.1.1]", False),
        ("[2606:4700:4700::1111]", False),
        ("nowhere.invalid", False),
    ],
)
async def test_private_addresses(host: str, private: bool) -> None:
    assert await is_private(f"http://{host}/x") is private


def test_proxies() -> None:
    environment = {
        "HTTPS_PROXY": "proxy:3128",
        "http_proxy": "http://me:pw@plain:1",
        "no_proxy": "internal, .corp.example ,10.0.0.1",
    }
    assert proxy_for("https://huggingface.co/x", environment).url == "http://proxy:3128"
    plain = proxy_for("http://huggingface.co/x", environment)
    assert (plain.url, plain.user, plain.password) == ("http://plain:1", "me", "pw")
    for host in ("internal", "a.internal", "hub.corp.example", "10.0.0.1:8080"):
        assert proxy_for(f"https://{host}/", environment) is None
    assert proxy_for("https://notinternal/", environment) is not None
    assert proxy_for("https://h/", {"ALL_PROXY": "http://all:1"}).url == "http://all:1"
    assert proxy_for("https://h/", {"ALL_PROXY": "http://all:1", "NO_PROXY": "*"}) is None
    assert proxy_for("https://h/", {}) is None
    with pytest.raises(UnreachableError) as caught:
        proxy_for("https://h/", {"HTTPS_PROXY": "socks4://me:secret@h:1"})
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("header", "following"),
    [
        ('<https://h/api?c=1>; rel="next"', "https://h/api?c=1"),
        ("<https://h/api?c=1>; rel=next", "https://h/api?c=1"),
        ('<?c=1>; rel="next"', "https://h/api?c=1"),
        ('<https://h/a>; rel="prev", <https://h/api?c=2>; rel="next"', "https://h/api?c=2"),
        ('<https://h/api?c=3>; title="x"; rel="next"', "https://h/api?c=3"),
        ('<https://other/api?c=4>; rel="next"', "https://h/api?c=4"),
        ('<https://h/api>; rel="last"', None),
        ("", None),
        ("nonsense <", None),
    ],
)
def test_next_links(header: str, following: str | None) -> None:
    assert next_link({"link": header}, "https://h/api?x=y") == following


def test_a_mirror_below_a_path_that_passes_on_the_links_of_the_hub() -> None:
    header = '<https://huggingface.co/api/models?cursor=x&limit=2>; rel="next"'
    url = "https://mirror/of/hub/api/models?limit=2"
    following = next_link({"link": header}, url)
    assert following == "https://mirror/of/hub/api/models?cursor=x&limit=2"


@pytest.mark.parametrize(
    "target",
    [
        "https://other/elsewhere?c=4",
        "https://other/?c=4",
        "https://other",
        "file:///api",
        "http://[::1",
        "//u@other/api",
    ],
)
def test_a_next_link_to_another_path_elsewhere(target: str) -> None:
    with pytest.raises(UnreachableError, match="not its own"):
        next_link({"link": f'<{target}>; rel="next"'}, "https://h/api?x=y")
