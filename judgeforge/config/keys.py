"""Reads the key of a model from an environment variable, or from a file of its owner alone."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from judgeforge.errors import ConfigError
from judgeforge.text.patterns import late_pattern
from judgeforge.text.redaction import remember_secret

if TYPE_CHECKING:
    from judgeforge.config.model import ModelConfig
    from judgeforge.config.run import RunConfig

_NAME_BEFORE = late_pattern(r"[A-Z][A-Z0-9]*_[A-Z0-9_]*=(?=[^=])")
_A_NAME = late_pattern(r"\$\{?[A-Za-z_][A-Za-z0-9_]*\}?|\{\{.*\}\}|%[A-Z_]+%")
"""As shells, templates and Windows write the value of one."""
_QUOTES = "\"'`"
_BESIDE = late_pattern(
    rf"\A(?:[{_QUOTES}]|<(?=.*>\Z)|bearer:|authorization:)|(?:[{_QUOTES},;]|\\[nrt])\Z",
    re.IGNORECASE,
)
"""What copying a line of JSON, of a shell or of a header leaves there."""
LONGEST_KEY = 8192
"""Bytes of a key file; a longer file is certainly something else."""


def read_key(config: RunConfig, name: str) -> str | None:
    """The key of model ``name``, from now on masked in all output; None where it needs none.

    Raises ConfigError where the variable is not set, or the file cannot be read or may be used by
    others than its owner.
    """
    model = config.models[name]
    field = "api_key_file" if model.api_key_file else "api_key_env"
    try:
        key = _from_file(model.api_key_file) if model.api_key_file else _from_variable(model)
    except ValueError as error:
        where = f"models.{name}.{field}"
        raise ConfigError(str(error), file=config.source_file, key=where) from None
    if key is not None:
        remember_secret(key)
    try:
        for value in read_headers(model).values():
            remember_secret(value)
    except ValueError as error:
        where = f"models.{name}.headers_env"
        raise ConfigError(str(error), file=config.source_file, key=where) from None
    return key


def read_headers(model: ModelConfig) -> dict[str, str]:
    """The headers of a model's requests. Raises ValueError where a variable has no usable value."""
    return {
        header: _value_of(variable, f"Set it to the value of the header {header}")
        for header, variable in model.headers_env.items()
    }


def key_file_problem(path: Path) -> str | None:
    """What is wrong with a key file, and what to do; None where it can be used."""
    try:
        _from_file(path)
    except ValueError as error:
        return str(error)
    return None


def header_problem(value: str) -> str | None:
    """Why no HTTP header can carry a value, which is not repeated; None where one can."""
    for position, character in enumerate(value, start=1):
        if not " " <= character <= "~":
            name = unicodedata.name(character, "a control character").lower()
            return (
                f"contains a character that no key has (U+{ord(character):04X}, {name}, at "
                f"position {position}), as text copied from a page or a chat often does; copy it "
                "anew from where it was issued"
            )
    return None


def _from_variable(model: ModelConfig) -> str | None:
    variable = model.key_variable
    if variable is None:
        return None
    advice = f"Set it to the key of `{model.provider}`"
    key = _value_of(variable, advice, ", or name another one with `api_key_env`")
    if problem := key_problem(key):
        raise ValueError(f"the environment variable {variable} {problem}")
    return key


def key_problem(key: str) -> str | None:
    """What files of variables and copied headers leave around a key; None for a plain one."""
    if len(words := key.split()) > 1:
        what = " (and no `Bearer`, which is added)" if words[0].lower() == "bearer" else ""
        return f"must hold the key and nothing else{what}: it has blanks within"
    if named := _NAME_BEFORE.match(key):
        return f"must hold the key and nothing else: it begins with `{named[0]}`"
    if beside := _BESIDE.search(key):
        is_quoted = key[0] == key[-1] and key[0] in _QUOTES
        where = "between quotation marks" if is_quoted else f"beside `{beside[0]}`"
        return f"has its key {where}, which does not belong there"
    if "://" in key or _A_NAME.fullmatch(key):
        return (
            f"holds the name of another variable or the place of a key ({key[0]}…), which nothing "
            "has replaced"
        )
    if "***" in key or key.endswith("..."):
        return "holds a key as it is shown, with a part left out; copy it where it was issued"
    return None


def _value_of(variable: str, advice: str, otherwise: str = "") -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ValueError(
            f"the environment variable {variable} is not set. {advice} (export {variable}=…)"
            f"{otherwise}."
        )
    if problem := header_problem(value):
        raise ValueError(f"the environment variable {variable} {problem}.")
    return value


def _from_file(path: Path) -> str:
    """No message repeats what the file contains."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise ValueError(f"{path}: is not a regular file; give the key a file of its own")
            if mode & 0o077:
                raise ValueError(
                    f"{path}: others than its owner may use it (mode {stat.S_IMODE(mode):04o}); "
                    f"chmod 600 {path}"
                )
            raw = file.read(LONGEST_KEY + 1)
    except OSError as error:
        raise ValueError(f"{path}: the key cannot be read: {error.strerror}") from None
    if len(raw) > LONGEST_KEY:
        raise ValueError(f"{path}: is longer than any key; put the key there and nothing else")
    try:
        key = raw.decode("ascii").strip()
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not a key, which is ASCII text; save it as such") from None
    if len(key.split()) != 1:
        raise ValueError(f"{path}: must contain the key and nothing else, on one line")
    if problem := header_problem(key) or key_problem(key):
        raise ValueError(f"{path}: {problem}")
    return key
