"""A reply that must be one JSON object: nothing before it, nothing after it, nothing twice.

What is not JSON by the letter and still has one reading is read: in a code fence or a pair of tags,
between the marks of a chat template or of a tool call, with line breaks within a text, a comma or
brace too many, a comment, texts between other quotation marks, keys without any or in other case,
signs and digits of other scripts, a backslash that escapes nothing, or as a text of JSON. What
could be read in two ways is not.
"""

from __future__ import annotations

import contextlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from judgeforge.judging.checks.structured import unfenced
from judgeforge.text.patterns import late_pattern

_NOT_DRAWN = "\ufeff\u200b\u2060\u200e\u200f"
_MARK = (
    r"<\|[a-z_]{1,30}\|>|<\uff5c[a-z\u2581]{1,40}\uff5c>|</?s>"
    r"|<(?:eos|bos|pad|end_of_turn|start_of_turn)>|\[/?(?:EOS|BOS|INST)\]"
    r"|</?(?:tool_call|function_call)s?>|</function>"
)
_TOOL = r"(?:functions\.)?[\w.-]{1,64}"
_CALL = (
    rf"\[TOOL_CALLS\](?:\s*{_TOOL}(?=\s*[{{\[]))?|\[ARGS\]|<function={_TOOL}>"
    rf"|<\|tool_call_begin\|>\s*{_TOOL}:\d{{1,4}}"
    rf"|<\uff5ctool\u2581call\u2581begin\uff5c>{_TOOL}<\uff5ctool\u2581sep\uff5c>(?:{_TOOL}(?=\s))?"
)
"""What models write before the arguments of a call, of Mistral, Hermes, Kimi and DeepSeek, where
their server does not read it as one."""
_MARKS_BEFORE = late_pattern(rf"\A(?:[\s{_NOT_DRAWN}]|{_CALL}|{_MARK})++", re.IGNORECASE)
_MARK_AFTER = late_pattern(rf"(?:{_MARK})\Z", re.IGNORECASE)
_LONGEST_MARK, _MOST_MARKS = 50, 20
_TEXT_OR_SLIP = late_pattern(
    r'"(?P<text>(?:[^"\\]|\\.)*+)(?:"|\\?\Z)'
    r"|'(?P<single>(?:[^'\\]|\\.)*+)(?:'|\\?\Z)"
    r"|[\u201c-\u201f](?P<curly>(?:[^\u201c-\u201f\\]|\\.)*+)(?:[\u201c-\u201f]|\\?\Z)"
    rf"|(?P<comma>,)(?=[\s\u00a0{_NOT_DRAWN}]*+[}}\]])|(?P<comment>(?://|#)[^\r\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z))"
    r"|\b(?P<name>[A-Za-z_]\w*+)(?=\s*+:)|\b(?P<word>True|False|None)\b|[^\x00-\x7f]",
    re.DOTALL,
)
_TEXTS = ("text", "single", "curly")
_QUOTE, _UNENDED = '"', frozenset({"", "\\"})
_WORDS = {"True": "true", "False": "false", "None": "null"}
_TAGS = late_pattern(r"\A<([a-z][\w-]{0,30})>(.*)</\1>\Z", re.DOTALL | re.IGNORECASE)
_HALF_A_FENCE = late_pattern(
    r"\A(?:`{3,10}|~{3,10})[a-z]*5?\s*(?=\{)|(?<=\})\s*(?:`{3,10}|~{3,10})\Z", re.IGNORECASE
)
_INLINE = late_pattern(r"\A(`{1,2})(?!`)(.*)(?<!`)\1\Z", re.DOTALL)
_NAMED = late_pattern(r"\A\**json[:*]*\s*(?=\{)", re.IGNORECASE)
_ESCAPED = late_pattern(r'\A\{\s*(?:\\[nrt]\s*)*\\"')
_SIGNS = {"\u3001": ",", "\u2212": "-"}
_OF_JSON = frozenset(":,{}[]-.")
_DEEPEST_WRAP = 2
_BRACES = "} \t\r\n"
_BESIDE_A_NAME = late_pattern(r"[\W_]+")
_ESCAPE = late_pattern(r'\\(?P<known>["\\/bfnrt]|u[0-9a-fA-F]{4})?|"')


class UnreadableReplyError(ValueError):
    """The reply is not what was asked for; the message says why, for the judge and for the log."""


def one_object(text: str) -> dict[str, Any]:
    """The object that the whole reply is. Raises UnreadableReplyError."""
    # Most replies are bare: nothing but an object begins and ends so.
    is_bare = text.startswith('{"') and text.endswith("}")
    value = _value(text if is_bare else _bare(_without_marks(text)))
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = _value(value)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        raise UnreadableReplyError("the reply is not a JSON object")
    return value


def _value(text: str) -> Any:  # noqa: ANN401 (any JSON value)
    try:
        return _loaded(text)
    except json.JSONDecodeError as error:
        try:
            return _but_for_braces(_TEXT_OR_SLIP.sub(_by_the_letter, text))
        except json.JSONDecodeError:
            raise UnreadableReplyError(f"the reply is not one JSON object: {error}") from error


def _but_for_braces(text: str) -> Any:  # noqa: ANN401 (any JSON value)
    """Without those after its end, which close nothing."""
    try:
        return _loaded(text)
    except json.JSONDecodeError as error:
        if text[error.pos :].strip(_BRACES):
            raise
        return _loaded(text[: error.pos])


def _loaded(text: str) -> Any:  # noqa: ANN401 (any JSON value)
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise UnreadableReplyError("the reply is nested too deeply") from error
    except (UnreadableReplyError, json.JSONDecodeError):
        raise
    except ValueError as error:  # a number of thousands of digits
        raise UnreadableReplyError(f"the reply is not one JSON object: {error}") from error


def _without_marks(text: str) -> str:
    text = _MARKS_BEFORE.sub("", text).rstrip().rstrip(_NOT_DRAWN).rstrip()
    for _ in range(_MOST_MARKS):
        mark = _MARK_AFTER.search(text, max(0, len(text) - _LONGEST_MARK))
        if mark is None:
            break
        text = text[: mark.start()].rstrip()
    return text


def _bare(text: str) -> str:
    """Without what is around the whole of it: a fence or half of one, tags, the name of JSON."""
    text = unfenced(text).strip()
    tagged = _TAGS.match(text) or _INLINE.match(text)
    text = unfenced(tagged[2]).strip() if tagged else text
    text = _NAMED.sub("", _HALF_A_FENCE.sub("", text))
    if _ESCAPED.match(text):
        return f'"{text}"'
    return text


def _by_the_letter(found: re.Match[str]) -> str:
    """A text between the quotation marks of JSON, with its backslashes doubled where they escape
    nothing; signs and digits of other scripts as those of JSON; blanks for other slips."""
    if found["word"] is not None:
        return _WORDS[found["word"]]
    if found["name"] is not None:
        return f'"{found[0]}"'
    for kind in _TEXTS:
        if found[kind] is not None:
            return _quoted(found, kind)
    return _of_json(found[0]) if len(found[0]) == 1 else " "


def _quoted(found: re.Match[str], kind: str) -> str:
    said, end = found[kind], found[0][1 + len(found[kind]) :]
    if kind == "single":
        said = said.replace(r"\'", "'")
    said = _ESCAPE.sub(lambda each: each[0] if each["known"] else f"\\{each[0]}", said)
    return f'"{said}{end if end in _UNENDED else _QUOTE}'


def _of_json(character: str) -> str:
    """The sign or digit that one outside of texts is another script's; a blank for what is drawn as
    one or not at all."""
    if character == ",":
        return " "
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    if unicodedata.category(character) in {"Zs", "Zl", "Zp", "Cf"}:
        return " "
    same = unicodedata.normalize("NFKC", character)
    return _SIGNS.get(same, same if same in _OF_JSON else character)


def asked_object(text: str, wanted: Sequence[str]) -> dict[str, Any]:
    """The object with exactly the keys that were asked for: the whole reply, or the only such one
    within it, where the reply has none of the keys itself: some models say around it which tool
    they call, or that it is an object. Raises UnreadableReplyError."""
    value = named_as(one_object(text), wanted)
    if value.keys().isdisjoint(wanted):
        inner = (named_as(one, wanted) for one in _objects_in(value, _DEEPEST_WRAP))
        within = [one for one in inner if one.keys() == {*wanted}]
        value = within[0] if len(within) == 1 else value
    exact_keys(value, wanted, "the reply")
    return value


def _objects_in(value: Mapping[str, Any], depth: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for one in value.values() if depth else ():
        inner: object = one
        if isinstance(one, str) and one.lstrip().startswith("{"):
            with contextlib.suppress(UnreadableReplyError):
                inner = one_object(one)
        if isinstance(inner, dict):
            found += [inner, *_objects_in(inner, depth - 1)]
    return found


def named_as(value: dict[str, Any], wanted: Sequence[str]) -> dict[str, Any]:
    """With the names that were asked for in place of those that differ from one of them in case, in
    blanks or in signs only."""
    if value.keys() == {*wanted}:
        return value
    plain = {_plain(name): name for name in wanted}
    named = {plain.get(_plain(name), name): one for name, one in value.items()}
    return named if len(plain) == len(wanted) and len(named) == len(value) else value


def _plain(name: str) -> str:
    return _BESIDE_A_NAME.sub("", name).casefold()


def exact_keys(value: dict[str, Any], wanted: Sequence[str], where: str) -> None:
    """Raises UnreadableReplyError where a key is missing or not wanted."""
    if value.keys() == {*wanted}:
        return
    missing = [key for key in wanted if key not in value]
    extra = [key for key in value if key not in wanted]
    if missing:
        raise UnreadableReplyError(f"{where} lacks `{missing[0]}`")
    if extra:
        raise UnreadableReplyError(f"{where} has the unknown key {quoted(extra[0])}")


def quoted(value: object) -> str:
    """A value of the reply, short and in ASCII, for a message that also goes back to the judge."""
    try:
        return ascii(value)[:60]
    except RecursionError:
        return f"a {type(value).__name__} that is nested too deeply"


def storable(text: str) -> str:
    """A JSON escape can name half a character, which UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode()


def _no_double_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = {name.strip().replace("\\_", "_"): one for name, one in pairs}
    if len(value) != len(pairs):
        raise UnreadableReplyError("a key stands twice in an object")
    return value


def _no_constant(name: str) -> float:
    raise UnreadableReplyError(f"{name} is not a number of JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_no_double_keys, parse_constant=_no_constant, strict=False
)
