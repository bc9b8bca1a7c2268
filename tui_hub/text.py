"""Text for people: sizes, counts, ages, durations, bars; and `clean` for text from outside."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tui_hub.domain.errors import UsageError
from tui_hub.domain.numbers import grouped as grouped

if TYPE_CHECKING:
    from tui_hub.domain.models import Model

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([kmgtp]?)(i?b)?", re.IGNORECASE | re.ASCII)
SIZES = "For example 500M or 10G, which are 500 MiB and 10 GiB; 10GB is 9.3 GiB."
"""What may be typed for a size."""
_SHORTEST_SECRET = 6
"""Characters below which one is too common a word to be looked for."""
_LARGEST = 2**63 - 1
"""What a database keeps of a whole number."""
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_BLOCKS = " ▏▎▍▌▋▊▉█"


def clean(text: object, limit: int = 500, *, lines: bool = False) -> str:
    """Foreign text made safe for a terminal, a row and a log.

    Control characters (escape sequences live on them), bidirectional overrides, zero-width and tag
    characters and lone surrogates become U+FFFD; combining marks beyond two on one letter go.

    Args:
        text: anything; what is not a string gives an empty one.
        limit: characters to keep; a cut is shown as an ellipsis.
        lines: keep line feeds and tabs, for descriptions and cards.
    """
    if not isinstance(text, str):
        return ""
    cut = len(text) > limit
    if not cut and text.isascii() and text.isprintable():
        return text
    kept: list[str] = []
    marks = 0
    for character in text[:limit]:
        if character.isascii() and character.isprintable():
            kept.append(character)
            marks = 0
            continue
        category = unicodedata.category(character)
        if category in ("Mn", "Me"):
            marks += 1
            if marks <= 2:
                kept.append(character)
            continue
        marks = 0
        if lines and character in "\n\t":
            kept.append(character)
        elif category == "Cc" and character in "\n\r\t":
            kept.append(" ")
        elif category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            kept.append(_REPLACEMENT)
        else:
            kept.append(character)
    return "".join(kept) + ("…" if cut else "")


def without_secrets(text: str, headers: Mapping[str, str]) -> str:
    """What a server says, without what it was told in confidence: some repeat a token they refuse.

    Args:
        text: what it says.
        headers: those of the request that are for it alone.
    """
    for value in headers.values():
        secret = value.rpartition(" ")[2]
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


def size(count: int | float | None) -> str:
    """Bytes in binary units, three or four characters and a unit: `13.4 GiB`."""
    if count is None:
        return "-"
    value = float(count)
    for unit in _UNITS:
        if abs(value) < 1000 or unit == _UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError("unreachable")


def model_size(model: Model, here: int | None = None) -> str:
    """The size of a model; a `~` says that its files were not listed yet.

    Args:
        model: the model.
        here: bytes of it that are installed; a `+` behind them says that there is more of it.
    """
    if here is not None and _is_part(model, here):
        return f"{size(here)}+"
    return f"~{size(model.size)}" if model.size_is_estimate else size(model.size)


def size_words(model: Model, here: int | None = None) -> str | None:
    """The same with words for the signs; `None` where the size is not known."""
    if model.size is None:
        return None
    if here is not None and _is_part(model, here):
        return f"{size(here)} here of {size(model.size)}"
    return f"{model_size(model)} as listed" if model.size_is_estimate else size(model.size)


def _is_part(model: Model, here: int) -> bool:
    """Whether what is here is less than the whole model, as far as people see."""
    if model.size is None or model.size_is_estimate:
        return False
    return here < model.size and size(here) != size(model.size)


def parse_size(words: str) -> int:
    """Bytes from `10G` or `10 GiB`, both binary, from `10GB`, which is decimal, or a plain number.

    Raises:
        UsageError: when the words are no size, or one of 8 EiB and more.
    """
    found = _SIZE.fullmatch(words.strip())
    if found is None:
        raise UsageError(f"{clean(words, 40)!r} is no size", hint=SIZES)
    step = 1000.0 if (found[3] or "").lower() == "b" else 1024.0
    size = round(float(found[1]) * step ** "bkmgtp".index(found[2].lower() or "b"))
    if size > _LARGEST:
        raise UsageError(f"{clean(words, 40)!r} is larger than any disk", hint="For example 10G.")
    return size


def share(part: int, whole: int) -> str:
    """A part of a whole in the whole's unit, always equally wide: ` 61.2/139.8 GiB`."""
    unit = size(whole).partition(" ")[2]
    scale = 1024 ** _UNITS.index(unit)
    decimals = 1 if whole >= 10 * scale else 2
    total = f"{whole / scale:.{decimals}f}"
    return f"{part / scale:.{decimals}f}".rjust(len(total)) + f"/{total} {unit}"


def speed(rate: float | None) -> str:
    """Bytes a second: `412.0 MiB/s`."""
    return "-" if rate is None else f"{size(rate)}/s"


def count(number: int | None) -> str:
    """A count in at most five characters: `950`, `31.4k`, `1.9M`."""
    if number is None:
        return "-"
    value = float(number)
    for unit in ("", "k", "M", "B"):
        if abs(value) < 999.5 or unit == "B":
            if not unit:
                return f"{value:.0f}"
            return f"{value:.1f}{unit}" if abs(value) < 99.95 else f"{value:.0f}{unit}"
        value /= 1000
    raise AssertionError("unreachable")


def duration(seconds: float | None) -> str:
    """A span of time in its two largest units: `12 s`, `4 min 3 s`, `3 h 20 min`."""
    if seconds is None or seconds < 0:
        return "-"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} d"


def now() -> str:
    """The present moment as it is written everywhere: ISO 8601, UTC, whole seconds."""
    return stamp(datetime.now(UTC))


def stamp(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC: `2026-01-31T02:00:00Z`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z"


def stamp_of(seconds: float) -> str:
    """A moment in seconds since the epoch, as `stamp` writes it."""
    return stamp(datetime.fromtimestamp(seconds, UTC))


def parse_time(text: object) -> datetime | None:
    """Read an ISO 8601 time; `None` for anything that is not one."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def same_time(text: str) -> str | None:
    """A time in ISO 8601 as `stamp` writes it; `None` for anything that is not one."""
    try:
        found = datetime.fromisoformat(text)
        # Nearly all that servers send is in the right form but for the fraction of a second.
        # Some Pythons take 24:00, which is the next day's first moment.
        if found.tzinfo is UTC and text[4:19:3] == "--T::" and text[11:13] != "24":
            return text[:19] + "Z"
        return stamp(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def ago(moment: str | None, *, at: datetime | None = None) -> str:
    """How long ago a time was: `4 min ago`, `never`."""
    then = parse_time(moment)
    if then is None:
        return "never"
    seconds = ((at or datetime.now(UTC)) - then).total_seconds()
    if seconds < 0:
        return f"in {duration(-seconds)}"
    if seconds < 60:
        return "just now"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min ago"
    hours = minutes // 60
    if hours < 48:
        return f"{hours} h ago"
    days = hours // 24
    if days < 60:
        return f"{days} d ago"
    return f"{days // 30} mo ago" if days < 730 else f"{days // 365} y ago"


def clock(moment: str | None, *, at: datetime | None = None) -> str:
    """A time to come, in UTC and at most ten characters: `02:00Z`, `Sat 02:00Z`, `2026-12-01`.

    `due` for one that has come, `-` where there is none.
    """
    then = parse_time(moment)
    if then is None:
        return "-"
    ahead = then - (at or datetime.now(UTC))
    if ahead <= timedelta():
        return "due"
    if ahead < timedelta(days=1):
        return f"{then:%H:%M}Z"
    if ahead < timedelta(days=7):
        return f"{_WEEKDAYS[then.weekday()]} {then:%H:%M}Z"
    return f"{then:%Y-%m-%d}"


def bar(fraction: float, width: int, *, ascii_only: bool = False) -> str:
    """A horizontal bar of exactly `width` characters, drawn to an eighth of one."""
    fraction = min(max(fraction, 0.0), 1.0)
    if ascii_only:
        return ("#" * round(fraction * width)).ljust(width, ".")
    eighths = round(fraction * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_BLOCKS[rest] if rest else "")).ljust(width)
