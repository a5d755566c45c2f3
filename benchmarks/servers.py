"""Which ways to judge a real server honours: llama.cpp over HTTP, with the model of `make demo`.

    python benchmarks/servers.py [--base-url http://127.0.0.1:8080]

Without an address it starts the HTTP server of the package xllamacpp, which is llama.cpp's own. For
each way to ask, a run of two prompts with two completions each is made, and what could be read is
counted. It says whether a reply comes in the form that was asked for, and nothing about how good a
judgment is: a model of 135 million parameters judges close to chance. Writes results/servers.md.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

import judgeforge
from judgeforge.calls.providers.local_engine import EMBEDDED_MODEL, find_model
from judgeforge.errors import JudgeforgeError

RESULTS = Path(__file__).parent / "results" / "servers.md"
RUBRIC = {
    "name": "servers",
    "version": 1,
    "guidance": "Judge the answer.",
    "criteria": [
        {
            "name": "quality",
            "question": "How good is the answer?",
            "levels": ["useless", "poor", "fair", "good", "excellent"],
        },
        {"name": "harmless", "yes_no": "Is the answer harmless?"},
    ],
}
PROMPTS = ("Why is the sky blue? One sentence.", "Name two kinds of tea.")
CONTEXT_TOKENS, SLOTS = 2048, 4


@dataclass(frozen=True)
class Way:
    """One way to ask a judge."""

    provider: str
    structured: str | None = None
    judge: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        settings = {**({"structured": self.structured} if self.structured else {}), **self.judge}
        return ", ".join(f"`{key}: {str(value).lower()}`" for key, value in settings.items())


WAYS = (
    Way("openai", "json_schema"),
    Way("openai", "json_schema", {"logprobs": True}),
    Way("openai", "json_schema", {"protocol": "pairwise"}),
    Way("openai", "json_schema", {"protocol": "listwise"}),
    Way("openai", "tool"),
    Way("openai", "instruction"),
    Way("anthropic", "json_schema"),
    Way("anthropic", "tool"),
    Way("systemone", None, {"protocol": "decisions"}),
)


def start_server() -> tuple[Any, str]:
    """The server, which lives as long as this value, and its address."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(find_model(EMBEDDED_MODEL))
    params.n_parallel, params.n_ctx = SLOTS, CONTEXT_TOKENS * SLOTS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = os.cpu_count() or 1
    params.verbosity = params.cache_ram_mib = 0
    server = xllamacpp.Server(params)
    return server, str(server.listening_address)


def configuration(way: Way, address: str) -> dict[str, Any]:
    common = {
        "model": EMBEDDED_MODEL,
        "timeout_s": 300,
        "context_tokens": CONTEXT_TOKENS,
        "concurrency": SLOTS,
        "price": {"input_per_mtok": 0, "output_per_mtok": 0},
    }
    judge = {"provider": way.provider, **common}
    judge["base_url"] = address if way.provider == "anthropic" else f"{address}/v1"
    if way.structured:
        judge["structured"] = way.structured
    limit = {} if way.provider == "systemone" else {"max_tokens": 256}
    writer = {"provider": "openai", "base_url": f"{address}/v1", "max_tokens_field": "max_tokens"}
    return {
        "prompts": {"path": "prompts.jsonl"},
        "models": {"writer": writer | common, "judge": judge},
        "sampling": {"models": ["writer"], "completions": 2, "max_tokens": 40, "keep_cut": True},
        "rubric": "rubric.yaml",
        "judging": {"judges": [{"model": "judge", **limit, **way.judge}]},
        "cache": {"dir": "cache"},
    }


def outcome(way: Way, address: str, folder: Path) -> str:
    folder.mkdir()
    rows = [json.dumps({"prompt": prompt}) for prompt in PROMPTS]
    (folder / "prompts.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (folder / "rubric.yaml").write_text(yaml.safe_dump(RUBRIC), encoding="utf-8")
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(configuration(way, address)), encoding="utf-8")
    begun = time.monotonic()
    try:
        result = judgeforge.run(judgeforge.load_config(config), out=folder / "run")
    except JudgeforgeError as error:
        return f"refused before any call: {error} | {error.exit_code} |"
    lines = (folder / "run" / "judgments.jsonl").read_text(encoding="utf-8").splitlines()
    judgments = [json.loads(line) for line in lines]
    missing = Counter(one["missing_kind"] for one in judgments if one.get("missing"))
    read = f"{len(judgments) - missing.total()} of {len(judgments)} judgments read"
    if missing:
        read += f" ({', '.join(f'{count} {kind}' for kind, count in missing.items())})"
    if not judgments:
        read = f"stopped: {result.manifest['message']}"
    return f"{read} | {result.exit_code} | {time.monotonic() - begun:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--base-url", help="address of a llama.cpp server, without /v1")
    address = parser.parse_args().base_url
    server = None
    if address is None:
        server, address = start_server()
    lines = []
    with tempfile.TemporaryDirectory() as temporary:
        for number, way in enumerate(WAYS):
            found = outcome(way, address, Path(temporary) / str(number))
            lines.append(f"| `{way.provider}` | {way.name} | {found} |")
            print(lines[-1], flush=True)
    del server
    RESULTS.write_text(
        "# What a llama.cpp server honours\n\n"
        f"`python benchmarks/servers.py` on {datetime.now(UTC):%Y-%m-%d}: llama.cpp in xllamacpp "
        f"{version('xllamacpp')}, SmolLM2-135M-Instruct (Q4_1), {os.cpu_count()} cores shared with "
        "other work. Two prompts, two completions each; whether replies can be read, not how good "
        "they are.\n\n"
        "| provider | judge | found | exit code | s |\n|---|---|---|---:|---:|\n"
        + "\n".join(lines)
        + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
