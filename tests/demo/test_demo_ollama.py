"""The demo hub in the place of Ollama's registry and library."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tui_hub.demo import DemoHub, Repository, RepositoryFile
from tui_hub.domain.errors import HiddenError, HubError, NotFoundError, UnauthorizedError
from tui_hub.domain.identifiers import ModelId
from tui_hub.settings import load_configuration
from tui_hub.sources.feeds import SHIPPED
from tui_hub.sources.ollama import Ollama

SMALL, LARGE = b"GGUF small", b"GGUF large" * 1000


@pytest.fixture(scope="module")
def hub() -> Iterator[DemoHub]:
    quants = (
        RepositoryFile("chat-Q4_K_M.gguf", SMALL),
        RepositoryFile("chat-Q8_0.gguf", LARGE),
        RepositoryFile("README.md", b"# Chat"),
    )
    gguf = {"total": 7_200_000_000, "architecture": "llama", "context_length": 4096}
    repositories = [
        Repository(id="demo-lab/chat-gguf", files=quants, gguf=gguf),
        Repository(id="acme/quants", files=quants[1:]),
        Repository(id="acme/locked", files=quants, gated="manual"),
        Repository(id="demo-lab/secret-gguf", files=quants, private=True),
    ]
    with DemoHub(per_connection=0, total=0, repositories=repositories) as running:
        yield running


@pytest.fixture
async def source(hub: DemoHub, tmp_path: Path) -> AsyncIterator[Ollama]:
    source = Ollama(
        load_configuration(
            environment={
                "TUI_HUB_HOME": str(tmp_path),
                "HF_ENDPOINT": hub.endpoint,
                "TUI_HUB_OLLAMA__REGISTRY": hub.endpoint,
                "TUI_HUB_OLLAMA__LIBRARY": hub.endpoint,
                "OLLAMA_HOST": "127.0.0.1:1",
            }
        )
    )
    yield source
    await source.close()


async def test_the_library_lists_the_demos_own(source: Ollama) -> None:
    feed = next(feed for feed in SHIPPED if feed.name == "ollama:library")
    (page,) = [page async for page in source.pages(feed)]
    (chat,) = page.models
    assert (chat.id, chat.params, page.skipped) == ("ollama:chat", 7_200_000_000, ())
    assert chat.facts["context_length"] == 4096


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("chat", SMALL),
        ("chat:q8_0", LARGE),
        ("hf.co/demo-lab/chat-gguf:Q4_K_M", SMALL),
        ("hf.co/acme/quants", LARGE),
    ],
)
async def test_tags_and_their_bytes(
    name: str, weights: bytes, source: Ollama, hub: DemoHub
) -> None:
    listing = await source.files(ModelId.parse(f"ollama:{name}"))
    model, template, _, manifest = listing.files
    assert model.sha256 == hashlib.sha256(weights).hexdigest()
    assert await source.read(model, 100_000) == weights
    assert await source.read(template, 100)
    own = await source.read(manifest, 10_000)
    assert hashlib.sha256(own).hexdigest() == manifest.sha256 == listing.revision
    answer = httpx.get((await source.request(model)).url)
    assert answer.status_code == 307
    assert answer.headers["location"].startswith(hub.cdn)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("nope", NotFoundError),
        ("chat:q3", NotFoundError),
        ("secret", UnauthorizedError),
        ("hf.co/demo-lab/chat-gguf:Q3", NotFoundError),
        ("hf.co/acme/nope", HiddenError),
        ("hf.co/acme/locked", HiddenError),
    ],
)
async def test_what_cannot_be_had(name: str, kind: type[HubError], source: Ollama) -> None:
    with pytest.raises(kind):
        await source.files(ModelId.parse(f"ollama:{name}"))


def test_what_is_no_part_of_the_protocol(hub: DemoHub) -> None:
    for path in ("/v2/", "/v2/library/chat/blobs/sha256:0", "/v2/library/chat/tags/list"):
        assert httpx.get(hub.endpoint + path).status_code == 404
    assert 'href="/library/chat"' in httpx.get(f"{hub.endpoint}/library/chat").text
