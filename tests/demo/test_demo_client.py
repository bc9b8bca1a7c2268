"""The real `huggingface_hub`, and the real readers of each format, against the hub."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

os.environ |= {
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}

from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tui_hub.demo import DemoHub, Repository
from tui_hub.demo.catalogue import catalogue
from tui_hub.domain.types import ModelType, type_of_task


@pytest.fixture
def api(full_hub: DemoHub) -> HfApi:
    return HfApi(endpoint=full_hub.endpoint, token=full_hub.token)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_listings_filter_search_sort_and_page(
    contents: list[Repository], api: HfApi, full_hub: DemoHub
) -> None:
    everything = list(api.list_models())
    assert {model.id for model in everything} == {one.id for one in contents}
    images = list(api.list_models(pipeline_tag="text-to-image", sort="downloads"))
    downloads = [model.downloads or 0 for model in images]
    assert images[0].id == "demo-lab/still-diffusion"
    assert downloads == sorted(downloads, reverse=True)
    assert len(images) == sum(one.task == "text-to-image" for one in contents)
    found = list(api.list_models(search="LUMEN", author="demo-lab"))
    assert {model.id.removeprefix("demo-lab/") for model in found} == {
        "lumen-chat",
        "lumen-chat-gguf",
        "lumen-chat-large",
    }
    both = list(api.list_models(filter=["tflite", "image-classification"], full=True))
    assert both
    assert all({"tflite", "image-classification"} <= set(model.tags or ()) for model in both)
    assert all(model.sha and model.siblings and model.last_modified for model in both)
    gated = list(api.list_models(gated=True))
    assert "demo-lab/restricted-voice" in {model.id for model in gated}
    assert len(gated) == sum(bool(one.gated) for one in contents)
    expanded = list(api.list_models(filter="gguf", expand=["gguf", "usedStorage"], limit=3))
    assert all(model.gguf and model.gguf["total"] for model in expanded)
    full_hub.requests.clear()


def test_a_listing_goes_over_many_pages(contents: list[Repository]) -> None:
    with DemoHub(repositories=contents, page_size=100) as hub:
        api = HfApi(endpoint=hub.endpoint, token=False)
        models = list(api.list_models(sort="downloads", limit=250))
        assert len({model.id for model in models}) == 250
        pages = hub.requests.select("/api/models")
        assert len(pages) == 3
        assert "cursor=" in pages[1].query
        for sort in ("last_modified", "trending_score", "created_at"):
            everything = [model.id for model in api.list_models(sort=sort)]
            assert sorted(everything) == sorted(one.id for one in contents)


def test_model_info_and_tree_tell_the_same_hashes(api: HfApi) -> None:
    info = api.model_info("demo-lab/lumen-chat-gguf", files_metadata=True)
    assert info.siblings is not None
    assert info.gguf is not None
    told = {one.rfilename: one.lfs.sha256 for one in info.siblings if one.lfs}
    rows = list(api.list_repo_tree("demo-lab/lumen-chat-gguf", recursive=True, expand=True))
    assert {row.path: row.lfs.sha256 for row in rows if getattr(row, "lfs", None)} == told
    assert len(told) == 5
    picked = api.get_paths_info("demo-lab/lumen-chat-gguf", ["README.md", "no such file"])
    assert [row.path for row in picked] == ["README.md"]
    folders = api.get_paths_info("demo-lab/still-diffusion", ["unet"], expand=True)
    assert folders[0].path == "unet"


def test_refs_commits_and_login(api: HfApi, full_hub: DemoHub) -> None:
    refs = api.list_repo_refs("demo-lab/lumen-chat")
    commits = api.list_repo_commits("demo-lab/lumen-chat")
    assert refs.branches[0].target_commit == commits[0].commit_id
    assert api.whoami()["type"] == "user"


@pytest.mark.parametrize("name", ["still-diffusion", "lumen-chat-gguf", "restricted-voice"])
def test_a_snapshot_arrives_whole(
    full_hub: DemoHub, contents: list[Repository], tmp_path: Path, name: str
) -> None:
    folder = Path(
        snapshot_download(
            f"demo-lab/{name}",
            endpoint=full_hub.endpoint,
            token=full_hub.token,
            cache_dir=tmp_path,
        )
    )
    repository = next(one for one in contents if one.id == f"demo-lab/{name}")
    assert {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    } == {file.path for file in repository.files}
    for file in repository.files:
        assert sha256(folder / file.path) == file.digests.sha256


def test_any_entry_of_the_catalogue_can_be_fetched(
    full_hub: DemoHub, tmp_path: Path, now: datetime
) -> None:
    for repository in catalogue(now)[::60]:
        folder = Path(
            snapshot_download(
                repository.id,
                endpoint=full_hub.endpoint,
                token=full_hub.token,
                cache_dir=tmp_path,
            )
        )
        assert (folder / "README.md").stat().st_size > 200
        assert len(list(folder.rglob("*"))) >= 3


def test_headers_of_safetensors_are_read_by_range(api: HfApi) -> None:
    single = api.get_safetensors_metadata("demo-lab/lumen-chat")
    assert not single.sharded
    info = api.model_info("demo-lab/lumen-chat")
    assert info.safetensors is not None
    assert single.parameter_count == info.safetensors.parameters
    sharded = api.get_safetensors_metadata("demo-lab/lumen-chat-large")
    assert sharded.sharded
    assert len(sharded.files_metadata) == 3
    large = api.model_info("demo-lab/lumen-chat-large").safetensors
    assert large is not None
    assert sharded.parameter_count == large.parameters


def test_errors_have_the_clients_own_types(full_hub: DemoHub, tmp_path: Path) -> None:
    common = {"endpoint": full_hub.endpoint, "cache_dir": tmp_path}
    for token in (False, full_hub.outsider_token):
        with pytest.raises(GatedRepoError):
            hf_hub_download("demo-lab/restricted-voice", "config.json", token=token, **common)
    api = HfApi(endpoint=full_hub.endpoint, token=full_hub.outsider_token)
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("demo-lab/none")
    with pytest.raises(RevisionNotFoundError):
        api.model_info("demo-lab/lumen-chat", revision="none")
    with pytest.raises(EntryNotFoundError):
        hf_hub_download("demo-lab/lumen-chat", "none", token=False, **common)


def test_the_token_stays_with_the_hub(full_hub: DemoHub, tmp_path: Path) -> None:
    full_hub.requests.clear()
    hf_hub_download(
        "demo-lab/restricted-voice",
        "model.safetensors",
        endpoint=full_hub.endpoint,
        token=full_hub.token,
        cache_dir=tmp_path,
    )
    assert all("authorization" in seen.headers for seen in full_hub.requests.select(origin="hub"))
    there = full_hub.requests.select(origin="cdn")
    assert there
    assert not [seen for seen in there if "authorization" in seen.headers]


def test_the_command_line_of_the_hub(full_hub: DemoHub, tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("hf")
    environment = os.environ | {"HF_ENDPOINT": full_hub.endpoint, "HF_HOME": str(tmp_path / "home")}
    run = subprocess.run(
        [command, "download", "demo-lab/pocket-sight", "--local-dir", tmp_path / "here"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "here" / "pocket_sight_int8.tflite").stat().st_size == 4_000_000


def test_the_hostile_repository_is_listed_as_it_is(api: HfApi, tmp_path: Path) -> None:
    info = api.model_info("demo-lab/hostile-card")
    assert info.tags is not None
    assert any("\x1b[31m" in tag for tag in info.tags)
    assert any("[/]" in tag for tag in info.tags)
    rows = {row.path for row in api.list_repo_tree("demo-lab/hostile-card", recursive=True)}
    assert {"../x", "/etc/passwd", "[red]name[/].json", "new\nline.txt"} <= rows
    for name in ("README.md", "config.json", "model.safetensors", "[red]name[/].json"):
        address = f"{api.endpoint}/demo-lab/hostile-card/resolve/main/{quote(name)}"
        answer = httpx.get(address, follow_redirects=True)
        assert (answer.status_code, bool(answer.content)) == (200, True)
    for name in ("\x1b[31mred.txt", "new\nline.txt", "no\x1bsuch", "é\u202e"):
        address = f"{api.endpoint}/demo-lab/hostile-card/resolve/main/{quote(name)}"
        known = name in rows
        assert httpx.get(address, follow_redirects=True).status_code == (200 if known else 404)
    odd = httpx.get(f"{api.endpoint}/api/models/demo-lab/hostile-card/revision/%1b%0a%e2%80%ae")
    assert odd.status_code == 404


@pytest.fixture(scope="module")
def tags(contents: list[Repository]) -> Iterator[list[set[str]]]:
    yield [set(one.tags) for one in contents]


def test_the_catalogue_covers_every_task_and_the_tags_of_litert(
    contents: list[Repository], tags: list[set[str]]
) -> None:
    assert 580 <= len(contents) <= 650
    types = {type_of_task(one.task) for one in contents}
    assert types >= set(ModelType) - {ModelType.ANIMATION, ModelType.LIP_SYNC}
    litert = ("tflite", "litert-lm", "litert", "LiteRT")
    for tag in ("tflite", "litert-lm", "LiteRT"):
        assert any(one.intersection(litert) == {tag} for one in tags), tag
    downloads = sorted((one.downloads for one in contents), reverse=True)
    assert sum(downloads[:60]) > 0.8 * sum(downloads)
    assert min(downloads) < 2000
    assert all({"README.md"} < set(one.by_path) for one in contents)
    assert all(one.created_at <= (one.last_modified or "") <= "2026-01-31T" for one in contents)
    assert {one.gated for one in contents} == {False, "auto", "manual"}


def test_the_catalogue_is_the_same_every_time(contents: list[Repository], now: datetime) -> None:
    def made(models: list[Repository]) -> list[tuple[str, int, str]]:
        return [(one.fingerprint(), one.downloads, one.created_at) for one in models]

    again = catalogue(now)
    assert made(again) == made(contents[-len(again) :])
    assert made(catalogue(now, seed=1)) != made(again)
