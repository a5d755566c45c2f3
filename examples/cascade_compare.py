"""Ask every judge, or only where there is doubt? Three runs over the same prompts, side by side.

A local server plays five judges, made up from what recorded ones have shown: how strongly each
follows what all of them see, and how far it errs on its own. Of each prompt's four answers one is
right, so it is known how often the answer that is ranked first is the right one. No key, no
network. From the root of the checkout, in one to two minutes:

    python -m examples.cascade_compare [--prompts 1000] [--to benchmarks/results/cascade.md]
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import judgeforge
from tests.local_server import LocalServer

PROMPTS, ANSWERS = 1000, 4
CHEAP, *STRONG = JUDGES = ("small", "medium", "large", "larger", "largest")
USD_PER_MTOK = {"small": 0.75, "medium": 1.0, "large": 2.5, "larger": 2.75, "largest": 3.0}
"""Of input; output costs five times as much."""
FOLLOWS = {"small": 2.03, "medium": 2.04, "large": 2.30, "larger": 2.10, "largest": 1.97}
"""Points of ten by which a judge's score rises with one standard deviation of what all see."""
ERRS = {"small": 0.97, "medium": 0.97, "large": 0.73, "larger": 0.85, "largest": 0.82}
"""Standard deviation of a judge's own error, in points."""
RIGHT_AHEAD, CENTRE, LEVELS = 2.6, 6.0, 10
"""Standard deviations by which all see the right answer ahead, as in the recorded scores."""
RUNS: Mapping[str, Mapping[str, Any]] = {
    "the smallest judge alone": {"judges": [{"model": CHEAP}]},
    "all five on everything": {"judges": [{"model": name} for name in JUDGES]},
    "a cascade of the five": {
        "judges": [{"model": CHEAP}, *({"model": name, "tier": 2} for name in STRONG)],
        "cascade": {"target_confidence": 0.97, "min_gain": 0.003},
        "fit_prompts": 32,
    },
}
RUBRIC = """\
name: graded
version: 1
criteria:
  - name: quality
    question: How good is the answer?
    levels: [one, two, three, four, five, six, seven, eight, nine, ten]
"""


@dataclass(frozen=True)
class Outcome:
    right: float
    """Share of prompts whose answer ranked first is the right one."""
    promised: float
    """What the run says this share is."""
    judgments: int
    usd: float


def main(prompts: int, to: Path | None) -> None:
    found: dict[str, Outcome] = {}
    print(f"{'':26}{'right':>8}{'promised':>10}{'judgments':>11}{'cost':>10}")
    seen = judges_of(prompts)
    with (
        LocalServer(noise_sd=0.0, keep_bodies=False, seen=seen) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        for number, (name, judging) in enumerate(RUNS.items()):
            place = Path(folder) / str(number)
            config = write_project(place, server.openai_url, judging, prompts)
            result = judgeforge.run(judgeforge.load_config(config), place / "run", progress=False)
            found[name] = one = outcome(result)
            cost = f"${one.usd:.2f}"
            print(f"{name:26}{one.right:8.1%}{one.promised:10.1%}{one.judgments:11}{cost:>10}")
    if to is not None:
        to.write_text("\n".join(table(prompts, found)) + "\n", encoding="utf-8")


def judges_of(prompts: int) -> Callable[[str, float], float]:
    """What a judge says, 0 to 1, of the answer with a number; every fourth is the right one."""
    draw = random.Random(20261127)  # noqa: S311 (no secret)
    spread = (1.0 + RIGHT_AHEAD**2 * (1 / ANSWERS) * (1 - 1 / ANSWERS)) ** 0.5
    said: dict[tuple[str, int], float] = {}
    for prompt in range(prompts):
        common = [draw.gauss(RIGHT_AHEAD * (place == 0)) for place in range(ANSWERS)]
        mean = sum(common) / ANSWERS
        for place, value in enumerate(common):
            for judge in JUDGES:
                points = CENTRE + FOLLOWS[judge] * (value - mean) / spread
                points = min(LEVELS, max(1, round(points + draw.gauss(0.0, ERRS[judge]))))
                said[judge, prompt * ANSWERS + place] = (points - 1) / (LEVELS - 1)
    return lambda model, number: said[model, round(number)]


def write_project(folder: Path, url: str, judging: Mapping[str, Any], prompts: int) -> Path:
    folder.mkdir()
    (folder / "rubric.yaml").write_text(RUBRIC)
    lines = (json.dumps(row) + "\n" for row in rows(prompts))
    (folder / "prompts.jsonl").write_text("".join(lines))
    repeats = {"fit_repeats": 0} if len(judging["judges"]) == 1 else {}
    config = {
        "prompts": {"path": "prompts.jsonl"},
        "models": {name: model(name, url, USD_PER_MTOK[name]) for name in JUDGES},
        "rubric": "rubric.yaml",
        "judging": {**judging, **repeats},
        "budget": {"usd": 100.0},
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    return folder / "config.yaml"


def rows(prompts: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(1)  # noqa: S311 (no secret)
    for prompt in range(prompts):
        numbers = list(range(prompt * ANSWERS, (prompt + 1) * ANSWERS))
        draw.shuffle(numbers)  # no tie goes to the right one by its place
        answers = [f"[quality={number}] An answer." for number in numbers]
        yield {"id": f"p{prompt}", "prompt": f"Question {prompt}?", "completions": answers}


def model(name: str, url: str, usd_per_mtok: float) -> dict[str, Any]:
    price = {"input_per_mtok": usd_per_mtok, "output_per_mtok": 5 * usd_per_mtok}
    return {"provider": "openai", "model": name, "base_url": url, "price": price}


def outcome(result: judgeforge.RunResult) -> Outcome:
    best: dict[str, dict[str, Any]] = {}
    for text in (result.folder / "completions.jsonl").read_text().splitlines():
        row = json.loads(text)
        before = best.get(row["prompt_id"])
        if before is None or row["p_best"] > before["p_best"]:
            best[row["prompt_id"]] = row
    return Outcome(
        right=sum(is_right(row["text"]) for row in best.values()) / len(best),
        promised=sum(row["p_best"] for row in best.values()) / len(best),
        judgments=result.manifest["judging"]["judgments"],
        usd=result.manifest["totals"]["cost_usd"],
    )


def is_right(text: str) -> bool:
    found = re.search(r"\[quality=(\d+)\]", text)
    return found is not None and int(found[1]) % ANSWERS == 0


def table(prompts: int, found: Mapping[str, Outcome]) -> Iterator[str]:
    _, everything, _ = found.values()
    yield "# A cascade beside all judges\n"
    yield f"`python -m examples.cascade_compare --prompts {prompts} --to THIS_FILE`\n"
    yield (
        f"{prompts:,} prompts with {ANSWERS} ready answers, one of them right; {len(JUDGES)} "
        "judges made up from what recorded ones have shown, played by the local server. Right: the "
        "share of prompts whose answer ranked first is the right one, with half the width of its "
        "95 % interval. Promised: what the run itself says that share is. The fifth judge and "
        "the settings of the cascade were chosen on another draw of such prompts; this one was "
        "drawn once, afterwards.\n"
    )
    yield "| way | right | promised | judgments | of all | cost |\n|---|---|---|---|---|---|"
    for name, one in found.items():
        half = 1.96 * (one.right * (1 - one.right) / prompts) ** 0.5
        share = one.judgments / everything.judgments
        yield (
            f"| {name} | {one.right:.1%} ± {half:.1%} | {one.promised:.1%} | {one.judgments:,} "
            f"| {share:.0%} | ${one.usd:.2f} |"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prompts", type=int, default=PROMPTS)
    parser.add_argument("--to", type=Path, metavar="FILE", help="write the table there as well")
    given = parser.parse_args()
    main(given.prompts, given.to)
