"""A hub with the Hub's wire format that costs next to nothing: nginx and files."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COMMIT = "0" * 40
_NGINX = """
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log;
worker_rlimit_nofile 8192;
events {{ worker_connections 1024; }}
http {{
  log_format line '$request_method $status $bytes_sent $uri'; access_log {folder}/access.log line;
  sendfile on; keepalive_requests 1000000; etag on; ssl_protocols TLSv1.3;
  ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  map_hash_bucket_size 256; map_hash_max_size 16384;
  map "$repository/$file" $linked {{ default ""; include {folder}/linked.map; }}
  server {{
    listen 127.0.0.1:{plain}; listen 127.0.0.1:{secure} ssl;
    location ~ ^/(?<repository>[^/]+/[^/]+)/resolve/[^/]+/(?<file>.+)$ {{
      alias {folder}/repositories/$repository/$file;
      add_header X-Repo-Commit {commit}; add_header X-Linked-Etag $linked;
    }}
    location ~ ^/api/models/(?<repository>[^/]+/[^/]+)/tree/ {{
      alias {folder}/repositories/$repository/.tree; default_type application/json;
    }}
    location ~ ^/api/models/(?<repository>[^/]+/[^/]+) {{
      alias {folder}/repositories/$repository/.info; default_type application/json;
    }}
  }}
  server {{
    listen 127.0.0.1:{limited};
    location ~ ^/(?<repository>[^/]+/[^/]+)/resolve/[^/]+/(?<file>.+)$ {{
      alias {folder}/repositories/$repository/$file; limit_rate {limit};
      add_header X-Repo-Commit {commit}; add_header X-Linked-Etag $linked;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Content:
    """One file of a repository."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Hub:
    """A running hub."""

    folder: Path
    plain: str
    secure: str
    limited: str
    """Where each connection gets no more than the limit."""
    certificate: Path

    @staticmethod
    def path_of(repository: str, path: str) -> str:
        """Where a file of a repository is, below the endpoint."""
        return f"/{repository}/resolve/{COMMIT}/{path}"

    def requests(self) -> list[str]:
        """Method, status, bytes and path of every request so far."""
        return (self.folder / "access.log").read_text().splitlines()


def make_repository(
    folder: Path, name: str, sizes: Sequence[int], *, large: bool = True, hollow: bool = False
) -> list[Content]:
    """Write a repository of random files, and what the Hub's API says of it.

    Args:
        folder: the hub's.
        name: of the repository.
        sizes: the bytes of each file.
        large: whether the files are kept as large ones are, so that the listing tells their hash.
        hollow: whether all but the beginning of each file is a hole, which takes no disk.
    """
    place = folder / "repositories" / name
    place.mkdir(parents=True)
    rows, contents = [], []
    for number, size in enumerate(sizes):
        path = f"model-{number:05d}.bin" if len(sizes) > 1 else "model.bin"
        sha256, git_sha1 = _write(place / path, size, hollow=hollow)
        contents.append(Content(path, size, sha256))
        row: dict[str, object] = {"type": "file", "path": path, "oid": git_sha1, "size": size}
        if large:
            row["lfs"] = {"oid": sha256, "size": size, "pointerSize": 135}
            with (folder / "linked.map").open("a") as linked:
                linked.write(f"{name}/{path} '\"{sha256}\"';\n")
        rows.append(row)
    siblings = [{"rfilename": content.path} for content in contents]
    info = {"_id": "0" * 24, "id": name, "sha": COMMIT, "tags": [], "siblings": siblings}
    (place / ".info").write_text(json.dumps(info))
    (place / ".tree").write_text(json.dumps(rows))
    return contents


def copy_repository(folder: Path, name: str, of: str) -> None:
    """Offer the files of a repository under another name too."""
    place, original = folder / "repositories" / name, folder / "repositories" / of
    place.mkdir(parents=True)
    for file in original.iterdir():
        (place / file.name).hardlink_to(file)
    info = json.loads((place / ".info").read_text())
    (place / ".info").unlink()
    (place / ".info").write_text(json.dumps({**info, "id": name}))


@contextmanager
def serve(folder: Path, limit: str = "50m") -> Iterator[Hub]:
    """Serve the repositories below a folder; without nginx there is nothing to compare with."""
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
    if nginx is None:
        raise SystemExit("this benchmark needs nginx (apt-get install nginx-light)")
    (folder / "linked.map").touch()
    _certify(folder)
    plain, secure, limited = (free_port() for _ in range(3))
    config = folder / "nginx.conf"
    config.write_text(
        _NGINX.format(
            folder=folder, plain=plain, secure=secure, limited=limited, limit=limit, commit=COMMIT
        )
    )
    command = [nginx, "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]
    if os.geteuid() == 0:
        command += ["-g", "user root;"]
    with subprocess.Popen(command) as server:
        try:
            wait_for(plain)
            yield Hub(
                folder,
                f"http://127.0.0.1:{plain}",
                f"https://localhost:{secure}",
                f"http://127.0.0.1:{limited}",
                folder / "certificate.pem",
            )
        finally:
            server.terminate()


@contextmanager
def distant(hub: Hub, round_trip: float) -> Iterator[str]:
    """The hub at the other end of a long link, of so many milliseconds to it and back."""
    program = hub.folder / "delay"
    source = Path(__file__).with_name("delay.c")
    subprocess.run(["cc", "-O2", "-pthread", "-o", program, source], check=True)
    port = free_port()
    command = [str(program), str(port), hub.plain.rpartition(":")[2], str(round_trip)]
    with subprocess.Popen(command) as proxy:
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            proxy.terminate()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until somebody listens on a port."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("the server did not start")


def _write(path: Path, size: int, *, hollow: bool) -> tuple[str, str]:
    """Random bytes in a file; their SHA-256 and git's id of them."""
    hole = bytes(1024**2)
    sha256, git = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("wb") as file:
        while size:
            empty = hollow and file.tell() > 0
            block = hole[:size] if empty else os.urandom(min(size, 1024**2))
            sha256.update(block)
            git.update(block)
            if empty:
                file.seek(len(block), os.SEEK_CUR)
            else:
                file.write(block)
            size -= len(block)
        file.truncate()
    return sha256.hexdigest(), git.hexdigest()


def _certify(folder: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
