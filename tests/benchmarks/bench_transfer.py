"""A verified transfer against curl and `hf download`: 1 GiB from a local server, side by side.

    python tests/benchmarks/bench_transfer.py [--rounds 5] [--size-mib 1024] [--folder DIR]

Every program runs in a process of its own, interleaved round by round. Each run is preceded by
writing and unlinking a larger file: virtual machines that report free memory to their host pay
for it again at the first write, which would be counted as the program's.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "transfer"))

MIB = 1024**2
COMMIT = "0" * 40
NGINX = """
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; keepalive_requests 100000; etag on;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{port};
    location ~ ^/bench/model/resolve/[^/]+/(model.bin)$ {{
      alias {folder}/$1; add_header X-Repo-Commit {commit}; add_header X-Linked-Etag '"{sha256}"';
    }}
    location ~ ^/api/models/bench/model/tree/ {{
      alias {folder}/tree.json; default_type application/json;
    }}
    location ~ ^/api/models/bench/model {{
      alias {folder}/info.json; default_type application/json;
    }}
    location / {{ root {folder}; limit_rate {limit}; }}
  }}
}}
"""


def fetch(url: str, path: str, sha256: str) -> None:
    """What the child process of our own case runs."""
    from plain_file import PlainFile

    from tui_hub.transfer import Options, Request, Transfer

    begin = time.monotonic()
    transfer = Transfer(
        Request(url=url, sha256=sha256), PlainFile(Path(path)), Options(environment={})
    )
    result = transfer.run()
    print(json.dumps({"inner": time.monotonic() - begin, "verified": result.verified}))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(folder: Path, sha256: str, limit: str) -> Iterator[str]:
    """Serve the folder with nginx; without nginx there is nothing to compare with."""
    nginx = shutil.which("nginx")
    if nginx is None:
        raise SystemExit("this benchmark needs nginx (apt-get install nginx-light)")
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(
        NGINX.format(folder=folder, port=port, commit=COMMIT, sha256=sha256, limit=limit)
    )
    command = [nginx, "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]
    if os.geteuid() == 0:
        command += ["-g", "user root;"]
    with subprocess.Popen(command) as server:
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def prewarm(folder: Path, size: int) -> None:
    path = folder / "prewarm"
    with path.open("wb") as file:
        block = bytes(8 * MIB)
        for _ in range(size // len(block)):
            file.write(block)
    path.unlink()


def measure(command: list[str], environment: dict[str, str]) -> tuple[dict[str, float], str]:
    """Wall and CPU seconds and peak memory of one process with its children."""
    begin = time.monotonic()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed: {process.returncode}")
    cpu = usage.ru_utime + usage.ru_stime
    return {"wall": wall, "cpu": cpu, "rss": usage.ru_maxrss / 1024, "inner": wall}, output


def cases(base: str, folder: Path, sha256: str) -> dict[str, list[str]]:
    out = str(folder / "out.bin")
    found = {
        "tui-hub download": [
            *(sys.executable, "-m", "tui_hub", "download", "bench/model"),
            *("--home", str(folder / "home")),
        ],
        "transfer alone": [
            sys.executable, __file__, "--fetch", f"{base}/model.bin", out, sha256,
        ],
        "curl -o": ["curl", "-s", "-o", out, f"{base}/model.bin"],
    }  # fmt: skip
    hf = Path(sys.executable).with_name("hf")
    if hf.exists():
        found["hf download"] = [str(hf), "download", "bench/model", "model.bin", "--quiet"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size-mib", type=int, default=1024)
    parser.add_argument("--folder", default=None)
    parser.add_argument("--limit", default="0", help="nginx limit_rate of one connection")
    parser.add_argument("--fetch", nargs=3)
    options = parser.parse_args()
    if options.fetch:
        fetch(*options.fetch)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        run_all(Path(name), options.size_mib * MIB, options.rounds, options.limit)


def run_all(folder: Path, size: int, rounds: int, limit: str) -> None:
    digest = hashlib.sha256()
    with (folder / "model.bin").open("wb") as file:
        for _ in range(size // MIB):
            block = os.urandom(MIB)
            digest.update(block)
            file.write(block)
    sha256 = digest.hexdigest()
    describe(folder, size, sha256)
    results: dict[str, list[dict[str, float]]] = {}
    with serve(folder, sha256, limit) as base:
        environment = {
            **os.environ,
            "HF_ENDPOINT": base,
            "HF_HOME": str(folder / "hf"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        }
        for _ in range(rounds):
            for case, command in cases(base, folder, sha256).items():
                prewarm(folder, 9 * size // 4)
                figures, output = measure(command, environment)
                if case == "transfer alone":
                    figures["inner"] = json.loads(output)["inner"]
                results.setdefault(case, []).append(figures)
                (folder / "out.bin").unlink(missing_ok=True)
                shutil.rmtree(folder / "hf", ignore_errors=True)
                shutil.rmtree(folder / "home", ignore_errors=True)
    report(results, size)


def describe(folder: Path, size: int, sha256: str) -> None:
    """Write what the Hub's API says of the model, for the whole command."""
    info = {"_id": "0" * 24, "id": "bench/model", "sha": COMMIT, "tags": [], "siblings": []}
    (folder / "info.json").write_text(json.dumps(info))
    large = {"oid": sha256, "size": size, "pointerSize": 135}
    row = {"type": "file", "path": "model.bin", "oid": "0" * 40, "size": size, "lfs": large}
    (folder / "tree.json").write_text(json.dumps([row]))


def report(results: dict[str, list[dict[str, float]]], size: int) -> None:
    gib = size / 1024**3
    curl = statistics.median(row["wall"] for row in results["curl -o"])
    print(f"{'case':22}{'wall s':>8}{'inner s':>9}{'CPU s/GiB':>11}{'RSS MiB':>9}{'x curl':>8}")
    for case, rows in results.items():
        wall, inner, cpu, rss = (
            statistics.median(row[key] for row in rows) for key in ("wall", "inner", "cpu", "rss")
        )
        print(f"{case:22}{wall:8.2f}{inner:9.2f}{cpu / gib:11.2f}{rss:9.0f}{inner / curl:8.2f}")


if __name__ == "__main__":
    main()
