"""Runs a verb's work on a loop: services opened and closed, signals turned into a clean end."""

from __future__ import annotations

import asyncio
import logging
import shlex
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from tui_hub.cli.console import Answer, Console, is_terminal
from tui_hub.cli.failures import StoppedError

if TYPE_CHECKING:
    from tui_hub.cli.options import Options
    from tui_hub.services import Services
    from tui_hub.settings import Configuration

_log = logging.getLogger(__name__)

_T = TypeVar("_T")
Work = Callable[["Services", Console], Awaitable[_T]]
UnopenedWork = Callable[["Configuration", Console], Coroutine[object, object, Answer]]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE = 1.0
"""Seconds in which further signals count as the same one; a later one ends the process at once."""


def run(options: Options, work: Work[Answer], *, fill: bool = True) -> int:
    """Open the services, do the work, print its answer, and return the exit code.

    The first SIGINT, SIGTERM or SIGHUP cancels the work, which then keeps what it has. An answer
    that says `interrupted` ends with 128 and the number of the signal. `fill` lets `--demo` sync
    an empty catalogue first, so that the work finds something in it.
    """
    filled = fill and options.demo
    return run_unopened(
        options,
        lambda configuration, console: _with_services(configuration, console, work, fill=filled),
    )


def run_unopened(options: Options, work: UnopenedWork) -> int:
    """Do work that opens the services itself, where it needs them; the rest is as with `run`."""
    configuration, console = prepare(options)
    answer, stopped = asyncio.run(_until_signal(work(configuration, console)))
    if answer is None:
        raise stopped or StoppedError(signal.SIGINT)
    if stopped and answer.error is not None and answer.error.code == stopped.code:
        answer = replace(answer, code=stopped.exit_code)
    if answer.error is not None:
        _log.info("failed: %s: %s", answer.error.code, answer.error.message)
    _log.info("ended with exit code %d", answer.exit_code)
    return console.give(answer)


def obtain(options: Options, work: Work[_T]) -> _T:
    """Open the services, do the work, and return what it brought, printing nothing.

    Raises:
        StoppedError: when a signal ended it.
    """
    configuration, console = prepare(options)
    opened = _with_services(configuration, console, work, fill=options.demo)
    result, stopped = asyncio.run(_until_signal(opened))
    if result is None:
        raise stopped or StoppedError(signal.SIGINT)
    return result


def prepare(options: Options, *, talk: bool = True) -> tuple[Configuration, Console]:
    """Read the settings and start the log; `talk` lets `-v` copy it to stderr."""
    from tui_hub.cli import logs
    from tui_hub.cli.redaction import Redactor

    configuration = options.configuration()
    redact = Redactor(configuration.environment)
    logs.configure(configuration.paths.logs, redact, options.verbose, talk=talk)
    _log.info("started: %s", shlex.join(sys.argv[1:]))
    console = Console.of(options, redact)
    shown = talk and not options.verbose and is_terminal(sys.stderr)
    logs.tell_waiting(console.note if shown else None)
    return configuration, console


async def _with_services(
    configuration: Configuration, console: Console, work: Work[_T], *, fill: bool
) -> _T:
    from tui_hub.cli.demo import fill_catalogue
    from tui_hub.services import open_services

    async with open_services(configuration) as services:
        await _tell_of_damage(services, console)
        if fill:
            await fill_catalogue(services)
        return await work(services, console)


async def _tell_of_damage(services: Services, console: Console) -> None:
    """Say once that a damaged catalogue was put aside: to a person, whom no script stands for."""
    if is_terminal(sys.stderr) and not console.quiet:
        words = await services.catalogue.put_aside()
        if words is not None:
            console.note(words)


async def _until_signal(
    work: Coroutine[object, object, _T],
) -> tuple[_T | None, StoppedError | None]:
    """The work's result and the signal that cancelled it, either of which may be missing.

    The work's `CancelledError` carries the signal's number.
    """
    received: list[StoppedError] = []
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)

    def stop(number: int) -> None:
        if not received:
            received.append(StoppedError(number))
            task.cancel(number)
            loop.call_later(_PATIENCE, _end_at_once, loop)

    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop, number)
    try:
        return await task, received[0] if received else None
    except asyncio.CancelledError:
        if not received:
            raise
        return None, received[0]


def _end_at_once(loop: asyncio.AbstractEventLoop) -> None:
    """Give the signals back to the system: who asks twice does not want to wait."""
    for number in _SIGNALS:
        if loop.remove_signal_handler(number):
            signal.signal(number, signal.SIG_DFL)
