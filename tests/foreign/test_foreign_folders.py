"""Model files that lie about: in ComfyUI's folders, in LM Studio's, in any folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui_hub.domain.types import ModelType
from tui_hub.foreign import Box, FoundModel, LeftOut, known_places, named_place


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path, {})


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def look(place: Path, box: Box) -> tuple[dict[str, FoundModel], list[LeftOut]]:
    layout, root = named_place(place)
    found = list(layout.look(root, box))
    models = {one.name: one for one in found if isinstance(one, FoundModel)}
    return models, [one for one in found if isinstance(one, LeftOut)]


def test_files_and_folders_become_models(tmp_path: Path, box: Box) -> None:
    folder = tmp_path / "stuff"
    put(
        folder,
        "one.gguf", "notes.txt", "two.safetensors", ".hidden/three.gguf", "half.gguf.part",
        "big/model-00001-of-00002.gguf", "big/model-00002-of-00002.gguf",
        "pipe/model_index.json", "pipe/unet/config.json", "pipe/unet/model.safetensors",
        "only/config.json", "loras/style.safetensors",
    )  # fmt: skip
    models, left = look(folder, box)
    assert left == []
    assert {name: len(model.files) for name, model in models.items()} == {
        "one": 1, "two": 1, "big": 2, "pipe": 3, "style": 1,
    }  # fmt: skip
    types = {name: model.type for name, model in models.items()}
    assert (types["one"], types["two"], types["style"]) == (
        ModelType.LLM, ModelType.UTILITY, ModelType.IMAGE_GEN,
    )  # fmt: skip


def test_parts_of_models_are_none_by_themselves(tmp_path: Path, box: Box) -> None:
    put(tmp_path / "a", "m-00001-of-00002.gguf")
    put(tmp_path / "b", "m-00001-of-00002.gguf", "m-00002-of-00002.gguf", "other.gguf")
    models, left = look(tmp_path / "a", box)
    assert models == {} and "m-00002-of-00002.gguf is missing" in left[0].reason
    models, left = look(tmp_path / "b", box)
    assert models.keys() == {"other"} and len(left) == 2
    _, (left_one,) = look(tmp_path / "b" / "m-00001-of-00002.gguf", box)
    assert "name its folder" in left_one.reason
    assert look(tmp_path / "b" / "other.gguf", box)[0].keys() == {"other"}


def test_nothing_leads_out_of_a_folder(tmp_path: Path, box: Box) -> None:
    folder = tmp_path / "stuff"
    put(folder, "good.gguf")
    put(tmp_path, "secret.gguf")
    (folder / "empty.gguf").touch()
    (folder / "again.gguf").symlink_to("good.gguf")
    (folder / "out.gguf").symlink_to(tmp_path / "secret.gguf")
    (folder / "gone.gguf").symlink_to("nowhere")
    (folder / "loop.gguf").symlink_to("loop.gguf")
    (folder / "up").symlink_to("..")
    (folder / "self").symlink_to(".")
    (folder / "device.gguf").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.gguf")
    (folder / "folder.gguf").mkdir()
    (folder / os.fsdecode(b"\xff\x1b[2J.gguf")).write_bytes(b"x")
    (folder / "line\nbreak.gguf").write_bytes(b"x")
    models, left = look(folder, box)
    assert models.keys() == {"good"}
    assert len(left) == 10
    assert all((one.place + one.reason).isprintable() for one in left)


@pytest.mark.parametrize(
    "shelf", ["plain", "ComfyUI/models", ".lmstudio/models", ".lmstudio/models/org"]
)
def test_a_link_to_a_folder_is_told_and_not_followed(tmp_path: Path, box: Box, shelf: str) -> None:
    """Many a person keeps the models of a program on another disk."""
    put(tmp_path / "disk" / "models", "big.gguf")
    put(tmp_path / "ComfyUI" / "models", "loras/one.gguf", "vae/two.gguf")
    put(tmp_path / ".lmstudio" / "models" / "org" / "name", "three.gguf")
    folder = tmp_path / shelf
    folder.mkdir(exist_ok=True)
    (folder / "checkpoints").symlink_to(tmp_path / "disk" / "models")
    place = tmp_path / ".lmstudio" / "models" if "lmstudio" in shelf else folder
    models, (left,) = look(place, box)
    assert "big" not in models
    assert left.place == str(folder / "checkpoints") and not left.failed
    assert str(tmp_path / "disk" / "models") in left.reason


def test_a_folder_without_end_is_given_up(tmp_path: Path, box: Box) -> None:
    here = tmp_path / "deep"
    here.mkdir()
    start = os.open(here, os.O_RDONLY)
    for _ in range(200):
        os.mkdir("d", dir_fd=start)
        deeper = os.open("d", os.O_RDONLY, dir_fd=start)
        os.close(start)
        start = deeper
    os.close(start)
    models, (left,) = look(here, box)
    assert models == {} and "too deep" in left.reason


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_is_told(tmp_path: Path, box: Box) -> None:
    put(tmp_path / "stuff", "good.gguf", "closed/model.gguf")
    (tmp_path / "stuff" / "closed").chmod(0)
    models, (left,) = look(tmp_path / "stuff", box)
    (tmp_path / "stuff" / "closed").chmod(0o700)
    assert models.keys() == {"good"} and "cannot be read" in left.reason


def test_comfyui_is_known_and_its_other_folders_too(tmp_path: Path, box: Box) -> None:
    root = tmp_path / "ComfyUI"
    put(root, "models/checkpoints/a.safetensors", "models/vae/b.safetensors",
        "models/checkpoints/sub/c.ckpt", "output/x.safetensors")  # fmt: skip
    put(tmp_path / "webui", "models/Lora/d.safetensors", "models/LyCORIS/e.safetensors")
    (root / "extra_model_paths.yaml").write_text(
        "a111:\n  base_path: ~/webui/\n  is_default: true\n  loras: |\n    models/Lora\n"
        "    models/LyCORIS\n  embeddings: models/none\nempty:\nlist: [1, 2]\n"
        "secret:\n  checkpoints: $HF_TOKEN/x\n"
    )
    told = Box(tmp_path, {"HF_TOKEN": "hf_CANARY"})
    assert [place for _, place in known_places(told, {})] == [root]
    models, left = look(root, told)
    types = {name: (model.layout, model.type) for name, model in models.items()}
    image = ("comfyui", ModelType.IMAGE_GEN)
    assert types == {
        "a": image, "b": ("comfyui", ModelType.UTILITY), "c": image, "d": image, "e": image,
    }  # fmt: skip
    assert len(left) == 2 and "CANARY" not in str(left)
    assert look(root / "models", told)[0].keys() == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", True), ("\x00", True), ("- a\n- b", True), ("[" * 20_000, True),
        ("a: !!python/object/apply:os.system ['false']", True), ("#" * 300_000, True),
        ("a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]", False), ("a: {checkpoints: [1]}", False),
        ("", False), ("#a111:\n#    base_path: x\n", False),
    ],
)  # fmt: skip
def test_settings_of_comfyui_that_are_none_do_no_harm(
    tmp_path: Path, box: Box, text: str, told: bool
) -> None:
    put(tmp_path / "c", "models/checkpoints/a.safetensors", "models/loras/b.safetensors")
    (tmp_path / "c" / "extra_model_paths.yaml").write_text(text)
    models, left = look(tmp_path / "c", box)
    assert models.keys() == {"a", "b"}
    assert [one.place.endswith("extra_model_paths.yaml") for one in left] == [True] * told


def test_lm_studio_is_found_where_it_says(tmp_path: Path, box: Box) -> None:
    elsewhere = tmp_path / "disk" / "models"
    put(elsewhere, "org/repo-GGUF/repo-Q4_0.gguf", "org/repo-GGUF/mmproj-repo.gguf",
        "org/empty/readme.txt", "bad name/x/y.gguf")  # fmt: skip
    put(tmp_path, "studio/settings.json", ".lmstudio-home-pointer")
    (tmp_path / "studio" / "settings.json").write_text(f'{{"downloadsFolder": "{elsewhere}"}}')
    (tmp_path / ".lmstudio-home-pointer").write_text(f"{tmp_path}/studio\n")
    ((layout, place),) = known_places(box, {})
    assert (layout.name, place) == ("lmstudio", elsewhere)
    found = {one.name: one for one in layout.look(place, box) if isinstance(one, FoundModel)}
    assert str(found["repo-GGUF"].likely) == "hf:org/repo-GGUF"
    assert len(found["repo-GGUF"].files) == 2
    assert found.keys() == {"repo-GGUF", "x"} and found["x"].likely is None
    (tmp_path / "studio" / "settings.json").write_text("[1")
    assert list(known_places(box, {})) == []
