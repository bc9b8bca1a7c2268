"""The terminal and the locale, as the environment tells of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from tui_hub import text
from tui_hub.domain.doctor import Finding
from tui_hub.services.doctor.findings import ok, warning
from tui_hub.settings import Configuration

_CHECK = "terminal"
_TRUE_COLOUR = ("truecolor", "24bit")


async def look(configuration: Configuration) -> AsyncIterator[Finding]:
    """Whether the screen can be drawn, in which colours and with which letters."""
    given = configuration.environment
    term = text.clean(given.get("TERM", ""), 40)
    if term in ("", "dumb"):
        yield warning(
            _CHECK,
            f"TERM is {term or 'not set'}: the screen cannot open here, commands can",
            "Over SSH, `ssh -t` gives a terminal; TERM=xterm-256color suits most.",
        )
    else:
        yield ok(_CHECK, f"{term}, {_colours(term, given)}")
    name, locale = next(
        ((name, given[name]) for name in ("LC_ALL", "LC_CTYPE", "LANG") if given.get(name)),
        ("LANG", ""),
    )
    if "utf8" in locale.lower().replace("-", ""):
        yield ok(_CHECK, f"the locale {text.clean(locale, 40)} is UTF-8")
    elif configuration.settings.screen.ascii:
        yield ok(_CHECK, "plain ASCII, by the setting screen.ascii")
    else:
        words = f"{name} is {text.clean(locale, 40)}" if locale else "no locale is set"
        yield warning(
            _CHECK,
            f"{words}, which is not UTF-8: lines and bars may look wrong",
            "`export LANG=C.UTF-8`, or set screen.ascii = true.",
        )


def _colours(term: str, given: Mapping[str, str]) -> str:
    if given.get("NO_COLOR"):
        return "no colours, as NO_COLOR asks"
    if given.get("COLORTERM", "").lower() in _TRUE_COLOUR or term.endswith("-direct"):
        return "all colours"
    return "256 colours" if "256" in term else "16 colours; COLORTERM=truecolor says it has more"
