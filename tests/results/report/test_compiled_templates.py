"""The templates of a page are compiled once, and never from what is not whole or is another's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader
from jinja2.sandbox import SandboxedEnvironment

from judgeforge.results.report.compiled_templates import CompiledTemplates

Open = Callable[..., Environment]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    (tmp_path / "page.j2").write_text("{{ 1 + 1 }}")
    return tmp_path


def opened(folder: Path, kind: type[Environment] = Environment, **settings: Any) -> Environment:
    cache = CompiledTemplates(folder)
    return kind(loader=FileSystemLoader(folder), bytecode_cache=cache, **settings)


def page(environment: Environment) -> str:
    return environment.get_template("page.j2").render()


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "__pycache__").glob("*"))


def compiling(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with each template that is compiled from now on."""
    seen: list[str] = []
    real = Environment.compile

    def noted(self: Environment, source: str, name: str, *rest: object) -> object:
        seen.append(name)
        return real(self, source, name, *rest)  # type: ignore[call-overload]

    monkeypatch.setattr(Environment, "compile", noted)
    return seen


def test_a_template_is_compiled_at_the_first_start_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = compiling(monkeypatch)
    assert [page(opened(folder)) for _ in range(3)] == ["2"] * 3
    assert compiled == ["page.j2"]
    (file,) = kept(folder)
    assert sys.implementation.cache_tag in file.name


def test_a_changed_template_is_compiled_anew(folder: Path) -> None:
    assert page(opened(folder)) == "2"
    (folder / "page.j2").write_text("{{ 2 + 2 }}")
    assert page(opened(folder)) == "4"


def test_another_way_of_compiling_has_a_form_of_its_own(folder: Path) -> None:
    ways: list[dict[str, Any]] = [{}, {"autoescape": True}, {"trim_blocks": True}]
    for settings in ways:
        page(opened(folder, **settings))
    page(opened(folder, SandboxedEnvironment))
    assert len(kept(folder)) == 4


@pytest.mark.parametrize("damage", [b"", b"x" * 10, b"x" * 500])
def test_what_is_not_whole_is_never_run(folder: Path, damage: bytes) -> None:
    page(opened(folder))
    (file,) = kept(folder)
    whole = file.read_bytes()
    file.write_bytes(damage or whole[:-1])
    assert page(opened(folder)) == "2"
    assert file.read_bytes() == whole


def test_nothing_is_written_where_python_writes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert page(opened(folder)) == "2"
    assert kept(folder) == []


def test_a_place_that_cannot_be_written_costs_nothing_but_time(folder: Path) -> None:
    (folder / "__pycache__").write_text("a file where the folder would be")
    assert [page(opened(folder)) for _ in range(2)] == ["2", "2"]


def test_modules_and_templates_move_together(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("compiled")
    monkeypatch.setattr(sys, "pycache_prefix", str(elsewhere))
    page(opened(folder))
    assert kept(folder) == []
    assert [file for file in elsewhere.rglob("*") if file.is_file()]
