"""A Python with torch that is forked for each process that would import torch by itself.

Run as `python warm_child.py DESCRIPTOR`; `warm_torch` talks to it over that socket.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from pathlib import Path

import torch

Order = dict[str, object]


def serve(line: socket.socket) -> None:
    """Fork for each order, and tell of each fork and of each end, until nobody asks any more."""
    wakes, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select((line, wakes), (), ())
        if wakes in ready:
            os.read(wakes, 100)
            with contextlib.suppress(ChildProcessError):
                while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                    tell(line, ended=ended[0], status=os.waitstatus_to_exitcode(ended[1]))
        if line in ready:
            words, descriptors, _, _ = socket.recv_fds(line, 1024 * 1024, 2)
            if not words:
                return
            pid = os.fork()
            if not pid:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for descriptor in (line.detach(), wakes, wake):
                    os.close(descriptor)
                become(json.loads(words), *descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            tell(line, begun=pid)


def tell(line: socket.socket, **facts: int) -> None:
    """Say something to whoever orders."""
    line.send(json.dumps(facts).encode())


def become(order: Order, output: int, inherited: int) -> None:
    """Be the process that was ordered. Does not return."""
    os.setsid()
    os.chdir(str(order["folder"]))
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[call-overload]
    sys.argv = [str(order["script"]), str(order["name"]), str(inherited)]
    status = 1
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    assert torch.__version__
    serve(socket.socket(fileno=int(sys.argv[1])))
