"""Looking a tag of Ollama's up, listing its layers, reading one, and what is refused on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from ollama_server import OllamaServer, Said, digest_of

from tui_hub.domain.artifacts import ArtifactKind, variants_of
from tui_hub.domain.errors import (
    AbsentError,
    CorruptError,
    HiddenError,
    HubError,
    NoConnectionError,
    NotFoundError,
    RefusedError,
    UnauthorizedError,
    UnreachableError,
    UnsafeError,
    UsageError,
)
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.types import ModelType
from tui_hub.sources.ollama import Ollama
from tui_hub.sources.ollama_library import shipped_names

Consult = Callable[..., Ollama]
WEIGHTS = b"GGUF" + bytes(500)
MANIFEST = "/v2/library/llama3.1/manifests/8b"


def model_id(text: str = "llama3.1:8b") -> ModelId:
    return ModelId.parse(f"ollama:{text}")


def whole_model(ollama: OllamaServer, name: str = "library/llama3.1:8b", **config: Any) -> str:
    layers = {
        "model": WEIGHTS,
        "template": b"{{ .Prompt }}",
        "params": b'{"stop": ["<|eot|>"]}',
        "license": b"LLAMA 3.1 COMMUNITY LICENSE",
    }
    plain = {
        "model_format": "gguf",
        "model_family": "llama",
        "model_families": ["llama"],
        "model_type": "8.0B",
        "file_type": "Q4_K_M",
    }
    return ollama.add(name, layers, plain | config)


async def refusal(source: Ollama, name: str = "llama3.1:8b", **more: Any) -> HubError:
    with pytest.raises(HubError) as caught:
        await source.files(model_id(name), **more)
    assert caught.value.message.isprintable()
    assert caught.value.hint is None or caught.value.hint.isprintable()
    return caught.value


async def test_a_tag_by_its_name(ollama: OllamaServer, consult: Consult) -> None:
    digest = whole_model(ollama, requires="0.32.12", context_length=131072)
    found = await consult().model(model_id())
    assert (found.id, found.name, found.author) == ("ollama:llama3.1:8b", "llama3.1:8b", None)
    assert (found.type, found.task, found.library) == (ModelType.LLM, "text-generation", "gguf")
    assert (found.params, found.revision) == (8_000_000_000, digest)
    assert found.tags == ("llama", "gguf", "Q4_K_M")
    assert found.size == sum(map(len, ollama.blobs.values()))
    assert (found.origin, found.owner) == ("sync", "ollama_sync_system")
    assert found.facts == {
        "family": "llama",
        "quantization": "Q4_K_M",
        "context_length": 131072,
        "requires": {"ollama": "0.32.12"},
    }


async def test_the_revision_is_the_digest_of_the_very_bytes(
    ollama: OllamaServer, consult: Consult, recorded: Callable[[str], Any]
) -> None:
    body = json.dumps(recorded("ollama/registry_manifest_gemma_2b.json"), indent=3).encode()
    config = recorded("ollama/config_blob.json")
    manifest = json.loads(body)
    manifest["config"] = {"digest": ollama.keep(json.dumps(config).encode()), "size": 0}
    manifest["config"]["size"] = len(json.dumps(config))
    body = json.dumps(manifest, indent=3).encode()
    ollama.put("library/gemma:2b", body)
    listing = await consult().files(model_id("gemma:2b"))
    assert listing.revision == listing.model.revision == hashlib.sha256(body).hexdigest()
    files = {file.path: file for file in listing.files}
    assert list(files) == [
        "gemma-2b-Q4_K_M.gguf",
        "license.txt",
        "template.txt",
        "params.json",
        "ollama.json",
        "manifest.json",
    ]
    own = files.pop("manifest.json")
    assert (own.sha256, own.size) == (listing.revision, len(body))
    weights = files["gemma-2b-Q4_K_M.gguf"]
    assert weights.size == 1678447520
    assert weights.sha256 == "c1864a5eb19305c40519da12cc543519e48a0697ecd30e15d5ac228644957d12"
    assert listing.model.size == sum(file.size or 0 for file in files.values())
    assert listing.model.facts["requires"] == {"ollama": "0.32.12"}
    assert listing.unsafe == ()


@pytest.mark.parametrize(
    "typed",
    ["llama3.1", "llama3.1:latest", "library/llama3.1", "registry.ollama.ai/library/llama3.1"],
)
async def test_every_spelling_of_a_name_is_one_model(
    typed: str, ollama: OllamaServer, consult: Consult
) -> None:
    whole_model(ollama, "library/llama3.1:latest")
    assert (await consult().model(model_id(typed))).id == "ollama:llama3.1"


async def test_a_users_own_model(ollama: OllamaServer, consult: Consult) -> None:
    whole_model(ollama, "jo/nice:v2")
    found = await consult().model(model_id("jo/nice:v2"))
    assert (found.id, found.author, found.name) == ("ollama:jo/nice:v2", "jo", "nice:v2")
    assert consult().web_page(model_id("jo/nice:v2")) == f"{ollama.url}/jo/nice:v2"


async def test_a_repository_of_the_hub_answers_as_a_registry(
    ollama: OllamaServer, consult: Consult
) -> None:
    whole_model(ollama, "org/repo-GGUF:Q4_K_M")
    source = consult(HF_ENDPOINT=ollama.url, TUI_HUB_OLLAMA__REGISTRY="", HF_TOKEN="hf_CANARY")
    listing = await source.files(model_id("hf.co/org/repo-GGUF:Q4_K_M"))
    assert (listing.model.author, listing.model.id) == (
        "org",
        "ollama:hf.co/org/repo-GGUF:Q4_K_M",
    )
    assert listing.files[0].path == "repo-GGUF-Q4_K_M.gguf", "the tag tells the quantisation"
    await source.read(listing.files[1], 100)
    assert not any("authorization" in asked.headers for asked in ollama.asked)
    assert source.web_page(listing_id := ModelId.parse(listing.model.id)), listing_id


async def test_what_the_hub_says_of_an_unknown_or_closed_repository(
    ollama: OllamaServer, consult: Consult
) -> None:
    ollama.faults["/v2/org/repo/manifests/Q9"] = Said(b"", 400)
    ollama.faults["/v2/org/closed/manifests/latest"] = Said(b"", 401)
    source = consult(HF_ENDPOINT=ollama.url)
    assert isinstance(await refusal(source, "hf.co/org/repo:Q9"), NotFoundError)
    closed = await refusal(source, "hf.co/org/closed")
    assert isinstance(closed, HiddenError)
    assert "hf:org/closed" in (closed.hint or "")


async def test_a_registry_that_is_not_in_use_is_not_asked(
    ollama: OllamaServer, consult: Consult
) -> None:
    error = await refusal(consult(), "registry.example.com/org/name:x")
    assert isinstance(error, RefusedError)
    assert "registry.example.com" in error.message and "ollama.registry" in (error.hint or "")
    assert ollama.asked == []


async def test_layers_become_files_with_names_of_their_own(
    ollama: OllamaServer, consult: Consult
) -> None:
    ollama.add(
        "library/llava:7b",
        {
            "model": WEIGHTS,
            "projector": b"eyes",
            "adapter": b"lora",
            "system": b"Be kind.",
            "messages": b"[]",
            "license": b"one",
            "license;name=../../etc/passwd": b"two",
            "json;name=tokenizer.json": b"{}",
            "json;name=../evil": b"evil",
            "novelty": b"new",
        },
        {"file_type": "F16", "model_families": ["llama", "clip"]},
    )
    listing = await consult().files(model_id("llava:7b"))
    novelty, evil = (digest_of(body)[7:19] for body in (b"new", b"evil"))
    assert {file.path: file.kind for file in listing.files} == {
        "llava-7b-F16.gguf": ArtifactKind.WEIGHTS,
        "mmproj-llava-7b-F16.gguf": ArtifactKind.WEIGHTS,
        "adapter-llava-7b-F16.lora": ArtifactKind.WEIGHTS,
        "system.txt": ArtifactKind.CONFIG,
        "messages.json": ArtifactKind.CONFIG,
        "manifest.json": ArtifactKind.CONFIG,
        "license.txt": ArtifactKind.OTHER,
        "license-2.txt": ArtifactKind.OTHER,
        "tokenizer.json": ArtifactKind.TOKENIZER,
        f"json-{evil}": ArtifactKind.OTHER,
        f"novelty-{novelty}": ArtifactKind.OTHER,
        "ollama.json": ArtifactKind.CONFIG,
    }
    assert listing.model.type is ModelType.VISION
    (variant,) = variants_of(listing.files)
    assert (variant.name, variant.format, len(variant.paths)) == ("F16", "gguf", 12)


async def test_a_model_of_tensors_keeps_their_names(ollama: OllamaServer, consult: Consult) -> None:
    layers = {f"tensor;name=model.layers.{number}.weight": bytes([number]) for number in range(3)}
    ollama.add("library/mlx:x", layers, {"model_format": "safetensors"})
    listing = await consult().files(model_id("mlx:x"))
    assert [file.path for file in listing.files][:3] == [
        f"tensors/model.layers.{number}.weight" for number in range(3)
    ]
    assert listing.files[0].kind is ArtifactKind.WEIGHTS


async def test_two_kinds_of_one_blob_and_one_blob_twice(
    ollama: OllamaServer, consult: Consult
) -> None:
    digest, size = ollama.keep(WEIGHTS), len(WEIGHTS)
    row = {"digest": digest, "size": size}
    kinds = ("model", "model", "license")
    layers = [{"mediaType": f"application/vnd.ollama.image.{kind}", **row} for kind in kinds]
    ollama.put("library/x:latest", json.dumps({"layers": layers}).encode())
    listing = await consult().files(model_id("x"))
    assert [file.path for file in listing.files] == [
        "x-latest.gguf", "license.txt", "manifest.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "config", "kind"),
    [
        ("nomic-embed-text", {"model_family": "nomic-bert"}, ModelType.EMBEDDING),
        ("all-minilm", {"model_families": ["bert"]}, ModelType.EMBEDDING),
        ("qwen3-embedding", {"model_family": "qwen3"}, ModelType.EMBEDDING),
        ("seer", {"capabilities": ["embedding"]}, ModelType.EMBEDDING),
        ("llama3.2-vision", {"model_families": ["mllama"]}, ModelType.VISION),
        ("seer", {"capabilities": ["completion", "vision"]}, ModelType.VISION),
        ("seer", {"capabilities": ["completion", "vision", "tools"]}, ModelType.LLM),
        ("painter", {"capabilities": ["image"]}, ModelType.IMAGE_GEN),
        ("gemma3", {"model_family": "gemma3"}, ModelType.LLM),
        ("gemma3", {}, ModelType.LLM),
    ],
)
async def test_types(
    name: str, config: dict[str, Any], kind: ModelType, ollama: OllamaServer, consult: Consult
) -> None:
    ollama.add(f"library/{name}:latest", None, config)
    assert (await consult().model(model_id(name))).type is kind


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"null",
        b"[1, 2]",
        b'{"model_type": 8, "model_family": {"a": 1}, "file_type": [], "requires": true}',
        b'{"model_type": "much", "model_families": [1, 2], "context_length": "long"}',
        b'{"context_length": -5, "file_type": "../../x", "model_type": "1e400B"}',
        b"\xff\xfe\x00{",
        b"[" * 100_000,
        b'{"context_length": 99999999999999999999999999}',
    ],
)
async def test_a_configuration_that_says_nothing_costs_nothing_else(
    config: bytes, ollama: OllamaServer, consult: Consult
) -> None:
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": ollama.keep(WEIGHTS)}
    manifest = {
        "config": {"digest": ollama.keep(config), "size": len(config)},
        "layers": [layer | {"size": len(WEIGHTS)}],
    }
    ollama.put("library/x:latest", json.dumps(manifest).encode())
    listing = await consult().files(model_id("x"))
    assert listing.files[0].path == "x-latest.gguf"
    assert (listing.model.params, listing.model.facts) == (None, {})


async def test_hostile_words_are_cleaned(ollama: OllamaServer, consult: Consult) -> None:
    family = "[red]\x1b[2Jllama\u202e"
    ollama.add("library/x:latest", None, {"model_family": family, "requires": "\x07" + "9" * 999})
    found = await consult().model(model_id("x"))
    words = (*found.tags, str(found.facts["family"]), found.facts["requires"]["ollama"])  # type: ignore[index]
    assert all(word.isprintable() and len(word) <= 61 for word in words)


async def test_there_is_no_such_tag(ollama: OllamaServer, consult: Consult) -> None:
    error = await refusal(consult())
    assert isinstance(error, NotFoundError)
    assert "library/llama3.1" in error.message and "8b" in error.message
    assert f"{ollama.url}/library/llama3.1:8b" in (error.hint or "")


@pytest.mark.parametrize("name", ["a:b:c", "a/b:c:d", "x:", "x/.y", "a:-b"])
async def test_what_is_no_name_of_ollamas(name: str, consult: Consult) -> None:
    with pytest.raises(UsageError):
        await consult().model(ModelId("ollama", name))


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            Said(b"<html>log in", headers={"Content-Type": "text/html"}),
            UnreachableError,
            "web page",
        ),
        (Said(b'{"layers": ['), UnreachableError, "no manifest"),
        (Said(b"[]"), UnreachableError, "no manifest"),
        (Said(b'{"layers": 7}'), UnreachableError, "no manifest"),
        (Said(b"[" * 100_000), UnreachableError, "no manifest"),
        (Said(b'{"layers": []}', length=5000), UnreachableError, "cannot be reached"),
        (Said(b'{"layers": []}'), RefusedError, "no files"),
        (Said(b" " * (9 * 1024**2)), UnreachableError, "more than"),
        (Said(b"busy", 503), UnreachableError, "503"),
        (Said(b'{"error": "teapot \x1b[2J"}', 418), UnreachableError, "418"),
        (Said(b"", 401), UnauthorizedError, "owner"),
        (
            Said(b'{"layers": []}', headers={"ollama-content-digest": "a" * 64}),
            CorruptError,
            "not the one",
        ),
        (
            Said(b'{"layers": []}', headers={"Docker-Content-Digest": f"sha256:{'b' * 64}"}),
            CorruptError,
            "not the one",
        ),
    ],
)
async def test_answers_that_are_no_manifest(
    said: Said, kind: type[HubError], words: str, ollama: OllamaServer, consult: Consult
) -> None:
    ollama.faults[MANIFEST] = said
    error = await refusal(consult())
    assert isinstance(error, kind) and error.code == kind.code
    assert words in error.message


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ({"digest": "sha256:xyz", "size": 1}, "SHA-256"),
        ({"digest": f"md5:{'a' * 64}", "size": 1}, "SHA-256"),
        ({"digest": f"sha256:{'A' * 64}", "size": 1}, "SHA-256"),
        ({"digest": f"sha256:{'a' * 64}/../../x", "size": 1}, "SHA-256"),
        ({"digest": f"sha256:{'a' * 64}", "size": -1}, "size"),
        ({"digest": f"sha256:{'a' * 64}", "size": 10**30}, "size"),
        ({"digest": f"sha256:{'a' * 64}"}, "size"),
        (["no", "layer"], "layer 2"),
    ],
)
async def test_a_layer_that_cannot_be_trusted_is_left_out(
    layer: Any, words: str, ollama: OllamaServer, consult: Consult
) -> None:
    whole_model(ollama)
    manifest = json.loads(ollama.manifests["library/llama3.1:8b"])
    manifest["layers"].insert(1, layer)
    ollama.put("library/llama3.1:8b", json.dumps(manifest).encode())
    listing = await consult().files(model_id())
    assert len(listing.files) == 6
    (reason,) = listing.unsafe
    assert reason.startswith("layer 2: ") and words in reason


async def test_sizes_that_add_up_to_nonsense(ollama: OllamaServer, consult: Consult) -> None:
    layer = {"mediaType": "application/vnd.ollama.image.model", "size": 2**53}
    rows = [layer | {"digest": f"sha256:{number:064x}"} for number in range(3)]
    ollama.put("library/llama3.1:8b", json.dumps({"layers": rows}).encode())
    assert "larger than any" in (await refusal(consult())).message


async def test_a_configuration_of_another_hash(ollama: OllamaServer, consult: Consult) -> None:
    whole_model(ollama)
    config = json.loads(ollama.manifests["library/llama3.1:8b"])["config"]["digest"]
    ollama.blobs[config] = b"x" * len(ollama.blobs[config])
    assert isinstance(await refusal(consult()), CorruptError)


async def test_a_model_of_ollamas_servers(ollama: OllamaServer, consult: Consult) -> None:
    config = {"remote_host": "https://ollama.com:443", "remote_model": "big", "model_type": "1.0T"}
    ollama.add("library/big:cloud", {"license": b"mine"}, config)
    found = await consult().model(model_id("big:cloud"))
    assert (found.facts["closed"], found.size, found.params) == (True, None, 10**12)
    error = await refusal(consult(), "big:cloud")
    assert isinstance(error, RefusedError)
    assert "Ollama's servers" in error.message


async def test_revisions(ollama: OllamaServer, consult: Consult) -> None:
    digest = whole_model(ollama)
    source = consult()
    for revision in (None, "main", digest, digest[:12], f"sha256:{digest}"):
        assert (await source.files(model_id(), revision)).revision == digest
    gone = await refusal(source, revision="0" * 64)
    assert isinstance(gone, RefusedError)
    assert digest[:12] in gone.message
    for revision in ("8b", digest[:5], "refs/pr/1"):
        assert isinstance(await refusal(source, revision=revision), NotFoundError)


async def test_reading_a_layer(ollama: OllamaServer, consult: Consult) -> None:
    whole_model(ollama)
    source = consult()
    files = {file.path: file for file in (await source.files(model_id())).files}
    assert await source.read(files["template.txt"], 100) == b"{{ .Prompt }}"
    assert ollama.asked[-1].port == ollama.storage_port, "the registry sends it on"
    ollama.asked.clear()
    with pytest.raises(RefusedError, match="larger than 5 bytes"):
        await source.read(files["template.txt"], 5)
    assert ollama.asked == []
    ollama.blobs[f"sha256:{files['params.json'].sha256}"] = b"other"
    with pytest.raises(CorruptError, match=r"params\.json of ollama:llama3\.1:8b is not"):
        await source.read(files["params.json"], 100)
    ollama.faults[f"/v2/library/llama3.1/blobs/sha256:{files['license.txt'].sha256}"] = Said(
        status=307, headers={"Location": "ftp://x/y"}
    )
    with pytest.raises(UnsafeError):
        await source.read(files["license.txt"], 100)


async def test_how_to_fetch_a_layer(ollama: OllamaServer, consult: Consult) -> None:
    whole_model(ollama)
    source = consult(HF_TOKEN="hf_CANARY")
    weights = (await source.files(model_id())).files[0]
    request = await source.request(weights)
    assert request.url == f"{ollama.url}/v2/library/llama3.1/blobs/{digest_of(WEIGHTS)}"
    assert request.headers == {}


async def test_a_truncated_blob(ollama: OllamaServer, consult: Consult) -> None:
    whole_model(ollama)
    source = consult()
    template = next(
        file for file in (await source.files(model_id())).files if file.path == "template.txt"
    )
    ollama.faults[f"/v2/library/llama3.1/blobs/sha256:{template.sha256}"] = Said(b"{{", length=13)
    with pytest.raises(UnreachableError):
        await source.read(template, 100)


async def test_nothing_is_asked_offline_or_without_a_registry(
    ollama: OllamaServer, consult: Consult
) -> None:
    assert isinstance(await refusal(consult(offline=True)), NoConnectionError)
    assert isinstance(await refusal(consult(TUI_HUB_OLLAMA__REGISTRY="")), AbsentError)
    wrong = await refusal(consult(TUI_HUB_OLLAMA__REGISTRY="http://me:SECRET@host/"))
    assert isinstance(wrong, UsageError)
    assert "SECRET" not in f"{wrong.message} {wrong.hint}"
    assert ollama.asked == []


async def test_a_page_for_people(consult: Consult) -> None:
    page = consult(TUI_HUB_OLLAMA__LIBRARY="https://ollama.com/").web_page
    assert page(model_id()) == "https://ollama.com/library/llama3.1:8b"
    assert page(model_id("registry.example.com/a/b")) is None
    assert consult(TUI_HUB_OLLAMA__LIBRARY="").web_page(model_id()) is None
    assert consult(TUI_HUB_OLLAMA__LIBRARY="nowhere").web_page(model_id()) is None


async def test_the_same_configuration_is_asked_for_once(
    ollama: OllamaServer, consult: Consult
) -> None:
    whole_model(ollama)
    source = consult()
    assert await source.model(model_id()) == await source.model(model_id())
    assert len(ollama.paths("/v2/library/llama3.1/blobs/")) == 1


def test_the_shipped_names_are_names() -> None:
    names = shipped_names()
    assert {"llama3.1", "gemma", "qwen3.5", "granite4.2"} <= set(names)
    assert len(set(names)) == len(names) > 200
    assert all(str(model_id(name)) == f"ollama:{name}" for name in names)
