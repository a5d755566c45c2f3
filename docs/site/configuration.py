"""Every key of a configuration: what it takes, its default and what it is, read from the models.

The words of a key are the docstring beneath it, so that they stand where the key is declared and
nowhere else.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import typing
from collections.abc import Iterator
from itertools import pairwise

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from judgeforge.config.document import Location
from judgeforge.config.run import RunConfig
from judgeforge.config.schema_guide import SchemaGuide

NAMED = "<name>"
"""Of a mapping whose keys are the user's own."""
HEAD = """# Every key of a configuration

A configuration is one YAML file. `judgeforge check CONFIG` names each mistake with its line, and
what a place may hold; `judgeforge init DIR` writes a commented one. Paths are relative to the
file's folder. A key without a default has to be given.
"""


def page() -> str:
    guide = SchemaGuide(RunConfig)
    return HEAD + "\n".join(_sections(RunConfig, (), guide))


def words_of(model: type[BaseModel]) -> dict[str, str]:
    """The docstring beneath each field of ``model``, those of the models above it included."""
    words: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            words.update(_own_words(each))
    return words


def models_of(root: type[BaseModel]) -> list[type[BaseModel]]:
    """``root`` and every model below it, each once."""
    found: dict[type[BaseModel], None] = {root: None}
    for field in root.model_fields.values():
        for inner in _models_in(field.annotation):
            found.update(dict.fromkeys(models_of(inner)))
    return list(found)


def _own_words(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    body = typing.cast("ast.ClassDef", tree.body[0]).body
    for statement, after in pairwise(body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            yield statement.target.id, " ".join(str(after.value.value).split())


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _models_in(part)


def _sections(model: type[BaseModel], at: Location, guide: SchemaGuide) -> Iterator[str]:
    words = words_of(model)
    shown = {name: field for name, field in model.model_fields.items() if not field.exclude}
    if at:
        yield f"\n{'#' * min(4, 1 + len(at))} `{'.'.join(map(str, at))}`\n"
        yield _first_paragraph(model)
    yield "\n| key | takes | default | what it is |\n|---|---|---|---|"
    for name, field in shown.items():
        takes = guide.allowed_at(_real((*at, name)))
        yield f"| `{name}` | {_cell(takes)} | {_default(field)} | {_cell(words.get(name, ''))} |"
    for name, field in shown.items():
        for inner in dict.fromkeys(_models_in(field.annotation)):
            yield from _sections(inner, (*at, *_step(name, field)), guide)


def _step(name: str, field: FieldInfo) -> Location:
    """Where the model below a key lies: beneath a name of the user's, in a list, or right there."""
    origin = typing.get_origin(field.annotation)
    if origin is dict:
        return (name, NAMED)
    return (f"{name}[]",) if origin is list else (name,)


def _real(at: Location) -> Location:
    """As pydantic writes it: a list's first item, any name of a mapping."""
    parts: list[str | int] = []
    for part in at:
        if isinstance(part, str) and part.endswith("[]"):
            parts += [part[:-2], 0]
        else:
            parts.append(part)
    return tuple(parts)


def _first_paragraph(model: type[BaseModel]) -> str:
    return " ".join((inspect.getdoc(model) or "").split("\n\n")[0].split())


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ({}, [], (), "") or isinstance(value, BaseModel):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    shown = f"{value:,}".replace(",", "_") if isinstance(value, int) else value
    return f"`{shown}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")
