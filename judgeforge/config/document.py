"""Read a YAML file into plain values, and remember the line of each.

Stricter than YAML allows, because a configuration is written by hand: one document, text keys,
no duplicate keys, no tags, bounded size, depth and aliases. Plain scalars follow the core schema
of YAML 1.2, so that ``no`` and ``on`` are text and ``1e-3`` is a number. Environment variables
are not expanded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from judgeforge.config.syntax import refuse_control_characters, syntax_error
from judgeforge.errors import ConfigError
from judgeforge.text.wording import did_you_mean, shortened

YamlValue = bool | int | float | str | None | list["YamlValue"] | dict[str, "YamlValue"]
Location = tuple[str | int, ...]
_Entry = tuple[int, Node]
"""Line of the key, and the node of the value."""

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
MAX_NODES = 100_000
"""After aliases are expanded: a few lines of nested aliases can stand for billions of values."""

_INTEGER = re.compile(r"[-+]?\d+(?:_\d+)*")
_FLOAT = re.compile(r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?")
_SPECIAL: Mapping[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    "-.inf": float("-inf"),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_LONGEST_INTEGER = 40

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """A mapping read from a file; ``lines`` (from 1) are those of keys and list items."""

    file: Path
    value: dict[str, YamlValue]
    lines: Mapping[Location, int]

    def line_of(self, location: Location) -> int:
        """The line of the deepest part of the location that the file has."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def mistake(self, location: Location, message: str) -> ConfigError:
        line = self.line_of(location)
        return ConfigError(message, file=self.file, line=line, key=key_path(location))


def read_document(path: Path) -> Document:
    """Read one YAML mapping. Raises ConfigError with file and line for everything else."""
    text = _read_text(path)
    refuse_control_characters(text, path)
    try:
        _check_events(text, path)
        root = yaml.compose(text, _Loader)
    except yaml.YAMLError as error:
        if "nesting" in str(error):  # libyaml has a bound of its own and may look far ahead
            mark = getattr(error, "problem_mark", None)
            raise ConfigError(_TOO_DEEP, file=path, line=mark and mark.line + 1) from None
        raise syntax_error(error, text, path) from None
    if root is None:
        raise ConfigError("the file is empty; it takes `key: value` lines", file=path)
    if not isinstance(root, MappingNode):
        kind = "a list" if isinstance(root, SequenceNode) else "a single value"
        raise ConfigError(f"found {kind}; the file takes `key: value` lines", file=path, line=1)
    builder = _Builder(path)
    return Document(path, builder.mapping(root, ()), builder.lines)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(_no_such_file(path), file=path) from None
    except IsADirectoryError:
        raise ConfigError("is a folder; give the YAML file in it", file=path) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"cannot be read: {reason}", file=path) from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(
            f"is larger than {MAX_BYTES >> 20} MiB; is this the right file?", file=path
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise ConfigError(message, file=path, line=line) from None


def _no_such_file(path: Path) -> str:
    if not path.parent.is_dir():
        return f"no such file, and no folder {path.parent} either"
    neighbours = (entry.name for entry in path.parent.iterdir() if entry.is_file())
    return f"no such file{did_you_mean(path.name, neighbours)}"


def _check_events(text: str, path: Path) -> None:
    """Refuse what would hurt the composer, which recurses in C and crashes on deep nesting."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        line = event.start_mark.line + 1 if event.start_mark else None
        if depth > MAX_DEPTH:
            raise ConfigError(_TOO_DEEP, file=path, line=line)
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise ConfigError(f"the tag `{tag}` is not allowed; remove it", file=path, line=line)


@dataclass(slots=True)
class _Builder:
    """Turns nodes into values, noting lines and counting what aliases expand to."""

    file: Path
    lines: dict[Location, int] = field(default_factory=dict)
    nodes: int = 0

    def mapping(self, node: MappingNode, at: Location) -> dict[str, YamlValue]:
        values: dict[str, YamlValue] = {}
        for key, (line, value_node) in self._entries(node, at, 0).items():
            self.lines[(*at, key)] = line
            values[key] = self._value(value_node, (*at, key))
        return values

    def _entries(self, node: MappingNode, at: Location, merges: int) -> dict[str, _Entry]:
        """Entries of the mapping; those merged with ``<<`` come first and yield to its own."""
        own: dict[str, _Entry] = {}
        merged: dict[str, _Entry] = {}
        for key_node, value_node in node.value:
            key, line = self._key(key_node), key_node.start_mark.line + 1
            if key == "<<" and not key_node.style:
                merged = {**self._merged(value_node, at, merges + 1), **merged}
            elif key in own:
                raise self._error(f"written twice, first in line {own[key][0]}", line, (*at, key))
            else:
                own[key] = (line, value_node)
        return merged | own

    def _merged(self, node: Node, at: Location, merges: int) -> dict[str, _Entry]:
        """Of several merged mappings the first wins, as in YAML's merge type."""
        merged: dict[str, _Entry] = {}
        for part in reversed(node.value if isinstance(node, SequenceNode) else [node]):
            self._enter(part, at, merges)
            if not isinstance(part, MappingNode):
                line = part.start_mark.line + 1
                raise self._error("`<<` takes a mapping or an alias of one", line, at)
            merged |= self._entries(part, at, merges)
        return merged

    def _key(self, node: Node) -> str:
        if not isinstance(node, ScalarNode):
            line = node.start_mark.line + 1
            raise ConfigError(
                "a key must be plain text; found a list or mapping (text with `{` "
                "or `[` needs quotes)",
                file=self.file,
                line=line,
            )
        return self._text(node)

    def _value(self, node: Node, at: Location) -> YamlValue:
        self._enter(node, at)
        if isinstance(node, MappingNode):
            return self.mapping(node, at)
        if isinstance(node, SequenceNode):
            for index, item in enumerate(node.value):
                self.lines[(*at, index)] = item.start_mark.line + 1
            return [self._value(item, (*at, index)) for index, item in enumerate(node.value)]
        text = self._text(node)
        is_quoted = isinstance(node, ScalarNode) and node.style
        return text if is_quoted else _plain_scalar(text)

    def _enter(self, node: Node, at: Location, merges: int = 0) -> None:
        self.nodes += 1
        line = node.start_mark.line + 1
        if self.nodes > MAX_NODES:
            raise self._error(f"aliases expand to more than {MAX_NODES} values", line, at)
        if len(at) + merges > MAX_DEPTH:
            raise self._error("an anchor must not contain an alias of itself", line, at[:1])

    def _text(self, node: Node) -> str:
        text: str = node.value
        if any(0xD800 <= ord(char) <= 0xDFFF or char == "\0" for char in text):
            line = node.start_mark.line + 1
            message = "the text contains a NUL or half a character (a lone surrogate)"
            raise ConfigError(message, file=self.file, line=line)
        return text

    def _error(self, message: str, line: int, at: Location) -> ConfigError:
        return ConfigError(message, file=self.file, line=line, key=key_path(at))


def _plain_scalar(text: str) -> bool | int | float | str | None:
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _INTEGER.fullmatch(text) and len(text) <= _LONGEST_INTEGER and text.isascii():
        return int(text)
    if _FLOAT.fullmatch(text) and text.isascii():
        return float(text)
    return text


def key_path(location: Location) -> str | None:
    """``models.writer.rpm`` or ``judges[1].model``, as a person writes it; None for the root."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
            continue
        plain = re.fullmatch(r"[\w-]+", part)
        quoted = part if plain else json.dumps(shortened(part), ensure_ascii=False)
        path += ("." if path else "") + quoted
    return path or None
