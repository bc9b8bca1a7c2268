"""Which files of which models a blob is, by the receipts and by this home's rows."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tui_hub.blobs import Receipt
from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.verification import HeldFile
from tui_hub.services.context import Context


@dataclass(slots=True)
class BlobUsers:
    """Who needs which blob of a store, as things stood when it was made."""

    sizes: dict[str, int] = field(default_factory=dict)
    """Bytes that each blob should have."""
    by_blob: dict[str, set[tuple[str, str, str]]] = field(default_factory=lambda: defaultdict(set))
    """Model, revision and path of each file, by the hash of its blob."""

    @classmethod
    def of(cls, receipts: Iterable[Receipt], rows: Iterable[Artifact]) -> BlobUsers:
        """What receipts and rows say together."""
        made = cls()
        for receipt in receipts:
            parts = [(receipt.revision, receipt.files)]
            parts += [(one.revision, one.files) for one in receipt.kept]
            for revision, files in parts:
                for file in files:
                    made.by_blob[file.sha256].add((receipt.model, revision, file.path))
                    made.sizes.setdefault(file.sha256, file.size)
        made.take(rows)
        return made

    def take(self, rows: Iterable[Artifact]) -> None:
        """Add files that this home knows; of those that were lost, the hash they had counts."""
        for row in rows:
            blob = row.blob or row.sha256
            if blob is not None:
                self.by_blob[blob].add((row.model, row.revision, row.path))
                if row.size is not None:
                    self.sizes.setdefault(blob, row.size)

    def blobs_of(self, model: str) -> set[str]:
        """The blobs of one model."""
        return {
            blob for blob, files in self.by_blob.items() if any(file[0] == model for file in files)
        }

    def models_of(self, blob: str) -> set[str]:
        """The models that hold a blob."""
        return {model for model, _, _ in self.by_blob.get(blob, ())}

    async def files_of(self, context: Context, blob: str) -> tuple[HeldFile, ...]:
        """The files that are a blob, each with its revision where that must be named."""
        files = []
        for model, revision, path in sorted(self.by_blob.get(blob, ())):
            seen = await context.hub.artifacts.revisions(model)
            newest = not seen or seen[0].revision == revision
            files.append(HeldFile(model=model, path=path, revision=None if newest else revision))
        return tuple(files)


def commands(files: Iterable[HeldFile]) -> tuple[str, ...]:
    """What fetches these files again and nothing else, a command for each model and revision."""
    wanted: dict[tuple[str, str | None], list[str]] = {}
    for file in files:
        wanted.setdefault((file.model, file.revision), []).append(file.path)
    made = []
    for (model, revision), paths in wanted.items():
        parts = ["tui-hub", "download", model, *dict.fromkeys(paths)]
        if revision is not None:
            parts += ["--revision", revision]
        made.append(shlex.join(parts))
    return tuple(made)
