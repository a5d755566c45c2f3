"""Which model answered, and whether it read its whole prompt. Pure.

A server may answer any name with the model that it has, a gateway may fall back to another one, and
some cut a prompt that does not fit: all without a word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

_VERSION = re.compile(r"(?:[-@:](?:\d{3,}(?:-\d{2}){0,2}|v\d+(?::\d+)?|latest|free))+$")
"""A snapshot of a model: `-2024-08-06`, `-0613`, `@20250514`, `-20241022-v2:0`, `:latest`."""
_LATEST = re.compile(r"[-@:](?:latest|free)$")
_FILE = re.compile(r"\.(?:gguf|bin|safetensors)$")
_SHORTEST = 6
"""Characters of a name that may stand behind a vendor's, as in `anthropic.claude-…`."""


def add_answer(row: Mapping[str, Any], answered: Counter[str], cut_prompts: list[int]) -> None:
    """Count a row of completions.jsonl or judgments.jsonl; earlier versions say neither."""
    if name := row.get("answered_model"):
        answered[name] += 1
    if (tokens := row.get("input_tokens_read")) is not None:
        cut_prompts.append(tokens)


def others(answered: Mapping[str, int], asked: Iterable[str]) -> Counter[str]:
    """The answers of models that are none of those asked for."""
    names = list(asked)
    return Counter(
        {
            said: count
            for said, count in answered.items()
            if not all(any(is_same_model(n, one) for n in names) for one in said.split(", "))
        }
    )


def is_same_model(asked: str, answered: str) -> bool:
    """Whether a server that is asked for one name may call the same model by the other: without the
    path or vendor before it, and with a snapshot where none was asked for."""
    wanted, said = _plain(asked), _plain(answered)
    if wanted == said:
        return True
    bare_wanted, bare_said = _VERSION.sub("", wanted), _VERSION.sub("", said)
    version = wanted[len(bare_wanted) :]
    if not _LATEST.search(wanted) and not _one_begins(version, said[len(bare_said) :]):
        return False
    return _undotted(bare_wanted) == _undotted(bare_said) or (
        len(bare_said) >= _SHORTEST and bare_wanted.endswith(f".{bare_said}")
    )


def _one_begins(one: str, other: str) -> bool:
    """Two snapshots are two models; one that is not named may be any."""
    return one.startswith(other) or other.startswith(one)


def _plain(name: str) -> str:
    return _FILE.sub("", name.lower().replace("\\", "/").rstrip("/").rpartition("/")[2])


def _undotted(name: str) -> str:
    """Azure writes `gpt-35-turbo`."""
    return name.replace(".", "")
