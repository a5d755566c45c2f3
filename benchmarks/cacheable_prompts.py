"""How much of what judges are sent a provider's or a server's cache can hold, and what is billed.

    python benchmarks/cacheable_prompts.py [--rows 24]

Runs judge made-up long conversations against the local server, which keeps beginnings of prompts
as each of these servers does, in both layouts of requests. Writes
benchmarks/results/cacheable-prompts.md; takes about two minutes, needs no key and no network.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parent.parent))

import judgeforge
from judgeforge.calls.money.price_list import listed_price
from judgeforge.config.model import ModelConfig
from judgeforge.judging.judge_prompts import judge_prompt
from judgeforge.judging.material import ShownAnswer
from judgeforge.judging.rubric import load_rubric
from judgeforge.records import Prompt
from judgeforge.text.messages import Message
from tests.local_server import LocalServer, RequestRecord
from tests.local_server.prefix_cache import CachedInput, PrefixCache

RESULT = Path(__file__).parent / "results" / "cacheable-prompts.md"
ANSWERS, TURNS, TURN_WORDS, ANSWER_WORDS = 4, 7, 320, 110
PROTOCOLS: dict[str, dict[str, Any]] = {
    "pointwise": {"protocol": "pointwise"},
    "pairwise": {"protocol": "pairwise"},
    "listwise, asked twice": {"protocol": "listwise", "repeats": 2},
}
SHOWN = {"pointwise": 1, "pairwise": 2, "listwise": ANSWERS}
LAYOUTS = (1, 2)
AIM = 0.8


@dataclass(frozen=True)
class Server:
    """Whose way of keeping beginnings is counted, and at which prices."""

    name: str
    provider: str
    model: str
    mode: str = "providers"


SERVERS = (
    Server("OpenAI, by itself", "openai", "gpt-5.4-mini"),
    Server("OpenAI, by marks", "openai", "gpt-6-sol"),
    Server("Anthropic, by marks", "anthropic", "claude-sonnet-5"),
    Server("vLLM", "openai", "own-model", mode="vllm"),
)


@dataclass(frozen=True)
class Measured:
    requests: int
    tokens: int
    possible: int
    """Tokens that some earlier request had begun with, to the last one."""
    cached: int
    written: int
    input_usd: float

    @property
    def share(self) -> float:
        return self.cached / self.possible


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=24)
    rows = parser.parse_args().rows
    found = {
        (server, protocol, layout): measured(server, protocol, layout, rows)
        for server in SERVERS
        for protocol in PROTOCOLS
        for layout in LAYOUTS
    }
    text = "\n".join(lines(found, rows)) + "\n"
    RESULT.write_text(text, encoding="utf-8")
    print(text)
    worst = min(one.share for (_, _, layout), one in found.items() if layout == LAYOUTS[-1])
    if worst < AIM:
        sys.exit(f"{worst:.0%} of what could be shared, and {AIM:.0%} are the aim")


def words(draw: random.Random, number: int) -> str:
    return " ".join("".join(draw.choices("abcdefghiklmnoprstu", k=5)) for _ in range(number))


def conversations(number: int) -> Iterator[dict[str, Any]]:
    """Rows with their answers, each of a quality that the server's judges see."""
    draw = random.Random(1)
    for row in range(number):
        turns = [
            {"role": ("user", "assistant")[turn % 2], "content": words(draw, TURN_WORDS)}
            for turn in range(TURNS)
        ]
        answers = [
            f"[quality={draw.random():.4f}] {words(draw, ANSWER_WORDS)}" for _ in range(ANSWERS)
        ]
        yield {"id": f"p{row}", "prompt": turns, "completions": answers}


def measured(server: Server, protocol: str, layout: int, rows: int) -> Measured:
    with (
        tempfile.TemporaryDirectory() as name,
        LocalServer(prefix_cache=server.mode, latency_s=0.05, noise_sd=0.0) as local,
    ):
        config = write_config(Path(name), server, local, PROTOCOLS[protocol], layout, rows)
        result = judgeforge.run(judgeforge.load_config(config), out=Path(name) / "run")
        if result.exit_code != 0:
            sys.exit(f"the run ended with {result.exit_code}")
        calls = local.calls(kind="judge")
        price = price_of(server)
        return Measured(
            requests=len(calls),
            tokens=sum(call.tokens.input for call in calls),
            possible=possible(calls),
            cached=sum(call.tokens.cached for call in calls),
            written=sum(call.tokens.cache_write for call in calls),
            input_usd=sum(call.cost_usd({**price, "output_per_mtok": 0.0}) for call in calls),
        )


def write_config(
    folder: Path,
    server: Server,
    local: LocalServer,
    judge: Mapping[str, Any],
    layout: int,
    rows: int,
) -> Path:
    lines = (json.dumps(row) + "\n" for row in conversations(rows))
    (folder / "prompts.jsonl").write_text("".join(lines))
    url = local.anthropic_url if server.provider == "anthropic" else local.openai_url
    model = {
        "provider": server.provider,
        "model": server.model,
        "base_url": url,
        "price": price_of(server),
        "prompt_cache": True if server.mode == "vllm" else "auto",
    }
    config = {
        "prompts": {"path": "prompts.jsonl"},
        "models": {"judge": model},
        "rubric": "helpfulness",
        "judging": {
            "judges": [{"model": "judge", **judge}],
            "fit_repeats": 0,
            "prompt_layout": layout,
        },
        "limits": {"concurrency": 16},
    }
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


def price_of(server: Server) -> dict[str, float]:
    """As the public list has it."""
    if server.mode == "vllm":
        return {"input_per_mtok": 0.0, "output_per_mtok": 0.0}
    model = ModelConfig.model_validate({"provider": server.provider, "model": server.model})
    rates = listed_price(model).tiers[0]
    return {
        "input_per_mtok": rates.input,
        "output_per_mtok": rates.output,
        "cached_input_per_mtok": rates.cached_input,
        "cache_write_per_mtok": rates.cache_write,
    }


def possible(calls: list[RequestRecord]) -> int:
    """Of the same requests one after the other, at a server that keeps every token for ever."""
    cache, tokens = PrefixCache(), 0
    for call in calls:
        found: CachedInput = cache.count_each_token(call.wire, call.body)
        cache.keep(found, 0.0)
        tokens += found.read
    return tokens


def characters(protocol: str, layout: int) -> tuple[int, int]:
    """How many of the characters of one request another one of the row begins with too."""
    row = next(conversations(1))
    prompt = Prompt(
        id="p", line=1, digest="", messages=tuple(Message(**turn) for turn in row["prompt"])
    )
    answers = tuple(map(ShownAnswer, row["completions"]))
    rubric = load_rubric("helpfulness", folder=Path())
    shown = (answers[: SHOWN[protocol]], answers[-SHOWN[protocol] :][::-1])
    first, second = (
        "\n".join(
            message.text
            for message in judge_prompt(
                protocol,
                rubric,
                prompt,
                each,
                row=answers,
                layout=layout,  # type: ignore[arg-type]
            ).messages
        )
        for each in shown
    )
    same = next(n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    return same, len(first)


def lines(found: Mapping[tuple[Server, str, int], Measured], rows: int) -> Iterator[str]:
    yield "# Judge prompts that caches can hold\n"
    yield f"`python benchmarks/cacheable_prompts.py --rows {rows}`\n"
    yield (
        f"{rows} made-up conversations of {TURNS} turns ({TURN_WORDS} words each) with {ANSWERS} "
        f"answers of {ANSWER_WORDS} words, judged by the rubric `helpfulness` on the local server, "
        "which keeps beginnings of prompts as each of these servers does and answers after 50 ms; "
        "16 requests at once. Layout 1 is that of folders from before (a code of the request's own "
        "in its tags), layout 2 that of new ones (a code of the row).\n"
    )
    yield "## Characters that two requests about one row share\n"
    yield "| protocol | layout 1 | layout 2 |\n|---|---|---|"
    for protocol in SHOWN:
        cells = (characters(protocol, layout) for layout in LAYOUTS)
        shown = " | ".join(f"{same:,} of {whole:,} ({same / whole:.0%})" for same, whole in cells)
        yield f"| {protocol} | {shown} |"
    yield "\n## Input tokens billed at the cached price\n"
    yield (
        "Could be shared: what an earlier request had begun with, to the last token, were the "
        "requests of layout 2 sent one after the other and nothing forgotten. Input cost: at list "
        "prices, with what writing to the cache costs.\n"
    )
    yield (
        "| server | protocol | requests | input tokens | could be shared | cached, layout 1 "
        "| cached, layout 2 | of what could be | input cost, layout 1 | layout 2 |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for server in SERVERS:
        for protocol in PROTOCOLS:
            before, now = (found[server, protocol, layout] for layout in LAYOUTS)
            costs = [f"${one.input_usd:.4f}" if one.input_usd else "free" for one in (before, now)]
            yield (
                f"| {server.name} | {protocol} | {now.requests} | {now.tokens:,} "
                f"| {now.possible:,} | {before.cached:,} | {now.cached:,} | {now.share:.0%} "
                f"| {' | '.join(costs)} |"
            )


if __name__ == "__main__":
    main()
