"""The wire format against the recorded answers: statuses, headers, bodies."""

from __future__ import annotations

import hashlib
import re
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx
import pytest

from tui_hub.demo import DemoHub, Repository, RepositoryFile, Weights, limits
from tui_hub.demo.limits import RateLimits

LARGE = "/demo-lab/small/resolve/main/weights/model.safetensors"
SIZE = 3_000_001


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def content() -> bytes:
    return Weights("F32", SIZE, "demo-lab/small").read(0, SIZE)


def test_a_large_file_is_a_signed_redirect_to_the_second_origin(
    hub: DemoHub, web: httpx.Client
) -> None:
    answer = web.get(LARGE)
    location = answer.headers["location"]
    assert answer.status_code == 302
    assert answer.headers["x-linked-etag"] == f'"{hashlib.sha256(content()).hexdigest()}"'
    assert answer.headers["x-linked-size"] == str(SIZE)
    assert answer.headers["x-repo-commit"] == hub.registry.find("demo-lab/small").head.commit
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["content-length"]) == len(answer.content) != SIZE
    assert location.startswith(hub.cdn + "/xet-bridge-us/")
    assert urlsplit(hub.cdn).port != urlsplit(hub.endpoint).port
    assert not [name for name in answer.headers if name.startswith("x-xet")]
    bytes_there = web.get(location)
    assert bytes_there.content == content()
    etag = bytes_there.headers["etag"].strip('"')
    assert re.fullmatch(r"[0-9a-f]{64}", etag)
    assert etag not in answer.headers["x-linked-etag"]
    assert "ratelimit" not in bytes_there.headers


def test_ollama_gets_307_for_a_large_file(web: httpx.Client) -> None:
    assert web.head(LARGE, headers={"User-Agent": "ollama/0.20"}).status_code == 307


def test_a_small_public_file_is_a_relative_redirect_with_its_git_hash(web: httpx.Client) -> None:
    data = b"# Small\n" * 400
    oid = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    answer = web.get("/demo-lab/small/resolve/main/README.md")
    assert answer.status_code == 307
    assert answer.headers["location"].startswith("/api/resolve-cache/models/demo-lab/small/")
    assert answer.headers["x-linked-etag"] == f'"{oid}"'
    assert "x-linked-size" not in answer.headers
    cached = web.get(answer.headers["location"])
    assert (cached.status_code, cached.content) == (200, data)
    assert cached.headers["etag"] == f'"{oid}"'
    again = web.get(answer.headers["location"], headers={"If-None-Match": f'"{oid}"'})
    assert (again.status_code, again.content) == (304, b"")


def test_text_is_compressed_for_those_who_accept_it_and_loses_its_range(web: httpx.Client) -> None:
    location = web.get("/demo-lab/small/resolve/main/README.md").headers["location"]
    headers = {"Accept-Encoding": "gzip", "Range": "bytes=0-9"}
    answer = web.get(location, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-length" not in answer.headers
    assert answer.content == b"# Small\n" * 400
    plain = web.get(location, headers={"Range": "bytes=0-9"})
    assert (plain.status_code, plain.content) == (206, (b"# Small\n" * 2)[:10])


@pytest.mark.parametrize("name", ["private", "gated"])
def test_a_small_file_that_is_not_for_all_comes_directly(
    hub: DemoHub, web: httpx.Client, name: str
) -> None:
    answer = web.get(f"/demo-lab/{name}/resolve/main/config.json", headers=bearer(hub.token))
    assert answer.status_code == 200
    assert answer.content == b'{"model_type": "small"}'
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-repo-commit"] == hub.registry.find(f"demo-lab/{name}").head.commit


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, SIZE - 1),
        ("bytes=-7", SIZE - 7, SIZE - 1),
        ("bytes=70000-140000", 70_000, 140_000),
        ("bytes=2999999-9999999", 2_999_999, SIZE - 1),
    ],
)
def test_ranges_of_the_second_origin(web: httpx.Client, asked: str, first: int, last: int) -> None:
    answer = web.get(web.head(LARGE).headers["location"], headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.content == content()[first : last + 1]


def test_a_range_behind_the_end_is_416(web: httpx.Client) -> None:
    location = web.head(LARGE).headers["location"]
    answer = web.get(location, headers={"Range": f"bytes={SIZE}-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


def test_if_range_with_another_etag_gives_the_whole_file(web: httpx.Client) -> None:
    location = web.head(LARGE).headers["location"]
    etag = web.head(location).headers["etag"]
    same = web.get(location, headers={"Range": "bytes=0-9", "If-Range": etag})
    other = web.get(location, headers={"Range": "bytes=0-9", "If-Range": '"changed"'})
    assert (same.status_code, other.status_code) == (206, 200)
    assert len(other.content) == SIZE


def test_signatures_expire_and_cannot_be_made_up(hub: DemoHub, web: httpx.Client) -> None:
    location = web.head(LARGE).headers["location"]
    hub.faults.expire_signatures()
    old = web.get(location)
    assert old.status_code == 403
    assert old.headers["content-type"].startswith("application/xml")
    assert b"<Code>AccessDenied</Code>" in old.content
    fresh = web.head(LARGE).headers["location"]
    assert web.get(fresh).status_code == 200
    expires = re.search(r"Expires=(\d+)", fresh)
    assert expires is not None
    later = fresh.replace(expires[0], f"Expires={int(expires[1]) + 9999}")
    assert web.get(later).status_code == 403
    assert web.get(fresh.partition("?")[0]).status_code == 403
    hub.faults.signature_lifetime = -5
    assert web.get(web.head(LARGE).headers["location"]).status_code == 403


def test_errors_are_worded_as_recorded(hub: DemoHub, web: httpx.Client) -> None:
    member, outsider = bearer(hub.token), bearer(hub.outsider_token)
    gated = "/demo-lab/gated/resolve/main/config.json"
    cases: list[tuple[str, dict[str, str], int, str | None]] = [
        ("/api/models/demo-lab/none", {}, 401, None),
        ("/api/models/demo-lab/none", bearer("hf_wrong"), 401, None),
        ("/api/models/demo-lab/none", outsider, 404, "RepoNotFound"),
        ("/api/models/demo-lab/private", {}, 401, None),
        ("/api/models/demo-lab/private", outsider, 404, "RepoNotFound"),
        ("/api/models/demo-lab/private", member, 200, None),
        ("/api/models/demo-lab/gated", {}, 200, None),
        ("/api/models/demo-lab/gated/tree/main", {}, 200, None),
        ("/api/models/demo-lab/gated/commits/main", {}, 401, "GatedRepo"),
        (gated, {}, 401, "GatedRepo"),
        (gated, outsider, 403, "GatedRepo"),
        (gated, member, 200, None),
        ("/demo-lab/disabled/resolve/main/config.json", member, 403, None),
        ("/demo-lab/small/resolve/nope/config.json", {}, 404, "RevisionNotFound"),
        ("/demo-lab/small/resolve/main/nope", {}, 404, "EntryNotFound"),
        ("/api/models/demo-lab/small/tree/main/nope", {}, 404, "EntryNotFound"),
        ("/api/models/demo-lab/small/tree/main/config.json", {}, 404, "EntryNotFound"),
        ("/api/models/demo-lab/small", bearer("hf_wrong"), 200, None),
        ("/api/models?sort=nonsense", {}, 400, None),
        ("/api/models?expand=nonsense", {}, 400, None),
        ("/api/models?limit=x", {}, 400, None),
        ("/api/models?cursor=x", {}, 400, None),
        ("/api/nothing", {}, 404, None),
    ]
    for path, headers, status, code in cases:
        answer = web.get(path, headers=headers)
        assert (answer.status_code, answer.headers.get("x-error-code")) == (status, code), path
        if status >= 400:
            assert answer.headers["x-error-message"]
            assert ("www-authenticate" in answer.headers) == (status == 401)
            if path.startswith("/api"):
                assert answer.json()["error"]
        assert "ratelimit" in answer.headers
    missing = web.get("/demo-lab/small/resolve/main/nope")
    assert (missing.text, missing.headers["x-repo-commit"]) == (
        "Entry not found",
        hub.registry.find("demo-lab/small").head.commit,
    )


def test_requests_are_counted_and_refused_when_they_are_used_up() -> None:
    quotas = {"api": 3, "resolvers": 2}
    with (
        DemoHub(repositories=[], quotas=quotas, window=120) as hub,
        httpx.Client(base_url=hub.endpoint) as web,
    ):
        left = [web.get("/api/models").headers["ratelimit"] for _ in range(3)]
        assert [text.partition(";t=")[0] for text in left] == [
            f'"api";r={count}' for count in (2, 1, 0)
        ]
        refused = web.get("/api/models")
        assert refused.status_code == 429
        assert refused.headers["ratelimit"].startswith('"api";r=0;t=')
        assert refused.headers["ratelimit-policy"] == '"fixed window";"api";q=3;w=120'
        assert refused.headers["content-type"].startswith("text/html")
        assert "retry-after" not in refused.headers
        known = web.get("/api/models", headers=bearer(hub.token))
        assert known.status_code == 200
        assert web.get("/a/b/resolve/main/c").headers["ratelimit"].startswith('"resolvers";r=1')


def test_a_window_begins_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 1000.0
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: moment))
    windows = RateLimits({"api": 1}, window=0.5)
    assert windows.take("api", "somebody")[0]
    assert not windows.take("api", "somebody")[0]
    assert windows.take("api", "somebody else")[0]
    moment += 0.4
    assert not windows.take("api", "somebody")[0]
    moment += 0.1
    assert windows.take("api", "somebody")[0]


def test_who_am_i(hub: DemoHub, web: httpx.Client) -> None:
    assert web.get("/api/whoami-v2").status_code == 401
    assert web.get("/api/whoami-v2", headers=bearer("hf_wrong")).status_code == 401
    known = web.get("/api/whoami-v2", headers=bearer(hub.token)).json()
    assert known["auth"]["accessToken"]["role"] == "read"


def test_an_earlier_id_leads_to_the_new_one(hub: DemoHub, web: httpx.Client) -> None:
    key = web.get("/api/models/demo-lab/small").json()["_id"]
    hub.registry.rename("demo-lab/small", "demo-lab/renamed")
    answer = web.get("/api/models/demo-lab/small/tree/main?recursive=true")
    assert answer.status_code == 307
    assert answer.headers["location"] == "/api/models/demo-lab/renamed/tree/main?recursive=true"
    assert web.get("/api/models/Demo-Lab/RENAMED").headers["location"] == (
        "/api/models/demo-lab/renamed"
    )
    assert web.head(LARGE).status_code == 302
    assert web.get("/api/models/demo-lab/renamed").json()["_id"] == key


def test_a_new_commit_leaves_the_old_one_reachable(hub: DemoHub, web: httpx.Client) -> None:
    old = hub.registry.find("demo-lab/small").head.commit
    hub.registry.tag("demo-lab/small", "v1/final")
    changed = Repository(
        id="demo-lab/small", files=(RepositoryFile("a.txt", b"new"),), title="Change everything"
    )
    new = hub.put(changed)
    assert new != old
    assert web.get("/api/models/demo-lab/small").json()["sha"] == new
    for name in (old, old[:7], "v1%2Ffinal", "refs%2Ftags%2Fv1%2Ffinal"):
        info = web.get(f"/api/models/demo-lab/small/revision/{name}").json()
        assert (info["sha"], len(info["siblings"])) == (old, 3)
    assert web.get("/demo-lab/small/resolve/main/README.md").status_code == 404
    assert web.head(f"/demo-lab/small/resolve/{old}/README.md").status_code == 307
    commits = web.get("/api/models/demo-lab/small/commits/main?limit=1")
    assert commits.headers["x-total-count"] == "2"
    assert commits.json()[0]["title"] == "Change everything"
    following = commits.headers["link"].partition(">")[0].removeprefix("<")
    second = web.get(following)
    assert second.json()[0]["id"] == old
    assert "link" not in second.headers
    refs = web.get("/api/models/demo-lab/small/refs").json()
    assert refs["branches"] == [{"name": "main", "ref": "refs/heads/main", "targetCommit": new}]
    assert refs["tags"][0]["targetCommit"] == old


def test_paths_info_takes_json_too(web: httpx.Client) -> None:
    address = "/api/models/demo-lab/small/paths-info/main"
    body = {"paths": ["config.json", "weights", "no such"], "expand": True}
    rows = web.post(address, json=body).json()
    assert [(row["path"], row["type"]) for row in rows] == [
        ("config.json", "file"),
        ("weights", "directory"),
    ]
    assert rows[0]["securityFileStatus"]["status"] == "safe"
    assert web.post(address, json=["wrong"]).status_code == 400
    assert web.post(address, content=b"{", headers={"Content-Type": "application/json"}).is_error


def test_a_tree_comes_in_pages() -> None:
    files = tuple(RepositoryFile(f"folder/{number:03}.txt", b"x") for number in range(250))
    repositories = [Repository(id="demo-lab/many", files=files)]
    with (
        DemoHub(repositories=repositories) as hub,
        httpx.Client(base_url=hub.endpoint) as web,
    ):
        address: str | None = "/api/models/demo-lab/many/tree/main?recursive=true&expand=true"
        paths: list[str] = []
        pages = 0
        while address:
            answer = web.get(address)
            paths += [row["path"] for row in answer.json()]
            address = answer.links.get("next", {}).get("url")
            pages += 1
        assert pages == 3
        assert sorted(paths) == ["folder", *(file.path for file in files)]
        size = web.get("/api/models/demo-lab/many/treesize/main/folder").json()
        assert size == {"path": "/folder", "size": 250}


def test_raw_gives_the_pointer_of_a_large_file(web: httpx.Client) -> None:
    pointer = web.get("/demo-lab/small/raw/main/weights/model.safetensors").content
    row = web.get("/api/models/demo-lab/small/tree/main/weights").json()[0]
    assert f"oid sha256:{row['lfs']['oid']}".encode() in pointer
    assert row["lfs"]["pointerSize"] == len(pointer)
    assert row["oid"] == hashlib.sha1(b"blob %d\0" % len(pointer) + pointer).hexdigest()
    assert "xetHash" not in row
