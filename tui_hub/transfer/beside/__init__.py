"""Transfers in a process of their own, so that a screen in this one stays quick.

One interpreter lets one thread at a time run. Eight downloads at full speed are forty threads that
each want it thousands of times a second, and a key would wait in line with them. Here they have an
interpreter to themselves: the process gets the open partial file and fetches, writes and hashes;
what the store keeps of it stays with this one, and whatever the two have to say to each other goes
over a socket that nobody else can open.
"""

from tui_hub.transfer.beside.carried import Carried
from tui_hub.transfer.beside.carrier import Carrier

__all__ = ["Carried", "Carrier"]
