"""What a transfer costs, side by side with what people use instead, on a hub of nginx's.

    python tests/benchmarks/bench_transfer.py [CASE ...] [--rounds 5] [--gib 1] [--folder DIR]

Every program runs in a process of its own, interleaved round by round, after writing as much
as it will take: see `measuring.prewarm`. Ours verify what they fetch; the others do what
they do. The figures that each case should reach stand below its table. Needs nginx and openssl;
curl, `hf`, aria2c and cc for what is compared with them.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from transfer_cases import again, lanes, screen, single, small
from transfer_cases.hub import Content, Hub, copy_repository, make_repository, serve
from transfer_cases.measuring import GIB, MIB

CASES = ("plain", "tls", "limited", "distance", "files", "small", "resume", "renamed", "screen")


def main() -> None:
    """Make the hub's files, and run the cases that are asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--gib", type=float, default=1, help="size of the large file")
    parser.add_argument("--folder", default=None, help="where to work; several times the size")
    options = parser.parse_args()
    chosen = options.cases or list(CASES)
    if unknown := set(chosen) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        (content,) = make_repository(folder, "bench/model", [int(options.gib * GIB)])
        others = [f"bench/other-{number}" for number in range(options.rounds)]
        for other in others:
            copy_repository(folder, other, "bench/model")
        if "files" in chosen:
            make_repository(folder, "bench/files", [2 * MIB] * 100)
        if "small" in chosen:
            make_repository(folder, "bench/small", [20_000] * 2000, large=False)
        eight = [f"bench/large-{number}" for number in range(8)]
        for name in eight if "screen" in chosen else ():
            make_repository(folder, name, [int(1.5 * GIB)], hollow=True)
        with serve(folder) as hub:
            _run(hub, content, others, eight, chosen, options.rounds)


def _run(
    hub: Hub,
    content: Content,
    others: list[str],
    eight: list[str],
    chosen: list[str],
    rounds: int,
) -> None:
    cases: dict[str, Callable[[], None]] = {
        "plain": lambda: single.plain(hub, content, rounds),
        "tls": lambda: single.secure(hub, content, rounds),
        "limited": lambda: lanes.limited(hub, content, rounds),
        "distance": lambda: lanes.distance(hub, content, rounds),
        "files": lambda: small.many(hub, "bench/files", 100, 2 * MIB, rounds),
        "small": lambda: small.many(hub, "bench/small", 2000, 20_000, rounds),
        "resume": lambda: again.resumed(hub, content, rounds),
        "renamed": lambda: again.renamed(hub, content, others),
        "screen": lambda: screen.eight_downloads(hub, eight),
    }
    for case in chosen:
        cases[case]()


if __name__ == "__main__":
    main()
