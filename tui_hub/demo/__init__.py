"""The private hub of `tui-hub --demo`."""

from tui_hub.demo.content import Content, Weights
from tui_hub.demo.faults import Fault, FaultKind, Faults, RequestLog, Seen
from tui_hub.demo.hub import DemoHub
from tui_hub.demo.process import DemoProcess, launch
from tui_hub.demo.repository import Repository, RepositoryFile

__all__ = [
    "Content",
    "DemoHub",
    "DemoProcess",
    "Fault",
    "FaultKind",
    "Faults",
    "Repository",
    "RepositoryFile",
    "RequestLog",
    "Seen",
    "Weights",
    "launch",
]
