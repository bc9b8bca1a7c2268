"""What every layout of model files can be asked, and what it answers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model
from tui_hub.domain.scanning import LeftOut
from tui_hub.domain.types import ModelType
from tui_hub.text import clean


@dataclass(frozen=True, slots=True)
class Box:
    """What layouts go by to know where they are on this box."""

    home: Path
    environment: Mapping[str, str]

    def path(self, *names: str) -> Path | None:
        """The first of these variables that is set, as an absolute path."""
        told = next((value for name in names if (value := self.environment.get(name))), None)
        return None if told is None else self.expand(told)

    def expand(self, text: str, beside: Path | None = None) -> Path:
        """A path as people write it, from their home where it says so, else beside a folder.

        No other variable counts: what is in them is nobody's business.
        """
        for short in ("~", "$HOME", "${HOME}"):
            if text == short or text.startswith(f"{short}/"):
                text = f"{self.home}{text[len(short) :]}"
        return Path(os.path.normpath((beside or self.home) / text))


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """One file of a model, as it was when it was looked at."""

    path: str
    """Inside the model, checked by `repository_path`."""
    place: Path
    """Where it really lies, without any link in its path."""
    size: int
    modified: int
    """In nanoseconds, as `stat` tells it."""
    inode: int
    sha256: str | None = None
    """What its layout says that its hash is: a claim and no proof."""
    git_sha1: str | None = None
    """The same for its git blob id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModel:
    """A model whose files lie on this box."""

    layout: str
    place: Path
    """The folder or file that a person knows it by."""
    name: str
    """What to call it where nothing tells its id."""
    files: tuple[FoundFile, ...]
    """Those that are there, whole as far as can be seen."""
    type: ModelType = ModelType.UTILITY
    model: ModelId | None = None
    """Its id, where the layout knows it."""
    likely: ModelId | None = None
    """The repository that it is probably of, to be asked for its hashes."""
    revision: str | None = None
    refs: tuple[str, ...] = ()
    """The branches and tags that stand for the revision on this box."""
    record: Model | None = None
    """What the layout tells of it, for a catalogue that does not know it."""
    listing: tuple[Artifact, ...] = ()
    """All its files as the layout lists them, those that are not there too."""

    @property
    def bytes(self) -> int:
        """Size of the files that are there."""
        return sum(file.size for file in self.files)


Finding = FoundModel | LeftOut


class Layout(Protocol):
    """How a program keeps models on disk. It only looks; nothing is ever written or locked.

    A newcomer is one module here and one line in `__init__`.
    """

    @property
    def name(self) -> str:
        """One word for people and settings."""

    def places(self, box: Box) -> Sequence[Path]:
        """Where it keeps models on such a box; not all of them need be there."""

    def root(self, folder: Path) -> Path | None:
        """What to look through when somebody names a folder; `None` when it is not this layout."""

    def look(self, root: Path, box: Box) -> Iterator[Finding | None]:
        """The models below a root, and what cannot be taken for one, with the reason.

        Now and then comes `None`, so that whoever waits can end a walk that finds nothing.
        """


def left_out(place: Path, reason: str, *, failed: bool = False) -> LeftOut:
    """Something that is passed over, in words that are safe to show."""
    return LeftOut(place=clean(str(place), 1000), reason=clean(reason, 300), failed=failed)
