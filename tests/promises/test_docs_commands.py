"""Every command, option and key of the pages exists: what a reader pastes is understood."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import typer.main
import yaml
from pydantic import BaseModel

from judgeforge.cli import app
from judgeforge.config.run import RunConfig
from judgeforge.judging.rubric import Rubric

PROJECT = Path(__file__).parents[2]
PAGES = [
    PROJECT / "README.md",
    *sorted((PROJECT / "docs").glob("*.md")),
    *sorted((PROJECT / "configs").rglob("*.yaml")),
]
USED = re.compile(r"\bjudgeforge ([a-z][^\n`#|;]*(?:\\\n[^\n`#|;]*)*)")
OPTION = re.compile(r"--[a-z][\w-]*")
KEY = re.compile(r"`([a-z_]+(?:\.\w+)+)[`:]")
BLOCK = re.compile(r"^( *)```(yaml|yml|)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([a-z_]+: [{\[][^`\n]+)`")
FILES = {"jsonl", "json", "yaml", "parquet", "md", "html", "py"}


@pytest.fixture(params=PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def text(request: pytest.FixtureRequest) -> str:
    assert isinstance(request.param, Path)
    return request.param.read_text(encoding="utf-8")


@cache
def commands() -> Any:
    return typer.main.get_command(app)


def test_the_options_of_every_command_that_is_shown_exist(text: str) -> None:
    for used in USED.finditer(text):
        command = commands()
        words = used[1].split()
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        if hasattr(command, "commands"):
            continue  # the name in a sentence
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        shown = {option for word in words for option in OPTION.findall(word)[:1]}
        assert shown <= known | {"--help"}, used[0]


def models_of(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in models_of(inner)]


def is_named(annotation: object) -> bool:
    """Whether its keys are names of the user's, such as those of models."""
    return "Mapping" in str(annotation) or "dict" in str(annotation)


def unknown_keys(value: object, models: list[type[BaseModel]], place: str) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from unknown_keys(one, models, place)
    if not isinstance(value, Mapping):
        return
    fields = {name: field for model in models for name, field in model.model_fields.items()}
    for key, inner in value.items():
        if key not in fields:
            yield f"{place}{key}"
            continue
        found = models_of(fields[key].annotation)
        each = inner.values() if is_named(fields[key].annotation) and found else [inner]
        for one in each if isinstance(inner, Mapping) else [inner]:
            if found:
                yield from unknown_keys(one, found, f"{place}{key}.")


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """The language that each is said to be in, if any, and what it shows."""
    for margin, language, shown in BLOCK.findall(text):
        yield language, re.sub(rf"^{margin}", "", shown, flags=re.MULTILINE)


def snippets(text: str) -> Iterator[Mapping[str, object]]:
    """Those of a configuration; rubrics, rows and other programs' files are something else."""
    for _, block in blocks(text):
        yield from configuration(block)
    for found in INLINE.finditer(text):
        yield from configuration(found[1])


def configuration(written: str) -> Iterator[Mapping[str, object]]:
    try:
        value = yaml.load(written, yaml.CSafeLoader)
    except yaml.YAMLError:
        return
    if isinstance(value, Mapping) and value.keys() <= RunConfig.model_fields.keys():
        yield value


def test_the_keys_of_every_configuration_that_is_shown_exist(text: str) -> None:
    for snippet in snippets(text):
        assert list(unknown_keys(snippet, [RunConfig], "")) == []


def test_what_is_called_yaml_is_yaml_and_criteria_that_are_shown_make_a_rubric(text: str) -> None:
    for language, block in blocks(text):
        shown = yaml.load(block, yaml.CSafeLoader) if language else None
        whole = {"criteria": shown} if isinstance(shown, list) else shown
        if isinstance(whole, dict) and "criteria" in whole:
            Rubric.model_validate({"name": "shown", "version": 1} | whole)


def test_every_key_that_is_named_with_its_section_exists(text: str) -> None:
    for name in KEY.findall(text):
        first, *rest = name.split(".")
        if first not in RunConfig.model_fields or rest[-1] in FILES:
            continue
        assert is_a_key([RunConfig], [first, *rest]), name


def is_a_key(models: list[type[BaseModel]], parts: list[str]) -> bool:
    if not parts or not models:
        return not parts
    for model in models:
        if (field := model.model_fields.get(parts[0])) is None:
            continue
        inner, rest = models_of(field.annotation), parts[1:]
        if is_a_key(inner, rest):
            return True
        if is_named(field.annotation) and rest and (not inner or is_a_key(inner, rest[1:])):
            return True
    return False


def test_what_does_not_exist_would_be_found() -> None:
    assert list(unknown_keys({"models": {"x": {"modl": 1}}}, [RunConfig], "")) == ["models.modl"]
    assert list(unknown_keys({"pairing": {"audi": 1}}, [RunConfig], "")) == ["pairing.audi"]
    assert not is_a_key([RunConfig], ["budget", "euro"])
    assert is_a_key([RunConfig], ["models", "X", "price", "batch"])
    with pytest.raises(AssertionError):
        test_the_options_of_every_command_that_is_shown_exist("judgeforge run x.yaml --ot y")
