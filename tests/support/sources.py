"""The source of the package as trees, parsed once for all tests of a process that look at it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "judgeforge"


@cache
def all_nodes() -> list[tuple[str, ast.AST]]:
    """Every node, each with the place of its file in the package."""
    return [
        (str(file.relative_to(PACKAGE)), node)
        for file in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    ]


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
