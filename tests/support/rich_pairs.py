"""Pairs with all that a pair may hold beside words: tools, calls, thoughts, pictures, metadata."""

from __future__ import annotations

import json
from typing import Any

from judgeforge.records import PreferencePair
from judgeforge.text.messages import ImagePart, ImageUrl, Message, TextPart, ToolCall
from tests.support.hand_made import pair
from tests.support.pictures import data_url, png

TOOLS = json.dumps(
    [
        {
            "type": "function",
            "function": {
                "name": "weather",
                "description": "The weather of a place.",
                "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
            },
        }
    ]
)


def calling(place: str, **fields: Any) -> Message:
    call = ToolCall(id="call_1", name="weather", arguments=json.dumps({"place": place}))
    return Message(role="assistant", content=None, tool_calls=(call,), **fields)


def tool_pair(prompt_id: str = "tools") -> PreferencePair:
    """A conversation with a call and its result, and two calls as answers."""
    prompt = (
        Message(role="system", content="Be brief."),
        Message(role="user", content="Is it warm in Graz, and in Linz?"),
        calling("Graz"),
        Message(role="tool", content="21 degrees", tool_call_id="call_1", name="weather"),
    )
    return pair(
        prompt_id,
        prompt=prompt,
        chosen=(calling("Linz"),),
        rejected=(calling("Graz"),),
        tools=TOOLS,
    )


def thought_pair(prompt_id: str = "thoughts") -> PreferencePair:
    def said(text: str, thought: str) -> tuple[Message, ...]:
        return (Message(role="assistant", content=text, reasoning_content=thought),)

    return pair(
        prompt_id, chosen=said("4", "Two and two."), rejected=said("5", "Two and three, I guess.")
    )


def picture_pair(prompt_id: str = "pictures", *urls: str) -> PreferencePair:
    shown = urls or (data_url(png(10)), data_url(png(200)))
    parts = (
        TextPart(text="Which is darker?"),
        *(ImagePart(image_url=ImageUrl(url=url)) for url in shown),
    )
    return pair(prompt_id, prompt=(Message(role="user", content=parts),))
