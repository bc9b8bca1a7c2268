"""Which files of a model a download takes, and which choices would spoil what is installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from tui_hub import text
from tui_hub.domain.artifacts import Artifact, Variant, select, variants_of, whole_variants
from tui_hub.domain.errors import NotFoundError, RefusedError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Details
from tui_hub.domain.storage import Install


class Wishes(TypedDict, total=False):
    """What to take of a model, as whoever asks for it says; what is left out narrows nothing."""

    paths: Sequence[str]
    """These files."""
    include: Sequence[str]
    """Files that match one of these patterns, and no others."""
    exclude: Sequence[str]
    """Not those that match one of these."""
    variant: str | None
    """The files of one variant, by its name."""
    revision: str | None
    """A version that the user named, a branch, a tag or a commit; else what is newest, or what an
    installed model is at."""
    refresh: bool
    """Whether to ask the source for its files, where that may be asked; so it is unless told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which files of a model are wanted. All that is empty narrows nothing."""

    paths: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    variant: str | None = None

    @classmethod
    def of(cls, wishes: Wishes) -> Choice:
        """Which files are wished for."""
        return cls(
            paths=tuple(wishes.get("paths", ())),
            include=tuple(wishes.get("include", ())),
            exclude=tuple(wishes.get("exclude", ())),
            variant=wishes.get("variant"),
        )

    @property
    def narrows(self) -> bool:
        """Whether less than the whole model is wanted."""
        return bool(self.paths or self.include or self.exclude or self.variant)


def choose(details: Details, choice: Choice) -> tuple[Artifact, ...]:
    """The files of a model that were asked for.

    Raises:
        NotFoundError: when a named file or variant does not exist, or nothing is left.
    """
    paths = choice.paths
    known = {file.path for file in details.files}
    for path in paths:
        if path not in known:
            raise NotFoundError(
                f"{details.model.id} has no file {text.clean(path, 200)!r}",
                hint=f"`tui-hub files {details.model.id}` lists them.",
            )
    if choice.variant is not None:
        paths = (*paths, *named_variant(details, choice.variant).paths)
    chosen = select(details.files, paths=paths, include=choice.include, exclude=choice.exclude)
    if not chosen:
        raise NotFoundError(
            f"no file of {details.model.id} is left to download",
            hint=f"`tui-hub files {details.model.id}` lists what there is.",
        )
    return chosen


def named_variant(details: Details, wanted: str) -> Variant:
    """A variant by the name that a person typed.

    Raises:
        NotFoundError: when there is none, naming those that there are.
    """
    variants = variants_of(details.files)
    for variant in variants:
        if variant.name.lower() == wanted.lower():
            return variant
    names = ", ".join(variant.name for variant in variants) or "none"
    raise NotFoundError(
        f"{details.model.id} has no variant {text.clean(wanted, 80)!r}",
        hint=f"Its variants: {text.clean(names, 300)}.",
    )


def refuse_mixture(install: Install | None, details: Details, files: Sequence[Artifact]) -> None:
    """Stop a download that would leave an installed model half old and half new.

    Raises:
        RefusedError: when it takes another revision in, but not all the variants that are here.
    """
    if install is None or install.revision == details.revision:
        return
    wanted = {file.path for file in files}
    here = {file.path for file in details.files if file.blob}
    brought = whole_variants(details.files, wanted | here)
    offered = {one.name for one in details.variants} or {"all"}
    lost = offered.intersection(install.variants).difference(brought)
    if lost or not brought:
        raise RefusedError(
            f"{install.model} is installed at revision {install.revision[:12]}, and this would "
            f"mix it with {(details.revision or '')[:12]}",
            hint=f"Name `--revision {install.revision[:12]}` to add to what is here, or download "
            "every variant that is installed.",
        )
