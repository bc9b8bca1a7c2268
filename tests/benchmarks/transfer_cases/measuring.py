"""Running programs side by side, and what their runs cost."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

MIB = 1024**2
GIB = 1024**3
TESTS = Path(__file__).resolve().parents[2]

Figures: TypeAlias = dict[str, float]
Results: TypeAlias = dict[str, list[Figures]]
"""The figures of every round by the name of the program."""


@dataclass(frozen=True)
class Command:
    """A program to measure."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] = lambda: None
    """What happens before it, unmeasured."""
    finish: Callable[[Figures], None] = lambda figures: None
    """What happens after it, unmeasured; may add figures."""


def prewarm(folder: Path, size: int) -> None:
    """Write so many bytes to a file, and remove it.

    Virtual machines report free memory to their host and pay for it again at the first write,
    which would be counted as the program's. Memory that no file was in does not do.
    """
    path, block = folder / "prewarm", bytes(8 * MIB)
    with path.open("wb") as file:
        for _ in range(size // len(block) + 1):
            file.write(block)
    path.unlink()


def measure(command: Command) -> Figures:
    """Wall and CPU seconds and peak memory of one process with its children.

    A program of ours prints a JSON object of further figures in its last line.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **command.environment}
    begin = time.monotonic()
    process = subprocess.Popen(
        command.arguments,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    output, complaint = process.stdout, process.stderr
    assert output is not None and complaint is not None
    said = output.read()
    complained = complaint.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    output.close()
    complaint.close()
    if process.returncode:
        raise SystemExit(f"{' '.join(command.arguments)}: {process.returncode}\n{complained}{said}")
    figures = {
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "rss": usage.ru_maxrss / 1024,
    }
    last = said.strip().rpartition("\n")[2]
    if last.startswith("{") and last.endswith("}"):
        told = json.loads(last)
        figures.update({key: told[key] for key in told if isinstance(told[key], int | float)})
    return figures


def interleave(folder: Path, commands: Mapping[str, Command], rounds: int, memory: int) -> Results:
    """Run every program once in each round, each after the same preparation.

    Args:
        folder: where they write.
        commands: the programs by name.
        rounds: how often.
        memory: bytes that one of them writes.
    """
    results: Results = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            command.prepare()
            prewarm(folder, memory + memory // 2)
            figures = measure(command)
            command.finish(figures)
            results[name].append(figures)
    return results


def median(rows: Sequence[Figures], key: str) -> float:
    """The median of a figure over all rounds; not a number where it was never taken."""
    found = [row[key] for row in rows if key in row]
    return statistics.median(found) if found else float("nan")


def table(title: str, results: Results, keys: Sequence[str]) -> None:
    """Print the medians of some figures, and how far the wall seconds lie apart."""
    load = os.getloadavg()[0]
    rounds = max(len(rows) for rows in results.values())
    print(f"\n{title} (medians of {rounds}, load {load:.1f})")
    print(f"{'':34}" + "".join(f"{key:>12}" for key in keys) + "   wall min-max")
    for name, rows in results.items():
        cells = "".join(_cell(median(rows, key)) for key in keys)
        walls = [row["wall"] for row in rows]
        print(f"{name:34}{cells}   {min(walls):.2f}-{max(walls):.2f}", flush=True)


def goal(name: str, value: float, limit: float, *, least: bool = False) -> None:
    """Print whether a figure is what it should be."""
    good = value >= limit if least else value <= limit
    sign = "at least" if least else "at most"
    print(f"  {'ok  ' if good else 'MISS'} {name}: {value:.3g} ({sign} {limit:g})", flush=True)


def _cell(value: float) -> str:
    return f"{'-':>12}" if value != value else f"{value:12.3f}" if value < 100 else f"{value:12.0f}"
