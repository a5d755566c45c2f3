"""The errors at a glance: the drawing at the head of the module is the tree of its classes."""

from __future__ import annotations

import inspect

import pytest

from judgeforge import errors

CLASSES = [
    one
    for _, one in inspect.getmembers(errors, inspect.isclass)
    if one.__module__ == "judgeforge.errors"
]


def drawn(kind: type[errors.JudgeforgeError], lead: str = "", branch: str = "") -> list[str]:
    """The line of a class with its exit code, and those of its subclasses in the file's order."""
    below = [one for one in CLASSES if kind in one.__bases__]
    below.sort(key=lambda one: inspect.getsourcelines(one)[1])
    lines = [f"{f'{branch}{kind.__name__}':<34}{kind.exit_code:>5}"]
    for one in below:
        last = one is below[-1]
        lines += drawn(
            one, lead + ("    " if last else "│   "), lead + ("└── " if last else "├── ")
        )
    return lines


def test_the_drawing_is_the_tree_of_the_classes_with_their_exit_codes() -> None:
    drawing = [line.split() for line in drawn(errors.JudgeforgeError)]
    said = [line.split() for line in (errors.__doc__ or "").split("\n\n")[1].splitlines()]
    assert said == drawing


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_says_when_it_is_raised(kind: type) -> None:
    assert (kind.__doc__ or "").strip()


@pytest.mark.parametrize(
    "kind", [one for one in CLASSES if "exit_code" in vars(one)], ids=lambda one: one.__name__
)
def test_an_error_with_an_exit_code_of_its_own_names_it(
    kind: type[errors.JudgeforgeError],
) -> None:
    assert f"xit code {kind.exit_code}" in (kind.__doc__ or "")
