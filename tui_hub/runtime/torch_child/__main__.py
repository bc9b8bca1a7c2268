"""Run by the path of its folder: `python torch_child NAME DESCRIPTOR`, `--probe` or `--try`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
PACKAGE = FOLDER.name


def become_package() -> None:
    """Have the modules beside this one found as a package, and nothing else of this folder.

    A program's own folder comes first on the path, where its modules would hide others.
    """
    del sys.path[0]
    places = [str(FOLDER)]
    spec = importlib.util.spec_from_file_location(
        PACKAGE, FOLDER / "__init__.py", submodule_search_locations=places
    )
    assert spec is not None  # noqa: S101 - a file of this name always has one
    sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)


if __name__ == "__main__":
    become_package()
    if sys.argv[1:] in (["--probe"], ["--try"]):
        version = importlib.import_module(f"{PACKAGE}.devices").torch_version()
        if version is not None and sys.argv[1] == "--try":
            print(version, flush=True)
            importlib.import_module("torch").empty(0)
        print(version or "")
    else:
        importlib.import_module(f"{PACKAGE}.child").main()
