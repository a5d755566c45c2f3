"""Rows of result files written by hand, and the figures of so many prompts of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from judgeforge.results.figures.run import Group, PromptRows, RunFigures

Row = dict[str, Any]


def pair(number: int = 0, chosen: int = 20, rejected: int = 20, **fields: Any) -> Row:
    return {
        "id": f"p{number}.p0",
        "prompt_id": f"p{number}",
        "chosen": [{"role": "assistant", "content": "c" * chosen}],
        "rejected": [{"role": "assistant", "content": "r" * rejected}],
        "score_chosen": 0.8,
        "score_rejected": 0.3,
        "score_margin": 0.5,
        "confidence": 0.9,
        "chosen_model": "a",
        "rejected_model": "b",
        "provenance": {"chosen_id": f"p{number}.c0", "rejected_id": f"p{number}.c1"},
        **fields,
    }


def completion(number: int, place: int, **fields: Any) -> Row:
    name = f"p{number}.c{place}"
    usual = {"model": "ab"[place], "finish": "stop", "flags": [], "cost_usd": 0.5, "p_best": 0.6}
    return {"id": name, "prompt_id": f"p{number}", **usual, **fields}


def scored(judge: str, number: int, place: int, score: float, **fields: Any) -> Row:
    row = judgment(judge, [f"p{number}.c{place}"], score=score)
    return {**row, **fields}


def judgment(judge: str, completions: Sequence[str], **fields: Any) -> Row:
    usual = {"protocol": "pointwise", "score": None, "missing": None, "cost_usd": 0.25}
    return {"judge": judge, "completion_ids": list(completions), **usual, **fields}


def figures_of(
    number: int, *, pairs: Row | None = None, judgments: Any = None, **fields: Any
) -> RunFigures:
    """So many prompts with a pair each; ``pairs`` and ``fields`` change pairs and completions."""
    figures = RunFigures()
    for n in range(number):
        name = f"p{n}"
        figures.add_prompt(
            PromptRows(
                name,
                Group(name, 0, [completion(n, 0, **fields), completion(n, 1, **fields)]),
                Group(name, 0, judgments(n) if judgments else []),
                Group(name, 0, [pair(n, **(pairs or {}))]),
            )
        )
    return figures
