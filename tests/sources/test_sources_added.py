"""Models by address and by local path: what lies there is looked at, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from file_server import FileServer

from tui_hub.domain.additions import AddedFile, Addition
from tui_hub.domain.errors import (
    CorruptError,
    HubError,
    NotFoundError,
    RefusedError,
    UnauthorizedError,
    UnreachableError,
    UnsafeError,
    UsageError,
)
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.types import ModelType
from tui_hub.settings import load_configuration
from tui_hub.sources.addresses import checked_address, token_headers
from tui_hub.sources.file_names import name_of_answer
from tui_hub.sources.folders import checked_place, list_place, look_at
from tui_hub.sources.local import Local
from tui_hub.sources.publishers import Sites
from tui_hub.sources.url import Url

BODY = bytes(range(256)) * 8


@pytest.fixture
def server() -> Iterator[FileServer]:
    running = FileServer()
    yield running
    running.close()


@pytest.fixture
def other() -> Iterator[FileServer]:
    running = FileServer()
    yield running
    running.close()


Definitions = dict[str, Addition]


@pytest.fixture
def definitions() -> Definitions:
    return {}


@pytest.fixture
async def url(tmp_path: Path, definitions: Definitions) -> AsyncIterator[Url]:
    environment = {
        "TUI_HUB_HOME": str(tmp_path),
        "TUI_HUB_NETWORK__RETRIES": "1",
        "CIVITAI_TOKEN": "abcdefgh",
    }

    async def find(model: str) -> Addition | None:
        return definitions.get(model)

    source = Url(load_configuration(environment=environment), find)
    yield source
    await source.close()


@pytest.fixture
async def publishing(server: FileServer, tmp_path: Path) -> AsyncIterator[Url]:
    """A source for which the server is GitHub and Civitai."""

    async def find(model: str) -> Addition | None:
        return None

    environment = {"TUI_HUB_HOME": str(tmp_path), "TUI_HUB_NETWORK__RETRIES": "1"}
    sites = Sites(github=server.url, github_api=f"{server.url}/api", civitai=server.url)
    source = Url(load_configuration(environment=environment), find, sites)
    yield source
    await source.close()


JSON = {"Content-Type": "application/json"}


async def test_a_release_on_github_tells_its_checksum(server: FileServer, publishing: Url) -> None:
    release = {
        "tag_name": "v1.2",
        "assets": [
            {"name": "other.bin", "digest": "sha256:" + "0" * 64},
            {"name": "my file.bin", "digest": "sha256:" + "a" * 64, "size": 3},
            {"name": "old.bin", "digest": None},
        ],
    }
    for which in ("latest", "tags/v1.2"):
        server.put(f"/api/repos/o/r/releases/{which}", json.dumps(release).encode(), headers=JSON)
    pinned = server.put("/o/r/releases/download/v1.2/my%20file.bin", BODY)
    old = server.put("/o/r/releases/download/v1.2/old.bin", BODY)
    latest = f"{server.url}/o/r/releases/latest/download/my%20file.bin"
    for address in (latest, pinned):
        found = await publishing.look(address)
        assert (found.place, found.sha256, found.path) == (pinned, "a" * 64, "my file.bin")
    assert (await publishing.look(old)).sha256 is None


async def test_civitai_tells_the_checksum_of_the_file_that_is_asked_for(
    server: FileServer, publishing: Url
) -> None:
    version = {
        "files": [
            {"type": "Model", "primary": True, "metadata": {"format": "SafeTensor", "fp": "fp16"},
             "hashes": {"SHA256": "AB" * 32, "CRC32": "1"}},
            {"type": "Model", "metadata": {"format": "PickleTensor"},
             "hashes": {"SHA256": "CD" * 32}},
            {"type": "VAE", "metadata": {"format": "SafeTensor"}, "hashes": {}},
        ]
    }  # fmt: skip
    server.put("/api/v1/model-versions/7", json.dumps(version).encode(), headers=JSON)
    address = server.put("/api/download/models/7", BODY)
    wanted = {
        "": "ab" * 32,
        "?type=Model&format=SafeTensor": "ab" * 32,
        "?type=Model&format=PickleTensor": "cd" * 32,
        "?type=Model": None,
        "?type=VAE": None,
        "?format=Other": None,
    }
    assert {query: (await publishing.look(address + query)).sha256 for query in wanted} == wanted


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b'{"tag_name": 1}', b'{"tag_name": "v", "assets": 3}']
)
async def test_a_site_that_tells_nonsense_tells_nothing(
    server: FileServer, publishing: Url, body: bytes
) -> None:
    server.put("/api/repos/o/r/releases/tags/v1", body, headers=JSON)
    address = server.put("/o/r/releases/download/v1/x.bin", BODY)
    assert await publishing.look(address) == AddedFile(
        path="x.bin", place=address, size=len(BODY), mark='"one"'
    )


WAYS: dict[str, dict[str, object]] = {
    "ranges": {},
    "no ranges": {"ranges": False},
    "ranges refused": {"refuse_ranges": 403},
    "a range said to be whole": {"whole_status": True},
}


@pytest.mark.parametrize("way", WAYS)
async def test_size_and_mark_of_an_address(server: FileServer, url: Url, way: str) -> None:
    address = server.put("/some/model.safetensors", BODY, **WAYS[way])
    found = await url.look(f" {address}#top ")
    assert found == AddedFile(path="model.safetensors", place=address, size=len(BODY), mark='"one"')
    assert {method for method, _, _ in server.seen} == {"GET"}


async def test_an_empty_file_and_one_of_which_no_size_is_told(server: FileServer, url: Url) -> None:
    assert (await url.look(server.put("/empty.bin"))).size == 0
    assert (await url.look(server.put("/old.bin", b"x", etag=None))).mark is None


async def test_a_large_file_is_not_read(server: FileServer, url: Url) -> None:
    address = server.put("/large.bin", b"\0" * 80_000_000, ranges=False)
    assert (await url.look(address)).size == 80_000_000


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"status": 404}, NotFoundError, "is not there (404)"),
        ({"status": 401}, UnauthorizedError, "refuses access"),
        ({"status": 403}, UnauthorizedError, "refuses access"),
        ({"status": 418}, UnreachableError, "answers 418"),
        ({"headers": {"Content-Type": "text/html; charset=utf-8"}}, RefusedError, "a web page"),
    ],
)
async def test_what_is_no_file(
    server: FileServer, url: Url, how: dict[str, object], error: type[HubError], words: str
) -> None:
    address = server.put("/model.gguf", b"<html>", **how)
    with pytest.raises(error) as raised:
        await url.look(f"{address}?page=2")
    assert words in raised.value.message
    assert "page=2" not in raised.value.message


async def test_a_page_that_says_it_is_a_file(server: FileServer, url: Url) -> None:
    page = b"\n<!DOCTYPE HTML><html><body>Log in"
    with pytest.raises(RefusedError, match="a web page"):
        await url.look(server.put("/model.gguf", page))
    assert (await url.look(server.put("/card.html", page))).path == "card.html"


async def test_a_pointer_of_git_lfs_is_no_file(server: FileServer, url: Url) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
    with pytest.raises(RefusedError, match="pointer of Git LFS"):
        await url.look(server.put("/model.gguf", pointer))


async def test_the_token_of_an_address_stays_behind_at_a_redirect(
    server: FileServer, other: FileServer, url: Url, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui_hub.sources.addresses._TOKENS", {server.url: ("CIVITAI_TOKEN",)})
    signed = other.put("/x?sig=1", BODY)
    other.put("/x", BODY, headers={"Content-Disposition": 'attachment; filename="a b.gguf"'})
    found = await url.look(server.put("/api/download/models/1", location=signed))
    assert (found.path, found.size) == ("a b.gguf", len(BODY))
    assert server.seen[0][2]["authorization"] == "Bearer abcdefgh"
    assert "authorization" not in other.seen[0][2]
    assert "sig" not in found.place


def test_tokens_go_to_their_own_origin_alone() -> None:
    tokens = {"CIVITAI_TOKEN": "secret", "MODELSCOPE_API_TOKEN": "other"}
    bearer = {"Authorization": "Bearer secret"}
    assert token_headers("https://civitai.com/api/download/models/1", tokens) == bearer
    for address in ("http://civitai.com/x", "https://civitai.com.evil.org/x", "https://a.org/x"):
        assert token_headers(address, tokens) == {}


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ftp://example.org/x", "'ftp' is not followed"),
        ("file:///etc/passwd", "'file' is not followed"),
        ("https://", "no host behind https://"),
        ("http:///model.gguf", "no host behind http://"),
        ("mailto:a@example.org", "'mailto' is not followed"),
        ("https://user:pa55@example.org/x", "user name or password"),
        ("https://example.org/x?token=pa55", "a credential (token)"),
        ("https://example.org/x?X-Amz-Signature=pa55", "a credential (X-Amz-Signature)"),
        ("https://civitai.com/api/download/models/1?api_key=pa55", "a credential (api_key)"),
        ("https://example.org/x?sv=2&sig=pa55", "a credential (sig)"),
        ("https://[bad/x", "cannot be read"),
        ("https://example.org/a b", "characters"),
    ],
)
def test_addresses_that_are_not_kept(address: str, words: str) -> None:
    with pytest.raises(UnsafeError) as raised:
        checked_address(address)
    assert words in raised.value.message
    assert "pa55" not in f"{raised.value.message} {raised.value.hint}"


def test_a_query_that_names_the_file_is_kept() -> None:
    address = "https://civitai.com/api/download/models/1?type=Model&format=SafeTensor"
    assert checked_address(f"{address}#x") == address
    assert (
        checked_address("https://a.org/x?monkey=1&design=2") == "https://a.org/x?monkey=1&design=2"
    )


@pytest.mark.parametrize(
    ("disposition", "final", "name"),
    [
        ("", "", "mine.gguf"),
        ("attachment; filename=x.gz", "", "x.gz"),
        ("inline; filename*=UTF-8''%C3%BCber%20all.bin; filename=\"u.bin\";", "", "über all.bin"),
        ("attachment; filename*=nonsense''%ff; filename=\"u.bin\"", "", "u.bin"),
        ('attachment; filename="a \\"b\\".bin"', "", 'a "b".bin'),
        ('attachment; filename="../../etc/passwd"', "", "passwd"),
        ('attachment; filename="C:\\\\x\\\\y.bin"', "", "y.bin"),
        ('attachment; filename="..."', "", "mine.gguf"),
        ('attachment; filename="\x1b[2J"', "", "mine.gguf"),
        ("", "https://b.org/?response-content-disposition=attachment%3B+filename%3Dq.bin", "q.bin"),
        ("", "https://b.org/?rscd=attachment%3B+filename%3Dr.sh", "r.sh"),
    ],
)
def test_names_of_files(disposition: str, final: str, name: str) -> None:
    address = "https://a.org/some/mine.gguf?download=true"
    assert name_of_answer(address, final or address, disposition) == name


def test_an_address_without_a_name() -> None:
    assert name_of_answer("https://a.org/", "https://a.org/", "") is None


async def test_files_are_looked_at_again(
    server: FileServer, url: Url, definitions: Definitions
) -> None:
    address = server.put("/config.json", b"{}")
    mine = Addition(model="url:mine", type=ModelType.LLM, files=(await url.look(address),))
    definitions["url:mine"] = dataclasses.replace(
        mine, files=(dataclasses.replace(mine.files[0], path="own.json"),)
    )
    first = await url.files(ModelId.parse("url:mine"))
    server.put("/config.json", b"{ }", etag='"two"')
    second = await url.files(ModelId.parse("url:mine"))
    assert [file.path for file in second.files] == ["own.json"]
    assert (first.files[0].size, second.files[0].size) == (2, 3)
    assert first.revision != second.revision
    assert await url.read(second.files[0], 100) == b"{ }"
    with pytest.raises(RefusedError, match="larger than 2"):
        await url.read(second.files[0], 2)
    server.put("/config.json", b"{ })")
    with pytest.raises(CorruptError, match=r"own\.json is another file"):
        await url.read(second.files[0], 100)
    with pytest.raises(NotFoundError, match="has no revision 'earlier'"):
        await url.files(ModelId.parse("url:mine"), "earlier")
    with pytest.raises(RefusedError, match="never added"):
        await url.files(ModelId.parse("url:other"))
    with pytest.raises(NotFoundError, match="never added"):
        await url.model(ModelId.parse("url:other"))


def test_a_folder_is_listed_without_what_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("model.gguf", "sub/config.json", ".hidden", ".git/config"):
        (tmp_path / name).write_bytes(b"x" * len(name))
    (tmp_path / "sub" / "again.gguf").symlink_to(tmp_path / "model.gguf")
    listed = list_place(tmp_path)
    assert [file.path for file in listed] == ["model.gguf", "sub/again.gguf", "sub/config.json"]
    assert [file.size for file in listed] == [10, 10, 15]
    assert listed[1].place == str(tmp_path / "model.gguf")
    (only,) = list_place(tmp_path / "model.gguf")
    assert (only.path, only.size) == ("model.gguf", 10)


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("link out", UnsafeError, "a link that leads out of its folder"),
        ("linked folder", UnsafeError, "a link to a folder"),
        ("dangling", NotFoundError, "cannot be read: No such file"),
        ("circle", NotFoundError, "cannot be read: "),
        ("fifo", UnsafeError, "is no plain file"),
        ("socket", UnsafeError, "is no plain file"),
        ("name", UnsafeError, "characters that cannot be shown"),
        ("bytes", UnsafeError, "characters that cannot be shown"),
        ("empty", RefusedError, "holds no files"),
    ],
)
def test_folders_that_are_refused(
    tmp_path: Path, kind: str, error: type[HubError], words: str
) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    bad = folder / "bad"
    (tmp_path / "outside").write_bytes(b"x")
    if kind == "link out":
        bad.symlink_to(tmp_path / "outside")
    elif kind == "linked folder":
        bad.symlink_to(tmp_path)
    elif kind == "dangling":
        bad.symlink_to(tmp_path / "nowhere")
    elif kind == "circle":
        bad.symlink_to(bad)
    elif kind == "fifo":
        os.mkfifo(bad)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(bad))
    elif kind == "name":
        (folder / "a\x1b[2Jb").write_bytes(b"x")
    elif kind == "bytes":
        Path(os.fsdecode(os.fsencode(folder) + b"/a\xffb")).write_bytes(b"x")
    with pytest.raises(error) as raised:
        list_place(folder)
    assert words in raised.value.message
    assert raised.value.message.isprintable()


def test_places_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="No such file"):
        checked_place(str(tmp_path / "nowhere"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RefusedError, match="neither a file nor a folder"):
        checked_place(str(tmp_path / "pipe"))
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "my link").symlink_to(tmp_path)
    for given in (f"file://{tmp_path}/my%20link", f"file:{tmp_path}/link", f"{tmp_path}/my link"):
        assert checked_place(given) == tmp_path.resolve()


async def test_a_local_folder_is_looked_into_again(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "a.json").write_bytes(b"{}")
    files = (dataclasses.replace(look_at(folder / "a.json", folder), md5="0" * 32),)
    addition = Addition(model="local:m", type=ModelType.LLM, files=files, folder=str(folder))

    async def find(model: str) -> Addition | None:
        return addition if model == addition.model else None

    local = Local(find)
    first = await local.files(ModelId.parse("local:m"))
    (folder / "b.json").write_bytes(b"[]")
    second = await local.files(ModelId.parse("local:m"))
    assert [(file.path, file.md5) for file in second.files] == [
        ("a.json", "0" * 32),
        ("b.json", None),
    ]
    assert first.revision != second.revision
    assert await local.read(second.files[1], 10) == b"[]"
    with pytest.raises(CorruptError):
        await local.read(second.files[0], 10)
    assert (await local.request(second.files[1])).file == folder / "b.json"
    (folder / "b.json").unlink()
    (folder / "b.json").symlink_to(tmp_path / "m" / ".." / "other")
    (tmp_path / "other").write_bytes(b"[]")
    with pytest.raises(UnsafeError, match="leads out"):
        await local.request(second.files[1])
    folder.rename(tmp_path / "moved")
    with pytest.raises(RefusedError, match="not where they were"):
        await local.files(ModelId.parse("local:m"))


@pytest.mark.parametrize(
    "typed",
    [
        "~nosuchuser/x", "file:///tmp/a%00b", "/tmp/a\0b", "file://[x", "file://elsewhere/tmp",
        "/tmp/\ud800",
    ],
)  # fmt: skip
def test_what_is_no_path_is_told(typed: str) -> None:
    with pytest.raises(UsageError) as caught:
        checked_place(typed)
    assert caught.value.message.isprintable()
    assert caught.value.hint


def test_a_path_may_be_written_as_an_address(tmp_path: Path) -> None:
    folder = tmp_path / "my ä 100%"
    folder.mkdir()
    assert checked_place(folder.as_uri()) == folder.resolve()
    assert checked_place(folder.as_uri().replace("///", "//localhost/")) == folder.resolve()
    assert checked_place(str(folder)) == folder.resolve()
