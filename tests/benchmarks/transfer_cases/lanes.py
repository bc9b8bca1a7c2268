"""Links that one connection does not fill: a limit for each connection, and a long way."""

from __future__ import annotations

from transfer_cases.hub import Content, Hub, distant
from transfer_cases.measuring import MIB, goal, interleave, median, table
from transfer_cases.programs import aria2, chosen, curl, engine

LIMIT = 50 * MIB
"""Bytes a second of one connection where the hub limits them."""
ROUND_TRIP = 30
KEYS = ("wall", "inner", "MB/s", "cpu", "tail_ms", "commit")


def limited(hub: Hub, content: Content, rounds: int) -> None:
    """Each connection gets 50 MiB/s."""
    numbers = (1, 2, 4, 8, 16)
    commands = {f"engine, {n} lanes": engine(hub, hub.limited, content, n) for n in numbers}
    commands |= chosen({"aria2c -x16 -s16": aria2(hub, hub.limited, content, 16)})
    results = interleave(hub.folder, commands, rounds, content.size)
    table(f"{content.size // MIB} MiB, 50 MiB/s to a connection", results, KEYS)
    for number in numbers:
        speed = content.size / median(results[f"engine, {number} lanes"], "inner")
        goal(f"share of {number} x 50 MiB/s", speed / number / LIMIT, 0.9, least=True)


def distance(hub: Hub, content: Content, rounds: int) -> None:
    """A round trip of 30 ms, slow start, and a window of 3 MiB to a connection."""
    with distant(hub, ROUND_TRIP) as base:
        commands = chosen(
            {
                "engine, 8 lanes": engine(hub, base, content, 8),
                "engine, 16 lanes": engine(hub, base, content, 16),
                "aria2c -x8 -s8": aria2(hub, base, content, 8),
                "curl": curl(hub, base, content),
            }
        )
        results = interleave(hub.folder, commands, rounds, content.size)
    table(f"{content.size // MIB} MiB, {ROUND_TRIP} ms round trip", results, KEYS)
    if "aria2c -x8 -s8" in results:
        other = median(results["aria2c -x8 -s8"], "wall")
        mine = median(results["engine, 8 lanes"], "to hash")
        goal("speed of the engine / aria2c -x8", other / mine, 1.1, least=True)
