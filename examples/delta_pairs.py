"""Pairs of a strong over a weak writer, few of them judged: what they promise, and what is so.

A local server plays the models, and every answer has a hidden quality, so it is known which side is
really better. Two weak writers stand beside the strong one: one that is far behind, and one that is
nearly as good. From the root of the checkout, in about half a minute:

    python -m examples.delta_pairs
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import judgeforge
from tests.local_server import LocalServer

PROMPTS = 300
SKILLS = {"strong": 0.7, "weak": 0.4, "nearly": 0.62}
RUNS: Mapping[str, Mapping[str, Any]] = {
    "every pair judged": {"chosen_from": "strong", "rejected_from": "weak", "audit": 1.0},
    "a tenth judged": {"chosen_from": "strong", "rejected_from": "weak", "audit": 0.1},
    "a tenth, nearly as good": {"chosen_from": "strong", "rejected_from": "nearly", "audit": 0.1},
    "a tenth, turned round": {"chosen_from": "weak", "rejected_from": "strong", "audit": 0.1},
}
RUBRIC = """\
name: graded
version: 1
criteria:
  - name: quality
    question: How good is the answer?
    levels: [one, two, three, four, five, six, seven, eight, nine, ten]
"""


def main() -> None:
    with LocalServer() as server, tempfile.TemporaryDirectory() as folder:
        server.behaviour.skill_by_model = SKILLS
        server.behaviour.noise_by_model = {"judge": 0.1, "second": 0.08}
        print(f"{'':26}{'pairs':>6}{'promised':>10}{'right':>8}{'judgments':>11}")
        for number, (name, pairing) in enumerate(RUNS.items()):
            place = Path(folder) / str(number)
            config = write_project(place, server.openai_url, pairing)
            judgeforge.run(judgeforge.load_config(config), place / "run", progress=False)
            print(f"{name:26}{line(place / 'run')}")


def write_project(folder: Path, url: str, pairing: Mapping[str, Any]) -> Path:
    folder.mkdir()
    (folder / "rubric.yaml").write_text(RUBRIC)
    rows = ({"id": f"p{i}", "prompt": f"Tell me fact number {i}."} for i in range(PROMPTS))
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    names = (pairing["chosen_from"], pairing["rejected_from"])
    price = {"input_per_mtok": 1.0, "output_per_mtok": 4.0}
    server = {"provider": "openai", "base_url": url, "price": price}
    config = {
        "prompts": {"path": "prompts.jsonl"},
        "models": {name: {**server, "model": name} for name in (*SKILLS, "judge", "second")},
        "sampling": {"models": sorted(names), "completions": 2, "max_tokens": 128, "seed": 1},
        "rubric": "rubric.yaml",
        "judging": {"judges": [{"model": "judge"}, {"model": "second"}], "writer_prior": True},
        "pairing": {"strategy": "delta", **pairing},
        "budget": {"usd": 5.0},
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    return folder / "config.yaml"


def line(folder: Path) -> str:
    """Pairs, the mean probability that they promise, how many are right, and what was judged."""
    pairs = [json.loads(text) for text in (folder / "pairs.jsonl").read_text().splitlines()]
    judgments = len((folder / "judgments.jsonl").read_text().splitlines())
    if not pairs:
        return f"{0:6}{'-':>10}{'-':>8}{judgments:11}"
    promised = sum(pair["confidence"] for pair in pairs) / len(pairs)
    right = sum(quality(pair["chosen"]) > quality(pair["rejected"]) for pair in pairs) / len(pairs)
    return f"{len(pairs):6}{promised:10.1%}{right:8.1%}{judgments:11}"


def quality(answer: list[dict[str, str]]) -> float:
    found = re.search(r"\[quality=([\d.]+)\]", answer[0]["content"])
    return float(found.group(1)) if found else 0.0


if __name__ == "__main__":
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    main()
