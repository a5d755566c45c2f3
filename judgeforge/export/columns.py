"""The columns of a pair, said once, for every format that wants its types beforehand.

Types guessed from data go wrong where a list is empty or a cost unknown in the first rows and
not in later ones, and cannot be guessed at all where there are no rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

ColumnType = str | list[Any] | dict[str, Any]
"""``string``, ``int64`` or ``float64``; a list of one type; a struct by field name."""

_MESSAGES: ColumnType = [{"role": "string", "content": "string"}]

COLUMNS: Mapping[str, ColumnType] = {
    "id": "string",
    "prompt_id": "string",
    "prompt": _MESSAGES,
    "chosen": _MESSAGES,
    "rejected": _MESSAGES,
    "score_chosen": "float64",
    "score_rejected": "float64",
    "score_margin": "float64",
    "confidence": "float64",
    "chosen_model": "string",
    "rejected_model": "string",
    "strategy": "string",
    "provenance": {
        "chosen_id": "string",
        "rejected_id": "string",
        "judgment_ids": ["string"],
        "rubric": {"name": "string", "version": "int64", "sha256": "string"},
        "judges": ["string"],
        "calls": ["string"],
        "missing_judges": ["string"],
        "cost_usd": "float64",
        "judgeforge_version": "string",
    },
}


def arrow_schema(columns: Mapping[str, ColumnType] = COLUMNS) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(name, _arrow_type(kind)) for name, kind in columns.items()])


def card_features(columns: Mapping[str, ColumnType] = COLUMNS) -> list[dict[str, Any]]:
    """The columns as ``dataset_info.features`` of a dataset card has them."""
    return [{"name": name, **_card_type(kind)} for name, kind in columns.items()]


def _arrow_type(kind: ColumnType) -> pa.DataType:
    import pyarrow as pa

    if isinstance(kind, str):
        return pa.type_for_alias(kind)
    if isinstance(kind, list):
        return pa.list_(_arrow_type(kind[0]))
    return pa.struct([(name, _arrow_type(part)) for name, part in kind.items()])


def _card_type(kind: ColumnType) -> dict[str, Any]:
    if isinstance(kind, str):
        return {"dtype": kind}
    if isinstance(kind, list):
        item = kind[0]
        return {"list": item if isinstance(item, str) else card_features(item)}
    return {"struct": card_features(kind)}
