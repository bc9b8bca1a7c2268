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


def first_frame(environment: dict[str, str]) -> float:
    """Seconds from exec to the first frame on a terminal of 120 by 36."""
    started = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(sys.executable, [sys.executable, "-m", "tui_hub"], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    seen = b""
    try:
        while MARKER not in seen:
            if time.perf_counter() - started > DEADLINE:
                raise TimeoutError(seen[-500:])
            if select.select([terminal], [], [], 0.5)[0]:
                seen += os.read(terminal, 65536)
        return time.perf_counter() - started
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


def version(environment: dict[str, str]) -> float:
    """Seconds that `--version` takes."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "tui_hub", "--version"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


def modules(environment: dict[str, str]) -> list[str]:
    """The packages that are imported when the screen is about to draw."""
    code = (
        "import sys, tui_hub.cli, tui_hub.services, tui_hub.tui.app, tui_hub.tui.screens.browse;"
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
        frames = sorted(first_frame(environment) for _ in range(runs))
        versions = sorted(version(environment) for _ in range(runs))
        print(f"first frame: median {statistics.median(frames) * 1000:.0f} ms,")
        print(f"             {frames[0] * 1000:.0f} to {frames[-1] * 1000:.0f} ms, {runs} runs")
        print(f"--version:   median {statistics.median(versions) * 1000:.0f} ms")
        print("third-party modules:", *modules(environment))


if __name__ == "__main__":
    main()
