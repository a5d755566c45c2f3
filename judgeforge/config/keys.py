"""Reads the key of a model: from an environment variable, or from a file of its owner alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from judgeforge.config.model import ModelConfig
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError
from judgeforge.text.redaction import remember_secret

LONGEST_KEY = 8192
"""Bytes of a key file; a longer file is certainly something else."""


def read_key(config: RunConfig, name: str) -> str | None:
    """The key of model ``name``, from now on masked in all that is written; None without one.

    Raises ConfigError where the variable is not set, or the file cannot be read or can be read by
    others than its owner.
    """
    model = config.models[name]
    try:
        key = _from_file(model.api_key_file) if model.api_key_file else _from_variable(model)
    except ValueError as error:
        field = "api_key_file" if model.api_key_file else "api_key_env"
        where = f"models.{name}.{field}"
        raise ConfigError(str(error), file=config.source_file, key=where) from None
    if key is not None:
        remember_secret(key)
    return key


def key_file_problem(path: Path) -> str | None:
    """What is wrong with a key file, and what to do; None where it can be used."""
    try:
        _from_file(path)
    except ValueError as error:
        return str(error)
    return None


def _from_variable(model: ModelConfig) -> str | None:
    variable = model.key_variable
    if variable is None:
        return None
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ValueError(
            f"the environment variable {variable} is not set. "
            f"Set it to the key of `{model.provider}` "
            f"(export {variable}=…), or name another one with `api_key_env`."
        )
    return value


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            _refuse_open_file(path, os.fstat(file.fileno()))
            raw = file.read(LONGEST_KEY + 1)
    except OSError as error:
        raise ValueError(f"{path}: the key cannot be read: {error.strerror}") from None
    # Neither message repeats what the file holds.
    if len(raw) > LONGEST_KEY:
        raise ValueError(f"{path}: is longer than any key; it takes the key and nothing else")
    try:
        key = raw.decode("ascii").strip()
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is no key, which is ASCII text; save it as such") from None
    if not key or len(key.split()) != 1:
        raise ValueError(f"{path}: must hold the key and nothing else, on one line")
    return key


def _refuse_open_file(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{path}: is no regular file; the key stands in a file of its own")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise ValueError(
            f"{path}: others than its owner may use it (mode {mode:04o}); chmod 600 {path}"
        )
