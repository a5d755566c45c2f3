"""The code of an answer: its Python blocks, or all of it where it is code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.judging.checks.code_blocks import python_code

ONE = "def f():\n    return 1\n"


def fenced(code: str, language: str = "python", fence: str = "```") -> str:
    return f"{fence}{language}\n{code.rstrip()}\n{fence}\n"


@pytest.mark.parametrize(
    "answer",
    [
        f"Here it is:\n\n{fenced(ONE)}\nIt returns 1.",
        fenced(ONE, ""),
        fenced(ONE, "py"),
        fenced(ONE, "Python3"),
        fenced(ONE, "python title=f.py"),
        fenced(ONE, fence="~~~"),
        fenced(ONE, fence="````"),
        f"```python\n{ONE}",
        ONE,
        "1. First\n   ```python\n   def f():\n       return 1\n   ```\n",
        f"{fenced('$ python f.py', 'bash')}{fenced(ONE)}",
        f"{fenced(ONE)}\n{fenced('>>> f()', 'python')}\n{fenced('f(', 'python')}",
        f"{fenced(ONE)}and again\n{fenced(ONE)}",
    ],
)
def test_is_found_with_prose_around_it(answer: str) -> None:
    found = python_code(answer)
    assert found is not None
    assert found.strip() == ONE.strip()


def test_of_several_blocks_stands_in_one_file() -> None:
    found = python_code(f"{fenced('import math')}then\n{fenced('x = math.pi')}")
    assert found is not None
    assert [line for line in found.splitlines() if line] == ["import math", "x = math.pi"]


@pytest.mark.parametrize(
    "answer",
    [
        "I cannot do that.",
        "",
        "Yes",
        "42",
        fenced("int f;", "c"),
        fenced("", "python"),
        "x",
    ],
)
def test_is_not_made_up(answer: str) -> None:
    assert python_code(answer) is None


def test_that_is_wrong_stays_wrong() -> None:
    assert python_code(fenced("def f(:\n")) == "def f(:\n"


@given(st.text(alphabet="`~ \npython>def(:", max_size=80))
def test_no_answer_raises(answer: str) -> None:
    python_code(answer)
