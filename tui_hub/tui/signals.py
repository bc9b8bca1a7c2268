"""Events on their way to the widgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from textual.dom import DOMNode
from textual.signal import Signal

from tui_hub.events import Event

Kind = TypeVar("Kind", bound=Event)


class EventSignal(Signal[Event]):
    """Carries events to whoever asked for their kind: downloads move eighty times a second."""

    def __init__(self, owner: DOMNode, name: str) -> None:
        super().__init__(owner, name)
        self._wanted: set[type[Event]] = set()
        """What anybody ever asked for."""

    def follow(self, node: DOMNode, callback: Callable[[Kind], object], *kinds: type[Kind]) -> None:
        """Have a node called with events of some kinds, each in the node's own turn."""

        def offer(event: Event) -> None:
            if isinstance(event, kinds):
                node.call_next(callback, event)

        self._wanted.update(kinds)
        self.subscribe(node, offer, immediate=True)

    def publish(self, data: Event) -> None:
        """Offer an event to whoever asked for its kind."""
        if type(data) in self._wanted:
            super().publish(data)
