"""What the store holds and nothing needs."""

from __future__ import annotations

from enum import StrEnum

from tui_hub.domain.frozen import dataclass


class GarbageKind(StrEnum):
    """What a piece of it is."""

    BLOB = "blob"
    PARTIAL = "partial"
    """What an interrupted download or another step left, and nobody will come back for."""
    VIEW = "view"
    """The folder of a model that is gone."""
    CACHE = "hf"
    """The entry of a repository that is gone in the Hugging Face cache."""
    METADATA = "metadata"
    """The small files of a model of which nothing is here."""
    SLOT = "slot"
    """The link of a slot that leads nowhere."""
    QUARANTINE = "quarantine"
    """Damaged bytes, which go only when that is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GarbagePiece:
    """One piece of it."""

    kind: GarbageKind
    path: str
    bytes: int = 0
    """Bytes that are free once it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """What was swept, or would be."""

    pieces: tuple[GarbagePiece, ...] = ()
    kept: int = 0
    """Blobs without a model that stay, since downloads of this home wait to go on with them."""
    quarantined: int = 0
    """Damaged bytes that stay in quarantine, since nobody asked for these to go."""
    dry_run: bool = False

    @property
    def blobs(self) -> int:
        """How many of the pieces are blobs."""
        return sum(piece.kind is GarbageKind.BLOB for piece in self.pieces)

    @property
    def bytes(self) -> int:
        """What all of them free."""
        return sum(piece.bytes for piece in self.pieces)
