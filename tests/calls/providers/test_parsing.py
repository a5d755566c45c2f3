"""A paid reply is read whatever stands around it; what is no such reply is told as ever."""

from __future__ import annotations

import gzip
import json

import pytest
from pydantic import BaseModel

from judgeforge.calls.providers.openai_chat import read_chat_completion
from judgeforge.calls.providers.parsing import as_utf8, parsed
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
        b'{"code": 0, "msg": "ok", "data": ' + WHOLE + b"}",
        b'{"success": true, "errors": [], "result": ' + WHOLE.replace(b"\\n", b"\n") + b"}",
        b'{"data": {"status": "done", "response": ' + WHOLE + b"}}",
        json.dumps(WHOLE.decode()).encode(),
        json.dumps({"statusCode": 200, "headers": {}, "body": WHOLE.decode()}).encode(),
    ],
    ids=[
        "as it should be", "lines sent to keep the connection", "byte order mark", "NUL after it",
        "line break in a text", "in a list", "a broken second choice",
        "a null before it", "as in a stream", "a message that is a text", "as a completion",
        "in an envelope", "in an envelope, with a line break in a text", "in two envelopes",
        "as a text of JSON", "as a text of JSON in an envelope",
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
        (b'{"a": {"choices": [1]}, "b": {"choices": [2]}}', r"choices: Field required"),
    ],
)
def test_what_is_none_is_told_as_it_came(raw: bytes, said: str) -> None:
    with pytest.raises(MalformedReplyError, match=said):
        parsed(Listed, raw, what="chat completion")


PACKED = gzip.compress(WHOLE)


@pytest.mark.parametrize(
    ("raw", "content_type", "read"),
    [
        (WHOLE, "application/json", WHOLE),
        (PACKED, "application/json", WHOLE),
        (WHOLE.decode().encode("utf-16"), "application/json", WHOLE),
        (b"\xef\xbb\xbf" + WHOLE, "application/json", WHOLE),
        (WHOLE.decode().encode("utf-16-le"), "application/json; charset=utf-16le", WHOLE),
        (WHOLE.decode().encode("utf-32"), "application/json", WHOLE),
        ("\ufeff".encode("utf-16-be") + WHOLE.decode().encode("utf-16-be"), "", WHOLE),
        ("Wörter".encode("latin-1"), "text/plain; charset=iso-8859-1", "Wörter".encode()),
        (PACKED[:-9], "", PACKED[:-9]),
        (b"\x1f\x8bnot packed", "", b"\x1f\x8bnot packed"),
    ],
    ids=[
        "plain", "gzip", "UTF-16", "byte order mark", "UTF-16 without its mark", "UTF-32",
        "big-endian", "as its header says", "cut", "no gzip",
    ],
)  # fmt: skip
def test_a_body_is_read_in_the_encoding_that_it_is_in(
    raw: bytes, content_type: str, read: bytes
) -> None:
    assert as_utf8(raw, content_type) == read
