"""Kinds, formats, selection and variants of files."""

import pytest

from tui_hub.domain.artifacts import (
    Artifact,
    ArtifactKind,
    ArtifactStatus,
    artifact_id,
    installed_variants,
    kind_of,
    select,
    variants_of,
    weights_format,
)


def file(path: str, size: int | None = 1, status: str = "pending") -> Artifact:
    return Artifact(
        id=artifact_id("hf:a/b", "1", path),
        model="hf:a/b",
        revision="1",
        path=path,
        size=size,
        kind=kind_of(path),
        status=ArtifactStatus(status),
    )


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("model.safetensors", ArtifactKind.WEIGHTS),
        ("pytorch_model.bin", ArtifactKind.WEIGHTS),
        ("a/B.GGUF", ArtifactKind.WEIGHTS),
        ("gemma.litertlm", ArtifactKind.WEIGHTS),
        ("config.json", ArtifactKind.CONFIG),
        ("model.safetensors.index.json", ArtifactKind.CONFIG),
        ("tokenizer.json", ArtifactKind.TOKENIZER),
        ("README.md", ArtifactKind.OTHER),
        ("training_args.bin", ArtifactKind.OTHER),
        ("LICENSE.txt", ArtifactKind.OTHER),
    ],
)
def test_kinds(path: str, kind: ArtifactKind) -> None:
    assert kind_of(path) is kind


def test_the_format_of_what_is_no_weights_file() -> None:
    assert weights_format("no-extension") is None


def test_quantisations_group_with_their_shards_and_projector() -> None:
    files = [
        file("m-Q4_K_M.gguf", 10),
        file("m-Q8_0-00001-of-00002.gguf", 20),
        file("m-Q8_0-00002-of-00002.gguf", 21),
        file("m-UD-Q2_K_XL.gguf", 5),
        file("mmproj-BF16.gguf", 3),
        file("config.json", 1),
    ]
    sizes = {variant.name: variant.size for variant in variants_of(files)}
    assert sizes == {"Q4_K_M": 14, "Q8_0": 45, "UD-Q2_K_XL": 9}


def test_a_diffusers_repository_has_its_precisions() -> None:
    files = [
        file("unet/diffusion_pytorch_model.fp16.safetensors"),
        file("unet/diffusion_pytorch_model.safetensors"),
        file("vae/diffusion_pytorch_model.fp16.safetensors"),
        file("model_index.json"),
    ]
    variants = {variant.name: variant.paths for variant in variants_of(files)}
    assert variants.keys() == {"fp16", "safetensors"}
    assert "vae/diffusion_pytorch_model.fp16.safetensors" in variants["fp16"]
    assert "model_index.json" in variants["safetensors"]


def test_each_tflite_stands_alone() -> None:
    assert [v.name for v in variants_of([file("a.tflite"), file("b.tflite")])] == ["a", "b"]


def test_an_unknown_size_makes_the_variants_size_unknown() -> None:
    (variant,) = variants_of([file("model.safetensors", None), file("config.json")])
    assert variant.size is None


def test_selection() -> None:
    files = [file("a.json"), file("b.safetensors"), file("c/d.safetensors")]
    assert [f.path for f in select(files, include=["*.safetensors"])] == [
        "b.safetensors",
        "c/d.safetensors",
    ]
    assert [f.path for f in select(files, exclude=["c/*"])] == ["a.json", "b.safetensors"]
    assert [f.path for f in select(files, paths=["a.json"])] == ["a.json"]


def test_installed_means_every_file_of_one_variant() -> None:
    here = [file("m-Q4_0.gguf", status="completed"), file("config.json", status="completed")]
    assert installed_variants([*here, file("m-Q8_0.gguf")]) == ("Q4_0",)
    assert installed_variants([here[0], file("config.json"), file("m-Q8_0.gguf")]) == ()


def test_a_model_without_weights_is_one_variant() -> None:
    assert installed_variants([file("README.md", status="completed")]) == ("all",)
    assert installed_variants([]) == ()
