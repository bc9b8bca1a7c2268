"""Short runs of plausible numbers of every type that weights come in.

Block layouts of the quantisations: `ggml-common.h` of llama.cpp.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from random import Random

from tui_hub.domain.frozen import dataclass

_VALUES = 8192
_BLOCKS = 256


@dataclass(frozen=True, slots=True)
class Pattern:
    """A run of numbers of one type."""

    unit: int
    """Bytes of the smallest piece that stands for itself: a number, or a quantised block."""
    data: bytes


@cache
def pattern(kind: str) -> Pattern:
    """The run for a type. Raises `KeyError` for a type that nobody here writes."""
    random = Random(kind)
    if kind in _QUANTISED:
        layout = _QUANTISED[kind]
        blocks = b"".join(_block(layout, random) for _ in range(_BLOCKS))
        return Pattern(len(blocks) // _BLOCKS, blocks)
    unit, make = _PLAIN[kind]
    return Pattern(unit, make(random))


def _floats(code: str) -> Callable[[Random], bytes]:
    def make(random: Random) -> bytes:
        values = [random.gauss(0.0, 0.02) for _ in range(_VALUES)]
        return struct.pack(f"<{_VALUES}{code}", *values)

    return make


def _bfloat16(random: Random) -> bytes:
    """The upper halves of 32-bit floats."""
    whole = _floats("f")(random)
    halves = bytearray(2 * _VALUES)
    halves[0::2], halves[1::2] = whole[2::4], whole[3::4]
    return bytes(halves)


def _integers(code: str, highest: int) -> Callable[[Random], bytes]:
    def make(random: Random) -> bytes:
        return struct.pack(
            f"<{_VALUES}{code}", *(random.randint(0, highest) for _ in range(_VALUES))
        )

    return make


_PLAIN: dict[str, tuple[int, Callable[[Random], bytes]]] = {
    "F64": (8, _floats("d")),
    "F32": (4, _floats("f")),
    "F16": (2, _floats("e")),
    "BF16": (2, _bfloat16),
    "F8_E4M3": (1, _integers("B", 0x3F)),  # up to 1.875: no NaN, which is 0x7F
    "I64": (8, _integers("q", 1000)),
    "I32": (4, _integers("i", 1000)),
    "I8": (1, _integers("b", 127)),
    "U8": (1, _integers("B", 255)),
    "BOOL": (1, _integers("B", 1)),
    "RAW": (1, _integers("B", 255)),
}

_QUANTISED: dict[str, tuple[int | str, ...]] = {
    "Q4_0": ("scale", 16),
    "Q8_0": ("scale", 32),
    "Q4_K": ("scale", "scale", 12 + 128),
    "Q5_K": ("scale", "scale", 12 + 32 + 128),
    "Q6_K": (128 + 64 + 16, "scale"),
}
"""Half-precision scales and counts of packed bytes, in the order in which they stand."""


def _block(layout: tuple[int | str, ...], random: Random) -> bytes:
    return b"".join(
        random.randbytes(part)
        if isinstance(part, int)
        else struct.pack("<e", abs(random.gauss(0.0, 0.001)))
        for part in layout
    )
