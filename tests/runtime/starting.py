"""What the fixture that starts children is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tui_hub.runtime.torch_children import TorchChild

Start = Callable[..., Awaitable[TorchChild]]
