"""What `huggingface_hub` and safetensors find of a store, offline, after each thing a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import CONFIG, Inside
from small_models import tensors_file

from tui_hub.demo import DemoHub, Repository, RepositoryFile

READER = """
import json, os, sys
import huggingface_hub as hub
from safetensors import safe_open
found = {}
scan = hub.scan_cache_dir()
for repo in scan.repos:
    folder = hub.snapshot_download(repo.repo_id, local_files_only=True)
    weights = hub.hf_hub_download(repo.repo_id, "model.safetensors")
    assert hub.try_to_load_from_cache(repo.repo_id, "model.safetensors") == weights
    with safe_open(weights, "numpy") as tensors:
        names = sorted(tensors.keys())
        first = float(tensors.get_tensor(names[0])[0][0])
    found[repo.repo_id] = {
        "files": sorted(os.listdir(folder)),
        "commits": sorted(one.commit_hash for one in repo.revisions),
        "refs": sorted(repo.refs),
        "tensors": names,
        "first": first,
    }
print(json.dumps({"repos": found, "warnings": [str(one) for one in scan.warnings]}))
"""
LONG = "n" * 96


def repository(name: str, seed: int) -> Repository:
    return Repository(
        id=name,
        task="text-generation",
        library="transformers",
        files=(
            RepositoryFile("config.json", CONFIG),
            RepositoryFile("model.safetensors", tensors_file(seed, 2000)),
        ),
    )


@pytest.fixture
def hub() -> Iterator[DemoHub]:
    names = ("one/same", "two/same", "one/Same", f"{LONG}/{LONG}")
    models = [repository(name, seed) for seed, name in enumerate(names)]
    with DemoHub(repositories=models, per_connection=0, total=0) as running:
        yield running


def read(program: Inside) -> dict[str, Any]:
    """What the real libraries find, by repository; they must have nothing to complain of."""
    ran = subprocess.run(
        [sys.executable, "-c", READER],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(program.home.parent),
            "HF_HUB_CACHE": program.json("paths").document["hf_hub_cache"],
            "HF_HUB_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["warnings"] == []
    repos: dict[str, Any] = found["repos"]
    return repos


def done(program: Inside, *arguments: str) -> dict[str, Any]:
    ran = program.json(*arguments)
    assert ran.code == 0, ran.out
    return ran.document


def test_the_cache_follows_every_change(program: Inside, hub: DemoHub) -> None:
    first = done(program, "download", "one/same")
    done(program, "download", "two/same")
    found = read(program)
    assert set(found) == {"one/same", "two/same"}
    before = found["one/same"]
    assert (before["commits"], before["refs"]) == ([first["revision"]], ["main"])
    assert before["files"] == ["config.json", "model.safetensors"]
    assert before["first"] != found["two/same"]["first"]

    newer = hub.put(replace(repository("one/same", 9), license="mit"))
    done(program, "download", "one/same")
    after = read(program)["one/same"]
    assert (after["commits"], after["tensors"]) == ([newer], before["tensors"])
    assert after["first"] != before["first"]

    done(program, "edit", "one/same", "--type", "tts")
    assert read(program)["one/same"] == after, "the type moves the folder, and no cache"
    done(program, "delete", "one/same", "--yes")
    assert set(read(program)) == {"two/same"}


def test_names_that_clash_have_folders_of_their_own(program: Inside) -> None:
    names = ("one/same", "two/same", "one/Same", f"{LONG}/{LONG}")
    folders = [Path(done(program, "download", name)["path"]) for name in names]
    assert len({folder.resolve() for folder in folders}) == len(names)
    firsts = {name: one["first"] for name, one in read(program).items()}
    assert len(set(firsts.values())) == len(names)
    for name, folder in zip(names, folders, strict=True):
        assert all(len(part.encode()) <= 255 for part in folder.parts)
        assert done(program, "show", name, "--offline")["path"] == str(folder)
    moved = Path(done(program, "show", "two/same")["path"]).parent.with_name("tts") / "same"
    done(program, "edit", "two/same", "--type", "tts")
    assert done(program, "show", "two/same", "--offline")["path"] == str(moved)
    done(program, "delete", "one/same", "--yes")
    assert [folder.exists() for folder in folders] == [False, False, True, True]
    assert moved.exists() and set(read(program)) == set(names[1:])
