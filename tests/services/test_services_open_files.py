"""As many downloads as the settings allow, where a process may open few files."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from homes import Configure

from tui_hub.demo import DemoHub, Repository, RepositoryFile

FILES, MODELS = 64, 3
HIGH = {
    "TUI_HUB_DOWNLOADS__CONNECTIONS": "16",
    "TUI_HUB_DOWNLOADS__FILES": "64",
    "TUI_HUB_DOWNLOADS__JOBS": "16",
}
PROGRAM = """
import asyncio, resource, sys
soft, hard, beside = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
import tui_hub
from tui_hub.services.downloads import transfers
transfers._WORTH = 0
async def main():
    async with tui_hub.open() as services:
        if beside:
            services.downloads.step_aside()
        jobs = [await services.downloads.start(f"acme/many-{number}") for number in range(3)]
        for job in jobs:
            done = await services.downloads.wait(job.id)
            print(done.status, done.error, done.retries)
asyncio.run(main())
"""


@pytest.mark.parametrize("beside", [0, 1])
@pytest.mark.parametrize(("soft", "hard"), [(256, 256), (256, 4096)])
def test_nothing_fails_for_want_of_descriptors(
    soft: int, hard: int, beside: int, configure: Configure, hub: DemoHub
) -> None:
    for model in range(MODELS):
        files = tuple(
            RepositoryFile(f"{number:02}.bin", b"%d %d " % (model, number) * 1000, lfs=True)
            for number in range(FILES)
        )
        hub.put(Repository(id=f"acme/many-{model}", files=files, task="text-generation"))
    hub.throttle.connection = 30_000
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(soft), str(hard), str(beside)],
        env={**os.environ, **configure().environment, **HIGH},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.stdout.splitlines() == ["completed None 0"] * MODELS, ran.stderr
    assert "open files" not in ran.stderr
