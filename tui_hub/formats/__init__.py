"""What the headers of weights files say: every tensor's type, shape and bytes, and no weights."""

from tui_hub.formats.header import Header, HeaderError, Metadata, NewerError, Tensor
from tui_hub.formats.reading import READABLE, Read, read_header

__all__ = [
    "READABLE",
    "Header",
    "HeaderError",
    "Metadata",
    "NewerError",
    "Read",
    "Tensor",
    "read_header",
]
