"""How much memory a container or a batch job lets its processes have, whatever the box holds.

By `admin-guide/cgroup-v2.rst` and `cgroup-v1/memory.rst` of the kernel's documentation. The torch
child has the same in its own one file, since it may know nothing of this program.
"""

from __future__ import annotations

from pathlib import Path

from tui_hub.domain.frozen import dataclass

_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
_V2 = ("memory.max", "memory.current", "")


@dataclass(frozen=True, slots=True)
class Allowance:
    """Bytes that a control group allows, and those of them that can still be had."""

    limit: int
    free: int


def tightest(
    membership: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> Allowance | None:
    """The allowance of the group with the least to give, of those this process is in."""
    found: list[Allowance] = []
    for line in _read(membership).splitlines():
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if number == "0":
            found += _allowances(root, path, *_V2)
        elif "memory" in controllers.split(","):
            found += _allowances(root / "memory", path, *_V1)
    return min(found, key=lambda one: one.free, default=None)


def _allowances(root: Path, path: str, limit: str, usage: str, prefix: str) -> list[Allowance]:
    """Those of a group and of the groups above it, where they set a limit."""
    found = []
    group = root / path.lstrip("/")
    for folder in (group, *group.parents):
        most, used = _read(folder / limit).strip(), _read(folder / usage).strip()
        if most.isdigit() and used.isdigit():
            # Pages of files are given up for whoever needs the memory.
            free = int(most) - int(used) + _files(folder / "memory.stat", prefix)
            found.append(Allowance(int(most), min(max(free, 0), int(most))))
        if folder == root:
            break
    return found


def _files(statistics: Path, prefix: str) -> int:
    lines = (line.split() for line in _read(statistics).splitlines())
    figures = {words[0]: words[1] for words in lines if len(words) == 2}
    return sum(int(figures.get(f"{prefix}{age}_file", 0)) for age in ("active", "inactive"))


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""
