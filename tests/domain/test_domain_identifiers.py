"""Ids, repository paths and digests: what is taken, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_hub.domain.errors import UnsafeError, UsageError
from tui_hub.domain.identifiers import ModelId, is_sha256, repository_path


@pytest.mark.parametrize(
    ("typed", "canonical", "author", "name"),
    [
        ("org/name", "hf:org/name", "org", "name"),
        ("hf:org/name", "hf:org/name", "org", "name"),
        ("gpt2", "hf:gpt2", None, "gpt2"),
        ("ollama:llama3.1", "ollama:llama3.1", None, "llama3.1"),
        ("ollama:llama3:8b", "ollama:llama3:8b", None, "llama3:8b"),
        ("ollama:llama3:latest", "ollama:llama3", None, "llama3"),
        ("ollama:library/llama3:8b", "ollama:llama3:8b", None, "llama3:8b"),
        ("ollama:registry.ollama.ai/jo/x:latest", "ollama:jo/x", "jo", "x"),
        ("ollama:hf.co/org/name:Q4_K_M", "ollama:hf.co/org/name:Q4_K_M", "org", "name:Q4_K_M"),
        ("ollama:box.lan:5000/a/b", "ollama:box.lan:5000/a/b", "a", "b"),
        ("curated:sora-2", "curated:sora-2", None, "sora-2"),
    ],
)
def test_ids_as_people_type_them(typed: str, canonical: str, author: str, name: str) -> None:
    model = ModelId.parse(typed)
    assert (str(model), model.author, model.name) == (canonical, author, name)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "a/b/c",
        "ollama:a/b/c",
        "ollama:hf.co/a/b/c",
        "ollama:hf..co/a/b",
        "ollama:hf.co/../b",
        "hf:hf.co/a/b",
        "../x",
        "a/../b",
        "http://x/y",
        "[/]",
        "a b",
        "a/b\x1b[2J",
        "x" * 300,
        "hf:a--b/c",
        "nosuch:thing",
        "org/",
        "/name",
        "-rf",
    ],
)
def test_what_is_no_id(typed: str) -> None:
    with pytest.raises(UsageError):
        ModelId.parse(typed)


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "C:\\x",
        "D:foo",
        "\\\\host\\share",
        "..\\x",
        "a\x00b",
        "~/x",
        "x" * 300,
        "a//b",
        "a/",
        ".",
        "",
        "a/./b",
        "a\nb",
        "model\u202egpj.safetensors",
        "a\ud800b",
        None,
        7,
    ],
)
def test_paths_that_leave_their_repository(path: object) -> None:
    with pytest.raises(UnsafeError):
        repository_path(path)


@pytest.mark.parametrize(
    "path", ["config.json", "unet/model.fp16.safetensors", ".gitattributes", "日本/モデル.bin"]
)
def test_paths_that_stay(path: str) -> None:
    assert repository_path(path) == path


@given(st.text(max_size=60))
def test_an_accepted_path_never_climbs(path: str) -> None:
    try:
        accepted = repository_path(path)
    except UnsafeError:
        return
    assert ".." not in accepted.split("/")
    assert not accepted.startswith("/")


@pytest.mark.parametrize(
    "text", ["A" * 64, "a" * 63, "a" * 65, "a" * 64 + "\n", "g" * 64, "１" * 64, "", None]
)
def test_what_is_no_sha256(text: object) -> None:
    assert not is_sha256(text)


def test_a_sha256() -> None:
    assert is_sha256("0123456789abcdef" * 4)
