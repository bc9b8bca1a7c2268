"""Which proxy the environment names, and for which addresses it names none."""

from __future__ import annotations

import pytest

from tui_hub.domain.errors import UsageError
from tui_hub.proxies import Proxy, ProxyKind, proxy_for

HTTP, HTTPS, SOCKS = ProxyKind.HTTP, ProxyKind.HTTPS, ProxyKind.SOCKS5


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"https_proxy": "http://p:3128"}, Proxy(HTTP, "p", 3128)),
        ({"HTTPS_PROXY": "p:3128"}, Proxy(HTTP, "p", 3128)),
        ({"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1"}, Proxy(HTTP, "a", 1)),
        ({"https_proxy": "", "all_proxy": "http://p"}, Proxy(HTTP, "p", 80)),
        ({"https_proxy": "https://p"}, Proxy(HTTPS, "p", 443)),
        ({"ALL_PROXY": "socks5h://p"}, Proxy(SOCKS, "p", 1080)),
        ({"all_proxy": "socks5://[::1]:9"}, Proxy(SOCKS, "::1", 9)),
        ({"all_proxy": "socks5://u:a%3Ab@p:9"}, Proxy(SOCKS, "p", 9, "u", "a:b")),
        ({"http_proxy": "http://p:3128"}, None),
        ({"https_proxy": "http://u:p%40@p:1"}, Proxy(HTTP, "p", 1, "u", "p@")),
    ],
)
def test_the_environment_names_a_proxy(environment, expected):
    assert proxy_for("https://hub.example.org/x", environment) == expected


@pytest.mark.parametrize(
    ("no_proxy", "host", "past"),
    [
        ("*", "hub.example.org", True),
        (" * ", "10.0.0.1", True),
        ("a.b, .example.org", "hub.example.org", True),
        ("a.b example.org", "hub.example.org", True),
        (".example.org", "example.org", True),
        ("*.example.org", "hub.example.org", True),
        ("EXAMPLE.org.", "Hub.Example.Org", True),
        ("example.org", "hub.example.org.", True),
        ("ample.org", "hub.example.org", False),
        ("hub.example", "hub.example.org", False),
        ("", "hub.example.org", False),
        (",,", "hub.example.org", False),
        ("hub.example.org:443", "hub.example.org", True),
        ("hub.example.org:8443", "hub.example.org", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("0.1", "10.0.0.1", False),
        ("::1", "[::1]", True),
        ("[::1]", "[::1]", True),
        ("[::1]:443", "[0:0:0:0:0:0:0:1]", True),
        ("fd00::/8", "[fd12::5]", True),
        ("fd00::/8", "hub.example.org", False),
    ],
)
@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
def test_no_proxy_is_read_as_curl_reads_it(variable, no_proxy, host, past):
    environment = {"https_proxy": "http://p:1", variable: no_proxy}
    assert (proxy_for(f"https://{host}/x", environment) is None) is past


@pytest.mark.parametrize(
    "value", ["socks4://u:secret@p:1", "ftp://u:secret@p", "http://u:secret@[", "http://"]
)
def test_what_is_no_proxy_that_can_be_used_is_told_without_its_password(value):
    with pytest.raises(UsageError, match="https_proxy") as caught:
        proxy_for("https://h/", {"https_proxy": value})
    assert "secret" not in f"{caught.value} {caught.value.hint}"


def test_a_proxy_is_shown_without_its_password():
    proxy = Proxy(HTTP, "p", 1, "u", "secret")
    assert "secret" not in f"{proxy!r} {proxy.url}"
    assert proxy.authorization == "Basic dTpzZWNyZXQ="
