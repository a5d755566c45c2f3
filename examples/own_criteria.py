"""Criteria of each prompt's own, from its row or written by a model: priced, run, explained.

A local server plays the models, so it needs no key. From the root of the checkout, in seconds:

    python -m examples.own_criteria

It runs the rows of prompts/own-criteria.jsonl with the rubric of configs/own-criteria.yaml, and
then looks with labels at what the criteria of that rubric tell (`judgeforge rubric improve`).
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from judgeforge.cli.app import app
from judgeforge.config.shipped import shipped_configs, shipped_prompts
from tests.local_server import LocalServer

LABELS = 60


def main() -> None:
    with LocalServer(noise_sd=0.15) as server, tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        config = write_project(folder, server.openai_url)
        out = folder / "run"
        command("check", config)
        command("plan", config)
        command("run", config, "--out", out, "--quiet")
        command("explain", out, "refund.p0")
        command("rubric", "improve", config, "--labels", write_labels(folder), "--quiet")


def command(*words: object) -> None:
    shown = " ".join(word.name if isinstance(word, Path) else str(word) for word in words)
    print(f"\n$ judgeforge {shown}", flush=True)
    app(list(map(str, words)), standalone_mode=False)


def write_project(folder: Path, url: str) -> Path:
    """The shipped configuration, asked of the server at ``url``."""
    config = yaml.safe_load((shipped_configs() / "own-criteria.yaml").read_text(encoding="utf-8"))
    config["prompts"]["path"] = str(shipped_prompts() / "own-criteria.jsonl")
    for name in config["models"]:
        config["models"][name] = model(name, url)
    config["judging"]["fit_repeats"] = 0
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    return file


def model(name: str, url: str) -> Mapping[str, Any]:
    price = {"input_per_mtok": 1.0, "output_per_mtok": 4.0}
    return {"provider": "openai", "model": name, "base_url": url, "price": price}


def write_labels(folder: Path) -> Path:
    """Pairs of which the one with the higher hidden quality is mostly preferred."""
    file = folder / "labels.jsonl"
    with file.open("w", encoding="utf-8") as lines:
        for row in labelled():
            lines.write(json.dumps(row) + "\n")
    return file


def labelled() -> Iterator[Mapping[str, Any]]:
    drawn = random.Random(7)  # noqa: S311 (nothing secret is drawn)
    for number in range(LABELS):
        qualities = drawn.random(), drawn.random()
        better = qualities[0] + drawn.gauss(0, 0.1) > qualities[1]
        a, b = (f"[quality={quality:.3f}] Answer {number}." for quality in qualities)
        yield {
            "prompt": f"Tell me fact number {number}.",
            "a": a,
            "b": b,
            "label": "a" if better else "b",
            "criteria": [f"Does it tell fact number {number}?"],
        }


if __name__ == "__main__":
    main()
