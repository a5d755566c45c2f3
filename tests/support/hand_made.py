"""Pairs and run folders written by hand, for what reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from judgeforge.records import PreferencePair, Provenance, RubricId
from judgeforge.results.figures.pairs import PairFigures
from judgeforge.store.manifest import FORMAT_VERSION, Manifest
from judgeforge.text.messages import Message

RUBRIC = RubricId(name="helpfulness", version=3, sha256="ab" * 32)


def pair(prompt_id: str = "p1", number: int = 0, **changes: Any) -> PreferencePair:
    fields: dict[str, Any] = {
        "id": f"{prompt_id}.p{number}",
        "prompt_id": prompt_id,
        "prompt": (Message(role="user", content=f"Question {prompt_id}?"),),
        "chosen": (Message(role="assistant", content=f"A good answer to {prompt_id}."),),
        "rejected": (Message(role="assistant", content="A poor one."),),
        "score_chosen": 0.75,
        "score_rejected": 0.25,
        "score_margin": 0.5,
        "confidence": 0.9,
        "chosen_model": "writer-a",
        "rejected_model": "writer-b",
        "strategy": "best_vs_worst",
        "provenance": Provenance(
            chosen_id=f"{prompt_id}.c0",
            rejected_id=f"{prompt_id}.c1",
            judgment_ids=(f"{prompt_id}.j0", f"{prompt_id}.j1"),
            rubric=RUBRIC,
            judges=("judge",),
            calls=("k1", "k2"),
            cost_usd=0.001,
            judgeforge_version="0.1.0",
        ),
    }
    return PreferencePair(**(fields | changes))


def without_cost(made: PreferencePair) -> PreferencePair:
    """As a run makes it whose completions came with the input and whose prices are unknown."""
    bare = made.provenance.model_copy(
        update={"judgment_ids": (), "judges": (), "calls": (), "cost_usd": None}
    )
    return made.model_copy(update={"provenance": bare})


def answers(**texts: str) -> dict[str, tuple[Message, ...]]:
    return {side: (Message(role="assistant", content=text),) for side, text in texts.items()}


def write_pairs(file: Path, pairs: Iterable[PreferencePair]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as lines:
        lines.writelines(one.model_dump_json() + "\n" for one in pairs)
    return file


def run_folder(path: Path, pairs: Iterable[PreferencePair]) -> Path:
    """A folder with all that a run leaves beside the pairs."""
    write_pairs(path / "pairs.jsonl", pairs)
    for name in ("completions", "judgments", "skips", "log"):
        (path / f"{name}.jsonl").write_text('{"id": 7, "other": ["columns"]}\n', encoding="utf-8")
    text = json.dumps(manifest().as_json())
    (path / "manifest.json").write_text(text, encoding="utf-8")
    (path / "report.html").write_text("<p>report</p>", encoding="utf-8")
    state = path / "state"
    state.mkdir(exist_ok=True)
    (state / "spending.jsonl").write_text('{"reserved": 1}\n', encoding="utf-8")
    (state / "train.jsonl").write_text('{"reserved": 1}\n', encoding="utf-8")
    return path


def pair_figures(pairs: Iterable[PreferencePair]) -> PairFigures:
    figures = PairFigures()
    for _, group in groupby(pairs, key=lambda one: one.prompt_id):
        of_prompt = list(group)
        lines = [one.model_dump_json().encode() + b"\n" for one in of_prompt]
        figures.add_prompt([one.model_dump() for one in of_prompt], [], lines)
    return figures


def manifest(**changes: Any) -> Manifest:
    return Manifest.model_validate({"format_version": FORMAT_VERSION, **MANIFEST, **changes})


MANIFEST: dict[str, Any] = {
    "status": "complete",
    "totals": {
        "prompts": 1_234,
        "pairs": 3,
        "skips": {"tie": 5, "call_failed": 2, "below_confidence": 5},
        "calls": {"paid": 4_321, "cached": 17},
        "tokens": {"input": 1_000_001, "output": 2_002},
        "cost_usd": 1.23456,
    },
    "versions": {"python": "3.11.2"},
    "prices": {},
    "input": {"rows": 1_234, "fingerprint": "00"},
    "config": {
        "prompts": {"path": "/home/somebody/secret-project/prompts.jsonl", "hf": None},
        "models": {
            "writer": {"provider": "openai", "model": "gpt-5.4-nano"},
            "judge": {"provider": "local", "model": "/home/somebody/models/tiny.gguf"},
        },
        "sampling": {
            "models": ["writer"],
            "completions": 4,
            "temperature": [0.7, 1.0],
            "max_tokens": 512,
            "system": None,
            "seed": None,
        },
        "rubric": "helpfulness",
        "judging": {
            "judges": [{"model": "judge", "name": None, "protocol": "pointwise", "repeats": 2}]
        },
        "pairing": {
            "strategy": "best_vs_worst",
            "min_confidence": 0.6,
            "max_length_ratio": None,
            "seed": 0,
        },
    },
}
