"""A small HTTP server to be run as a user's command; its arguments say how it behaves.

PORT [--delay SECONDS] [--fail] [--deaf] [--talk BYTES] [--child FILE] [--gpu FILE] [--hidden FILE]
[--wait FILE] [--model NAME]
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("--delay", type=float, default=0.0)
parser.add_argument("--fail", action="store_true")
parser.add_argument("--deaf", action="store_true")
parser.add_argument("--talk", type=int, default=0)
parser.add_argument("--child", default="")
parser.add_argument("--model", default="")
parser.add_argument("--gpu", default="")
parser.add_argument("--hidden", default="")
parser.add_argument("--wait", default="")
options = parser.parse_args()

ready = time.monotonic() + options.delay


class Handler(BaseHTTPRequestHandler):
    """Health with 503 until it is ready, `/environment` and `/die`."""

    def do_GET(self) -> None:
        if self.path == "/die":
            os._exit(7)
        well = self.path == "/environment" or time.monotonic() >= ready
        words = "\n".join(f"{name}={value}" for name, value in os.environ.items())
        body = words.encode() if self.path == "/environment" else options.model.encode()
        self.send_response(200 if well else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


if options.deaf:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
while options.wait and not os.path.exists(options.wait):  # noqa: PTH110
    time.sleep(0.02)
if options.talk:
    line = b"x" * 99 + b"\n"
    for _ in range(options.talk // 100):
        sys.stdout.buffer.write(line)
    print("that was a lot")
    sys.stdout.flush()
if options.child:
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    child = subprocess.Popen(sleeper, start_new_session=True)
    with open(options.child, "w") as file:  # noqa: PTH123 - started thousands of times, and lean
        file.write(str(child.pid))
if options.gpu:
    with open(options.gpu, "a") as file:  # noqa: PTH123
        file.write(f"1.compute={os.getpid()}:7000000000\n")
if options.hidden:
    with open(options.hidden) as file:  # noqa: PTH123
        told = file.read()
    with open(options.hidden, "w") as file:  # noqa: PTH123
        file.write("0.free=80000000000\n" + told)
if options.fail:
    print("loading the model", flush=True)
    print("\x1b[31merror: this model is no good\x1b[0m", file=sys.stderr, flush=True)
    sys.exit(3)
server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
if not options.deaf:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    time.sleep(3600)
