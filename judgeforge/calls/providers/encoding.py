"""Bodies of requests as JSON: what all requests of a judge have in common is encoded once.

The form of the reply and the rubric, in the first message, are two thirds of such a request, the
same in each. A text is encoded as ``json`` encodes the whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from json.encoder import encode_basestring
from math import isfinite
from typing import Any

from judgeforge.calls.providers.base import Body, ReplySchema

_SYSTEMS_KEPT = 64


class FixedForm(dict[str, Any]):
    """The same object for all requests with one schema, and not to be changed."""


class BodyEncoder:
    """``sort_keys``: whether every object has its fields in order, or as they stand."""

    def __init__(self, *, sort_keys: bool) -> None:
        self._sort_keys = sort_keys
        self._json = json.JSONEncoder(
            sort_keys=sort_keys, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        self._forms: dict[int, tuple[FixedForm, str]] = {}
        """By ``id``; each is kept, so that no other gets its number."""
        self._system = lru_cache(maxsize=_SYSTEMS_KEPT)(self._system_turn)

    def encode(self, body: Body) -> str:
        """Raises ValueError for a number that JSON does not have."""
        names = sorted(body) if self._sort_keys else body
        fields = [f"{encode_basestring(name)}:{self._field(name, body[name])}" for name in names]
        return f"{{{','.join(fields)}}}"

    def _field(self, name: str, value: Any) -> str:  # noqa: ANN401 (of JSON)
        """What is plain is put together by hand: an encoder of JSON is built anew for each."""
        kind = type(value)
        if kind is str:
            return encode_basestring(value)
        if kind is int or (kind is float and isfinite(value)):
            return repr(value)
        if kind is FixedForm:
            return self._form(value)
        if name == "messages":
            return f"[{','.join([self._turn(turn) for turn in value])}]"
        return self._json.encode(value)

    def _turn(self, turn: Mapping[str, Any]) -> str:
        if list(turn) != ["role", "content"] or type(turn["content"]) is not str:
            return self._json.encode(turn)
        if turn["role"] == "system":
            return self._system(turn["content"])
        role, said = f'"role":"{turn["role"]}"', f'"content":{encode_basestring(turn["content"])}'
        return f"{{{said},{role}}}" if self._sort_keys else f"{{{role},{said}}}"

    def _system_turn(self, content: str) -> str:
        return self._json.encode({"role": "system", "content": content})

    def _form(self, form: FixedForm) -> str:
        known = self._forms.get(id(form))
        if known is None:
            if len(self._forms) == FORMS_KEPT:
                self._forms.clear()
            known = self._forms[id(form)] = form, self._json.encode(form)
        return known[1]


FORMS_KEPT = 64
_fixed: dict[int, tuple[Mapping[str, Any], str, FixedForm]] = {}


def json_schema_format(reply: ReplySchema) -> Body:
    """``response_format`` as chat completions take it."""
    schema, name, form = _fixed.get(id(reply.schema), (None, "", None))
    if form is None or schema is not reply.schema or name != reply.name:
        of_reply = {"name": reply.name, "strict": True, "schema": reply.schema}
        form = FixedForm(type="json_schema", json_schema=of_reply)
        if len(_fixed) >= FORMS_KEPT:
            _fixed.clear()
        _fixed[id(reply.schema)] = reply.schema, reply.name, form
    return {"response_format": form}
