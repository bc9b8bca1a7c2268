"""Which feeds there are: the shipped ones, and what the settings make of them."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from tui_hub.domain.errors import UsageError
from tui_hub.domain.feeds import Feed, Query, Rules
from tui_hub.settings import Settings
from tui_hub.sources.feeds import feeds_from


def feeds(document: dict[str, object] | None = None) -> dict[str, Feed]:
    settings = msgspec.convert({"feeds": document or {}}, Settings)
    return {feed.name: feed for feed in feeds_from(settings)}


def test_the_shipped_feeds() -> None:
    shipped = feeds()
    litert = shipped["hf:litert"]
    assert [query.filter for query in litert.queries] == [
        ("litert",), ("litert-lm",), ("tflite",), ("LiteRT",),
    ]  # fmt: skip
    assert (litert.schedule, litert.limit) == ("0 2 * * *", None)
    for task in (
        "text-to-image",
        "text-to-video",
        "text-to-speech",
        "text-to-3d",
        "text-generation",
    ):
        feed = shipped[f"hf:{task}"]
        assert feed.queries == (Query(pipeline_tag=task, sort="downloads"),)
        assert feed.limit == 2000
        assert feed.enabled
    assert not shipped["hf:all"].enabled, "millions of models, only when asked for"
    assert not shipped["curated:models"].networked


def test_a_shipped_feed_is_changed_where_the_user_says_so() -> None:
    changed = feeds({"hf:litert": {"enabled": False}, "hf:text-to-image": {"limit": 5}})
    assert not changed["hf:litert"].enabled
    assert len(changed["hf:litert"].queries) == 4
    assert changed["hf:litert"].schedule == "0 2 * * *"
    assert changed["hf:text-to-image"].limit == 5
    assert feeds({"hf:all": {}})["hf:all"].enabled, "one setting takes in the whole Hub"


def test_a_feed_of_the_users_own() -> None:
    own = feeds(
        {
            "hf:mine": {
                "queries": [{"filter": ["gguf"], "author": "me", "library": "llama.cpp"}],
                "rules": {"licenses": ["mit"], "max_size": 10, "gated": False},
                "schedule": "0 5 * * *",
            }
        }
    )["hf:mine"]
    assert own.queries == (Query(filter=("gguf",), author="me", library="llama.cpp"),)
    assert own.rules == Rules(licenses=("mit",), max_size=10, gated=False)
    assert (own.schedule, own.networked, own.limit) == ("0 5 * * *", True, None)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("mine", {}),
        ("nowhere:x", {"source": "nowhere"}),
        ("ollama:x", {"source": "hf"}),
        ("hf:../x", {}),
        ("hf:", {}),
        ("hf:x\x1b[2J", {}),
        ("hf:x", {"limit": -1}),
        ("hf:litert", {"limit": -1}),
    ],
)
def test_a_feed_that_cannot_be(name: str, given: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        feeds({name: given})
    assert caught.value.message.isprintable()


def test_importing_the_sources_loads_no_client() -> None:
    script = (
        "import sys; from tui_hub.sources.every import Sources;"
        "from tui_hub.settings import load_configuration as load;"
        "list(Sources(load(environment={'TUI_HUB_HOME': '/nonexistent'}), None).values());"
        "print([name for name in ('httpx', 'huggingface_hub', 'certifi') if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
