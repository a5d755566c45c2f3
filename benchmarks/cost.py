"""What a thousand pairs cost in each way of judging: dollars at list prices, share right.

    python benchmarks/cost.py [--prompts 400] [--data FOLDER]

Judges what is known to be right on the local server, which answers as each judge would, counts
tokens and keeps beginnings of prompts as the providers do. Writes benchmarks/results/cost.md; takes
some five minutes, needs no key and no network. ``--data``: recorded scores of judges, which are no
part of the project; without it the judges are made up from their error structure.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parent.parent))

import judgeforge
from benchmarks.cost_worlds import COMPLETIONS, JUDGES, REWARD, World, made_up, recorded
from benchmarks.judging_data import NoDataError
from judgeforge.calls.money.price_list import listed_price
from judgeforge.calls.money.prices import Rates
from judgeforge.config.model import ModelConfig
from tests.local_server import LocalServer

RESULT = Path(__file__).parent / "results" / "cost.md"
FIGURES = RESULT.with_suffix(".json")
LISTED = {
    "gpt-5.4-mini": ("openai", "gpt-5.4-mini"),
    "claude-haiku-4.5": ("anthropic", "claude-haiku-4-5"),
    "gpt-5.4": ("openai", "gpt-5.4"),
    "claude-sonnet-4.6": ("anthropic", "claude-sonnet-4-6"),
}
FIRST = JUDGES[0]
OWN = {"input_per_mtok": 0.0, "output_per_mtok": 0.0}
"""A reward model on a card of one's own; what the card costs is not in the table."""
CASCADE = {"target_confidence": 0.95, "min_gain": 0.005}
TURNS, TURN_WORDS, ANSWER_WORDS, RATIONALE_TOKENS = 5, 220, 180, 120
RUBRIC = """\
name: graded
version: 1
guidance: Judge how good the answer is.
criteria:
  - name: quality
    question: How good is the answer?
    levels: [one, two, three, four, five, six, seven, eight, nine, ten]
"""
AIM = 0.25
PAIRS = 1000


@dataclass(frozen=True)
class Way:
    name: str
    judges: tuple[str, ...]
    cascade: bool = False
    caches: bool = False
    batches: bool = False


WAYS = (
    Way("one judge on everything", JUDGES[:1]),
    Way("four judges on everything", JUDGES),
    Way("a cascade of the four", JUDGES, cascade=True),
    Way("… with cached prefixes", JUDGES, cascade=True, caches=True),
    Way("… and in batches", JUDGES, cascade=True, caches=True, batches=True),
    Way(
        "… and a reward model first",
        (REWARD, *JUDGES),
        cascade=True,
        caches=True,
        batches=True,
    ),
)
ALL_FOUR = WAYS[1]


@dataclass(frozen=True)
class Measured:
    pairs: int
    right: int
    judgments: int
    completions: int
    input_tokens: int
    cached_tokens: int
    usd: float
    billed_usd: float
    """By the server's own count."""
    models: Mapping[str, int] = field(default_factory=dict)

    @property
    def share_right(self) -> float:
        return self.right / self.pairs

    @property
    def usd_of_pairs(self) -> float:
        return self.usd / self.pairs * PAIRS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=400)
    parser.add_argument("--data", type=Path, metavar="FOLDER")
    parser.add_argument(
        "--only", type=int, nargs="*", metavar="ROW", help="measure these rows of the tables anew"
    )
    given = parser.parse_args()
    try:
        worlds = [made_up(given.prompts), *([recorded(given.data)] if given.data else [])]
    except NoDataError as error:
        sys.exit(str(error))
    found = {} if given.only is None else read_figures()
    for world in worlds:
        for row, way in enumerate(WAYS, start=1):
            if given.only is None or row in given.only:
                found[world.name, way.name] = measured(world, way)
                print(world.name, way.name, found[world.name, way.name], flush=True)
    write_figures(found)
    text = "\n".join(lines(worlds, found, given)) + "\n"
    RESULT.write_text(text, encoding="utf-8")
    print(text)
    for world in worlds:
        share = found[world.name, WAYS[-1].name].usd / found[world.name, ALL_FOUR.name].usd
        if share > AIM:
            sys.exit(
                f"{world.name}: {share:.0%} of the four judges' price, and {AIM:.0%} is the aim"
            )


def read_figures() -> dict[tuple[str, str], Measured]:
    rows = json.loads(FIGURES.read_text(encoding="utf-8"))
    return {(row.pop("world"), row.pop("way")): Measured(**row) for row in rows}


def write_figures(found: Mapping[tuple[str, str], Measured]) -> None:
    rows = [{"world": w, "way": n, **asdict(one)} for (w, n), one in found.items()]
    FIGURES.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def measured(world: World, way: Way) -> Measured:
    with (
        tempfile.TemporaryDirectory() as name,
        LocalServer(
            prefix_cache="providers",
            latency_s=0.02,
            noise_sd=0.0,
            reasoning_tokens=RATIONALE_TOKENS,
            keep_bodies=False,
            seen=lambda model, place: world.seen(_judge_of(model), place),
        ) as server,
    ):
        folder = Path(name)
        config = write_project(folder, server, world, way)
        result = judgeforge.run(judgeforge.load_config(config), out=folder / "run")
        if result.exit_code != 0:
            sys.exit(f"{way.name}: the run ended with {result.exit_code}: {result.stopped_by}")
        calls = server.calls(kind="judge")
        prices = {model: price_of(judge) for judge, (_, model) in LISTED.items()} | {REWARD: OWN}
        return Measured(
            pairs=len(result.pairs),
            right=sum(_is_right(pair["chosen"][-1]["content"]) for pair in result.pairs),
            judgments=result.manifest["judging"]["judgments"],
            completions=world.prompts * COMPLETIONS,
            input_tokens=sum(call.tokens.input for call in calls),
            cached_tokens=sum(call.tokens.cached for call in calls),
            usd=result.manifest["totals"]["cost_usd"],
            billed_usd=server.billed_usd(prices),
            models=result.manifest["judging"]["by_judge"],
        )


def _judge_of(model: str) -> str:
    return next((judge for judge, (_, listed) in LISTED.items() if listed == model), REWARD)


def write_project(folder: Path, server: LocalServer, world: World, way: Way) -> Path:
    (folder / "rubric.yaml").write_text(RUBRIC)
    rows = (json.dumps(row) + "\n" for row in conversations(world.prompts))
    (folder / "prompts.jsonl").write_text("".join(rows))
    judging: dict[str, Any] = {
        "judges": [
            {
                "model": judge,
                "tier": 2 if way.cascade and judge != way.judges[0] else 1,
                **({"protocol": "reward"} if judge == REWARD else {}),
            }
            for judge in way.judges
        ],
        "fit_repeats": 0 if len(way.judges) == 1 else 1,
        "prompt_layout": 2 if way.caches else 1,
    }
    if way.cascade:
        judging["cascade"] = CASCADE
    config = {
        "prompts": {"path": "prompts.jsonl"},
        "models": {judge: model_of(judge, server, way) for judge in way.judges},
        "rubric": "rubric.yaml",
        "judging": judging,
        "limits": {"concurrency": 32},
    }
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    return file


def model_of(judge: str, server: LocalServer, way: Way) -> dict[str, Any]:
    if judge == REWARD:
        return {"provider": "classify", "model": REWARD, "base_url": server.base_url, "price": OWN}
    provider, model = LISTED[judge]
    url = server.anthropic_url if provider == "anthropic" else server.openai_url
    batch = {"batch": {"quiet_s": 0.5, "poll_s": 1.0}} if way.batches else {}
    cache = "auto" if way.caches else False
    price = price_of(judge)
    return {
        "provider": provider,
        "model": model,
        "base_url": url,
        "price": price,
        "prompt_cache": cache,
        **batch,
    }


def price_of(judge: str) -> dict[str, Any]:
    """As the public list has it: the server's address is not the provider's."""
    provider, name = LISTED[judge]
    model = ModelConfig.model_validate({"provider": provider, "model": name})
    in_batches = listed_price(model, more={"processing": "batch"})
    return {**_rates(listed_price(model).tiers[0]), "batch": _rates(in_batches.tiers[0])}


def _rates(rates: Rates) -> dict[str, float]:
    found = {
        "input_per_mtok": rates.input,
        "output_per_mtok": rates.output,
        "cached_input_per_mtok": rates.cached_input,
        "cache_write_per_mtok": rates.cache_write,
    }
    return found | ({} if rates.hour_write is None else {"hour_write_per_mtok": rates.hour_write})


def conversations(number: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(1)

    def words(count: int) -> str:
        return " ".join("".join(draw.choices("abcdefghiklmnoprstu", k=5)) for _ in range(count))

    for row in range(number):
        turns = [
            {"role": ("user", "assistant")[turn % 2], "content": words(TURN_WORDS)}
            for turn in range(TURNS)
        ]
        places = list(range(row * COMPLETIONS, (row + 1) * COMPLETIONS))
        draw.shuffle(places)  # no tie goes to the right one by its place
        answers = [f"[quality={place}] {words(ANSWER_WORDS)}" for place in places]
        yield {"id": f"p{row}", "prompt": turns, "completions": answers}


def _is_right(text: str) -> bool:
    return int(re.findall(r"\[quality=(\d+)\]", text)[0]) % COMPLETIONS == 0


def lines(
    worlds: Sequence[World],
    found: Mapping[tuple[str, str], Measured],
    given: argparse.Namespace,
) -> Iterator[str]:
    data = " --data FOLDER" if given.data else ""
    yield "# What a thousand pairs cost\n"
    yield f"`python benchmarks/cost.py --prompts {given.prompts}{data}`\n"
    first = next(conversations(1))
    said = sum(len(turn["content"]) for turn in first["prompt"]) // 4
    answer = len(first["completions"][0]) // 4
    yield (
        f"Conversations of about {said:,} tokens with {COMPLETIONS} ready answers of about "
        f"{answer}, of which one is right; each judge scores each answer from 1 to 10 and writes "
        f"about {RATIONALE_TOKENS} tokens. Sent through the whole pipeline to the local server, "
        "which "
        "answers as each judge would and bills as the providers do; prices are those of "
        "genai-prices. Judges: "
        f"{', '.join(JUDGES)}; a cascade asks {FIRST} about everything, or a reward model "
        "on a card of one's own, which is made up and costs nothing here. Writing answers costs "
        "the same in each way and is not in it. Right: the share of pairs whose chosen answer is "
        "the right one, with half the width of its 95 % interval.\n"
    )
    for world in worlds:
        whole = found[world.name, ALL_FOUR.name]
        yield f"## {world.prompts} prompts, {world.name}\n"
        yield (
            "| way | right | judgments a completion | input tokens from a cache | 1,000 pairs "
            "| of four judges' price |\n|---|---|---|---|---|---|"
        )
        for way in WAYS:
            one = found[world.name, way.name]
            half = 1.96 * (one.share_right * (1 - one.share_right) / one.pairs) ** 0.5
            yield (
                f"| {way.name} | {one.share_right:.1%} ± {half:.1%} "
                f"| {one.judgments / one.completions:.2f} "
                f"| {one.cached_tokens / one.input_tokens:.0%} | ${one.usd_of_pairs:.2f} "
                f"| {one.usd_of_pairs / whole.usd_of_pairs:.0%} |"
            )
        yield ""
    worst = max(abs(one.usd / one.billed_usd - 1.0) for one in found.values())
    yield (
        f"What judgeforge counts and what the server bills differ by {worst:.2%} at most. Batches "
        "that the local server answers read every beginning that is kept; of real ones Anthropic "
        "states 30 to 98 %."
    )


if __name__ == "__main__":
    main()
