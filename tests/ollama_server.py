"""A registry, a library's page and a daemon that speak Ollama's protocols, on loopback."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
_IMAGE = "application/vnd.ollama.image."
_AT_LOAD = ("num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread")
"""A request that differs in one of them has a model loaded anew, but for fewer than no layers on
GPUs: those it leaves as they are."""


@dataclass(frozen=True)
class Asked:
    """One request that arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    port: int
    """Of the server that it arrived at."""
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path


@dataclass(frozen=True)
class Said:
    """One answer. `length` overrides the declared length.

    One that drips sends a byte now and then, for as long as the server runs.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    drips: bool = False


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


class OllamaServer:
    """Two origins: what a registry, library and daemon answer, and where the bytes of blobs are.

    `faults` answers paths in the place of all else; a list does so as often as it is long.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.faults: dict[str, Said | list[Said]] = {}
        self.manifests: dict[str, bytes] = {}
        """By `namespace/model:tag`."""
        self.blobs: dict[str, bytes] = {}
        self.daemon: list[dict[str, Any]] | None = None
        """What `/api/tags` lists; `None` where there is no daemon."""
        self.memory: dict[str, dict[str, Any]] = {}
        """What `/api/ps` lists, by name; a model comes there when it is asked for."""
        self.vram = 1.0
        """The part of a model that comes onto a GPU."""
        self.embedding: set[str] = set()
        """Models that generate nothing."""
        self.refusals: dict[str, Said] = {}
        """What is answered to who wants a model loaded, by its name."""
        self.loads = 0
        """How often it loaded a model, and was not asked for one that it had like that."""
        self.kept: dict[str, Any] = {}
        """How long it is to keep each model, as it was last told, by name."""
        self._loaded_with: dict[str, dict[str, Any]] = {}
        self.gate = threading.Event()
        """Loads wait for it."""
        self.gate.set()
        self.library: bytes | None = None
        self._lock = threading.Lock()
        self._registry = _Server(self._answer_registry, self._note)
        self._storage = _Server(self._answer_storage, self._note)
        self.url = self._registry.url
        self.port = self._registry.port
        self.storage_port = self._storage.port

    def add(
        self,
        name: str,
        layers: Mapping[str, bytes] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> str:
        """Serve a model; its digest.

        Args:
            name: `namespace/model:tag`.
            layers: bytes by kind: `model`, `template` and so on; `tensor;name=x` has a name.
            config: its configuration.
        """
        plain = {"model_format": "gguf", "model_family": "llama", "model_type": "8.0B"}
        blob = json.dumps(plain | {"file_type": "Q4_K_M"} if config is None else config).encode()
        rows = []
        for kind, body in (layers if layers is not None else {"model": b"weights"}).items():
            media, _, called = kind.partition(";name=")
            row = {"mediaType": _IMAGE + media, "digest": self.keep(body), "size": len(body)}
            rows.append(row | ({"name": called} if called else {}))
        manifest = {
            "schemaVersion": 2,
            "mediaType": _DOCKER,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "digest": self.keep(blob),
                "size": len(blob),
            },
            "layers": rows,
        }
        return self.put(name, json.dumps(manifest).encode())

    def put(self, name: str, manifest: bytes) -> str:
        """Serve the very bytes of a manifest; their digest."""
        self.manifests[name] = manifest
        return hashlib.sha256(manifest).hexdigest()

    def keep(self, body: bytes) -> str:
        """Serve a blob; its digest."""
        self.blobs[digest_of(body)] = body
        return digest_of(body)

    def hold(self, name: str, size: int = 5_000_000, digest: str = "a" * 64) -> None:
        """Let the daemon have a model."""
        entry = {"name": name, "model": name, "size": size, "digest": digest, "details": {}}
        self.daemon = [*(self.daemon or ()), entry]

    @property
    def dripped(self) -> int:
        """Bytes that were sent one by one."""
        return self._registry.dripped

    def paths(self, start: str = "/") -> list[str]:
        """The paths asked for, in order."""
        return [asked.path for asked in self.asked if asked.path.startswith(start)]

    def close(self) -> None:
        self._registry.close()
        self._storage.close()

    def _note(self, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)

    def _answer_registry(self, asked: Asked) -> Said:
        path = asked.path
        fault = self.faults.get(path)
        if isinstance(fault, Said):
            return fault
        if fault:
            return fault.pop(0)
        if path == "/api/tags" and self.daemon is not None:
            return Said(json.dumps({"models": self.daemon}).encode())
        if self.daemon is not None and path == "/api/ps":
            return Said(json.dumps({"models": list(self.memory.values())}).encode())
        if self.daemon is not None and path.startswith("/api/blobs/"):
            return self._answer_blob(path.rpartition("/")[2], asked)
        if self.daemon is not None and path == "/api/create":
            return self._answer_create(json.loads(asked.body))
        if self.daemon is not None and asked.method == "POST":
            return self._answer_load(path, json.loads(asked.body))
        if path == "/library" and self.library is not None:
            return Said(self.library, headers={"Content-Type": "text/html; charset=utf-8"})
        parts = path.removeprefix("/v2/").split("/")
        manifest = self.manifests.get(f"{'/'.join(parts[:2])}:{parts[-1]}")
        if parts[2:3] == ["manifests"] and manifest is not None:
            bare = digest_of(manifest).partition(":")[2]
            return Said(manifest, headers={"ollama-content-digest": bare})
        if parts[2:3] == ["blobs"] and parts[-1] in self.blobs:
            place = f"{self._storage.url}/blobs/{parts[-1]}/data?X-Amz-Expires=86400"
            return Said(status=307, headers={"Location": place})
        if path.startswith("/v2/"):
            error = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
            return Said(json.dumps(error).encode(), 404)
        return Said(b"404 page not found", 404, {"Content-Type": "text/plain"})

    def _answer_blob(self, digest: str, asked: Asked) -> Said:
        if asked.method == "HEAD":
            return Said(status=200 if digest in self.blobs else 404)
        if digest_of(asked.body) != digest:
            return Said(b'{"error":"digest mismatch"}', 400)
        return Said(status=201) if self.keep(asked.body) else Said()

    def _answer_create(self, wish: Mapping[str, Any]) -> Said:
        (digest,) = wish["files"].values()
        if digest not in self.blobs:
            return Said(b'{"error":"blob not found"}', 400)
        self.hold(wish["model"], len(self.blobs[digest]), digest.partition(":")[2])
        return Said(b'{"status":"success"}')

    def _answer_load(self, path: str, wish: Mapping[str, Any]) -> Said:
        """`/api/generate` and `/api/embed` without a prompt."""
        name = wish["model"]
        held = next((one for one in self.daemon or () if one["name"] == name), None)
        if held is None:
            return Said(json.dumps({"error": f"model '{name}' not found"}).encode(), 404)
        if path == "/api/generate" and wish.get("keep_alive") == 0:
            self.memory.pop(name, None)
            return Said(json.dumps({"done": True, "done_reason": "unload"}).encode())
        if path == "/api/generate" and name in self.embedding:
            return Said(json.dumps({"error": f'"{name}" does not support generate'}).encode(), 400)
        if name in self.refusals:
            return self.refusals[name]
        self.gate.wait(60)
        size = held["size"]
        asked = {key: value for key, value in wish.get("options", {}).items() if key in _AT_LOAD}
        context = asked.setdefault("num_ctx", 8192)
        there = self._loaded_with.get(name, {}) if name in self.memory else None
        if asked.setdefault("num_gpu", -1) < 0 and there is not None:
            there = {**there, "num_gpu": -1}
        if there != asked:
            self.loads += 1
            self._loaded_with[name] = asked
        elif "keep_alive" not in wish:
            return Said(json.dumps({"done": True, "done_reason": "load"}).encode())
        stays = wish.get("keep_alive") == -1
        self.kept[name] = wish.get("keep_alive", "5m")
        self.memory[name] = {
            "name": name,
            "model": name,
            "size": size,
            "size_vram": int(size * self.vram),
            "digest": held["digest"],
            "expires_at": f"{2318 if stays else 2026}-10-10T08:30:00.1234567+02:00",
            "context_length": context,
        }
        return Said(json.dumps({"done": True, "done_reason": "load"}).encode())

    def _answer_storage(self, asked: Asked) -> Said:
        digest = asked.path.split("/")[2]
        body = self.blobs[digest]
        headers = {"ETag": f'"{digest[7:39]}"', "Accept-Ranges": "bytes"}
        wanted = asked.headers.get("range", "").removeprefix("bytes=").partition("-")
        if not wanted[0]:
            return Said(body, headers=headers)
        start, end = int(wanted[0]), min(int(wanted[2] or len(body)) + 1, len(body))
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(body)}"
        return Said(body[start:end], 206, headers)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.connections: list[Any] = []
        self.dripped = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        super().process_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of the tests."""


class _Server:
    """One origin."""

    def __init__(self, answer: Any, note: Any) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = 65_536

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                port = self.server.server_address[1]
                asked = Asked(self.command, self.path, headers, port, body)
                note(asked)
                said = answer(asked)
                self.send_response_only(said.status)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                length = len(said.body) if said.length is None else said.length
                length = 1_000_000 if said.drips else length
                self.send_header("Content-Length", str(length))
                self.end_headers()
                while said.drips:
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    self.server.dripped += 1
                    time.sleep(0.05)
                if self.command != "HEAD":
                    self.wfile.write(said.body)
                if length != len(said.body):
                    self.close_connection = True

            do_HEAD = do_GET
            do_POST = do_GET

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def dripped(self) -> int:
        return self._server.dripped

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        for connection in self._server.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
