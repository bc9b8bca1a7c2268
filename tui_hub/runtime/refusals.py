"""What the child refuses, as the errors that a person sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tui_hub import text
from tui_hub.domain.errors import (
    CorruptError,
    DoesNotFitError,
    HubError,
    RefusedError,
    UnsafeError,
)


class ServerFailedError(HubError):
    """A server of the user's does not get ready."""

    def __init__(self, message: str, said: Sequence[str]) -> None:
        super().__init__(message)
        self.said = tuple(said)
        """Its last lines, clean."""


_INSTALL_HINT = 'pip install "tui-hub[torch]", or set `runtime.python` to a Python that has torch.'


def refusal(answer: Mapping[str, Any]) -> HubError:
    """The child's refusal as the error that a person sees."""
    message = str(answer.get("message"))
    match answer.get("kind"):
        case "corrupt":
            return CorruptError(message, hint="`tui-hub verify` checks the files.")
        case "unsafe":
            return UnsafeError(message, hint="Prefer a variant in safetensors.")
        case "memory":
            return DoesNotFitError(
                f"{message} on {answer.get('device')}: "
                f"{text.size(answer.get('needed'))} needed, {text.size(answer.get('free'))} free",
                hint="Choose a smaller variant or dtype, or deactivate another model.",
            )
        case "no_torch":
            return RefusedError(message, hint=_INSTALL_HINT)
        case "broken_torch":
            return HubError(message, hint=_INSTALL_HINT)
        case "server":
            said = answer.get("said")
            lines = said if isinstance(said, list) else []
            return ServerFailedError(message, [str(line) for line in lines])
        case "refused":
            return RefusedError(message)
        case _:
            return HubError(message)
