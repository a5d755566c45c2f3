"""The docstring of each folder of the package is its table of contents, and it is true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "judgeforge"
ROOMS = sorted(file.parent for file in PACKAGE.rglob("__init__.py") if file.parent != PACKAGE)
NAMED = re.compile(r"^(\w+(?:\.py|/)) {2,}\S", re.MULTILINE)


def contents(room: Path) -> str:
    source = (room / "__init__.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source), clean=False) or ""


def test_there_are_rooms_to_look_at() -> None:
    assert PACKAGE / "ranking" / "pairing" in ROOMS


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(PACKAGE)))
def test_the_docstring_of_a_folder_names_its_modules_and_folders_and_nothing_else(
    room: Path,
) -> None:
    modules = [file.name for file in room.glob("*.py") if file.name != "__init__.py"]
    folders = [f"{file.parent.name}/" for file in room.glob("*/__init__.py")]
    assert sorted(NAMED.findall(contents(room))) == sorted(modules + folders)


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(PACKAGE)))
def test_the_docstring_of_a_folder_begins_with_one_sentence_on_what_it_is_for(room: Path) -> None:
    first, _, rest = contents(room).partition("\n\n")
    assert first.endswith(".")
    assert "\n" not in first
    assert rest
