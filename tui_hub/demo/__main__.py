"""`python -m tui_hub.demo`: serve until the input closes or the parent is gone.

Prints one line of JSON when it is ready: `{"endpoint", "cdn", "token"}`.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import sys
import time

from tui_hub.demo.hub import PER_CONNECTION, TOTAL, DemoHub
from tui_hub.demo.life import Life

_LOOK_EVERY = 1.0
"""Seconds between looks at the parent."""
_INTERRUPTED = 130
"""What a shell reports for a program that Ctrl-C ended."""


def main() -> int:
    """Read the options, serve, wait for the end, and return the exit code."""
    parser = argparse.ArgumentParser(prog="tui_hub.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the hub; 0 takes any")
    parser.add_argument(
        "--throttle",
        type=int,
        default=PER_CONNECTION,
        help="bytes a second of one answer; 0 is off",
    )
    parser.add_argument(
        "--total", type=int, default=TOTAL, help="bytes a second of all answers; 0 is off"
    )
    parser.add_argument(
        "--later",
        action="store_true",
        help="what happens by itself has happened, for a home that may have seen it",
    )
    options = parser.parse_args()
    try:
        _serve(options.port, options.throttle, options.total, later=options.later)
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def _serve(port: int, throttle: int, total: int, *, later: bool) -> None:
    """Serve until the input ends or the parent changes."""
    parent = os.getppid()
    hub = DemoHub(per_connection=throttle, total=total, port=port)
    life = Life(hub, time.monotonic())
    if later:
        life.catch_up()
    with hub:
        ready = {"endpoint": hub.endpoint, "cdn": hub.cdn, "token": hub.token}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        while os.getppid() == parent:
            life.go_on(time.monotonic())
            readable, _, _ = select.select([sys.stdin], [], [], _LOOK_EVERY)
            if readable and not os.read(sys.stdin.fileno(), 4096):
                return


if __name__ == "__main__":
    sys.exit(main())
