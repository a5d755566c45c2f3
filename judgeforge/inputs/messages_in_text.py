"""A list of messages that a table or a pipeline turned into a text, read back or refused.

Such a text has one reading, as JSON or as a Python literal, and is never sent as it is. Nor is what
a chat template made of messages: a server would put it into its own template once more.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

from judgeforge.inputs.literals import literal
from judgeforge.inputs.rows import RowProblemError, bad
from judgeforge.records import SkipReason
from judgeforge.text.patterns import late_pattern

_MARK = r"""["'\u2018\u2019\u201c\u201d]"""
_QUOTE = rf"(?:\\*+{_MARK})"
_KEY = rf"{_QUOTE}{{1,2}}(?:role|content|from|value){_QUOTE}{{1,2}}\s*:"
_BEFORE = r"[^\[\]{}]{0,400}"  # of a request
_WITHIN = rf"{_BEFORE}{_QUOTE}{{1,2}}(?:messages|conversations?){_QUOTE}{{1,2}}\s*:\s*\["
_SPEAKER = rf"{_QUOTE}\w{{1,20}}{_QUOTE}\s*:\s*{_QUOTE}(?:system|user|human|assistant){_QUOTE}"
_PART = rf"{_QUOTE}type{_QUOTE}\s*:\s*{_QUOTE}(?:text|image_url){_QUOTE}"
_LOOKS_LIKE_MESSAGES = re.compile(
    rf"""[\s\ufeff\u200b]*+{_QUOTE}*+(?:array\(\s*+)?
    (?: \[\s*+{_QUOTE}?\{{\s*+(?:{_KEY}|{_PART}|{_SPEAKER})   # messages, or their texts
      | \(\s*+\{{\s*+{_KEY}
      | \[\s*+\{{\s*+role\s*:                           # as JavaScript has it
      | \[\s*+[(\[]\s*+{_QUOTE}(?:system|user|human){_QUOTE}\s*+,   # LangChain's pairs
      | (?:messages=)?\[\s*+(?:\w*Message\(|OrderedDict\(\[\({_QUOTE}role{_QUOTE})
      | \{{\s*+(?:{_KEY}|{_WITHIN})
      | content=(?=.*\s(?:additional_kwargs|response_metadata)=)    # as LangChain prints one
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_ROLE = late_pattern(
    rf"{_MARK}(?:role|from){_QUOTE}{{1,2}}\s*[:,]|\brole\s*:|Message\("
    r"|\b(?:additional_kwargs|response_metadata)=",
    re.IGNORECASE,
)
_CONTENT = late_pattern(
    rf"{_MARK}(?:content|value){_QUOTE}{{1,2}}\s*:|\bcontent\s*[=:]", re.IGNORECASE
)
_KEYS_OF_A_MESSAGE = (
    {"role", "content"}, {"role", "tool_calls"}, {"role", "parts"}, {"from", "value"}
)  # fmt: skip
_ROLES_OF_PAIRS = {
    "system": "system", "user": "user", "human": "user",
    "assistant": "assistant", "ai": "assistant",
}  # fmt: skip
_WRAPPERS = ("messages", "conversations", "conversation")
_OF_NUMPY = late_pattern(r"array\((.*?)(?:,\s*dtype=object)?\)", re.DOTALL)
_BLANK = late_pattern(r"[\s\ufeff\u200b]*")
_NOT_DRAWN = "\ufeff\u200b \t\r\n"
_MOST_KEYS = 3
_MOST_WRAPPINGS = 4
"""A text of JSON of a text of JSON; a text within is what the prompt is about."""
_TEMPLATE = re.compile(
    r"""\s*+(?:<s>|<bos>|<\|(?:begin_of_text|startoftext|endoftext)\|>|\[gMASK\]<sop>
      |<\uff5cbegin\u2581of\u2581sentence\uff5c>)?\s*+
    (?: <\|im_(?:start|system|user)\|> | <\|start_header_id\|> | <\|start_of_role\|>
      | <\|(?:system|user|assistant|prompter)\|> | <extra_id_[01]>(?:System|User)\n
      | <\|start\|>(?:system|developer|user)
      | <start_of_turn>(?:system|user) | <\|turn>(?:system|user) | <\uff5cUser\uff5c>
      | \[INST\] | \[SYSTEM_PROMPT\] | <\|START_OF_TURN_TOKEN\|> | <\|header_start\|>
      | <\|hy_User\|> | <seed:bos> | \]~(?:!b\[|b\])
      | <role>(?:HUMAN|SYSTEM)</role> | GPT4\ Correct\ User:
    )""",
    re.VERBOSE,
)
"""Of ChatML and Kimi, Llama, Granite, Phi and GLM, gpt-oss, Gemma, DeepSeek, Mistral, Command,
Llama 4, OpenAssistant, NeMo, Hunyuan, Seed, MiniMax, Ling, OpenChat."""
_NOTHING = late_pattern(
    r"\s*(?:nan|NaN|NaT|<NA>|None|null|NULL|#N/A|\[object Object\](?:,\[object Object\])*)\s*"
)
_MARKED_TURN = late_pattern(r"\n?<extra_id_1>(User|Assistant)\n")
"""What HelpSteer and HelpSteer2 have between the turns of a prompt; the first is the user's."""
_DECODER = json.JSONDecoder(parse_constant=lambda _: None, strict=False)
"""NaN is what tables write where there is none; a line break within a text has one reading."""


def messages_of(text: str) -> list[object] | None:
    """The messages that a text is a list of; None where it is a prompt as it stands.

    Raises RowProblemError for one that can be nothing else, and cannot be read.
    """
    if not _LOOKS_LIKE_MESSAGES.match(text):
        return _marked_turns(text)
    value: object = text
    for _ in range(_MOST_WRAPPINGS):
        if isinstance(value, str):
            value = _read_literal(value)
    if isinstance(value, dict):
        value = _unwrapped(value)
    turns: object = [value] if isinstance(value, dict) else value
    if not isinstance(turns, list | tuple) or not turns:
        return None
    found = [_read_literal(one) if isinstance(one, str) else _as_message(one) for one in turns]
    if all(map(_is_part, found)):
        return [{"role": "user", "content": found}]
    if all(map(_is_message, found)):
        return found
    if all(_is_message(_with_plain_keys(one)) or _names_a_speaker(one) for one in found):
        bad("`prompt` is the text of a list of messages whose keys are not `role` and `content`")
    return None


def _marked_turns(text: str) -> list[object] | None:
    first, *rest = _MARKED_TURN.split(text) if "<extra_id_1>" in text else [text]
    if not rest or _TEMPLATE.match(text):
        return None
    turns = zip(["User", *rest[::2]], [first, *rest[1::2]], strict=True)
    return [{"role": role.lower(), "content": content} for role, content in turns]


def parts_of(content: object) -> object:
    """The parts that the text of a message is a list of; anything else as it is."""
    if not isinstance(content, str) or not content.lstrip(_NOT_DRAWN).startswith("[{"):
        return content
    if not _LOOKS_LIKE_MESSAGES.match(content) or _ROLE.search(content):
        return content
    found = messages_of(content)
    turn = found[0] if found is not None and len(found) == 1 else None
    return turn.get("content", content) if isinstance(turn, dict) else content


def is_list_of_texts(text: object) -> bool:
    """Whether it is the JSON of a list of texts, as Chatbot Arena's of 2024 are."""
    if not isinstance(text, str) or not (text.startswith('["') and text.rstrip().endswith('"]')):
        return False
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, list) and all(isinstance(one, str) for one in found)


def refuse_nothing(text: str) -> None:
    """Raises RowProblemError for what tables and programs write where there is no text."""
    if _NOTHING.fullmatch(text):
        raise RowProblemError(
            SkipReason.EMPTY_PROMPT,
            f"`prompt` is `{text.strip()[:20]}`, which a table or a program writes where it has no "
            "text; write one",
        )


def refuse_template(text: str) -> None:
    """Raises RowProblemError for what a chat template made of messages."""
    if _TEMPLATE.match(text):
        bad(
            "`prompt` begins with the marks of a chat template, which the server of a model adds "
            "itself; give the messages that it was made of, or, to send it as it stands, "
            '`[{"role": "user", "content": …}]`'
        )


def _as_message(value: object) -> object:
    """A pair of a role and a text is a message of LangChain's; anything else is left."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return value
    role = _ROLES_OF_PAIRS.get(str(value[0]))
    return value if role is None else {"role": role, "content": value[1]}


def _is_message(value: object) -> bool:
    return isinstance(value, dict) and any(keys <= value.keys() for keys in _KEYS_OF_A_MESSAGE)


def _unwrapped(value: dict[object, object]) -> object:
    """The messages of an object that has nothing else. Raises RowProblemError where it has more,
    as the text of a request does: to leave its tools out, say, would make it another one."""
    name = next((name for name in _WRAPPERS if name in value), None)
    within = value if name is None else value[name]
    if name is None or len(value) == 1:
        return within
    if isinstance(within, list) and within and all(map(_is_message, within)):
        bad(
            f"`prompt` is the text of an object with `{name}` and more, such as a request; give "
            "the messages alone, and `tools` in a column of their own"
        )
    return value


def _names_a_speaker(value: object) -> bool:
    """As other libraries write a message: who speaks, and under another name what is said."""
    if not isinstance(value, dict) or not 2 <= len(value) <= _MOST_KEYS:
        return False
    return any(isinstance(one, str) and one.lower() in _ROLES_OF_PAIRS for one in value.values())


def _is_part(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.get("type") in {"text", "image_url"}
        and (value["type"] in value)
    )


def _with_plain_keys(value: object) -> object:
    return {str(key).lower(): one for key, one in value.items()} if isinstance(value, dict) else 0


def _read_literal(text: str) -> Any:  # noqa: ANN401 (whatever it says)
    """None where more follows, or it has no messages; a broken list of messages is refused."""
    text = text.strip(_NOT_DRAWN)
    of_numpy = _OF_NUMPY.fullmatch(text)
    text = of_numpy[1].strip() if of_numpy else text
    try:
        return _values(text)
    except (ValueError, RecursionError) as error:
        problem = str(error)
    with suppress(ValueError):
        return literal(text)
    if not (_ROLE.search(text) and (text.startswith("[") or _CONTENT.search(text))):
        return None
    raise RowProblemError(
        SkipReason.INVALID_ROW,
        f"`prompt` is the text of a list of messages, and cannot be read as JSON ({problem}); "
        "write the messages as JSON, each with `role` and `content`",
    )


def _values(text: str) -> object:
    """The value of a text of JSON, or the list of them where each line has a message; None where
    words follow. Raises ValueError."""
    found: list[object] = []
    end = 0
    while end < len(text) and (not found or _is_message(found[-1])):
        value, end = _DECODER.raw_decode(text, end)
        found.append(value)
        blank = _BLANK.match(text, end)
        end = blank.end() if blank else end
        if end < len(text) and text[end] != "{":
            return None
    if end < len(text):
        return None
    return found[0] if len(found) == 1 else found
