"""Model ids, repository paths and digests: parsed once, trusted afterwards."""

from __future__ import annotations

import re
import unicodedata

from tui_hub.domain.errors import UnsafeError, UsageError
from tui_hub.domain.frozen import dataclass

SOURCES = ("hf", "ollama", "replicate", "curated", "url", "local")
"""The prefixes of model ids, one for each place that models come from."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:-]*(?:/[A-Za-z0-9_.][A-Za-z0-9._:-]*)?")
_REPOSITORY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_.][A-Za-z0-9._-]*)?")
_OLLAMA_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]{1,5})?/(?=[^/]+/)")
"""A registry's host before a name of Ollama's, `hf.co/` for example."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")
_MAX_NAME = 200
_MAX_PATH = 1024
_MAX_COMPONENT = 255
_UNSHOWN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of Unicode: control and format characters, surrogates, and breaks."""


@dataclass(frozen=True, slots=True)
class ModelId:
    """`<source>:<name>`, for example `hf:stabilityai/sdxl-turbo`."""

    source: str
    path: str
    """What stands behind the prefix: `stabilityai/sdxl-turbo`."""

    def __str__(self) -> str:
        return f"{self.source}:{self.path}"

    @property
    def author(self) -> str | None:
        """The organisation or user before the slash, if there is one."""
        return self.path.rpartition("/")[0].rpartition("/")[2] or None

    @property
    def name(self) -> str:
        """The name without its author."""
        return self.path.rpartition("/")[2]

    @classmethod
    def parse(cls, text: str) -> ModelId:
        """Read an id as a person types it; a bare `org/name` means `hf:org/name`.

        What Ollama takes for granted goes: `ollama:library/llama3:latest` is `ollama:llama3`.

        Raises:
            UsageError: when the text is not the id of a model.
        """
        head, colon, tail = text.strip().partition(":")
        if colon and head in SOURCES:
            source, path = head, tail
        else:
            source, path = "hf", text.strip()
        host = _OLLAMA_HOST.match(path) if source == "ollama" else None
        name = path[host.end() :] if host else path
        if len(path) > _MAX_NAME or not _NAME.fullmatch(name) or ".." in path:
            raise UsageError(
                f"{text[:80]!r} is not the id of a model",
                hint="An id is source:name, for example hf:org/name or ollama:llama3.1.",
            )
        if source == "hf" and not is_repository(path):
            raise UsageError(
                f"{text[:80]!r} is not the id of a Hugging Face repository",
                hint="A repository is org/name, in letters, digits, '.', '_' and '-'.",
            )
        return cls(source, _short(path) if source == "ollama" else path)


def is_repository(path: str) -> bool:
    """Whether this is the name of a Hugging Face repository: `org/name`, or a name alone."""
    return (
        _REPOSITORY.fullmatch(path) is not None
        and len(path) <= _MAX_NAME
        and ".." not in path
        and "--" not in path
    )


def _short(path: str) -> str:
    """Ollama's own short form of a name."""
    path = path.removeprefix("registry.ollama.ai/").removeprefix("library/")
    return path.removesuffix(":latest")


def is_sha256(text: object) -> bool:
    """Whether this is a SHA-256 in the form used everywhere here: 64 lower-case hex digits."""
    return isinstance(text, str) and _SHA256.fullmatch(text) is not None


def is_sha1(text: object) -> bool:
    """Whether this is a SHA-1 (a git object id): 40 lower-case hex digits."""
    return isinstance(text, str) and _SHA1.fullmatch(text) is not None


def repository_path(text: object) -> str:
    """A path inside a repository, checked so that joining it to a folder stays inside.

    Raises:
        UnsafeError: for absolute paths, `..`, backslashes, drive letters, control characters,
            bidirectional overrides and names that no file system takes.
    """
    if not isinstance(text, str) or not text or len(text) > _MAX_PATH:
        raise UnsafeError("a file in the repository has no usable name")
    shown = text.encode("ascii", "backslashreplace").decode("ascii")[:80]
    plain = text.isascii() and text.isprintable()
    if not plain and any(unicodedata.category(one) in _UNSHOWN for one in text):
        raise UnsafeError(f"the file name {shown!r} holds characters that cannot be shown")
    if "\\" in text or text.startswith(("/", "~")) or re.match(r"[A-Za-z]:", text):
        raise UnsafeError(f"the file name {shown!r} points outside its repository")
    for part in text.split("/"):
        if part in ("", ".", ".."):
            raise UnsafeError(f"the file name {shown!r} points outside its repository")
        if len(part.encode()) > _MAX_COMPONENT:
            raise UnsafeError(f"the file name {shown!r} is longer than file systems take")
    return text
