"""The source of the package as trees, parsed once for all tests of a process that look at it."""

from __future__ import annotations

import ast
import gc
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "judgeforge"


@cache
def all_nodes() -> list[tuple[str, ast.AST]]:
    """Every node, each with the place of its file in the package."""
    gc.disable()  # all of it is kept: looking for garbage in it takes longer than the parsing
    try:
        return [
            (str(file.relative_to(PACKAGE)), node)
            for file in sorted(PACKAGE.rglob("*.py"))
            for node in _within(ast.parse(file.read_text(encoding="utf-8")))
        ]
    finally:
        gc.enable()


def _within(tree: ast.AST) -> list[ast.AST]:
    """As `ast.walk`, which takes several times as long, but for whether a name is read or set."""
    found = [tree]
    for node in found:
        for value in vars(node).values():
            if isinstance(value, list):
                found.extend(each for each in value if isinstance(each, ast.AST))
            elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
                found.append(value)
    return found


def name_of(function: ast.expr) -> str:
    """What is called, as it is written: `yaml.safe_load`, and only where that takes more than
    names and dots with the time that it takes to write it out."""
    parts: list[str] = []
    inner = function
    while isinstance(inner, ast.Attribute):
        parts.append(inner.attr)
        inner = inner.value
    if not isinstance(inner, ast.Name):
        return ast.unparse(function)
    return ".".join([inner.id, *reversed(parts)])
