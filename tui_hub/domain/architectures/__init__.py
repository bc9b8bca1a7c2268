"""What a model's configuration says of the memory that it needs besides its weights. Pure."""

from tui_hub.domain.architectures.config import from_config, generates, reader_from_config
from tui_hub.domain.architectures.ggml import from_gguf
from tui_hub.domain.architectures.memory import Architecture, CacheLayers

__all__ = [
    "Architecture",
    "CacheLayers",
    "from_config",
    "from_gguf",
    "generates",
    "reader_from_config",
]
