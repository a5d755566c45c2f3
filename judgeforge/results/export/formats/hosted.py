"""Hosted preference tuning: the JSONL of OpenAI, Azure, Together and Fireworks, and of Bedrock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from judgeforge.records import PreferencePair
from judgeforge.results.export.targets import Row, messages
from judgeforge.text.messages import Message

BEDROCK_SCHEMA = "bedrock-conversation-2024"
_BEDROCK_ROLES: Mapping[str, str] = {"developer": "system"}


def openai_row(pair: PreferencePair) -> Row:
    """One answer a side; tools as a list, as a request of chat completions has them."""
    return {
        "input": {
            "messages": messages(pair.prompt),
            "tools": [] if pair.tools is None else json.loads(pair.tools),
            "parallel_tool_calls": True,
        },
        "preferred_output": messages(pair.chosen),
        "non_preferred_output": messages(pair.rejected),
    }


def bedrock_row(pair: PreferencePair) -> Row:
    """Amazon Nova's DPO on Bedrock and SageMaker: the last turn has both candidates.

    docs.aws.amazon.com, nova-dpo: Converse messages, the system texts apart.
    """
    system, turns = list[Row](), list[Row]()
    for message in pair.prompt:
        role = _BEDROCK_ROLES.get(message.role, message.role)
        if role == "system":
            system.append({"text": message.text})
        else:
            turns.append({"role": role, "content": [{"text": message.text}]})
    candidates = [_candidate(pair.chosen, "preferred"), _candidate(pair.rejected, "non-preferred")]
    return {
        "schemaVersion": BEDROCK_SCHEMA,
        **({"system": system} if system else {}),
        "messages": [*turns, {"role": "assistant", "candidates": candidates}],
    }


def _candidate(side: Sequence[Message], preference: str) -> Row:
    return {"content": [{"text": one.text} for one in side], "preferenceLabel": preference}
