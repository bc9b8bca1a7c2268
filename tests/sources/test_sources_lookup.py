"""Looking a model up, listing its files, reading one: refusals, and where the token goes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from fake_time import FakeTime
from hub_server import HubServer, Reply, Seen, as_json

from tui_hub.domain.artifacts import Artifact, ArtifactKind
from tui_hub.domain.errors import (
    CorruptError,
    GatedError,
    HiddenError,
    HubError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    TakenDownError,
    UnauthorizedError,
    UnreachableError,
    UsageError,
)
from tui_hub.domain.identifiers import ModelId
from tui_hub.settings import Configuration
from tui_hub.sources import huggingface
from tui_hub.sources.every import Sources
from tui_hub.sources.feeds import SHIPPED
from tui_hub.sources.huggingface import HuggingFace

Connect = Callable[..., HuggingFace]
MODEL = ModelId.parse("org/name")
COMMIT = "a" * 40
TOKEN = "hf_CANARYcanary"


def info(**more: object) -> dict[str, object]:
    return {"_id": "1" * 24, "id": "org/name", "sha": COMMIT, **more}


def file_row(path: str, **more: object) -> dict[str, object]:
    return {"type": "file", "path": path, "oid": "b" * 40, "size": 3, **more}


def artifact(path: str = "a b/ü#?.json", body: bytes = b"abc", **more: Any) -> Artifact:
    blob = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
    given = {"size": len(body), "git_sha1": blob, **more}
    return Artifact(id="1", model=str(MODEL), revision=COMMIT, path=path, **given)


async def refusal(source: HuggingFace, revision: str | None = None) -> HubError:
    with pytest.raises(HubError) as caught:
        await source.model(MODEL, revision)
    shown = f"{caught.value.message} {caught.value.hint} {caught.value!r}"
    assert TOKEN not in shown
    return caught.value


async def test_a_model_by_id(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models/org/name", as_json(info(likes=7)))
    found = await connect().model(MODEL)
    assert (found.id, found.likes, found.revision) == ("hf:org/name", 7, COMMIT)
    assert "authorization" not in hub.seen[0].headers


async def test_a_revision_is_one_segment_of_the_path(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models/org/name/revision/", as_json(info()))
    await connect().model(MODEL, "refs/pr/1")
    assert hub.seen[0].path == "/api/models/org/name/revision/refs%2Fpr%2F1"


async def test_a_renamed_model_comes_back_under_its_new_id(
    hub: HubServer, connect: Connect
) -> None:
    hub.on("/api/models/org/name", Reply(status=307, headers={"Location": "/api/models/new/Name"}))
    hub.on("/api/models/new/Name", as_json(info(id="new/Name")))
    hub.on("/api/models/new/Name/tree", as_json([file_row("x.json")]))
    listing = await connect(HF_TOKEN=TOKEN).files(MODEL)
    assert listing.model.id == "hf:new/Name"
    assert listing.files[0].model == "hf:new/Name"
    assert all(seen.headers["authorization"] == f"Bearer {TOKEN}" for seen in hub.seen)


async def test_a_lookup_that_leads_to_another_origin_is_refused(
    hub: HubServer, elsewhere: HubServer, connect: Connect
) -> None:
    elsewhere.on("/", as_json(info()))
    hub.on("/api/models", Reply(status=302, headers={"Location": f"{elsewhere.url}/login"}))
    assert isinstance(await refusal(connect(HF_TOKEN=TOKEN)), UnreachableError)
    assert elsewhere.seen == []


def refused(status: int, code: str = "", message: str = "", **headers: str) -> Reply:
    named = {"X-Error-Message": message, **headers}
    if code:
        named["X-Error-Code"] = code
    body = json.dumps({"error": message}).encode()
    return Reply(body, status, {"Content-Type": "application/json", **named})


async def test_missing_or_private_without_a_token(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models", refused(401, message="Invalid username or password."))
    error = await refusal(connect())
    assert isinstance(error, NotFoundError)
    assert "private" in error.message
    assert "set HF_TOKEN, or run `hf auth login`" in (error.hint or "")
    assert f"{hub.url}/org/name" in (error.hint or "")
    assert hub.paths() == ["/api/models/org/name"], "nothing to check without a token"


async def test_missing_or_private_with_a_good_token(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models", refused(401, message="Invalid username or password."))
    hub.on("/api/whoami-v2", as_json({"name": "me"}))
    assert isinstance(await refusal(connect(HF_TOKEN=TOKEN)), NotFoundError)


async def test_a_wrong_token_is_told_from_a_missing_model(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/", refused(401, message="Invalid username or password."))
    error = await refusal(connect(HF_TOKEN=TOKEN))
    assert type(error) is UnauthorizedError
    assert f"127.0.0.1:{hub.port} does not know the token" in error.message
    assert "hf auth whoami" in (error.hint or "") and "expired" in (error.hint or "")


async def test_a_token_that_the_server_repeats_is_not_told(
    hub: HubServer, connect: Connect
) -> None:
    hub.on("/api/models", refused(403, message=f"{TOKEN} may not do that"))
    error = await refusal(connect(HF_TOKEN=TOKEN))
    assert "*** may not do that" in error.message and TOKEN not in f"{error!r} {error.hint}"


async def test_missing_with_a_token(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models", refused(404, "RepoNotFound", "Repository not found"))
    error = await refusal(connect(HF_TOKEN=TOKEN))
    assert isinstance(error, NotFoundError)
    assert "org/name" in error.message


@pytest.mark.parametrize(("status", "token"), [(401, ""), (403, TOKEN)])
async def test_gated(status: int, token: str, hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models", refused(status, "GatedRepo", "Access to model org/name is restricted."))
    error = await refusal(connect(HF_TOKEN=token))
    assert isinstance(error, GatedError)
    assert f"{hub.url}/org/name" in (error.hint or "")
    assert ("HF_TOKEN" in (error.hint or "")) is not bool(token)
    assert ("no access to it yet" in error.message) is bool(token)


async def test_gated_with_a_token_that_is_wrong(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/", refused(401, "GatedRepo", "Access to model org/name is restricted."))
    assert type(await refusal(connect(HF_TOKEN=TOKEN))) is UnauthorizedError


async def test_no_such_revision(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models", refused(404, "RevisionNotFound", "Invalid rev id: nope"))
    error = await refusal(connect(), "nope\x1b[2J")
    assert isinstance(error, NotFoundError)
    assert "nope" in error.message
    assert "\x1b" not in error.message


async def test_taken_down(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models", refused(403, message="Access to this resource is disabled."))
    assert isinstance(await refusal(connect()), RefusedError)


async def test_recorded_refusals_each_have_a_meaning(
    hub: HubServer, connect: Connect, recorded: Callable[[str], Any]
) -> None:
    meanings = {
        "private or missing repo, anonymous or WRONG bearer": HiddenError,
        "missing repo, valid token": NotFoundError,
        "missing file": NotFoundError,
        "bad revision": NotFoundError,
        "gated file (or /commits), anonymous or garbage token": GatedError,
        "gated file, valid token without grant": GatedError,
        "resource disabled by the hub": TakenDownError,
        "malformed token": HiddenError,
    }
    for case in recorded("errors.json"):
        if case["case"] not in meanings:
            continue
        headers = case.get("headers", {})
        hub.on(
            "/api/models",
            refused(
                case["status"],
                headers.get("X-Error-Code", ""),
                headers.get("X-Error-Message", ""),
            ),
        )
        error = await refusal(connect())
        assert type(error) is meanings.pop(case["case"]), case["case"]
    assert meanings == {}


async def test_a_web_page_instead_of_an_answer(hub: HubServer, connect: Connect) -> None:
    page = Reply(b"<html>captive portal", 404, {"Content-Type": "text/html"})
    for status in (404, 200):
        hub.on("/api/models", Reply(page.body, status, page.headers))
        assert isinstance(await refusal(connect()), UnreachableError)


@pytest.mark.parametrize("answer", [as_json(None), as_json([]), as_json({"id": 7}), Reply(b"")])
async def test_an_answer_that_describes_no_model(
    answer: Reply, hub: HubServer, connect: Connect
) -> None:
    hub.on("/api/models", answer)
    assert isinstance(await refusal(connect()), UnreachableError)


async def test_the_tree_is_read_to_its_last_page(hub: HubServer, connect: Connect) -> None:
    lfs = {"oid": "c" * 64, "size": 5_000, "pointerSize": 130}
    tree = f"/api/models/org/name/tree/{COMMIT}"
    hub.on("/api/models/org/name", as_json(info(usedStorage=10**12)))
    following = f'<{hub.url}{tree}?cursor=b>; rel="next"'
    hub.on(
        tree,
        as_json(
            [
                {"type": "directory", "path": "sub", "oid": "d" * 40, "size": 0},
                file_row("config.json"),
            ],
            Link=following,
        ),
        as_json([file_row("sub/model.safetensors", size=1, lfs=lfs)]),
    )
    listing = await connect().files(MODEL)
    assert [file.path for file in listing.files] == ["config.json", "sub/model.safetensors"]
    config, weights = listing.files
    assert (config.kind, config.git_sha1, config.sha256) == (ArtifactKind.CONFIG, "b" * 40, None)
    assert (weights.sha256, weights.git_sha1, weights.size) == ("c" * 64, None, 5_000)
    assert listing.revision == weights.revision == COMMIT
    assert listing.model.size == 5_003, "the files tell the size, usedStorage counts history too"
    assert not listing.model.size_is_estimate
    assert hub.seen[1].query == {"recursive": ["true"], "expand": ["false"]}


async def test_a_branch_is_resolved_to_its_commit(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models/org/name/revision/main", as_json(info(sha="e" * 40)))
    hub.on(f"/api/models/org/name/tree/{'e' * 40}", as_json([]))
    assert (await connect().files(MODEL, "main")).revision == "e" * 40


async def test_an_answer_without_a_commit_is_no_listing(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models/org/name", as_json(info(sha="main; rm -rf")))
    with pytest.raises(UnreachableError, match="commit"):
        await connect().files(MODEL)


async def test_names_that_lead_elsewhere_are_told_and_left_out(
    hub: HubServer, connect: Connect
) -> None:
    rows = [
        file_row("good.bin"),
        file_row("../x"),
        file_row("/etc/passwd"),
        file_row("a\x1b[2Jb"),
        file_row("bad-hash.bin", lfs={"oid": "../../x", "size": 1}),
        {"type": "file"},
        7,
        file_row("weights"),
        file_row("weights/inside"),
        file_row("good.bin", oid="f" * 40),
        file_row("good.bin"),
    ]
    hub.on("/api/models/org/name", as_json(info()))
    hub.on("/api/models/org/name/tree", as_json(rows))
    listing = await connect().files(MODEL)
    assert [file.path for file in listing.files] == ["good.bin", "weights"]
    assert len(listing.unsafe) == 8
    assert all(reason.isprintable() for reason in listing.unsafe)


async def test_a_tree_that_is_no_list(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models/org/name", as_json(info()))
    hub.on("/api/models/org/name/tree", as_json({"error": "?"}))
    with pytest.raises(UnreachableError):
        await connect().files(MODEL)


async def test_where_to_fetch_a_file(hub: HubServer, connect: Connect) -> None:
    request = await connect(HF_TOKEN=TOKEN).request(artifact())
    assert request.url == f"{hub.url}/org/name/resolve/{COMMIT}/a%20b/%C3%BC%23%3F.json"
    assert request.headers == {"Authorization": f"Bearer {TOKEN}"}
    assert TOKEN not in repr(request)
    assert (await connect().request(artifact())).headers == {}


async def test_a_small_file_is_read_and_verified(hub: HubServer, connect: Connect) -> None:
    target = "/api/resolve-cache/models/x"
    hub.on("/org/name/resolve", Reply(status=307, headers={"Location": target}))
    hub.on(target, Reply(b"abc"))
    assert await connect(HF_TOKEN=TOKEN).read(artifact(), 100) == b"abc"
    assert [seen.headers["accept-encoding"] for seen in hub.seen] == ["identity"] * 2


async def test_a_redirect_to_another_origin_loses_the_token(
    hub: HubServer, elsewhere: HubServer, connect: Connect
) -> None:
    hub.on("/org/name", Reply(b"Found", 302, {"Location": f"{elsewhere.url}/cdn?Signature=s"}))
    hub.on("/back", Reply(b"abc"))
    elsewhere.on("/cdn", Reply(b"", 302, {"Location": f"{hub.url}/back"}))
    assert await connect(HF_TOKEN=TOKEN).read(artifact(), 100) == b"abc"
    assert [seen.headers.get("authorization") for seen in hub.seen] == [f"Bearer {TOKEN}"] * 2
    assert [seen.headers.get("authorization") for seen in elsewhere.seen] == [None]
    assert TOKEN not in json.dumps([dict(seen.headers) for seen in elsewhere.seen])


@pytest.mark.parametrize(
    "change",
    [{"body": b"abd"}, {"sha256": "0" * 64}, {"size": 4}],
    ids=["git blob id", "sha256", "size"],
)
async def test_bytes_that_are_not_what_was_listed(
    change: dict[str, Any], hub: HubServer, connect: Connect
) -> None:
    hub.on("/org/name/resolve", Reply(b"abc"))
    with pytest.raises(CorruptError):
        await connect().read(artifact(**change), 100)


async def test_a_file_over_the_limit_is_refused(hub: HubServer, connect: Connect) -> None:
    hub.on("/org/name/resolve", Reply(b"x" * 5_000))
    with pytest.raises(RefusedError):
        await connect().read(artifact(size=101), 100)
    assert hub.seen == [], "refused by the listing's size, without a request"
    with pytest.raises(RefusedError):
        await connect().read(artifact(size=None), 100)


async def test_a_file_that_is_gated_or_gone(hub: HubServer, connect: Connect) -> None:
    source = connect()
    hub.on("/org/name/resolve", refused(401, "GatedRepo"))
    with pytest.raises(GatedError):
        await source.read(artifact(), 100)
    for code in ("EntryNotFound", ""):
        hub.on("/org/name/resolve", refused(404, code))
        with pytest.raises(NotFoundError, match=r"org/name has no gone\.json at this") as caught:
            await source.read(artifact(path="gone.json"), 100)
        assert caught.value.hint
    hub.on("/org/name/resolve", refused(404, "RepoNotFound"))
    with pytest.raises(NotFoundError, match="there is no model org/name"):
        await source.read(artifact(path="gone.json"), 100)


async def test_the_git_id_of_a_pointer_says_nothing_of_the_file(
    hub: HubServer, elsewhere: HubServer, connect: Connect
) -> None:
    """A listing without `lfs`; the redirect names the SHA-256 of the file itself."""
    elsewhere.on("/", Reply(b"abc"))
    pointer = artifact(git_sha1="d" * 40)
    for content, right in ((b"abc", True), (b"abd", False)):
        linked = f'"{hashlib.sha256(content).hexdigest()}"'
        headers = {"Location": f"{elsewhere.url}/cdn", "X-Linked-ETag": linked}
        hub.on("/org/name/resolve", Reply(b"Found", 302, headers))
        if right:
            assert await connect().read(pointer, 100) == b"abc"
        else:
            with pytest.raises(CorruptError):
                await connect().read(pointer, 100)
    hub.on(
        "/org/name/resolve",
        Reply(b"Found", 302, {"Location": f"{elsewhere.url}/cdn", "X-Linked-ETag": '"d"'}),
    )
    with pytest.raises(CorruptError):
        await connect().read(pointer, 100)


async def test_a_lookup_has_less_patience_than_a_walk(
    hub: HubServer, connect: Connect, time: FakeTime
) -> None:
    hub.on("/api/models", Reply(b"", 429, {"Retry-After": "200"}))
    error = await refusal(connect())
    assert isinstance(error, RateLimitedError)
    assert error.wait == 200.0
    assert sum(time.sleeps) <= 330.0


@pytest.mark.parametrize("token", ["hf_a\nb", "hf_ a", "hf_\N{SNOWMAN}"])
async def test_a_token_that_cannot_be_one_is_never_sent(
    token: str, hub: HubServer, connect: Connect
) -> None:
    error = await refusal(connect(HF_TOKEN=token))
    assert isinstance(error, UnauthorizedError)
    assert token not in f"{error.message}{error.hint}"
    assert hub.seen == []


async def test_the_stored_login_is_used(
    hub: HubServer, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    from huggingface_hub import constants

    (tmp_path / "token").write_text("hf_stored\n")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "token"))
    request = await connect(HF_HUB_DISABLE_IMPLICIT_TOKEN="").request(artifact())
    assert request.headers == {"Authorization": "Bearer hf_stored"}
    request = await connect(HF_TOKEN=TOKEN, HF_HUB_DISABLE_IMPLICIT_TOKEN="").request(artifact())
    assert request.headers == {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("name", ["HF_ENDPOINT", "huggingface.endpoint"])
@pytest.mark.parametrize(
    ("endpoint", "fault"),
    [
        ("nonsense", "does not begin with https:// or http://"),
        ("huggingface.co", "does not begin with https:// or http://"),
        ("ftp://x", "does not begin with https:// or http://"),
        ("https://me:secret@huggingface.co", "holds a user name or password"),
        ("https://", "is no web address"),
        ("http://[::1", "is no web address"),
        ("http://hub:notaport", "is no web address"),
    ],
)
async def test_an_endpoint_that_is_none_is_told_when_it_is_needed(
    name: str, endpoint: str, fault: str, connect: Connect
) -> None:
    variable = "HF_ENDPOINT" if name == "HF_ENDPOINT" else "TUI_HUB_HUGGINGFACE__ENDPOINT"
    source = connect(**{variable: endpoint})
    assert source.web_page(MODEL) is None

    async def walk() -> None:
        async for _ in source.pages(SHIPPED[0]):
            pass

    for use in (
        source.model(MODEL),
        source.files(MODEL),
        source.request(artifact()),
        source.read(artifact(), 100),
        walk(),
    ):
        with pytest.raises(UsageError, match=f"^{name} cannot be used: it {fault}$") as caught:
            await use
        assert name in (caught.value.hint or "")
        assert "secret" not in f"{caught.value!r} {caught.value.hint}"


async def test_an_endpoint_below_a_path(hub: HubServer, connect: Connect) -> None:
    def answer(seen: Seen) -> Reply:
        return as_json(info()) if seen.path == "/mirror/api/models/org/name" else as_json(None, 404)

    hub.on("/", answer)
    source = connect(HF_ENDPOINT=f"{hub.url}/mirror/")
    assert (await source.model(MODEL)).id == "hf:org/name"


async def test_a_refusal_without_any_code(hub: HubServer, connect: Connect) -> None:
    hub.on("/api/models", refused(403, message="Your token lacks \x07 the scope"))
    error = await refusal(connect(HF_TOKEN=TOKEN))
    assert type(error) is UnauthorizedError
    assert "lacks" in error.message
    assert f"{hub.url}/org/name" in (error.hint or "")
    assert "\x07" not in error.message
    hub.on("/api/models", refused(418))
    assert isinstance(await refusal(connect()), UnreachableError)


async def test_more_files_than_anybody_wants(
    hub: HubServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface, "_MOST_FILES", 10)
    hub.on("/api/models/org/name", as_json(info()))
    hub.on("/api/models/org/name/tree", as_json([file_row(f"{n}.bin") for n in range(11)]))
    with pytest.raises(RefusedError, match="more than 10 files"):
        await connect().files(MODEL)


async def nothing_added(model: str) -> None:
    return None


async def test_every_source_by_its_prefix(configure: Callable[..., Configuration]) -> None:
    sources = Sources(configure(), nothing_added)
    assert set(sources) == {"hf", "replicate", "ollama", "curated", "url", "local"}
    assert len(sources) == 6 and "hf" in sources and "ftp" not in sources
    assert sources.get("ftp") is None and sources["hf"] is sources["hf"]
    for prefix, source in sources.items():
        assert source.prefix == prefix
        assert source.user == f"{prefix}_sync_system"
    await sources.close()


def test_the_page_of_a_model(hub: HubServer, connect: Connect) -> None:
    source = connect()
    assert source.endpoint == hub.url
    assert source.web_page(MODEL) == f"{hub.url}/org/name"
