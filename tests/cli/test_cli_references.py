"""What a person may type or paste for a model."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Inside

from tui_hub.cli.options import Options
from tui_hub.cli.references import Reference, read_reference
from tui_hub.demo import DemoHub
from tui_hub.domain.errors import RefusedError

MIRROR = "http://mirror.example:8080/hub/"
ENVIRONMENT = {"HF_ENDPOINT": MIRROR, "TUI_HUB_OLLAMA__LIBRARY": "http://lib.example"}


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """A run whose Hub is a mirror below a path of its host."""
    return Options(home=str(tmp_path / "home"), environment=ENVIRONMENT)


@pytest.mark.parametrize(
    ("given", "model", "revision"),
    [
        ("org/name", "org/name", None),
        ("https://huggingface.co/org/name", "hf:org/name", None),
        ("http://HuggingFace.co/org/name/?library=x#files", "hf:org/name", None),
        ("https://huggingface.co/gpt2", "hf:gpt2", None),
        ("https://huggingface.co/gpt2/tree/v1", "hf:gpt2", "v1"),
        ("https://hf.co/org/name/tree/refs%2Fpr%2F1/folder", "hf:org/name", "refs/pr/1"),
        ("https://huggingface.co/org/name/resolve/v1/a.gguf?download=true", "hf:org/name", "v1"),
        ("https://huggingface.co/org/name/discussions/3", "hf:org/name", None),
        ("http://mirror.example:8080/hub/org/name/tree/v1", "hf:org/name", "v1"),
        ("https://ollama.com/library/llama3.1", "ollama:llama3.1", None),
        ("https://www.ollama.com/library/llama3.1:8b?x=1", "ollama:llama3.1:8b", None),
        ("https://ollama.com/library/llama3.1/tags", "ollama:llama3.1", None),
        ("https://ollama.com/jo/nice:v2", "ollama:jo/nice:v2", None),
        ("http://lib.example/library/own", "ollama:own", None),
    ],
)
def test_addresses_of_models(
    options: Options, given: str, model: str, revision: str | None
) -> None:
    assert read_reference(options, given) == Reference(model, revision)
    assert read_reference(options, given, "mine") == Reference(model, "mine")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("https://example.org/org/name", "example.org is not the Hub in use"),
        ("http://mirror.example/hub/org/name", "mirror.example is not the Hub in use"),
        ("https://user:secret@huggingface.co/org/name", "huggingface.co is not the Hub in use"),
        ("ftp://huggingface.co/org/name", "this takes the id of a model"),
        ("https://[bad/org/name", "this takes the id of a model"),
        ("https://huggingface.co/datasets/org/name", "leads to no model: /datasets/org/name"),
        ("https://huggingface.co/", "leads to no model: /"),
        ("https://ollama.com/search", "leads to no model: /search"),
        ("https://ollama.com/library/%1B[2J", "leads to no model"),
        ("http://lib.example/other/own", "lib.example is not the Hub in use"),
        ("https://huggingface.co/org/..%2F..", "leads to no model"),
        ("https://huggingface.co/org/%1B[2J", "leads to no model"),
    ],
)
def test_other_addresses_are_refused(options: Options, given: str, why: str) -> None:
    with pytest.raises(RefusedError) as refused:
        read_reference(options, given)
    assert why in refused.value.message
    assert "secret" not in refused.value.message
    assert refused.value.message.isprintable()


def test_a_pasted_address_is_as_good_as_an_id(lived_in: Inside, hub: DemoHub) -> None:
    page = f"{hub.endpoint}/acme/tiny-llm"
    shown = lived_in.json("show", page).document
    assert shown == lived_in.json("show", "acme/tiny-llm").document
    commit = shown["revision"]
    files = lived_in.json("files", f"{page}/tree/{commit}").document
    assert (files["model"], files["revision"]) == ("hf:acme/tiny-llm", commit)
    missing = lived_in.json("download", f"{page}/tree/no-such-branch", "--dry-run")
    assert (missing.code, missing.error) == (4, "not_found")
    named = lived_in.json("download", f"{page}/tree/no-such", "--dry-run", "--revision", "main")
    assert (named.code, named.document["revision"]) == (0, commit)
    assert lived_in.json("add", page).document["id"] == "hf:acme/tiny-llm"


def test_a_bare_name_that_nobody_knows_names_its_namesakes(lived_in: Inside) -> None:
    for verb in ("show", "files", "download", "add"):
        ran = lived_in.json(verb, "Tiny-LLM")
        assert (ran.code, ran.error) == (4, "not_found")
        assert ran.document["error"]["hint"] == "Did you mean hf:acme/tiny-llm?", verb
    for unlike in ("tiny", "acme/no-such-model"):
        assert "Did you mean" not in str(lived_in.json("show", unlike).document["error"]["hint"])
