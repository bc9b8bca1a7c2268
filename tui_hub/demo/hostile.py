"""One repository whose every text tries to do harm to whatever shows or stores it."""

from __future__ import annotations

from datetime import datetime, timedelta

from tui_hub.demo.cards import front_matter
from tui_hub.demo.formats.safetensors import safetensors
from tui_hub.demo.formats.tensors import stack
from tui_hub.demo.repository import Repository, RepositoryFile
from tui_hub.text import stamp

_ESCAPES = (
    "\x1b[2J\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b]8;;http://127.0.0.1/\x07link\x1b]8;;\x07"
)
_BIDI = "\N{RIGHT-TO-LEFT OVERRIDE}sledom on\N{POP DIRECTIONAL FORMATTING}"
_MARKUP = "[/] [bold red]markup[/bold red] [@click=app.quit]click[/] {braces} %s %n"
_ZALGO = "z" + "\N{COMBINING GRAVE ACCENT}" * 80 + "a"
_INVISIBLE = "in\N{ZERO WIDTH SPACE}vis\N{ZERO WIDTH JOINER}i\N{WORD JOINER}ble"

_CARD = f"""# {_MARKUP}

{_ESCAPES}

{_BIDI} {_INVISIBLE} {_ZALGO}

<script>alert(1)</script><img src=x onerror=alert(1)><iframe src="file:///etc/passwd"></iframe>

[a link](javascript:alert(1)) ![a picture](http://127.0.0.1:1/tracker.png) [r]: file:///etc/passwd

| a | b |
| --- |
| {_MARKUP} | {_ESCAPES} | too many | cells |

{"> " * 200}deep

{"- " * 100}deeper

```{_MARKUP}
a fence that never ends {"x" * 5000}
"""

_PATHS = (
    "../x",
    "../../.bashrc",
    "/etc/passwd",
    "a/../../b",
    "a\\..\\b",
    "C:\\x",
    "[red]name[/].json",
    f"{_BIDI}.txt",
    "\x1b[31mred.txt",
    "new\nline.txt",
    ".git/config",
    "-rf",
    "~/x",
    "NUL.json",
    "x" * 300,
)


def hostile_repository(now: datetime) -> Repository:
    """The repository; its `config.json` and `model.safetensors` are fine and can be fetched."""
    card: dict[str, object] = {"license": _MARKUP, "tags": [_MARKUP, _ESCAPES], "summary": _CARD}
    files = [
        RepositoryFile("README.md", (front_matter(card) + _CARD).encode()),
        RepositoryFile("config.json", b'{"model_type": "[/]"}'),
        RepositoryFile("model.safetensors", safetensors(stack("layers", 2, 64), "hostile")),
        *(RepositoryFile(path, b"this must not land anywhere else\n") for path in _PATHS),
    ]
    return Repository(
        id="demo-lab/hostile-card",
        files=tuple(files),
        task="text-generation",
        library="transformers",
        license="other",
        labels=(_MARKUP, _ESCAPES, _BIDI, _INVISIBLE, _ZALGO, "license:[/]", "", " ", "x" * 3000),
        card=card,
        config={"model_type": _MARKUP, "architectures": [_ESCAPES]},
        downloads=66_666,
        likes=1,
        created_at=stamp(now - timedelta(days=13)),
        last_modified=stamp(now - timedelta(days=13)),
        title=_MARKUP,
    )
