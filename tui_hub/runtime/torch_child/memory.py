"""How much memory there is, and how much of it a load takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def total_memory() -> int | None:
    """Bytes of memory of the box; `None` where nobody tells."""
    return proc_kilobytes("/proc/meminfo").get("MemTotal")


def available_memory() -> int | None:
    """Bytes that a new load may take: the box's, or less where a control group limits this one.

    Pages of files that could be dropped count as free. Sources: proc_meminfo(5), and the kernel's
    `admin-guide/cgroup-v2.rst` and `cgroup-v1/memory.rst`.
    """
    free = proc_kilobytes("/proc/meminfo").get("MemAvailable")
    rooms = [] if free is None else [free]
    for line in read_text("/proc/self/cgroup").splitlines():
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if number == "0":
            rooms += group_rooms("/sys/fs/cgroup", path, "memory.max", "memory.current", "")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
            rooms += group_rooms("/sys/fs/cgroup/memory", path, *names)
    return min(rooms) if rooms else None


def group_rooms(root: str, path: str, limit: str, usage: str, prefix: str) -> list[int]:
    """What a control group and those above it still allow, where they set a limit."""
    rooms = []
    group = Path(root, path.lstrip("/"))
    for folder in [group, *group.parents]:
        most, used = read_text(folder / limit).strip(), read_text(folder / usage).strip()
        if most.isdigit() and used.isdigit():
            lines = [line.split() for line in read_text(folder / "memory.stat").splitlines()]
            figures = {words[0]: words[1] for words in lines if len(words) == 2}
            files = sum(
                int(figures.get(f"{prefix}{age}_file", 0)) for age in ("active", "inactive")
            )
            rooms.append(min(max(int(most) - int(used) + files, 0), int(most)))
        if str(folder) == root:
            break
    return rooms


def resident() -> tuple[int, int]:
    """Bytes of this process in memory, now and at most; zeros where nobody tells."""
    figures = proc_kilobytes("/proc/self/status")
    return figures.get("VmRSS", 0), figures.get("VmHWM", 0)


def proc_kilobytes(path: str) -> dict[str, int]:
    """The lines `Name: N kB` of a file of proc(5), in bytes."""
    found = re.findall(r"^(\w+):\s+(\d+) kB$", read_text(path), re.MULTILINE)
    return {name: int(number) * 1024 for name, number in found}


def read_text(path: Any) -> str:
    """A small file of the kernel's; empty where it cannot be read."""
    try:
        return Path(path).read_text("ascii", "replace")
    except OSError:
        return ""


def give_back(torch: Any) -> None:
    """Have the driver get back what this process has of a GPU and uses no more.

    Torch keeps for the next time what was freed, on the GPU and of the pinned memory of the host,
    and the room in which a matrix product was worked out: a process that holds weights has no next
    time, and the other programs of the box have.
    """
    torch._C._cuda_clearCublasWorkspaces()
    torch.cuda.empty_cache()
    pinned = getattr(getattr(torch, "accelerator", None), "empty_host_cache", None)
    if pinned is not None:  # an older torch keeps it
        pinned()


class Meter:
    """Measures what a load takes: on a GPU by torch's own count, else by this process's size."""

    def __init__(self, torch: Any, device: Any) -> None:
        self._torch, self._device = torch, device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        self._before = resident()

    def free(self) -> int | None:
        """Bytes free on the device."""
        if self._device.type == "cuda":
            return int(self._torch.cuda.mem_get_info(self._device)[0])
        return available_memory()

    def peak_and_used(self) -> tuple[int, int]:
        """The most that the load took, and what ending the process gives back now.

        A GPU's context comes on top, which torch does not tell.
        """
        cuda = self._torch.cuda
        if self._device.type == "cuda":
            return cuda.max_memory_reserved(self._device), cuda.memory_reserved(self._device)
        now, most = resident()
        start, most_before = self._before
        return (most if most > most_before else now) - start, now
