"""Ask every judge, or only where there is doubt? Three runs over the same prompts, side by side.

A local server plays the models: it writes answers with a hidden quality and judges them, one judge
cheaply and with much noise, two at a higher price and with little. So it is known which answer is
really the best. From the root of the checkout, in about half a minute:

    python -m examples.cascade_compare
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

PROMPTS = 200
CHEAP = {"model": "cheap"}
STRONG = [{"model": "strong", "tier": 2}, {"model": "stronger", "tier": 2}]
CASCADE = {"target_confidence": 0.98, "min_gain": 0.0001}
RUNS: Mapping[str, Mapping[str, Any]] = {
    "the cheap judge alone": {"judges": [CHEAP]},
    "all three on everything": {"judges": [CHEAP, *STRONG]},
    "the strong ones in doubt": {"judges": [CHEAP, *STRONG], "cascade": CASCADE},
}
RUBRIC = """\
name: graded
version: 1
criteria:
  - {name: quality, question: How good is the answer?, levels: [bad, poor, fair, good, best]}
"""


def main() -> None:
    with LocalServer() as server, tempfile.TemporaryDirectory() as folder:
        server.behaviour.noise_by_model = {"cheap": 0.15, "strong": 0.05, "stronger": 0.03}
        print(f"{'':28}{'right':>8}{'promised':>10}{'judgments':>11}{'cost':>10}")
        for number, (name, judging) in enumerate(RUNS.items()):
            place = Path(folder) / str(number)
            config = write_project(place, server.openai_url, judging)
            result = judgeforge.run(judgeforge.load_config(config), place / "run")
            print(f"{name:28}{line(place / 'run', result.manifest)}")


def write_project(folder: Path, url: str, judging: Mapping[str, Any]) -> Path:
    folder.mkdir()
    (folder / "rubric.yaml").write_text(RUBRIC)
    rows = ({"id": f"p{i}", "prompt": f"Tell me fact number {i}."} for i in range(PROMPTS))
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = {
        "prompts": {"path": "prompts.jsonl"},
        "models": {
            "writer": model("writer", url, 1.0),
            "cheap": model("cheap", url, 0.5),
            "strong": model("strong", url, 3.0),
            "stronger": model("stronger", url, 5.0),
        },
        "sampling": {"models": ["writer"], "completions": 4, "max_tokens": 128, "seed": 1},
        "rubric": "rubric.yaml",
        "judging": judging,
        "budget": {"usd": 5.0},
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    return folder / "config.yaml"


def model(name: str, url: str, usd_per_mtok: float) -> dict[str, Any]:
    price = {"input_per_mtok": usd_per_mtok, "output_per_mtok": 4 * usd_per_mtok}
    return {"provider": "openai", "model": name, "base_url": url, "price": price}


def line(folder: Path, manifest: Mapping[str, Any]) -> str:
    """Share of prompts whose best answer was found, what the run says it is, and what it cost."""
    best: dict[str, dict[str, Any]] = {}
    truly: dict[str, float] = {}
    for text in (folder / "completions.jsonl").read_text().splitlines():
        row = json.loads(text)
        prompt = row["prompt_id"]
        if prompt not in best or row["p_best"] > best[prompt]["p_best"]:
            best[prompt] = row
        truly[prompt] = max(truly.get(prompt, 0.0), quality(row["text"]))
    right = sum(quality(row["text"]) == truly[prompt] for prompt, row in best.items()) / len(best)
    promised = sum(row["p_best"] for row in best.values()) / len(best)
    judgments, cost = manifest["judging"]["judgments"], manifest["totals"]["cost_usd"]
    return f"{right:8.1%}{promised:10.1%}{judgments:11}{'$':>4}{cost:.4f}"


def quality(text: str) -> float:
    found = re.search(r"\[quality=([\d.]+)\]", text)
    return float(found.group(1)) if found else 0.0


if __name__ == "__main__":
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    main()
