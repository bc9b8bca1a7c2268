"""What the header of a weights file tells, whichever format it is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from tui_hub.domain.errors import HubError
from tui_hub.domain.frozen import dataclass

MOST_TENSORS = 200_000
"""Tensors of one file; the largest models have some tens of thousands."""
MOST_DIMENSION = 1 << 48
"""Beyond this a dimension is a trick, even beside another that is zero."""
TEXT_LIMIT = 4096
"""Characters that are kept of one name or text; only what a person looks at is longer."""

Metadata = Mapping[str, str | int | float | bool | tuple[int, ...]]


class HeaderError(HubError):
    """The header is not what its format allows. The message is for people; its data is not."""

    code = "corrupt"


class NewerError(HeaderError):
    """It has a version or a type that is not known here; the file may well be sound."""


class Incomplete(Exception):
    """The header goes on behind the bytes that are at hand."""

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed
        """Bytes from the beginning of the file with which it is worth trying again."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor as it is stored."""

    name: str
    """As the file has it: foreign text, to be cleaned by whoever shows it."""
    dtype: str
    """The format's own word: `BF16`, `F8_E4M3`, `Q4_K`."""
    shape: tuple[int, ...]
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """All tensors of one weights file, and what it tells about the model."""

    format: str
    """`safetensors` or `gguf`."""
    length: int
    """Bytes of the file before the first tensor."""
    tensors: tuple[Tensor, ...]
    metadata: Metadata = field(default_factory=dict)
    """Short values only; foreign text, to be cleaned by whoever shows it."""

    @property
    def bytes(self) -> int:
        """Bytes of all tensors."""
        return sum(tensor.bytes for tensor in self.tensors)

    @property
    def bytes_by_dtype(self) -> dict[str, int]:
        """Bytes of the tensors of each type, the largest share first."""
        found: dict[str, int] = {}
        for tensor in self.tensors:
            found[tensor.dtype] = found.get(tensor.dtype, 0) + tensor.bytes
        return dict(sorted(found.items(), key=lambda share: -share[1]))
