"""What is wrong with a text that is not YAML, in words that help to fix it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import yaml

from judgeforge.errors import ConfigError

_NOT_ALLOWED = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Explanation(NamedTuple):
    pattern: str
    """What libyaml or PyYAML says; their words differ."""
    words: str
    at_start: bool = False
    """Point to where the construct begins, not to where reading it failed."""


_EXPLANATIONS = (
    _Explanation(r"tab character", "a tab is used to indent; use spaces"),
    _Explanation(
        r"mapping values are not allowed",
        "a `:` where no key can be; quote text that contains `: `, or check the indentation",
    ),
    _Explanation(
        r"quoted scalar.*unexpected end of stream", "a quote that is never closed", at_start=True
    ),
    _Explanation(r"expected ',' or '\]'", "a `[` that is not closed, or lacks a `,`", True),
    _Explanation(r"expected ',' or '}'", "a `{` that is not closed, or lacks a `,`", True),
    _Explanation(r"could not find expected ':'", "a line that is not `key: value`", True),
    _Explanation(
        r"expected key|expected <block end>|expected '-' indicator",
        "indentation that fits none of the lines above, or text after a closing quote",
    ),
    _Explanation(
        r"undefined alias", "an alias (`*name`) without its anchor (`&name`); quote text with `*`"
    ),
    _Explanation(r"document start", "text that is not indented like the mapping above it"),
    _Explanation(r"duplicate anchor", "an anchor (`&name`) that is given twice"),
    _Explanation(r"single document", "a second document (`---`); a file takes only one"),
    _Explanation(r"escape", r"an unknown escape in a quoted text; write `\\` for a backslash"),
    _Explanation(
        r"block scalar|sequence entries", "a list or a text block that begins where none can be"
    ),
)


def refuse_control_characters(text: str, file: Path) -> None:
    """Raise ConfigError at the first character that YAML does not allow."""
    found = _NOT_ALLOWED.search(text)
    if found is None:
        return
    line = text.count("\n", 0, found.start()) + 1
    message = f"the control character U+{ord(found[0]):04X} is not allowed; remove it"
    raise ConfigError(message, file=file, line=line)


def syntax_error(error: yaml.YAMLError, text: str, file: Path) -> ConfigError:
    """The same mistake with file, line and column, and in plain words."""
    said = " ".join(str(getattr(error, name, None) or "") for name in ("context", "problem"))
    known = next((each for each in _EXPLANATIONS if re.search(each.pattern, said)), None)
    mark = getattr(error, "problem_mark", None)
    if known is not None and known.at_start:
        mark = getattr(error, "context_mark", None) or mark
    if mark is None:
        return ConfigError(f"not valid YAML: {said.strip() or error}", file=file)
    words = known.words if known else _unexpected_character(said, text, mark)
    message = f"not valid YAML at column {mark.column + 1}: {words}"
    return ConfigError(message, file=file, line=mark.line + 1)


def _unexpected_character(said: str, text: str, mark: yaml.Mark) -> str:
    line = text.splitlines()[mark.line : mark.line + 1]
    character = line[0][mark.column : mark.column + 1] if line else ""
    if character == "\t":
        return "a tab is used to indent; use spaces"
    if "cannot start any token" in said and character:
        return f"text that begins with `{character}` needs quotes around it"
    return said.strip()
