"""Bodies put together from parts that are encoded once are those that `json` writes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.calls.providers.base import ReplySchema
from judgeforge.calls.providers.encoding import BodyEncoder, json_schema_format

FORM = json_schema_format(ReplySchema("scores", {"type": "object", "a": [1, None]}))
TURNS = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool"])},
    optional={
        "content": st.one_of(st.text(), st.none(), st.just([{"type": "text", "text": "é"}])),
        "name": st.text(),
    },
)
SYSTEMS = st.fixed_dictionaries({"role": st.just("system"), "content": st.text()})
VALUES = st.one_of(
    st.integers(), st.booleans(), st.none(), st.text(), st.floats(allow_nan=False, width=32)
)


@pytest.mark.parametrize("sort_keys", [True, False])
@given(system=SYSTEMS, turns=st.lists(TURNS, max_size=3), limit=VALUES, heat=VALUES)
def test_a_body_is_written_as_json_writes_it(
    sort_keys: bool,
    system: dict[str, Any],
    turns: list[dict[str, Any]],
    limit: object,
    heat: object,
) -> None:
    settings = {"temperature": heat, "max_tokens": limit}
    body = {"model": "m", "messages": [system, *turns], **settings, **FORM}
    written = _as_json_writes(body, sort_keys=sort_keys)
    if written is None:
        with pytest.raises(ValueError, match="JSON"):
            BodyEncoder(sort_keys=sort_keys).encode(body)
    else:
        assert BodyEncoder(sort_keys=sort_keys).encode(body) == written


def _as_json_writes(body: dict[str, Any], *, sort_keys: bool) -> str | None:
    """None of a number that JSON does not have."""
    try:
        return json.dumps(
            body, sort_keys=sort_keys, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
    except ValueError:
        return None
