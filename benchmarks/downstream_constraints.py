"""Whether an answer keeps the constraints of the downstream data, as strictly as `passes_all`.

Kinds and arguments are those of downstream/completions.jsonl.gz. `agreement` says of how many of
its completions this reading and the recorded one agree; the benchmark prints it with its results.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from judgeforge.judging.checks import failed_checks, parse_checks_of_row
from judgeforge.judging.checks.subject import Subject

CHECKS = "checks"
"""The kind whose argument is checks of judgeforge's own, as a row states them."""
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_ENDS = re.compile(r"[.!?]+(?=[\"'\u201d\u2019)\]]*(?:\s|$))")


def passes_all(constraints: Sequence[Sequence[Any]], text: str) -> bool:
    """Raises KeyError where a kind is not known."""
    return all(_KINDS[kind](text, argument) for kind, argument in constraints)


def agreement(rows: Sequence[Mapping[str, Any]]) -> float:
    """Share of the rows' completions that are judged here as in the data."""
    same: list[bool] = [
        passes_all(row["constraints"], one["text"]) == one["passes_all"]
        for row in rows
        for one in row["completions"]
    ]
    return sum(same) / len(same)


def _bare(text: str) -> str:
    return text.strip().strip("\"'\u201c\u201d* ")


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _lower(text: str) -> list[str]:
    return [word.lower() for word in _words(text)]


def _sentences(text: str) -> int:
    ends = len(_ENDS.findall(text))
    rest = _ENDS.split(text)[-1] if ends else text
    return ends + bool(_words(rest))


def _paragraphs(text: str) -> int:
    return sum(1 for part in re.split(r"\n\s*\n", text.strip()) if part.strip())


def _is_json(text: str, keys: Sequence[str]) -> bool:
    bare = re.sub(r"^```(?:json)?\s*|\s*```$", "", text.strip())
    try:
        value = json.loads(bare)
    except ValueError:
        return False
    return isinstance(value, dict) and set(keys) <= set(value)


def _number_between(text: str, bounds: Sequence[int]) -> bool:
    return any(bounds[0] <= int(one) <= bounds[1] for one in re.findall(r"\d+", text)[:100])


def _passes_checks(text: str, checks: Mapping[str, Any]) -> bool:
    return not failed_checks(parse_checks_of_row(checks), Subject(text))


_KINDS: dict[str, Callable[[str, Any], bool]] = {
    "max_words": lambda text, most: 0 < len(text.split()) <= most,
    "min_words": lambda text, least: len(text.split()) >= least,
    "words_between": lambda text, bounds: bounds[0] <= len(text.split()) <= bounds[1],
    "sentences": lambda text, count: _sentences(text) == count,
    "paragraphs": lambda text, count: _paragraphs(text) == count,
    "bullets": lambda text, count: len(re.findall(r"^\s*[-*\u2022] ", text, re.M)) == count,
    "numbered": lambda text, count: len(re.findall(r"^\s*\d+[.)]\s", text, re.M)) == count,
    "include": lambda text, words: all(word.lower() in _lower(text) for word in words),
    "forbid": lambda text, words: not any(word.lower() in _lower(text) for word in words),
    "starts": lambda text, start: _bare(text).lower().startswith(start.lower()),
    "ps": lambda text, _: re.search(r"^P\.\s?S\.", text, re.M) is not None,
    "number": _number_between,
    "question": lambda text, _: _bare(text).endswith("?"),
    "json": _is_json,
    "no_commas": lambda text, _: "," not in text,
    "no_exclaim": lambda text, _: "!" not in text,
    "twice": lambda text, word: _lower(text).count(word.lower()) >= 2,
    CHECKS: _passes_checks,
}
