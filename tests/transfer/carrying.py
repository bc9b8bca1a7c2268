"""Transfers that another process does, as the tests have them."""

from __future__ import annotations

from plain_file import PlainFile

from tui_hub.transfer import Options, Request, Transfer
from tui_hub.transfer.beside import Carried, Carrier


class Beside:
    """Makes transfers by another process."""

    def __init__(self, carrier: Carrier, destination: PlainFile) -> None:
        self.carrier = carrier
        self.destination = destination
        self.here: list[Transfer] = []
        self.held = 0
        """Bytes that were durable when it went on here."""

    def __call__(self, url: str, **known: object) -> Carried:
        options = Options(piece_size=256 * 1024, retries=1, timeout=20)
        request = Request(url=url, **known)

        def here() -> Transfer:
            self.held = sum(end - start for start, end in self.destination.ranges)
            self.here.append(Transfer(request, self.destination, options))
            return self.here[-1]

        return Carried(self.carrier, "one", request, self.destination, options, here)
