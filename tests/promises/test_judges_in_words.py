"""Whole runs with judges on a server without structured output, which answer in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.local_server import LocalServer, faults, quality_of
from tests.support.run_setup import model, rows, run, write_config

RUBRIC = """
name: one
version: 1
guidance: Judge how good the answer is.
criteria:
  - name: quality
    question: How good is the answer?
    levels: [one, two, three, four, five, six, seven, eight, nine, ten]
"""


def rating(value: Any) -> str:
    return f"The answer has its merits.\n\nRating: [[{value['scores']['quality']}]]"


def weighed(value: Any) -> str:
    return f'{{"strengths": "…", "weaknesses": "…", "score": "{value["scores"]["quality"]}"}}'


def conclusion(value: Any) -> str:
    if value["better"] == "tie":
        return "They are alike. [[C]]"
    return f"I compared them. Therefore, Output ({value['better'].lower()}) is better."


def bracketed(value: Any) -> str:
    said = {"A": "A>>B", "B": "B>>A", "tie": "A=B"}[value["better"]]
    return f"My final verdict is: [[{said}]]"


def judged_in_words(
    folder: Path, server: LocalServer, protocol: str, words: Callable[[Any], str]
) -> tuple[list[Any], dict[str, float]]:
    """The judgments of a run whose judge is never asked twice, and each completion's quality."""
    in_words = faults.altered(
        "words", lambda a: replace(a, text=words(a.value), tool=None) if a.value else a
    )
    server.faults.add(in_words)
    config = write_config(
        folder,
        server,
        prompts=5,
        models={"small": model(server, structured="instruction")},
        sampling={"models": ["small"], "completions": 3, "seed": 7, "max_tokens": 64},
        judging={"judges": [{"model": "small", "protocol": protocol}]},
    )
    (folder / "rubric.yaml").write_text(RUBRIC)
    result = run(config, folder / "out")
    judgments = rows(folder / "out" / "judgments.jsonl")
    assert result.manifest["totals"]["calls"]["paid"] == 5 * 3 + len(judgments)
    assert all(row["missing"] is None and "words" in row["note"] for row in judgments)
    completions = rows(folder / "out" / "completions.jsonl")
    return judgments, {row["id"]: quality_of(row["text"]) or 0.0 for row in completions}


@pytest.mark.parametrize("words", [rating, weighed])
def test_their_ratings_follow_the_quality(
    tmp_path: Path, server: LocalServer, words: Callable[[Any], str]
) -> None:
    judgments, quality = judged_in_words(tmp_path, server, "pointwise", words)
    assert len(judgments) == 15
    for row in judgments:
        assert row["score"] == pytest.approx(quality[row["completion_ids"][0]], abs=0.15)


@pytest.mark.parametrize("words", [conclusion, bracketed])
def test_their_verdicts_name_the_better_one(
    tmp_path: Path, server: LocalServer, words: Callable[[Any], str]
) -> None:
    judgments, quality = judged_in_words(tmp_path, server, "pairwise", words)
    assert len(judgments) == 5 * 3 * 2
    for row in judgments:
        first, second = (quality[i] for i in row["completion_ids"])
        if abs(first - second) > 0.2:
            assert row["verdict"] == ("a" if first > second else "b")
