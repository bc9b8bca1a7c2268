"""The sockets of living children: how to reach one."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from tui_hub.domain.errors import HubError

_CONNECT_SECONDS = 10.0


def connect(folder: Path, name: str) -> socket.socket | None:
    """A connection to the socket; a path of any length, where one address holds 108 bytes.

    Gives `None` where nobody listens, and removes a socket that a dead process left. Blocks.

    Raises:
        HubError: when it is there and cannot be reached.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(_CONNECT_SECONDS)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            through = Path(f"/proc/self/fd/{descriptor}")
            connection.connect(str((through if through.exists() else folder) / name))
            return connection
        except ConnectionRefusedError:
            os.unlink(name, dir_fd=descriptor)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        pass
    except OSError as error:
        connection.close()
        raise HubError(f"{folder / name} cannot be reached: {error.strerror or error}") from None
    connection.close()
    return None
