"""The worst headers that there can be: read or refused in bounded memory and time.

Each is read in a process of its own, whose memory and processor time the system tells.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from made_headers import ARRAY, STRING, U8, array, entry, gguf, pair, record, safetensors, text

from tui_hub.formats.gguf import HEADER_LIMIT as GGUF_LIMIT
from tui_hub.formats.safetensors import HEADER_LIMIT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
MOST_MEMORY = 300_000_000
MOST_SECONDS = 20.0
"""Of a processor that others share; what grows with the square of the header takes minutes."""
_READ = """
import json, os, resource, sys
from tui_hub.domain.architectures import from_gguf
from tui_hub.formats import HeaderError, read_header
path, form = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
file = open(path, "rb")
size = os.fstat(file.fileno()).st_size
try:
    header = read_header(form, size, lambda at, length: os.pread(file.fileno(), length, at))
    header.bytes_by_dtype
    from_gguf(header.metadata)
    told = None
except HeaderError as error:
    told = error.message
used = resource.getrusage(resource.RUSAGE_SELF)
# The largest size of this program; what `getrusage` tells begins with that of its parent.
status = open("/proc/self/status").read()
memory = int(status.partition("VmHWM:")[2].split()[0]) * 1024
print(json.dumps([told, memory, used.ru_utime + used.ru_stime]))
"""
U16 = 2


def many_tensors(count: int, name: int = 1) -> bytes:
    """A safetensors file of empty tensors, as many as it says."""
    entries = b",".join(
        b'"%s":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}' % (b"%d" % n).rjust(name, b"x")
        for n in range(count)
    )
    return safetensors(b"{" + entries + b"}")


def filled(item: Callable[[int], bytes], limit: int = GGUF_LIMIT) -> bytes:
    """A GGUF file with as many pairs as there is room for."""
    pairs, size = [], 0
    for number in range(65_000):
        one = item(number)
        size += len(one)
        if size > limit - 1000:
            break
        pairs.append(one)
    return gguf(*pairs)


def numbers(kind: int, code: str, value: int) -> Callable[[int], bytes]:
    """Pairs with arrays of numbers that are just short enough to be kept."""
    values = struct.pack(f"<1024{code}", *(value + n % 256 for n in range(1024)))
    return lambda number: pair(f"k{number}", ARRAY, array(kind, 1024, values))


def words(letter: str) -> Callable[[int], bytes]:
    """Pairs with long texts, the first letter of which makes all others wide."""
    long = text((letter + "a" * 5000).encode()[:4200])
    return lambda number: pair(f"k{number}", STRING, long)


def records() -> bytes:
    """A GGUF file with as many tensors as are allowed, each with a long name."""
    count = 200_000
    made = [record(f"blk.{n:07}".ljust(180, "x"), (0,)) for n in range(count)]
    return gguf(records=tuple(made))


CASES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "200 000 tensors": ("safetensors", lambda: many_tensors(200_000)),
    "more tensors than allowed": ("safetensors", lambda: many_tensors(330_000)),
    "names that fill the header": (
        "safetensors", lambda: many_tensors(190_000, 70)
    ),
    "one number deep": (
        "safetensors", lambda: safetensors(b'{"t":' + b"[" * (HEADER_LIMIT - 10) + b"}")
    ),
    "metadata that fills the header": (
        "safetensors",
        lambda: safetensors({"__metadata__": {str(n): "\U0001f600" + "a" * 90
                                              for n in range(190_000)}, "t": entry("U8", [], 0, 1)},
                            1),
    ),
    "shapes that fill the header": (
        "safetensors",
        lambda: safetensors({str(n): entry("U8", [0] * 60, 0, 0) for n in range(80_000)}),
    ),
    "arrays of small numbers": ("gguf", lambda: filled(numbers(U8, "B", 0))),
    "arrays of large numbers": ("gguf", lambda: filled(numbers(U16, "H", 30_000))),
    "long texts": ("gguf", lambda: filled(words("\U0001f600"))),
    "tensors with long names": ("gguf", records),
    "a vocabulary that fills the header": (
        "gguf", lambda: gguf(pair("k", ARRAY, array(STRING, 6_000_000, text("x") * 6_000_000)))
    ),
    "short words without end": (
        "gguf", lambda: gguf(pair("k", ARRAY, array(STRING, 8_000_000, text("") * 8_000_000)))
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_worst_headers_take_bounded_memory_and_time(case: str, tmp_path: Path) -> None:
    form, make = CASES[case]
    path = tmp_path / "model"
    path.write_bytes(make())
    ran = subprocess.run(
        [sys.executable, "-c", _READ, str(path), form],
        capture_output=True, check=True, timeout=100,
    )  # fmt: skip
    path.unlink()
    told, memory, seconds = json.loads(ran.stdout)
    print(f"{case}: {memory / 1e6:.0f} MB, {seconds:.2f} s, {told or 'read'}")
    assert memory < MOST_MEMORY
    assert seconds < MOST_SECONDS
