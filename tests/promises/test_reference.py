"""The reference of the documentation is made from the code: nothing in it may be without words."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
from pydantic import BaseModel

import judgeforge
from judgeforge.cli.app import app
from judgeforge.config.run import RunConfig

SITE = Path(judgeforge.__file__).parent.parent / "docs" / "site"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"site_{name}", SITE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


CONFIGURATION, COMMANDS = loaded("configuration"), loaded("commands")


@pytest.mark.parametrize("model", CONFIGURATION.models_of(RunConfig), ids=lambda m: m.__name__)
def test_every_key_of_a_configuration_is_described_where_it_is_declared(
    model: type[BaseModel],
) -> None:
    words = CONFIGURATION.words_of(model)
    assert [name for name in model.model_fields if not words.get(name)] == []


def test_the_page_of_keys_has_each_key_once_at_its_place() -> None:
    page = CONFIGURATION.page()
    assert page.count("\n## `pairing`") == 1
    assert "| `tier` | a whole number from 1 to 9 | `1` |" in page
    assert "source_file" not in page


def commands_of(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


COMMANDS_BY_NAME = dict(commands_of(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS_BY_NAME)
def test_every_command_and_each_of_its_options_is_described(name: str) -> None:
    command = COMMANDS_BY_NAME[name]
    assert command.help
    assert [
        one.name for one in command.params if not (getattr(one, "help", "") or "").strip()
    ] == []
    assert f"## `{name}`" in COMMANDS.page()
