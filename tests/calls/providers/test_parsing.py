"""A paid reply is read whatever stands around it; what is no such reply is told as ever."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from judgeforge.calls.providers.openai_chat import read_chat_completion
from judgeforge.calls.providers.parsing import parsed
from judgeforge.errors import MalformedReplyError

WHOLE = b'{"choices": [{"message": {"content": "a\\nb"}, "finish_reason": "stop"}]}'


class Listed(BaseModel):
    choices: list[int]


@pytest.mark.parametrize(
    "raw",
    [
        WHOLE,
        b"\r\n \r\n" + WHOLE + b"\r\n",
        b"\xef\xbb\xbf" + WHOLE,
        WHOLE + b"\x00\x00",
        WHOLE.replace(b"\\n", b"\n"),
        b"[" + WHOLE + b"]",
        WHOLE.replace(b"}]}", b"}, null]}"),
        WHOLE.replace(b'"choices": [', b'"choices": [null, '),
        WHOLE.replace(b'"message"', b'"delta"'),
        WHOLE.replace(b'{"content": "a\\nb"}', b'"a\\nb"'),
        WHOLE.replace(b'"message": {"content": "a\\nb"}', b'"text": "a\\nb"'),
    ],
    ids=[
        "as it should be", "lines sent to keep the connection", "byte order mark", "NUL after it",
        "line break in a text", "in a list", "a broken second choice",
        "a null before it", "as in a stream", "a message that is a text", "as a completion",
    ],
)  # fmt: skip
def test_it_is_read_whatever_stands_around_it(raw: bytes) -> None:
    reply = read_chat_completion(raw)
    assert (reply.text, reply.finish) == ("a\nb", "stop")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"choices": 3}', r"choices: Input should be a valid"),
        (b'{"choices": []} and more', r"trailing characters"),
        (b"[" * 5000, r"is not a chat completion"),
        (b'data: {"choices": []}\n\n', r"is a stream"),
        (b'[{"choices": [1]}, {"choices": [2]}]', r"Input should be an object"),
    ],
)
def test_what_is_none_is_told_as_it_came(raw: bytes, said: str) -> None:
    with pytest.raises(MalformedReplyError, match=said):
        parsed(Listed, raw, what="chat completion")
