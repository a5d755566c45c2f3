"""Loads YAML files into strict models. Every mistake is a ConfigError that says where it is.

Values are checked without conversion: ``"5"`` is not a number and ``yes`` is not a truth value.
Environment variables are not filled in; keys come from the variables that ``api_key_env`` names, or
from the files that ``api_key_file`` names.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from judgeforge.config.document import Document, Location, YamlValue, key_path, read_document
from judgeforge.config.judges import JudgeConfig
from judgeforge.config.mistakes import all_mistakes
from judgeforge.config.model import ModelConfig
from judgeforge.config.params import no_json_values
from judgeforge.config.rubric import RubricConfig
from judgeforge.config.run import HuggingFaceSource, PromptsConfig, RunConfig
from judgeforge.config.schema_guide import SchemaGuide
from judgeforge.errors import ConfigError, as_one
from judgeforge.text.redaction import is_secret_name, looks_like_key
from judgeforge.text.wording import did_you_mean, expect, found, listed, shortened

M = TypeVar("M", bound=BaseModel)

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def load_model(path: Path | str, model: type[M]) -> M:
    """Read a YAML file into a model. Raises ConfigError."""
    return _validate(read_document(Path(path)), model)


def load_config(path: Path | str, overrides: Mapping[str, object] | None = None) -> RunConfig:
    """Read the configuration of a run; paths in it become absolute, from the file's folder.

    ``overrides`` replaces values by their key path, as ``{"budget.usd": 5.0}``, before anything is
    checked. Raises ConfigError with file, line and key, and TypeError where ``path`` is not a path
    or a value is nothing that YAML has (a path is taken as its text).
    """
    expect(path, (str, os.PathLike), "path", "the path of a YAML file")
    document = read_config_document(Path(path))
    _refuse_secrets(document)
    given = {tuple(key.split(".")): _as_yaml(key, new) for key, new in (overrides or {}).items()}
    document = replace(document, value=_overridden(document.value, given))
    _refuse_params(document)
    config = _validate(document, RunConfig, frozenset(given))
    _check_model_names(config, document)
    return _with_absolute_paths(config, document.file)


def read_config_document(path: Path) -> Document:
    """The YAML as it is, unchecked, named by its whole path. Raises ConfigError."""
    return read_document(_absolute(path, Path.cwd()))


def located(error: ConfigError, config: RunConfig) -> ConfigError:
    """The same error about a key of a configuration that was loaded before, with file and line."""
    return as_one([_located(mistake, config) for mistake in error.mistakes])


def _located(error: ConfigError, config: RunConfig) -> ConfigError:
    file = config.source_file
    if file is None or error.line or error.key is None or error.file not in {None, file}:
        return error
    line = None
    with suppress(ConfigError):  # changed since it was loaded
        line = read_document(file).line_of(_location(error.key))
    return ConfigError(error.message, file=file, line=line, key=error.key)


def _location(key: str) -> Location:
    """The opposite of ``key_path``; a name with a dot in it leads to its mapping."""
    parts = re.findall(r"[^.\[\]]+", key)
    return tuple(int(part) if part.isdigit() else part for part in parts)


def _validate(document: Document, model: type[M], outside: frozenset[Location] = frozenset()) -> M:
    hidden = [name for name, field in model.model_fields.items() if field.exclude]
    for name in hidden:
        if name in document.value:
            names = SchemaGuide(model).names_at(())
            raise document.mistake((name,), f"unknown key; allowed are {', '.join(names)}")
    try:
        # JSON has no tuples and paths, so pydantic's strict mode takes lists and text for them.
        return model.model_validate_json(json.dumps(document.value), strict=True)
    except ValidationError as error:
        raise all_mistakes(error, document, model, outside) from None


def _as_yaml(key: str, value: object) -> YamlValue:
    try:
        plain: YamlValue = json.loads(json.dumps(value, default=os.fspath))
    except (TypeError, ValueError) as error:
        expected = "a number, a text, a truth value, None, or a list or dict of them"
        raise TypeError(f"overrides: `{key}` must be {expected}, not {found(value)}") from error
    return plain


def _overridden(
    value: dict[str, YamlValue], given: Mapping[tuple[str, ...], YamlValue]
) -> dict[str, YamlValue]:
    result = dict(value)
    for (first, *rest), new in given.items():
        if not rest:
            result[first] = new
            continue
        inner = result.get(first)
        result[first] = _overridden(inner if isinstance(inner, dict) else {}, {tuple(rest): new})
    return result


def _refuse_secrets(document: Document) -> None:
    """A key in a file ends up in repositories; it is never shown again, not even here."""
    mistakes = []
    for location, value in _texts(document.value, ()):
        name = next((part for part in reversed(location) if isinstance(part, str)), "")
        if name == "api_key_env" or "headers_env" in location[-2:-1]:
            problem = _bad_variable(value)
        elif is_secret_name(name) or looks_like_key(value):
            problem = (
                f"{f'`{name}`' if is_secret_name(name) else 'a key'} must not be written into a "
                "file; put the key into an environment variable and name that with "
                "`api_key_env: NAME`, or into a file of mode 0600 and name that with "
                "`api_key_file: PATH`"
            )
        else:
            continue
        if problem:
            line, key = document.line_of(location), _safe_path(_without_secret_name(location))
            mistakes.append(ConfigError(problem, file=document.file, line=line, key=key))
    if mistakes:
        raise as_one(mistakes)


def _refuse_params(document: Document) -> None:
    """What ``params`` contains goes into requests as it is; the model would name no line of it."""
    models = document.value.get("models")
    mistakes = [
        document.mistake(location, problem)
        for name, model in (models if isinstance(models, dict) else {}).items()
        if isinstance(model, dict)
        for location, problem in no_json_values(model.get("params"), ("models", name, "params"))
    ]
    if mistakes:
        raise as_one(mistakes)


def _without_secret_name(location: Location) -> Location:
    """What follows ``api_key:`` is masked wherever it is printed, so no message can follow it."""
    for index, part in enumerate(location):
        if isinstance(part, str) and is_secret_name(part):
            return location[:index]
    return location


def _bad_variable(value: str) -> str | None:
    if _VARIABLE.fullmatch(value) and not looks_like_key(value):
        return None
    if bare := re.fullmatch(r"\$\{?([A-Z_][A-Z0-9_]*)\}?", value):
        return f"takes the bare name of an environment variable: `{bare[1]}`"
    return (
        "takes the name of an environment variable, as OPENAI_API_KEY, not the key itself "
        "(what is written here is not repeated, in case it is one)"
    )


def _safe_path(location: Location) -> str | None:
    hidden = ("…" if isinstance(part, str) and looks_like_key(part) else part for part in location)
    return key_path(tuple(hidden))


def _texts(value: YamlValue, at: Location) -> Iterator[tuple[Location, str]]:
    """Every text in file order; a key of a mapping counts as a text at its own place."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if looks_like_key(key):
                yield (*at, key), key
            yield from _texts(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*at, index))


def _check_model_names(config: RunConfig, document: Document) -> None:
    used: list[tuple[Location, str]] = [
        (("models", name, "fallback"), model.fallback)
        for name, model in config.models.items()
        if model.fallback is not None
    ]
    used += [
        (_written(("sampling", key, i), document), name)
        for key in ("models", "always", "pool")
        for i, name in enumerate(getattr(config.sampling, key, ()))
    ]
    if (write := config.rubric_parts.write) is not None:
        used.append((("rubric", "write", "model"), write.model))
    judges = enumerate(config.judging.judges)
    used += [(("judging", "judges", i, "model"), judge.model) for i, judge in judges]
    known = listed(config.models, mark="`")
    defined = f"defined under `models` are {known}" if known else "`models` defines none"
    mistakes = [
        document.mistake(
            location,
            f"there is no model `{shortened(name)}`; {defined}{did_you_mean(name, config.models)}",
        )
        for location, name in used
        if name not in config.models
    ]
    if mistakes:
        raise as_one(sorted(mistakes, key=lambda mistake: mistake.line or 0))


def _written(location: Location, document: Document) -> Location:
    """``sampling.models`` and its like, where one name is given in place of a list."""
    return location if location in document.lines else location[:-1]


_PATHS = (
    ("cache", "dir"),
    ("budget", "ledger"),
    ("judging", "calibration"),
    ("judging", "judgments"),
)


def _with_absolute_paths(config: RunConfig, file: Path) -> RunConfig:
    folder = file.parent
    models = {name: _with_paths(model, folder) for name, model in config.models.items()}
    update: dict[str, object] = {"models": models, "source_file": file}
    parts: dict[str, BaseModel] = {}  # only what changes: a section that is not set stays so
    for section, name in _PATHS:
        part: BaseModel = parts.get(section) or getattr(config, section)
        if (path := getattr(part, name)) is not None:
            parts[section] = part.model_copy(update={name: _absolute(path, folder)})
    if any(judge.prompt or judge.examples for judge in config.judging.judges):
        judging = parts.get("judging") or config.judging
        judges = [_with_judge_files(judge, folder) for judge in config.judging.judges]
        parts["judging"] = judging.model_copy(update={"judges": judges})
    # Only what the file has stays set: a run without `judging` samples now and is judged later.
    update |= {name: part for name, part in parts.items() if part is not getattr(config, name)}
    update["prompts"] = _with_absolute_sources(config.prompts, folder)
    update["rubric"] = _with_absolute_rubric(config.rubric, folder)
    return config.model_copy(update=update)


def _with_absolute_rubric(rubric: str | RubricConfig, folder: Path) -> str | RubricConfig:
    """A name without a path is that of a shipped rubric."""
    name = rubric if isinstance(rubric, str) else rubric.name or ""
    if "/" in name or name.endswith((".yaml", ".yml")):
        name = str(_absolute(Path(name), folder))
    return name if isinstance(rubric, str) else rubric.model_copy(update={"name": name or None})


def _with_absolute_sources(prompts: PromptsConfig, folder: Path) -> PromptsConfig:
    update: dict[str, object] = {}
    if isinstance(prompts.path, Path):
        update["path"] = _absolute(prompts.path, folder)
    elif prompts.path is not None:
        update["path"] = [_absolute(one, folder) for one in prompts.path]
    if prompts.hf is not None:
        update["hf"] = _local_dataset(prompts.hf, folder)
    if prompts.contamination is not None:
        against = [
            _absolute(one, folder) if isinstance(one, Path) else _local_dataset(one, folder)
            for one in prompts.contamination.against
        ]
        update["contamination"] = prompts.contamination.model_copy(update={"against": against})
    return prompts.model_copy(update=update)


def _local_dataset(source: HuggingFaceSource, folder: Path) -> HuggingFaceSource:
    """A folder of this name beside the file goes before a dataset of this name on the hub."""
    path = _absolute(Path(source.name), folder)
    return source.model_copy(update={"name": str(path)}) if _is_dir(path) else source


def _with_judge_files(judge: JudgeConfig, folder: Path) -> JudgeConfig:
    update: dict[str, object] = {}
    if judge.prompt is not None:
        files = {name: file for name, file in judge.prompt if file is not None}
        moved = {name: _absolute(file, folder) for name, file in files.items()}
        update["prompt"] = judge.prompt.model_copy(update=moved)
    if judge.examples is not None:
        labels = _absolute(judge.examples.labels, folder)
        update["examples"] = judge.examples.model_copy(update={"labels": labels})
    return judge.model_copy(update=update) if update else judge


def _with_paths(model: ModelConfig, folder: Path) -> ModelConfig:
    if model.api_key_file is not None:
        place = _absolute(model.api_key_file, folder)
        model = model.model_copy(update={"api_key_file": place})
    if model.chat_template is not None:
        place = _absolute(model.chat_template, folder)
        model = model.model_copy(update={"chat_template": place})
    place = _absolute(Path(model.model), folder)
    if not model.facts.in_process or not (model.model.endswith(".gguf") or _is_dir(place)):
        return model
    return model.model_copy(update={"model": str(place)})


def _absolute(path: Path, folder: Path) -> Path:
    """Symbolic links stay as they are: a link may lead to a file of another name."""
    with suppress(RuntimeError):  # no such user: a file may be called `~name`
        path = path.expanduser()
    return Path(os.path.normpath(folder.absolute() / path))


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # a name too long for a file is certainly no folder
