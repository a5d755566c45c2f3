"""Measure the judges on 300 labels, then keep the most pairs of which at most 5 % are wrong.

A local server plays the models: it writes answers with a hidden quality and judges them with noise.
So it is known which answer is really the best, for the labels and for the pairs that a run keeps.
From the root of the checkout, in about a minute:

    python -m examples.calibrated_pairs [--to benchmarks/results/max-error.md]
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

import judgeforge
from judgeforge.runs.measurement.calibrating import calibrate_config
from judgeforge.runs.measurement.evaluating import evaluate_config
from tests.local_server import LocalServer

LABELS, PROMPTS = 300, 400
NOISE = {"one": 0.06, "two": 0.09, "three": 0.3}
"""Of the judges; the third is much worse than the others."""
RUBRIC = """\
name: graded
version: 1
criteria:
  - {name: quality, question: How good is the answer?, levels: [bad, poor, fair, good, best]}
"""


def main(to: Path | None = None) -> None:
    found: dict[str, tuple[float, float]] = {}
    with LocalServer(noise_by_model=NOISE) as server, tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        alone = write_config(folder, server.openai_url, "one.yaml", ["one"])
        panel = write_config(folder, server.openai_url, "panel.yaml", list(NOISE))
        write_labels(folder / "labels.jsonl")
        evaluate(alone, panel)
        calibrate(panel)
        print(f"\n{'':28}{'kept':>8}{'wrong':>8}")
        for name, pairing in {
            "every pair": {},
            "max_error 0.05, expected": {"max_error": 0.05},
            "max_error 0.05, certified": {"max_error": 0.05, "guarantee": "certified"},
        }.items():
            found[name] = kept, wrong = kept_and_wrong(panel, name, pairing)
            print(f"{name:28}{kept:8.1%}{wrong:8.1%}")
    if to is not None:
        to.write_text("\n".join(table(found)) + "\n", encoding="utf-8")


def table(found: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    yield "# Pairs under a bound on their errors\n"
    yield "`python -m examples.calibrated_pairs --to THIS_FILE`\n"
    yield (
        f"{LABELS} labels and {PROMPTS} prompts with four answers each, of three judges with noise "
        "played by the local server; a pair is wrong whose chosen answer is not the best of the "
        "four. Kept: the share of the prompts that give a pair.\n"
    )
    yield "| pairs | kept | wrong |\n|---|---:|---:|"
    for name, (kept, wrong) in found.items():
        yield f"| {name} | {kept:.1%} | {wrong:.1%} |"


def evaluate(alone: Path, panel: Path) -> None:
    labels, before = alone.with_name("labels.jsonl"), alone.with_name("one.json")
    evaluate_config(judgeforge.load_config(alone), labels, out=before)
    report = evaluate_config(judgeforge.load_config(panel), labels, against=before)
    for name, judge in report.evaluation.judges.items():
        print(f"judge {name}: {judge.accuracy:.0%} of the labels")
    if report.comparison is not None:
        print(report.comparison.in_words)


def calibrate(panel: Path) -> None:
    config = judgeforge.load_config(panel)
    labels, out = panel.with_name("labels.jsonl"), panel.with_name("calibration.json")
    for promise in calibrate_config(config, labels, out).promises:
        print(f"{promise.guarantee}: {promise.in_words}")


def kept_and_wrong(panel: Path, name: str, pairing: Mapping[str, Any]) -> tuple[float, float]:
    """Shares of the prompts that gave a pair, and of the pairs whose chosen is not the best."""
    values = yaml.safe_load(panel.read_text())
    values["judging"]["calibration"] = "calibration.json"
    file = panel.with_name("run.yaml")
    file.write_text(yaml.safe_dump({**values, "pairing": pairing}))
    result = judgeforge.run(judgeforge.load_config(file), panel.with_name(name))
    best: dict[str, float] = {}
    for row in lines(result.folder / "completions.jsonl"):
        best[row["prompt_id"]] = max(best.get(row["prompt_id"], 0.0), quality(row["text"]))
    pairs = list(lines(result.folder / "pairs.jsonl"))
    wrong = sum(quality(one["chosen"][0]["content"]) < best[one["prompt_id"]] for one in pairs)
    return len(pairs) / PROMPTS, wrong / max(1, len(pairs))


def write_config(folder: Path, url: str, name: str, judges: list[str]) -> Path:
    (folder / "rubric.yaml").write_text(RUBRIC)
    rows = ({"id": f"p{i}", "prompt": f"Tell me fact number {i}."} for i in range(PROMPTS))
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = {
        "prompts": {"path": "prompts.jsonl"},
        "models": {one: model(one, url, 1.0) for one in ("writer", *judges)},
        "sampling": {"models": ["writer"], "completions": 4, "max_tokens": 128, "seed": 1},
        "rubric": "rubric.yaml",
        "judging": {"judges": [{"model": one} for one in judges]},
        "budget": {"usd": 10.0},
    }
    (folder / name).write_text(yaml.safe_dump(config))
    return folder / name


def model(name: str, url: str, usd_per_mtok: float) -> dict[str, Any]:
    price = {"input_per_mtok": usd_per_mtok, "output_per_mtok": 4 * usd_per_mtok}
    return {"provider": "openai", "model": name, "base_url": url, "price": price}


def quality(text: str) -> float:
    found = re.search(r"\[quality=([\d.]+)\]", text)
    return float(found.group(1)) if found else 0.0


def write_labels(file: Path) -> None:
    """What people would say: which of four answers is the best."""
    drawn = random.Random(0)  # noqa: S311 (no secret)
    with file.open("w") as target:
        for number in range(LABELS):
            qualities = [drawn.random() for _ in range(4)]
            answers = [f"[quality={one:.4f}] answer {i}" for i, one in enumerate(qualities)]
            row = {"prompt": f"Labelled question {number}?", "completions": answers}
            target.write(json.dumps(row | {"best": qualities.index(max(qualities))}) + "\n")


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", type=Path, metavar="FILE", help="write the table there as well")
    main(parser.parse_args().to)
