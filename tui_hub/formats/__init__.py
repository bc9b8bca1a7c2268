"""What the headers of weights files say: every tensor's type, shape and bytes, and no weights."""

from tui_hub.formats.header import Header, HeaderError, Metadata, Tensor
from tui_hub.formats.reading import READABLE, Read, read_header

__all__ = ["READABLE", "Header", "HeaderError", "Metadata", "Read", "Tensor", "read_header"]
