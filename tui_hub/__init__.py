"""Find, fetch, verify, switch and retire AI models: the screen, the command line, and `open`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from os import PathLike
from typing import TYPE_CHECKING

from tui_hub.version import __version__

if TYPE_CHECKING:
    from tui_hub.runtime.attached import Attached
    from tui_hub.services import Services

__all__ = ["__version__", "attach", "open"]


def attach(
    slot: str,
    *,
    home: str | PathLike[str] | None = None,
    config: str | PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Attached:
    """The tensors of an active model, in the memory of the process that holds them.

    Nothing is read from the disk and nothing is copied, so this takes milliseconds for any model,
    whose memory is there once for all programs:

        import torch
        from transformers import AutoConfig, AutoModel
        import tui_hub

        with tui_hub.attach("llm") as weights:
            model = AutoModel.from_config(AutoConfig.from_pretrained(weights.path))
            model.load_state_dict(weights, assign=True)
        with torch.inference_mode():
            print(model.eval()(torch.tensor([[1, 2, 3]])).last_hidden_state.mean())

    The runtime knows who has the weights, asks them to let go before the slot is emptied or
    changed (`wanted_back` tells), and names those that do not. That lasts until the last of the
    tensors is gone, or the program.

    Args:
        slot: the type of the model: `llm`, `image_gen`, `tts` and so on.
        home: the folder of all state; by default that of the command `tui-hub`.
        config: the settings file; by default that of the home.
        environment: stands in for the process's environment.

    Raises:
        NotFoundError: when the slot is empty.
        RefusedError: when its model is active by another runtime than `torch`, or this program has
            no torch, or one that does not know what the weights are.
        UnsafeError: when another user's process holds it.
        HubError: when the process that held it is gone.
        UsageError: when there is no such type, or the settings are wrong.
    """
    from tui_hub.attaching import attach
    from tui_hub.settings import load_configuration

    return attach(
        slot,
        load_configuration(
            home=None if home is None else str(home),
            config_file=None if config is None else str(config),
            environment=environment,
        ),
    )


def open(  # noqa: A001 - `tui_hub.open()` reads as what it does
    home: str | PathLike[str] | None = None,
    *,
    config: str | PathLike[str] | None = None,
    offline: bool = False,
    environment: Mapping[str, str] | None = None,
) -> AbstractAsyncContextManager[Services]:
    """Open a home for another program, which can then do what the screen does.

    Use it with `async with`: at the end running downloads pause and everything is closed. Models
    that were activated stay active. Whatever cannot be done raises a
    `tui_hub.domain.errors.HubError` with `message`, `hint` and `code`.

    Args:
        home: the folder of all state; by default that of the command `tui-hub`.
        config: the settings file; by default that of the home.
        offline: never open a connection.
        environment: stands in for the process's environment.

    Raises:
        UsageError: when the settings are wrong.
    """
    from tui_hub.services import open_services
    from tui_hub.settings import load_configuration

    return open_services(
        load_configuration(
            home=None if home is None else str(home),
            config_file=None if config is None else str(config),
            offline=offline,
            environment=environment,
        )
    )
