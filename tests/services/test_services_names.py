"""Names of files that would lead out of the store, or over something else, or into a terminal."""

from __future__ import annotations

from pathlib import Path

from homes import Configure

from tui_hub.demo import DemoHub, Repository, RepositoryFile
from tui_hub.domain.jobs import JobStatus
from tui_hub.services import open_services

REFUSED = (
    "../x", "a/../../x", "/etc/x", "C:\\x", "..\\x", "~/x", "y" * 300, "new\nline", "a//b",
    "esc\x1b[2J", "model\u202egpj.bin", "./dot", "nul\x00byte", "slash/",
)  # fmt: skip
ODD = (
    "CON", "nul.txt", "trailing.", "trailing ", "-rf", "--help", "$HOME", "%2e%2e/x", "..%2f",
    "hub.db", ".lock", "VERSION", "README.md", "readme.MD", "e\u0301.bin", "\u00e9.bin", "x" * 255,
    ".git/config", "snapshots/main", "models/llm", "blobs/sha256/" + "0" * 64, "deep/" * 100 + "f",
)  # fmt: skip
"""Names that are unusual, and harmless where a file is kept by its hash."""


def content(name: str) -> bytes:
    return b"content of " + name.encode()


async def test_every_name_is_inside_its_model_or_refused(
    configure: Configure, tmp_path: Path
) -> None:
    files = tuple(RepositoryFile(name, content(name)) for name in (*REFUSED, *ODD))
    evil = Repository(id="evil/names", files=files, task="text-generation")
    with DemoHub(per_connection=0, total=0, repositories=[evil]) as hub:
        async with open_services(configure(HF_ENDPOINT=hub.endpoint)) as services:
            plan = await services.downloads.plan("evil/names")
            assert {file.path for file in plan.files} == set(ODD)
            assert len(plan.unsafe) == len(REFUSED)
            assert not any("\x1b" in shown or "\n" in shown for shown in plan.unsafe)
            job = await services.downloads.begin(plan)
            done = await services.downloads.wait(job.id)
    assert (done.status, done.error) == (JobStatus.COMPLETED, None)
    model = Path(done.path or "")
    for name in ODD:
        assert (model / name).read_bytes() == content(name)
    store = tmp_path / "home" / "store"
    links = [path for path in tmp_path.rglob("*") if path.is_symlink()]
    assert links and all(path.resolve().is_relative_to(store) for path in links)
    assert {path.name for path in tmp_path.iterdir()} <= {"home", "hf-home"}


async def test_a_file_and_a_folder_of_one_name_do_not_harm_the_rest(configure: Configure) -> None:
    files = tuple(RepositoryFile(name, content(name)) for name in ("a", "a/b", "model.bin"))
    evil = Repository(id="evil/both", files=files, task="text-generation")
    with DemoHub(per_connection=0, total=0, repositories=[evil]) as hub:
        async with open_services(configure(HF_ENDPOINT=hub.endpoint)) as services:
            job = await services.downloads.start("evil/both")
            done = await services.downloads.wait(job.id)
    assert (Path(done.path or "") / "model.bin").read_bytes() == content("model.bin")
