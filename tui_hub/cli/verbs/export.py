"""`tui-hub export`: the registry as one JSON document, to keep or to take to another box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer
    from tui_hub.services import Services


@verb(
    "export",
    "tui-hub export registry.json",
    "tui-hub export | ssh other-box tui-hub import -",
)
@click.argument("file", metavar="[FILE]", default="-")
@click.pass_obj
def command(options: Options, file: str) -> int:
    """Write down what a lost database would cost, as one JSON document.

    Registered repositories, models of your own, notes, favourites, types, versions, feeds of your
    own, and which files of which revisions are installed; no token, and no bytes of models. Without
    FILE, or with -, it goes to stdout. `tui-hub import` takes it in, here or elsewhere."""
    from tui_hub.cli.running import run

    return run(options, lambda services, _: _export(services, file))


async def _export(services: Services, file: str) -> Answer:
    import asyncio
    import json

    from tui_hub.cli.console import Answer

    document = await services.registry.export()
    if file == "-":
        return Answer(document, lines=[json.dumps(document, indent=1)])
    size = await asyncio.to_thread(_write, file, document)
    models, feeds = len(document["models"]), len(document["feeds"])
    return Answer(
        {"file": file, "bytes": size, "models": models, "feeds": feeds},
        lines=[f"{file}: models: {models}, feeds of your own: {feeds}"],
        brief=[file],
    )


def _write(file: str, document: dict[str, Any]) -> int:
    """Write the document for its user alone, in one step; the bytes that it has.

    Raises:
        RefusedError: when it cannot be written; an earlier file is as it was.
    """
    import json
    import os
    import tempfile
    from pathlib import Path

    from tui_hub.domain.errors import RefusedError
    from tui_hub.text import clean

    body = (json.dumps(document, indent=1) + "\n").encode("ascii")
    path = Path(os.path.realpath(os.path.expanduser(file)))
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(body)  # a pipe or a device takes it as it comes
            return len(body)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        try:
            with os.fdopen(descriptor, "wb") as written:
                written.write(body)
                written.flush()
                os.fsync(written.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RefusedError(
            f"{clean(file, 200)} cannot be written: {error.strerror}",
            hint="Name a file in a folder that this user can write.",
        ) from None
    return len(body)
