"""Weights looked at before anything opens them: what each file is, and who agreed to a pickle."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tui_hub import text
from tui_hub.domain.artifacts import Artifact, weights_format
from tui_hub.domain.consents import Consent
from tui_hub.domain.errors import HubError, PickleError, RefusedError, UnsafeError
from tui_hub.domain.runtime import COMMAND, LINK, OLLAMA
from tui_hub.formats.pickles import Content, Examined, examine
from tui_hub.services.context import Context
from tui_hub.services.holders.loading import Asked, Loading

_NAMED = 3
"""Imports that are named of a pickle."""
_WAYS = {
    Content.GGUF: "`--runtime ollama`, or a server of yours such as llama-server, runs GGUF.",
    Content.SAFETENSORS: "It is the safe format under a name that says otherwise: its maker can "
    "mend that, and `--runtime link` publishes it as it is.",
}


async def look_into(context: Context, asked: Asked, loading: Loading) -> Loading:
    """See that weights are what their names say, and that somebody agreed to each pickle.

    Gives the loading with the consents that it rests on; new ones are yet to be written down.

    Raises:
        PickleError: for pickles that nobody agreed to.
        UnsafeError: for what hides what it is, or asks for more than tensors; no consent helps.
        RefusedError: for a format that the runtime does not load.
        HubError: when a file cannot be read.
    """
    files = _weights(asked, loading)
    if loading.runtime == LINK or not files:
        return loading
    found = [(file, await _examined(context, asked, file)) for file in files]
    for file, seen in found:
        _check(file, seen, asked, loading)
    pickles = [file for file, seen in found if seen.content is Content.PICKLE]
    if loading.runtime == COMMAND or not pickles:
        return loading
    return await _with_consents(context, asked, loading, pickles)


async def consents_to(context: Context, files: Iterable[Artifact]) -> tuple[Consent, ...]:
    """What was agreed to of a model's files."""
    blobs = {file.blob for file in files if file.blob and weights_format(file.path) == "pickle"}
    return tuple(await context.hub.consents.of(blobs)) if blobs else ()


def _weights(asked: Asked, loading: Loading) -> list[Artifact]:
    """The weights that are opened: those that were chosen, else all of the variant."""
    if asked.details is None:
        return []
    paths = {path for one in asked.variants if one.name == loading.variant for path in one.paths}
    root = Path(asked.install.path)
    chosen = {Path(file) for file in loading.files}
    files = [
        file
        for file in asked.details.files
        if file.blob and file.path in paths and weights_format(file.path) is not None
    ]
    # A server gets the whole folder, whatever file it is pointed at.
    named = [file for file in files if root / file.path in chosen]
    return files if loading.runtime == COMMAND or not named else named


async def _examined(context: Context, asked: Asked, file: Artifact) -> Examined:
    path = Path(asked.install.path) / file.path
    try:
        unpickled = weights_format(file.path) == "pickle"
        return await context.on_disk(partial(examine, path, unpickled=unpickled))
    except OSError as error:
        name = text.clean(file.path, 200)
        raise HubError(f"{name} cannot be read: {error.strerror}") from None


def _check(file: Artifact, seen: Examined, asked: Asked, loading: Loading) -> None:
    """See that one file is what it says, and no more than that.

    Raises:
        UnsafeError: for what is not, and could do harm.
        RefusedError: for what is not, and is harmless.
    """
    name, said = text.clean(file.path, 200), weights_format(file.path)
    way = _safe_way(asked, loading.variant)
    if seen.content is Content.PICKLE and said != "pickle":
        raise UnsafeError(
            f"{name} is a pickle, whatever its name says, and those can run any program",
            hint=f"Nothing loads it from here. {way}",
        )
    if seen.content is Content.TORCHSCRIPT:
        raise UnsafeError(
            f"{name} is TorchScript: a program, with weights in it",
            hint=f"Nothing loads it from here. {way}",
        )
    if said == "pickle" and seen.content is not Content.PICKLE and loading.runtime != COMMAND:
        raise RefusedError(
            f"{name} is {seen.content.value}, and not what torch writes",
            hint=_WAYS.get(seen.content, way),
        )
    if loading.runtime == OLLAMA and seen.content is not Content.GGUF:
        raise RefusedError(f"{name} is {seen.content.value}, and no GGUF", hint=way)
    if said == "pickle":
        _check_imports(name, seen, way)


def _check_imports(name: str, seen: Examined, way: str) -> None:
    if seen.foreign:
        asks = ", ".join(text.clean(name, 80) for name in seen.foreign[:_NAMED])
        more = ", and more" if len(seen.foreign) > _NAMED else ""
        raise UnsafeError(
            f"{name} is a pickle that asks for {asks}{more}: that is more than weights",
            hint=f"Nothing loads it from here, with consent or without. {way}",
        )
    if not seen.whole:
        raise UnsafeError(
            f"{name} is a pickle that cannot be looked through to its end",
            hint=f"Nothing loads it from here. {way}",
        )


async def _with_consents(
    context: Context, asked: Asked, loading: Loading, pickles: Sequence[Artifact]
) -> Loading:
    blobs = {file.blob: file for file in pickles if file.blob}
    known = await context.hub.consents.of(blobs.keys())
    missing = blobs.keys() - {one.sha256 for one in known}
    if missing and not asked.consent:
        names = ", ".join(text.clean(blobs[blob].path, 80) for blob in sorted(missing))
        are = "is a pickle file" if len(missing) == 1 else "are pickle files"
        raise PickleError(
            f"{names} of {asked.install.model} {are}, which can run any program when loaded",
            hint=f"{_safe_way(asked, loading.variant)} `--allow-pickle` lets torch take nothing "
            "but weights from them; `--runtime link` publishes them unread.",
        )
    by, at = _user(), text.now()
    new = tuple(
        Consent(sha256=blob, path=blobs[blob].path, model=asked.install.model, by=by, at=at)
        for blob in sorted(missing)
    )
    return replace(loading, consent=True, consents=new)


def _safe_way(asked: Asked, refused: str | None) -> str:
    """How to have the same model without a pickle, by another variant than the one refused."""
    variants = () if asked.details is None else asked.details.variants
    safe = [one for one in variants if one.format == "safetensors" and one.name != refused]
    if not safe:
        return "Look for a safetensors version of it, by its maker or by others."
    model, name = asked.install.model, text.clean(safe[0].name, 80)
    if safe[0].name in asked.install.variants:
        return f"`--variant {name}` takes its safetensors, which are here."
    return f"`tui-hub download {model} --variant {name}` brings its safetensors."


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in many containers
        return "unknown"
