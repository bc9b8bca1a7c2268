"""System calls of a program as crash points: read from a trace, and hit one at a time."""

from __future__ import annotations

import compileall
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import tui_hub
from tui_hub.blobs import BlobStore, receipts
from tui_hub.blobs.hashing import sha256_file

CALLS = (
    "write,pwrite64,fsync,fdatasync,rename,renameat2,link,linkat,unlink,unlinkat,rmdir,"
    "ftruncate,fallocate,mkdir,mkdirat,fchmod,chmod,symlink,symlinkat,copy_file_range,sendfile,openat"
)


@dataclass(frozen=True)
class Call:
    """One system call of a trace."""

    name: str
    number: int
    """How many calls of this name came before it, and itself."""
    text: str


def traced(
    program: Path, *arguments: str | Path, options: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program under strace."""
    return subprocess.run(
        [
            *("strace", "-f", "-qq", "-y", "-e", f"trace={CALLS}", *options),
            *(sys.executable, str(program), *map(str, arguments)),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def trace(program: Path, root: Path, log: Path, mode: str, said: str) -> list[Call]:
    """The calls of an undisturbed run from the first that touches the store."""
    # A module that is compiled meanwhile, by whichever test, would be opened otherwise than before.
    compileall.compile_dir(Path(tui_hub.__file__).parent, quiet=2)
    result = traced(program, root, mode, options=("-o", str(log)))
    assert result.stdout == f"{said}\n", result.stderr
    calls: list[Call] = []
    counts: Counter[str] = Counter()
    for line in log.read_text().splitlines():
        match = re.match(r"(?:\d+\s+)?(\w+)\(", line)
        if match is None:
            continue
        counts[match[1]] += 1
        # Only those that make or empty a file are worth a crash.
        if match[1] == "openat" and not ("O_CREAT" in line and str(root) in line):
            continue
        if calls or str(root) in line:
            calls.append(Call(match[1], counts[match[1]], line))
    return calls


def unsound(root: Path) -> list[str]:
    """What is wrong with a store, in words."""
    store = BlobStore(root)
    wrong = [
        f"{path.name} has another hash"
        for path in store.blobs.iterdir()
        if sha256_file(path) != path.name
    ]
    wrong += [f"the receipt {path} cannot be read" for path in receipts.damaged(store)]
    for receipt in receipts.iter(store):
        wrong += [
            f"{file.path} of {receipt.model} is missing"
            for file in receipt.files
            if not store.has(file.sha256, file.size)
        ]
    for link in [*store.models.rglob("*"), *store.active.iterdir()]:
        if link.is_symlink() and not link.exists():
            wrong.append(f"{link} points nowhere")
    return wrong
