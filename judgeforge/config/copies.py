"""A configuration that a script made of another one.

pydantic's ``model_copy(update=…)`` checks nothing: a dictionary in the place of a part, a setting
that does not exist and a value that no file could have would show late, or never.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ValidationError

from judgeforge.text.wording import did_you_mean, found

_HOW = (
    "copy the part as well: "
    'config.model_copy(update={"pairing": config.pairing.model_copy(update={…})})'
)
_OF_OWN_CHECKS = frozenset({"value_error", "assertion_error"})
"""A check of our own may have put a value into another form, and knows only the first one."""


def check_copied(config: BaseModel) -> None:
    """Raises TypeError for a part or a setting that no configuration has, and ValueError for a
    value that is out of its range; each with its place."""
    for place, part in _parts(config, "config"):
        for name in sorted(part.__dict__.keys() - type(part).model_fields.keys()):
            hint = did_you_mean(name, type(part).model_fields)
            raise TypeError(f"{place} has no setting `{name}`{hint}")
    try:
        # By the whole, which is built already: pydantic builds the parts anew for each by itself.
        checked = type(config).model_validate(_plain(config))
    except ValidationError as error:
        for each in error.errors(include_url=False):
            if each["type"] not in _OF_OWN_CHECKS and each["loc"]:
                at, said = ".".join(map(str, each["loc"])), each["msg"]
                problem = f"{said[0].lower()}{said[1:]}, and is {found(each['input'])}"
                raise ValueError(f"config.{at}: {problem}") from None
        return
    _refuse_dictionaries("config", config, checked)


def _plain(value: object) -> object:
    """As a file would say it."""
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in value.model_fields_set}
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _refuse_dictionaries(place: str, value: object, checked: object) -> None:
    """Where a part is to be: checking made one of it, and the configuration has it still."""
    if isinstance(checked, BaseModel) and isinstance(value, Mapping):
        raise TypeError(f"{place} must be a part of a configuration, not a dictionary; {_HOW}")
    if isinstance(checked, BaseModel) and isinstance(value, BaseModel):
        for name in sorted(value.model_fields_set):
            _refuse_dictionaries(f"{place}.{name}", getattr(value, name), getattr(checked, name))
    if isinstance(checked, Mapping) and isinstance(value, Mapping):
        for key in value.keys() & checked.keys():
            _refuse_dictionaries(f"{place}[{key!r}]", value[key], checked[key])
    if isinstance(checked, list | tuple) and isinstance(value, list | tuple):
        for number, (one, other) in enumerate(zip(value, checked, strict=False)):
            _refuse_dictionaries(f"{place}[{number}]", one, other)


def _parts(value: object, place: str) -> Iterator[tuple[str, BaseModel]]:
    """All that a configuration is made of, the inner ones first."""
    if isinstance(value, BaseModel):
        for name in sorted(value.model_fields_set):
            yield from _parts(getattr(value, name, None), f"{place}.{name}")
        yield place, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _parts(one, f"{place}[{key!r}]")
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _parts(one, f"{place}[{number}]")
