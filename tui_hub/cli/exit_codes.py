"""How a command ends, as a number: the one table from the words of an error to exit codes."""

from __future__ import annotations

DONE = 0
FAILED = 1
USAGE = 2
PARTLY = 3
"""Some feeds or files failed, others did not."""
NOT_FOUND = 4
REFUSED = 5
UNREACHABLE = 6
NOT_EXECUTABLE = 126
"""`run` was given a file that cannot be executed, as shells report it."""
NO_PROGRAM = 127
"""`run` was given a program that is not there, as shells report it."""
INTERRUPTED = 130
BROKEN_PIPE = 141
"""Whoever read the output went away; what a shell reports for a process that SIGPIPE ended."""

_OF_CODE = {
    "usage": USAGE,
    "not_found": NOT_FOUND,
    "refused": REFUSED,
    "no_space": REFUSED,
    "does_not_fit": REFUSED,
    "unsafe": REFUSED,
    "unreachable": UNREACHABLE,
    "interrupted": INTERRUPTED,
}


def exit_code(code: str) -> int:
    """The exit code for the code of an error; words that have none of their own are `FAILED`."""
    return _OF_CODE.get(code, FAILED)
