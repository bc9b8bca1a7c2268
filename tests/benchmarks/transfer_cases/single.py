"""One large file over a link that one connection fills, plain and over TLS 1.3."""

from __future__ import annotations

from transfer_cases.hub import Content, Hub
from transfer_cases.measuring import GIB, goal, interleave, median, table
from transfer_cases.programs import curl, engine, hf, ours

KEYS = ("wall", "to hash", "cpu", "engine_cpu", "rss", "grown", "tail_ms", "commit")


def plain(hub: Hub, content: Content, rounds: int) -> None:
    """Without TLS, where the disk and the hash are what takes time."""
    gib = content.size / GIB
    commands = {
        "engine": engine(hub, hub.plain, content),
        "tui-hub download": ours(hub, hub.plain),
        "curl": curl(hub, hub.plain, content),
        "hf download": hf(hub, hub.plain, "bench/model", content.path),
    }
    results = interleave(hub.folder, commands, rounds, content.size)
    table(f"{gib:g} GiB, plain", results, KEYS)
    mine, other = results["engine"], median(results["hf download"], "wall")
    goal("engine / hf download", median(mine, "to hash") / other, 0.5)
    goal("command / hf download", median(results["tui-hub download"], "wall") / other, 0.5)
    goal("engine / curl", median(mine, "to hash") / median(results["curl"], "wall"), 0.9)
    goal("engine CPU s/GiB", median(mine, "cpu") / gib, 1.5)
    goal("command CPU s/GiB", median(results["tui-hub download"], "cpu") / gib, 1.5)
    goal("engine memory MiB", median(mine, "grown"), 30)
    goal("verified ms after the last byte", median(mine, "tail_ms"), 50)


def secure(hub: Hub, content: Content, rounds: int) -> None:
    """Over TLS 1.3, as everything comes."""
    gib = content.size / GIB
    commands = {
        "engine": engine(hub, hub.secure, content),
        "tui-hub download": ours(hub, hub.secure),
        "curl; openssl dgst": curl(hub, hub.secure, content, digest=True),
        "curl": curl(hub, hub.secure, content),
    }
    results = interleave(hub.folder, commands, rounds, content.size)
    table(f"{gib:g} GiB, TLS 1.3", results, KEYS)
    mine, other = results["engine"], median(results["curl; openssl dgst"], "wall")
    goal("engine / curl; openssl", median(mine, "to hash") / other, 0.8)
    goal("command / curl; openssl", median(results["tui-hub download"], "wall") / other, 0.8)
    goal("engine CPU s/GiB", median(mine, "cpu") / gib, 1.6)
    goal("verified ms after the last byte", median(mine, "tail_ms"), 50)
