"""The process that owns a model's weights, run as a script by whichever Python has torch.

It needs the standard library and torch, nothing of `tui_hub`, and Python 3.9. One process holds
one model, so that ending it gives back every byte, on a GPU too, and no fault in it goes further.

Arguments: the name of its socket in the working directory, and the descriptor of the socket that
leads to whoever started it. Over both it speaks lines of JSON:

    it says first  {"hello": {"protocol": 1, "pid": 7}}, before torch is imported
    is asked       {"id": 1, "command": "ready" | "load" | "status" | "keep" | "end", ...}
    answers        {"id": 1, "progress": {"phase": "load", "done": 5, "total": 9}}, any number
                   {"id": 1, "result": {...}}, or {"id": 1, "error": {"kind", "message", ...}}

Until it is told `keep` it ends when its starter goes away, so that no orphan holds memory.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    # A script's own folder comes first on the path, and its neighbours are not for this process.
    del sys.path[0]

import contextlib
import ctypes
import errno
import importlib
import importlib.metadata
import importlib.util
import json
import mmap
import os
import platform
import re
import resource
import signal
import socket
import stat
import threading
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PROTOCOL = 1
LINE_LIMIT = 1024 * 1024
PROGRESS_SECONDS = 0.1
HEADER_LIMIT = 25_000_000
BRACKET_LIMIT = 1_000_000
"""Objects and lists in a header; the largest models have some 100,000 tensors of three each."""
CHUNK_BYTES = 64 * 1024 * 1024
CHUNK_ELEMENTS = 16 * 1024 * 1024
NESTING_LIMIT = 16
PICKLES = (".pt", ".pth", ".bin", ".ckpt")
PICKLE_TORCH = (2, 10)
"""The first torch whose weights-only loading has no known hole: CVE-2025-32434, CVE-2026-24747."""
DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "C64": "complex64",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}
"""The dtypes of safetensors, `safetensors/src/tensor.rs`, as torch names them."""

Message = dict[str, Any]
Report = Callable[[Message], None]
Tensors = dict[str, Any]


class Failure(Exception):
    """What cannot be done. `kind` is one of the words that the asker knows; `figures` go along."""

    def __init__(self, kind: str, message: str, **figures: Any) -> None:
        super().__init__(message)
        self.answer = {"kind": kind, "message": message, **figures}


# The process and its clients --------------------------------------------------------------------


class Client:
    """Somebody at the other end of a socket."""

    def __init__(self, connection: socket.socket, *, starter: bool = False) -> None:
        self.connection = connection
        self.starter = starter
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        """Say something; who went away is noticed by the reading thread."""
        line = json.dumps(message).encode() + b"\n"
        with self._lock, contextlib.suppress(OSError):
            self.connection.sendall(line)

    def messages(self) -> Iterator[Message]:
        """What the client asks, until it goes away or speaks another language."""
        wrong = (OSError, ValueError, RecursionError)
        with contextlib.suppress(*wrong), self.connection.makefile("rb") as lines:
            while line := lines.readline(LINE_LIMIT):
                message = json.loads(line)
                if not isinstance(message, dict):
                    return
                yield message


class Process:
    """A process with a socket of its own, that answers everybody until it is told to end."""

    slow: tuple[str, ...] = ()
    """Commands that take a while; each gets a thread of its own."""

    def __init__(self, name: str, starter: socket.socket) -> None:
        self.name = name
        self.starter = Client(starter, starter=True)
        self.kept = False
        self.state = "ready"
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(name)
        Path(name).chmod(0o600)
        self._inode = Path(name).stat().st_ino
        self._listening.listen(16)

    def run(self) -> None:
        """Answer everybody, until told to end. Never returns."""
        signal.signal(signal.SIGTERM, lambda *_: self.end())
        for work in (lambda: self._serve(self.starter), self.work):
            threading.Thread(target=work, daemon=True).start()
        while True:
            try:
                client = Client(self._listening.accept()[0])
            except OSError as error:
                # Out of descriptors, or the caller hung up in the queue: others may still come.
                print("accept:", error, file=sys.stderr, flush=True)
                time.sleep(PROGRESS_SECONDS)
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def work(self) -> None:
        """Do what is to be done besides answering."""

    def end(self) -> None:
        """Do what must be done before the end, and leave."""
        self.leave()

    def leave(self) -> None:
        """Leave at once; the kernel and the driver take back every byte."""
        with contextlib.suppress(OSError):
            if Path(self.name).stat().st_ino == self._inode:
                Path(self.name).unlink()
        os._exit(0)

    def commands(self, message: Message, report: Report) -> dict[Any, Callable[[], Message]]:
        """What can be asked besides `end`, by its name."""
        return {"status": self.status, "keep": self._keep}

    def status(self) -> Message:
        """What it says of itself."""
        return {"pid": os.getpid(), "state": self.state, "kept": self.kept}

    def _serve(self, client: Client) -> None:
        client.send({"hello": {"protocol": PROTOCOL, "pid": os.getpid()}})
        for message in client.messages():
            self._answer(client, message)
        if client.starter and not self.kept:
            self.end()
        client.connection.close()

    def _answer(self, client: Client, message: Message) -> None:
        """Answer now what is quick, so that it stays in order; the rest in a thread of its own."""
        if message.get("command") == "end":
            self.end()
        elif message.get("command") in self.slow:
            threading.Thread(target=self._work, args=(client, message), daemon=True).start()
        else:
            self._work(client, message)

    def _work(self, client: Client, message: Message) -> None:
        number = message.get("id")

        def report(progress: Message) -> None:
            client.send({"id": number, "progress": progress})

        try:
            command = self.commands(message, report).get(message.get("command"))
            if command is None:
                raise Failure("failed", "there is no such command")
            answer = {"result": command()}
        except Failure as failure:
            answer = {"error": failure.answer}
        except BaseException as error:  # whatever torch or a file makes of it, the asker hears it
            answer = {"error": Failure("failed", short(error)).answer}
        client.send({"id": number, **answer})

    def _keep(self) -> Message:
        self.kept = True
        return {}


class Child(Process):
    """The weights, and the threads that answer questions about them."""

    slow = ("ready", "load")

    def __init__(self, name: str, starter: socket.socket) -> None:
        super().__init__(name, starter)
        self.state = "importing"
        self.progress: Message | None = None
        self.loaded: Message | None = None
        self.tensors: Tensors = {}
        self.torch: Any = None
        self.info: Message = {}
        self.trouble: Failure | None = None
        self._imported = threading.Event()
        self._busy = threading.Lock()

    def commands(self, message: Message, report: Report) -> dict[Any, Callable[[], Message]]:
        """What can be asked besides `end`, by its name."""

        def keeping(progress: Message) -> None:
            self.progress = progress
            report(progress)

        return {
            **super().commands(message, report),
            "ready": self._ready,
            "load": lambda: self._load(message, keeping),
        }

    def status(self) -> Message:
        """What it says of itself."""
        return {**super().status(), "progress": self.progress, "loaded": self.loaded}

    def work(self) -> None:
        """Import torch."""
        try:
            if torch_version() is None:
                raise Failure("no_torch", f"{sys.executable} has no torch")
            self.torch = importlib.import_module("torch")
            self.info = describe(self.torch)
            self.state = "ready"
        except Failure as failure:
            self.trouble = failure
        except BaseException as error:  # a broken package may do anything, exit included
            self.trouble = Failure("broken_torch", f"torch cannot be imported: {short(error)}")
        if self.trouble is not None:
            self.state = "broken"
        self._imported.set()

    def _ready(self) -> Message:
        self._imported.wait()
        if self.trouble is not None:
            raise self.trouble
        return self.info

    def _load(self, request: Message, report: Report) -> Message:
        self._ready()
        if not self._busy.acquire(blocking=False):
            raise Failure("refused", "a load is under way in this process")
        try:
            if self.loaded is not None:
                raise Failure("refused", "this process holds a model already")
            self.state = "loading"
            self.tensors, self.loaded = load(self.torch, request, report)
            return self.loaded
        finally:
            self.state = "ready" if self.loaded is None else "loaded"
            self.progress = None
            self._busy.release()


# Torch ------------------------------------------------------------------------------------------


def torch_version() -> str | None:
    """The version of the torch that this Python would import, without importing it."""
    try:
        found = importlib.util.find_spec("torch")
    except (ImportError, ValueError):
        found = None
    if found is None or found.origin is None:
        return None
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def describe(torch: Any) -> Message:
    """The version and the devices."""
    devices = [{"device": "cpu", "name": platform.machine(), "memory": total_memory()}]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            gpu = torch.cuda.get_device_properties(index)
            one = {"device": f"cuda:{index}", "name": gpu.name, "memory": gpu.total_memory}
            devices.append(one)
    return {"version": str(torch.__version__), "cuda": torch.version.cuda, "devices": devices}


def choose_device(torch: Any, wanted: str) -> Any:
    """The device of that name; `auto` is the first GPU, else the processor."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "auto":
        wanted = "cuda:0" if gpus else "cpu"
    if wanted != "cpu" and wanted not in [f"cuda:{index}" for index in range(gpus)]:
        raise Failure("refused", f"torch sees no device {wanted[:40]}; it sees {gpus} GPUs")
    return torch.device(wanted)


def choose_dtype(torch: Any, wanted: str) -> Any:
    """The floating dtype of that name; `None` for an empty one."""
    if not wanted:
        return None
    dtype = getattr(torch, wanted, None)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise Failure("refused", f"torch has no floating dtype {wanted[:40]!r}")
    return dtype


def short(error: BaseException) -> str:
    """The first line of an error, with its type."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


# Memory -----------------------------------------------------------------------------------------


def total_memory() -> int | None:
    """Bytes of memory of the box; `None` where nobody tells."""
    return proc_kilobytes("/proc/meminfo").get("MemTotal")


def available_memory() -> int | None:
    """Bytes that a new load may take: the box's, or less where a control group limits this one.

    Pages of files that could be dropped count as free. Sources: proc_meminfo(5), and the kernel's
    `admin-guide/cgroup-v2.rst` and `cgroup-v1/memory.rst`.
    """
    free = proc_kilobytes("/proc/meminfo").get("MemAvailable")
    rooms = [] if free is None else [free]
    for line in read_text("/proc/self/cgroup").splitlines():
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if number == "0":
            rooms += group_rooms("/sys/fs/cgroup", path, "memory.max", "memory.current", "")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
            rooms += group_rooms("/sys/fs/cgroup/memory", path, *names)
    return min(rooms) if rooms else None


def group_rooms(root: str, path: str, limit: str, usage: str, prefix: str) -> list[int]:
    """What a control group and those above it still allow, where they set a limit."""
    rooms = []
    group = Path(root, path.lstrip("/"))
    for folder in [group, *group.parents]:
        most, used = read_text(folder / limit).strip(), read_text(folder / usage).strip()
        if most.isdigit() and used.isdigit():
            lines = [line.split() for line in read_text(folder / "memory.stat").splitlines()]
            figures = {words[0]: words[1] for words in lines if len(words) == 2}
            files = sum(
                int(figures.get(f"{prefix}{age}_file", 0)) for age in ("active", "inactive")
            )
            rooms.append(min(max(int(most) - int(used) + files, 0), int(most)))
        if str(folder) == root:
            break
    return rooms


def resident() -> tuple[int, int]:
    """Bytes of this process in memory, now and at most; zeros where nobody tells."""
    figures = proc_kilobytes("/proc/self/status")
    return figures.get("VmRSS", 0), figures.get("VmHWM", 0)


def proc_kilobytes(path: str) -> dict[str, int]:
    """The lines `Name: N kB` of a file of proc(5), in bytes."""
    found = re.findall(r"^(\w+):\s+(\d+) kB$", read_text(path), re.MULTILINE)
    return {name: int(number) * 1024 for name, number in found}


def read_text(path: Any) -> str:
    """A small file of the kernel's; empty where it cannot be read."""
    try:
        return Path(path).read_text("ascii", "replace")
    except OSError:
        return ""


class Meter:
    """Measures what a load takes: on a GPU by torch's own count, else by this process's size."""

    def __init__(self, torch: Any, device: Any) -> None:
        self._torch, self._device = torch, device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        self._before = resident()

    def free(self) -> int | None:
        """Bytes free on the device."""
        if self._device.type == "cuda":
            return int(self._torch.cuda.mem_get_info(self._device)[0])
        return available_memory()

    def peak_and_used(self) -> tuple[int, int]:
        """The most that the load took, and what ending the process gives back now.

        A GPU's context comes on top, which torch does not tell.
        """
        cuda = self._torch.cuda
        if self._device.type == "cuda":
            return cuda.max_memory_reserved(self._device), cuda.memory_reserved(self._device)
        now, most = resident()
        start, most_before = self._before
        return (most if most > most_before else now) - start, now


# Files ------------------------------------------------------------------------------------------


def open_file(torch: Any, path: str, consent: bool) -> Iterator[tuple[str, Any]]:
    """The tensors of a file by name, mapped into memory with no byte of them read yet."""
    name = Path(path).name[:100]
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise Failure("refused", f"{name} is no regular file")
    suffix = Path(path).suffix.lower()
    if suffix == ".safetensors":
        return open_safetensors(torch, path, name)
    if suffix not in PICKLES:
        raise Failure("refused", f"torch loads safetensors and, with consent, pickles; not {name}")
    if not consent:
        raise Failure("unsafe", f"{name} is a pickle, which can run code of its maker's")
    return open_pickle(torch, path, name)


def open_safetensors(torch: Any, path: str, name: str) -> Iterator[tuple[str, Any]]:
    """The tensors of a safetensors file, as views of the mapped file.

    Format: `safetensors` README, section "Format": a length in eight bytes, a JSON header that
    gives each tensor's dtype, shape and place, then the tensors with no byte between them.
    """
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        header = read_header(file, size, name)
        start = file.tell()
        # Private and read-only: no copy, none counted as promised, pages shared with all readers.
        whole = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
    end = 0
    for key, entry in sorted(header.items(), key=lambda item: place(item[0], item[1], name)):
        begin, stop = entry["data_offsets"]
        if begin != end:
            raise Failure("corrupt", f"{name}: the tensors overlap or leave a hole at {key[:100]}")
        end = stop
    if end > size - start:
        missing = end - (size - start)
        raise Failure("corrupt", f"{name} is truncated: {missing} bytes are missing at its end")
    if end < size - start:
        raise Failure("corrupt", f"{name}: {size - start - end} bytes follow the last tensor")
    for key, entry in header.items():
        yield key, view_tensor(torch, whole, start, key, entry, name)


def read_header(file: Any, size: int, name: str) -> Message:
    """The header as JSON, after all checks that cost less than parsing it."""
    prefix = file.read(9)
    length = int.from_bytes(prefix[:8], "little")
    if prefix[8:] != b"{":
        if prefix[:2] in (b"PK", b"7z", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
            raise Failure("unsafe", f"{name} is a pickle or an archive, whatever its name says")
        raise Failure("corrupt", f"{name} is no safetensors file, or is truncated at its start")
    if length > HEADER_LIMIT:
        raise Failure("corrupt", f"{name}: a header of {length} bytes is more than {HEADER_LIMIT}")
    if length > size - 8:
        raise Failure("corrupt", f"{name} is truncated: it ends inside its header")
    text = b"{" + file.read(length - 1)
    if text.count(b"{") + text.count(b"[") > BRACKET_LIMIT:
        raise Failure("corrupt", f"{name}: the header names more tensors than any model has")
    try:
        header = json.loads(text, object_pairs_hook=lambda pairs: unique(pairs, name))
    except (ValueError, RecursionError):
        raise Failure("corrupt", f"{name}: the header is not JSON") from None
    header.pop("__metadata__", None)
    return dict(header)


def unique(pairs: list[tuple[str, Any]], name: str) -> Message:
    """A JSON object, none of whose keys stands there twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Failure("corrupt", f"{name}: the header names {twice[:100]!r} twice")
    return found


def place(key: str, entry: Any, name: str) -> tuple[int, int]:
    """Where a tensor begins and ends; its entry is checked on the way."""
    try:
        begin, end = entry["data_offsets"]
        numbers = [begin, end, *entry["shape"]]
        right = isinstance(entry["dtype"], str) and len(entry["shape"]) <= 64
    except (KeyError, TypeError, ValueError):
        right, numbers, begin, end = False, [], 0, 0
    right = right and all(type(number) is int and 0 <= number < 2**62 for number in numbers)
    if not right or begin > end:
        raise Failure("corrupt", f"{name}: the header's entry for {key[:100]!r} is wrong")
    return begin, end


def view_tensor(
    torch: Any, whole: mmap.mmap, start: int, key: str, entry: Message, name: str
) -> Any:
    """One tensor of a mapped safetensors file."""
    dtype = getattr(torch, DTYPES.get(entry["dtype"], ""), None)
    if dtype is None:
        word = entry["dtype"][:40]
        raise Failure("refused", f"{name}: {key[:100]} is {word}, which this torch does not know")
    begin, end = entry["data_offsets"]
    count = 1
    for length in entry["shape"]:
        count *= length
    if count * dtype.itemsize != end - begin:
        raise Failure("corrupt", f"{name}: shape and size of {key[:100]} do not agree")
    try:
        if not count:
            return torch.empty(entry["shape"], dtype=dtype)
        data = torch.frombuffer(whole, dtype=torch.uint8, offset=start + begin, count=end - begin)
        return data.view(dtype).view(entry["shape"])
    except (RuntimeError, OverflowError):
        raise Failure("corrupt", f"{name}: {key[:100]} has an impossible shape") from None


def open_pickle(torch: Any, path: str, name: str) -> Iterator[tuple[str, Any]]:
    """The tensors of what `torch.save` wrote, read weights-only and never in any other way."""
    version = tuple(int(number) for number in re.findall(r"\d+", torch.__version__)[:2])
    if version < PICKLE_TORCH:
        raise Failure(
            "unsafe",
            f"{name} is a pickle, and torch {torch.__version__} can be made to run its code; "
            f"{'.'.join(map(str, PICKLE_TORCH))} is the first that is safe enough",
        )
    archive = zipfile.is_zipfile(path)
    if archive:
        with zipfile.ZipFile(path) as members:
            entries = members.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise Failure("unsafe", f"{name} holds compressed data, which torch never writes")
        if sum(entry.file_size for entry in entries) > Path(path).stat().st_size:
            raise Failure("unsafe", f"{name} holds more data than it is long")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    except MemoryError:
        raise
    except Exception as error:
        raise Failure("unsafe", f"{name} cannot be loaded weights-only: {short(error)}") from None
    yield from named_tensors(torch, found, name)


def named_tensors(torch: Any, found: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The tensors in nested dictionaries and lists, named by the way to them with dots."""
    waiting = [("", found, 0)]
    while waiting:
        key, value, depth = waiting.pop()
        if isinstance(value, torch.Tensor):
            strided = value.layout == torch.strided and not value.is_quantized
            if not strided or value.device.type != "cpu":
                raise Failure("refused", f"{name}: {key[:100]} is no plain tensor")
            if value.nbytes > value.untyped_storage().nbytes():
                raise Failure("unsafe", f"{name}: {key[:100]} claims more than the file holds")
            yield key or "tensor", value.detach()
        elif isinstance(value, (dict, list, tuple)):
            if depth == NESTING_LIMIT:
                raise Failure("corrupt", f"{name} is nested too deep")
            items = value.items() if isinstance(value, dict) else enumerate(value)
            below = [(f"{key}.{part}" if key else str(part), one, depth + 1) for part, one in items]
            waiting += reversed(below)


# Loading ----------------------------------------------------------------------------------------


def with_components(files: list[str]) -> list[tuple[str, str]]:
    """Each file with what goes before the names of its tensors.

    The components of a pipeline lie in folders of their own, and have tensors of the same names:
    `unet/` and `vae/`. Shards lie in one folder, and have not.
    """
    folders = [str(Path(path).parent) for path in files]
    root = os.path.commonpath(folders) if folders else ""
    parts = [os.path.relpath(folder, root) for folder in folders]
    return [(path, "" if part == "." else part + "/") for path, part in zip(files, parts)]


def load(torch: Any, request: Message, report: Report) -> tuple[Tensors, Message]:
    """Bring the weights of the files to the device, and look whether they are sound there."""
    device = choose_device(torch, request["device"])
    dtype = choose_dtype(torch, request["dtype"])
    need, free = 0, None
    try:
        started = time.monotonic()
        meter = Meter(torch, device)
        tensors: Tensors = {}
        need = sum(Path(path).stat().st_size for path in request["files"])
        for path, part in with_components(request["files"]):
            for own_name, tensor in open_file(torch, path, request["consent"]):
                name = part + own_name
                if name in tensors:
                    raise Failure("corrupt", f"the tensor {name[:100]} occurs twice")
                tensors[name] = tensor
        if not tensors:
            raise Failure("corrupt", "there is no tensor in these files")
        need, free = sum(bytes_as(tensor, dtype) for tensor in tensors.values()), meter.free()
        if free is not None and need > free:
            raise Failure("memory", "not enough memory", needed=need, free=free, device=str(device))
        bring(torch, tensors, device, dtype, report)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        loaded = time.monotonic()
        untested = test(torch, tensors, device, report)
        tested = time.monotonic()
    except (MemoryError, OSError, RuntimeError) as error:
        if ran_out(torch, error):
            figures = {"needed": need, "free": free, "device": str(device)}
            raise Failure("memory", "memory ran out", **figures) from None
        if isinstance(error, OSError):
            name = Path(error.filename or "").name
            raise Failure("failed", f"{name} cannot be read: {error.strerror}") from None
        raise
    peak, used = meter.peak_and_used()
    gpu = device.type == "cuda"
    return tensors, {
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if gpu else platform.machine(),
        "dtypes": histogram(tensors),
        "tensors": len(tensors),
        "parameters": sum(tensor.numel() for tensor in tensors.values()),
        "bytes": sum(tensor.nbytes for tensor in tensors.values()),
        "seconds": loaded - started,
        "test_seconds": tested - loaded,
        "memory_peak": peak,
        "memory_used": used,
        "untested": untested,
    }


def ran_out(torch: Any, error: Exception) -> bool:
    """Whether memory ran out: a GPU's, or the box's, of which torch's `alloc_cpu.cpp` tells."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    known = isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError))
    return known or "allocate memory" in str(error)


def bytes_as(tensor: Any, dtype: Any) -> int:
    """The bytes of a tensor once its floats have that dtype."""
    cast = dtype is not None and tensor.is_floating_point()
    return int(tensor.numel() * (dtype.itemsize if cast else tensor.element_size()))


def histogram(tensors: Tensors) -> dict[str, int]:
    """Parameters by dtype."""
    counts: dict[str, int] = {}
    for tensor in tensors.values():
        word = str(tensor.dtype).partition(".")[2]
        counts[word] = counts.get(word, 0) + tensor.numel()
    return counts


class Progress:
    """Reports bytes done, at most ten times a second, and the end."""

    def __init__(self, phase: str, tensors: Tensors, report: Report) -> None:
        self._phase, self._report = phase, report
        self._done, self._total = 0, sum(tensor.nbytes for tensor in tensors.values())
        self._last = 0.0

    def advance(self, count: int) -> None:
        """So many bytes more are done."""
        self._done += count
        now = time.monotonic()
        if self._done == self._total or now - self._last >= PROGRESS_SECONDS:
            self._last = now
            self._report({"phase": self._phase, "done": self._done, "total": self._total})


def bring(torch: Any, tensors: Tensors, device: Any, dtype: Any, report: Report) -> None:
    """Replace each mapped tensor by one on the device, in its dtype."""
    progress = Progress("load", tensors, report)
    for name, tensor in tensors.items():
        target = dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype
        aligned = tensor.data_ptr() % tensor.element_size() == 0
        if device.type == "cpu" and target == tensor.dtype and aligned:
            make_resident(tensor, progress)
            continue
        placed = torch.empty(tensor.shape, dtype=target, device=device)
        source, sink = tensor.reshape(-1), placed.view(-1)
        if target == tensor.dtype:
            # As bytes, since torch copies some dtypes in no other way.
            source, sink = source.view(torch.uint8), sink.view(torch.uint8)
        step = CHUNK_BYTES // source.element_size()
        for part, into in zip(source.split(step), sink.split(step)):
            into.copy_(part)
            progress.advance(part.nbytes)
        tensors[name] = placed


def make_resident(tensor: Any, progress: Progress) -> None:
    """Have the pages of a mapped tensor read and ready, which is twice as fast as touching them.

    `MADV_POPULATE_READ` of madvise(2) is there since Linux 5.14; where it is not, the self-test's
    touch reads the pages.
    """
    start = tensor.data_ptr()
    for offset in range(0, tensor.nbytes, CHUNK_BYTES):
        count = min(CHUNK_BYTES, tensor.nbytes - offset)
        skew = (start + offset) % mmap.PAGESIZE
        if not LIBRARY.populate(start + offset - skew, count + skew):
            raise Failure("corrupt", "the file cannot be read to its end, or was cut meanwhile")
        progress.advance(count)


class Library:
    """The two calls of the C library that Python does not offer, where there are any."""

    MADV_POPULATE_READ = 22
    PR_SET_DUMPABLE = 4

    def __init__(self) -> None:
        # Unlike mmap.madvise, a call through ctypes lets the other threads run meanwhile.
        self._library: Any = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def populate(self, address: int, count: int) -> bool:
        """Read pages ahead; false where the bytes behind them cannot be had."""
        if self._library is None:
            return True
        arguments = ctypes.c_void_p(address), ctypes.c_size_t(count), self.MADV_POPULATE_READ
        return not self._library.madvise(*arguments) or ctypes.get_errno() != errno.EFAULT

    def hide_memory(self) -> None:
        """No core file, and no look into the memory by other processes of the user's: prctl(2)."""
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if self._library is not None:
            self._library.prctl(self.PR_SET_DUMPABLE, 0, 0, 0, 0)


LIBRARY = Library()


def test(torch: Any, tensors: Tensors, device: Any, report: Report) -> list[str]:
    """Look for what is not a number, and calculate once; tells dtypes it could not look through.

    Infinities are allowed, since some checkpoints carry masks of them.
    """
    progress = Progress("test", tensors, report)
    untested = set()
    for name, tensor in tensors.items():
        if tensor.is_floating_point() or tensor.is_complex():
            try:
                if has_nan(torch, tensor):
                    raise Failure("failed", f"the tensor {name[:100]} holds NaN, not numbers")
            except NotImplementedError:
                untested.add(str(tensor.dtype).partition(".")[2])
        progress.advance(tensor.nbytes)
    ones = torch.ones(64, 64, device=device)
    if not bool((ones @ ones == 64).all()):
        raise Failure("failed", f"{device} calculates a small matrix product wrong")
    return sorted(untested)


def has_nan(torch: Any, tensor: Any) -> bool:
    """Whether any number in a floating tensor is none.

    The maximum of numbers with a NaN among them is NaN; on the processor it is found twenty times
    as fast as `isnan` looks at each.
    """
    flat = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    for chunk in flat.reshape(-1).split(CHUNK_ELEMENTS):
        wide = chunk.to(torch.float32) if chunk.element_size() == 1 else chunk
        if wide.numel() and bool(wide.amax().isnan()):
            return True
    return False


def main() -> None:
    """Run as a script."""
    LIBRARY.hide_memory()
    os.umask(0o077)
    # The mapped files are read-only, and nobody here writes to them.
    warnings.filterwarnings("ignore", message="The given buffer is not writable")
    starter = socket.socket(fileno=int(sys.argv[2]))
    starter.set_inheritable(False)
    Child(sys.argv[1], starter).run()


if __name__ == "__main__":
    if sys.argv[1:] == ["--probe"]:
        print(torch_version() or "")
    else:
        main()
