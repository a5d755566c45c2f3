"""The Python code of an answer: fenced blocks, or the whole text where it is code; and whether its
tests test something. Pure."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

from pydantic import JsonValue

from judgeforge.judging.checks.usual_forms import in_lines
from judgeforge.text.patterns import late_pattern

_FENCE = late_pattern(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[^\s`]*)[^\n`]*\n"
    r"(?P<code>.*?)(?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_PYTHON = frozenset({"python", "py", "python3", "py3", "python2", "ipython"})
_UNNAMED = frozenset({"", "text", "plaintext", "code"})
_SESSION = late_pattern(r"^>>> ", re.MULTILINE)
_DEFINES = (ast.FunctionDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
_INDENT = late_pattern(r"^[ \t]*")


def python_code(answer: str) -> str | None:
    """All Python blocks one after another, as a reader would put them into one file; None where
    there is no code.

    Blocks that are said to be Python count; where there are none, those that name no language do.
    A block that is not valid Python (an excerpt, a shell's output, a session) is left out beside
    others that are, and so is a later block that only repeats an earlier one. An answer without a
    fence counts as a whole where it is valid Python and not only a word.
    """
    answer = in_lines(answer)
    blocks = [(found["language"].lower(), _dedented(found)) for found in _FENCE.finditer(answer)]
    named = [code for language, code in blocks if language in _PYTHON]
    chosen = named or [code for language, code in blocks if language in _UNNAMED]
    if not blocks:
        return answer if _is_program(answer) else None
    chosen = [code for code in chosen if code.strip() and not _SESSION.search(code)]
    valid = [code for code in dict.fromkeys(chosen) if _parses(code)]
    if not valid:
        return "\n\n".join(chosen) or None  # the mistake is the answer's own
    return "\n\n".join(valid)


@lru_cache(maxsize=64)
def why_no_tests(code: str, *, check_is_called: bool) -> str | None:
    """Why tests can tell nothing about an answer; None where they can.

    ``check_is_called``: whether ``check(candidate)``, which HumanEval's define, is called.
    """
    parsed = _parsed(code)
    if parsed is None:
        return "is not valid Python"
    if not parsed.body:
        return "has no tests"
    functions = {node.name for node in parsed.body if isinstance(node, ast.FunctionDef)}
    only_defines = all(isinstance(node, _DEFINES) for node in parsed.body)
    if "check" not in functions or check_is_called or not only_defines:
        return None
    if any(name.startswith("test") for name in functions):
        return None
    return "only defines `check`, which is called where `entry_point` names a key of the row"


def list_in(text: str) -> list[JsonValue] | None:
    """The list that a text is, as JSON or as Python writes one: cells of tables have lists so."""
    parsed = _parsed(text.strip())
    node = parsed.body[0] if parsed is not None and len(parsed.body) == 1 else None
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.List):
        return None
    try:
        found: list[JsonValue] = ast.literal_eval(node.value)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return None
    return found


def is_a_value(code: str) -> bool:
    """Whether it is a text, a number or a list of these: nothing that could fail."""
    try:
        ast.literal_eval(code.strip())
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def _dedented(found: re.Match[str]) -> str:
    """Without the indent that the fence has in a list item."""
    indent = len((_INDENT.match(found.group()) or found).group())
    return re.sub(rf"(?m)^[ \t]{{1,{indent}}}", "", found["code"]) if indent else found["code"]


def _is_program(text: str) -> bool:
    """Prose is sometimes valid Python (`Yes`, `42`): a program does something."""
    parsed = _parsed(text)
    if parsed is None:
        return False
    return any(not isinstance(node, ast.Expr) for node in parsed.body) or any(
        isinstance(node.value, ast.Call) for node in parsed.body if isinstance(node, ast.Expr)
    )


def _parses(code: str) -> bool:
    return _parsed(code) is not None


def _parsed(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
