"""How long the program takes to its first frame, in a real pseudo-terminal, and to its version.

Run by hand: `python tests/benchmarks/bench_startup.py [runs]`. Prints medians. A curated
catalogue is made first, so that the frame has something to show.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

MARKER = b"Browse"
"""What stands in the top bar of the first frame."""
DEADLINE = 20.0


def first_frame(environment: dict[str, str], *program: str) -> tuple[float, float]:
    """Seconds from exec to the first frame on a terminal of 120 by 36, by the clock and the CPU."""
    started = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(sys.executable, [sys.executable, *program], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    seen = b""
    try:
        while MARKER not in seen:
            if time.perf_counter() - started > DEADLINE:
                raise TimeoutError(seen[-500:])
            if select.select([terminal], [], [], 0.5)[0]:
                seen += os.read(terminal, 65536)
        took = time.perf_counter() - started
    finally:
        os.kill(pid, signal.SIGKILL)
        usage = os.wait4(pid, 0)[2]
        os.close(terminal)
    return took, usage.ru_utime + usage.ru_stime


def version(environment: dict[str, str]) -> float:
    """Seconds that `--version` takes."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "tui_hub", "--version"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


def modules(environment: dict[str, str]) -> list[str]:
    """The packages that are imported when the screen is about to draw."""
    code = (
        "import sys, tui_hub.cli, tui_hub.settings, tui_hub.tui.app, tui_hub.tui.screens.browse;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return [name for name in done.stdout.split() if name not in sys.stdlib_module_names]


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "TUI_HUB_HOME": home, "TERM": "xterm-256color"}
        environment["TUI_HUB_SYNC__ENABLED"] = "false"
        sync = [sys.executable, "-m", "tui_hub", "sync", "curated", "-q"]
        subprocess.run(sync, env=environment, check=True, capture_output=True)
        bare = os.path.join(os.path.dirname(__file__), "bare_screen.py")  # noqa: PTH118, PTH120
        ours, theirs = [], []
        for _ in range(runs):  # in turns, so that a busy moment strikes both
            theirs.append(first_frame(environment, bare))
            ours.append(first_frame(environment, "-m", "tui_hub"))
        versions = sorted(version(environment) for _ in range(runs))
        for kind, what in enumerate(("wall", "CPU")):
            own, other = (statistics.median(one[kind] for one in all_) for all_ in (ours, theirs))
            print(f"first frame, {what}: median {own * 1000:.0f} ms, {own / other:.2f} of a bare")
            print(
                f"             application's {other * 1000:.0f} ms; {runs} runs of each, in turns"
            )
        print(f"--version:   median {statistics.median(versions) * 1000:.0f} ms")
        print("third-party modules:", *modules(environment))


if __name__ == "__main__":
    main()
