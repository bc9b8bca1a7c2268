"""What each setting means, as its docstring says it."""

from __future__ import annotations

import ast
import inspect

import msgspec

from tui_hub.settings import sections
from tui_hub.settings.sections import Settings


def meanings() -> dict[str, str]:
    """The docstring of each setting by its key: the one text that says what it means."""
    classes = {
        node.name: node
        for node in ast.parse(inspect.getsource(sections)).body
        if isinstance(node, ast.ClassDef)
    }
    found: dict[str, str] = {}
    for section in msgspec.structs.fields(Settings):
        node = classes.get(type(getattr(Settings(), section.name)).__name__)
        if node is None:
            continue
        for line, after in zip(node.body, node.body[1:], strict=False):
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                words = _docstring(after)
                if words:
                    found[f"{section.name}.{line.target.id}"] = words
    return found


def _docstring(node: ast.stmt) -> str:
    value = node.value if isinstance(node, ast.Expr) else None
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return " ".join(value.value.split())
    return ""
