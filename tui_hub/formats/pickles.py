"""What a weights file really is, by its first bytes, and what a pickle would bring in.

A pickle is read here opcode by opcode, and never obeyed: what it imports is all that tells an
honest one from others. None is called harmless for that; torch alone, told to take weights only,
has the last word. Formats: Python's `pickletools`, and torch's `serialization.py`, which writes a
zip archive with a `data.pkl`, or in its older form some pickles one after the other.
"""

from __future__ import annotations

import errno
import io
import lzma
import os
import pickletools
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from tui_hub.domain.frozen import dataclass

HEAD = 265
"""Bytes by which a format is known: a tar archive tells at 257."""
PICKLE_LIMIT = 16 * 1024**2
"""Bytes of pickles that are looked through; those of the largest models have a few."""
DIRECTORY_LIMIT = 64 * 1024**2
"""Bytes of an archive's directory."""
_MAGIC = 0x1950A86A20F9469CFC6C
"""What the first of the pickles says that torch wrote in its older form."""
_OLDER_FORM = 5
"""How many those are; behind them lie the tensors."""
_MOST_MEMBERS = 16
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, ValueError, RuntimeError,
    EOFError, OSError,
)  # fmt: skip
"""What Python says of an archive that is none; an `OSError` for a place before its beginning."""
_MOST_OPCODES = 1_000_000
_MOST_IMPORTS = 20
_UNTOLD = "what it makes up while it is read"
_KNOWN = re.compile(
    r"collections\.(OrderedDict|defaultdict|Counter)"
    r"|_codecs\.encode"
    r"|(builtins|__builtin__)\.(set|frozenset|bytearray|complex|slice|range|dict|list|tuple|int"
    r"|float|bool|str|bytes)"
    r"|torch\.(cuda\.)?[A-Z]\w*(Storage|Tensor)"
    r"|torch\.(Size|Tensor|device|half|float|double|short|int|long|bool|(u?int|q\w?int|quint"
    r"|float|bfloat|complex|bits)\d\w*)"
    r"|torch\.storage\.(UntypedStorage|TypedStorage)"
    r"|torch\.(_utils|_tensor)\._rebuild_\w+"
    r"|torch\.nn\.parameter\.(Parameter|Buffer|UninitializedParameter)"
    r"|torch\.serialization\._get_layout"
    r"|numpy\.(core|_core)\.multiarray\.(_reconstruct|scalar)"
    r"|numpy\.(dtype|ndarray|dtypes\.\w+)"
)
"""What tensors are made of, and what torch takes with them weights-only."""


class Content(StrEnum):
    """What a file is, whatever its name says."""

    SAFETENSORS = "safetensors"
    GGUF = "GGUF"
    PICKLE = "a pickle"
    TORCHSCRIPT = "TorchScript, a program"
    ARCHIVE = "an archive"
    UNKNOWN = "of no format that is known here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What a look into a file found."""

    content: Content
    foreign: tuple[str, ...] = ()
    """What a pickle imports besides that which tensors are made of, not clean; the first of it."""
    whole: bool = True
    """Whether all of the pickle was looked through."""


def examine(path: Path, *, unpickled: bool = False) -> Examined:
    """Look what a file is. Reads its beginning, and of a pickle all but the tensors; blocks.

    Args:
        path: the file.
        unpickled: whether programs unpickle it by its name, however it begins: it is a pickle
            then, too, where reading it as one brings something foreign in.

    Raises:
        OSError: when it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
        content = _by_head(head)
        if head.startswith(b"PK"):
            return _examine_archive(file)
        if content is not Content.PICKLE and not unpickled:
            return Examined(content=content)
        file.seek(0)
        foreign, whole = _look_through(io.BytesIO(file.read(PICKLE_LIMIT)))
        if content is not Content.PICKLE and not foreign:
            return Examined(content=content)
        return Examined(content=Content.PICKLE, foreign=foreign, whole=whole)


def _by_head(head: bytes) -> Content:
    if head.startswith(b"GGUF"):
        return Content.GGUF
    if len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**40:
        return Content.SAFETENSORS
    if head.startswith((b"PK", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"Rar!")):
        return Content.ARCHIVE
    if head[257:262] == b"ustar":
        return Content.ARCHIVE
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05" and head[1:2]:
        return Content.PICKLE
    return Content.PICKLE if _begins_as_pickle(head) else Content.UNKNOWN


def _begins_as_pickle(head: bytes) -> bool:
    """Whether bytes read as the older pickles do, which begin with no mark of their own."""
    try:
        first = [opcode.name for opcode, _, _ in _first_opcodes(head)]
    except (ValueError, UnicodeDecodeError):
        return False
    return len(first) > 1 and first[0] in ("MARK", "GLOBAL", "EMPTY_DICT", "EMPTY_LIST", "INST")


def _first_opcodes(head: bytes) -> Iterator[tuple[pickletools.OpcodeInfo, object, int | None]]:
    for number, found in enumerate(pickletools.genops(head)):
        yield found
        if number:
            return


def _examine_archive(file: BinaryIO) -> Examined:
    if _directory_size(file) > DIRECTORY_LIMIT:
        return Examined(content=Content.ARCHIVE, whole=False)
    try:
        with zipfile.ZipFile(file) as archive:
            return _examine_members(archive)
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        # Damaged on purpose or not: torch may read it in another way than Python does.
        return Examined(content=Content.ARCHIVE, whole=False)


def _examine_members(archive: zipfile.ZipFile) -> Examined:
    # Torch finds members whatever their case: miniz, `mz_zip_reader_locate_file`.
    names = {name: f"/{name.lower()}" for name in archive.namelist()}
    pickles = [name for name, path in names.items() if path.endswith("/data.pkl")]
    if any(path.endswith("/constants.pkl") or "/code/" in path for path in names.values()):
        return Examined(content=Content.TORCHSCRIPT)
    if not pickles:
        return Examined(content=Content.ARCHIVE)
    foreign: dict[str, None] = {}
    whole, left = True, PICKLE_LIMIT
    for name in pickles[:_MOST_MEMBERS]:
        with archive.open(name) as member:
            content = member.read(left + 1)
        whole = whole and len(content) <= left
        left = max(left - len(content), 0)
        found, to_the_end = _look_through(io.BytesIO(content))
        foreign |= dict.fromkeys(found)
        whole = whole and to_the_end
    whole = whole and len(pickles) <= _MOST_MEMBERS
    return Examined(content=Content.PICKLE, foreign=tuple(foreign), whole=whole)


def _directory_size(file: BinaryIO) -> int:
    """Bytes of an archive's directory, by its end records; APPNOTE.TXT of PKWARE, 4.3.14 to 16."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 65_557, 0))
    tail = file.read()
    found = 0
    end = tail.rfind(b"PK\x05\x06")
    if 0 <= end <= len(tail) - 22:
        (found,) = struct.unpack_from("<I", tail, end + 12)
    wide = tail.rfind(b"PK\x06\x06")
    if 0 <= wide <= len(tail) - 56:
        found = max(found % 0xFFFFFFFF, *struct.unpack_from("<Q", tail, wide + 40))
    file.seek(0)
    return found


def _look_through(stream: io.BytesIO) -> tuple[tuple[str, ...], bool]:
    """What a pickle imports, or all that torch wrote in its older form; whether it was read whole.

    One that breaks off in the middle imports what stands before that all the same.
    """
    foreign: dict[str, None] = {}
    left, opcodes = 1, 0
    while left:
        left -= 1
        stack = _Stack()
        try:
            for opcode, argument, _ in pickletools.genops(stream):
                opcodes += 1
                if argument == _MAGIC and opcodes <= 2:
                    left = _OLDER_FORM - 1
                name = stack.follow(opcode.name, argument)
                if name is not None and not _KNOWN.fullmatch(name):
                    foreign[name] = None
                if len(foreign) >= _MOST_IMPORTS or opcodes > _MOST_OPCODES:
                    return tuple(foreign), False
        except (ValueError, UnicodeDecodeError, OverflowError, EOFError):
            return tuple(foreign), False
    return tuple(foreign), True


class _Stack:
    """The texts that stand last on the stack of a pickle; `None` for anything else."""

    _TEXTS = ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
              "STRING", "BINSTRING", "SHORT_BINSTRING")  # fmt: skip
    _GETS = ("GET", "BINGET", "LONG_BINGET")
    _PUTS = ("PUT", "BINPUT", "LONG_BINPUT")
    _SILENT = ("PROTO", "FRAME")

    def __init__(self) -> None:
        self._last: list[str | None] = [None, None]
        self._memo: dict[int, str] = {}
        self._kept = 0

    def follow(self, name: str, argument: object) -> str | None:
        """Go on by an opcode; gives the name that it imports, where it does."""
        if name in ("GLOBAL", "INST"):
            self._push(None)
            return str(argument).replace(" ", ".")
        if name == "STACK_GLOBAL":
            module, attribute = self._last
            self._push(None)
            return _UNTOLD if module is None or attribute is None else f"{module}.{attribute}"
        if name.startswith("EXT"):
            self._push(None)
            return f"copyreg extension {argument}"
        if name in self._TEXTS:
            self._push(str(argument))
        elif name in self._GETS:
            self._push(self._memo.get(int(str(argument))))
        elif name == "MEMOIZE":
            self._keep(self._kept)
        elif name in self._PUTS:
            self._keep(int(str(argument)))
        elif name not in self._SILENT:
            self._push(None)
        return None

    def _keep(self, number: int) -> None:
        """Memorise what stands last on the stack, where it is a text."""
        self._kept += 1
        text = self._last[-1]
        if text is None:
            self._memo.pop(number, None)
        else:
            self._memo[number] = text

    def _push(self, value: str | None) -> None:
        self._last = [self._last[-1], value]
