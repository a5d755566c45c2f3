"""Which ways to judge real servers honour, each with the model of `make demo`.

    python benchmarks/servers.py --folder FOLDER [--server NAME …]

Each server is installed into an environment of its own below FOLDER (it stays there for the next
time) and started on this machine. What `judgeforge doctor --ask` finds out is asked, and for each
way to ask a judge a run of one prompt with two completions is made. That says whether a reply comes
in the form that was asked for, and nothing about how good a judgment is: a model of 135 million
parameters judges close to chance. Keeps results/servers.json and writes results/servers.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from servers_started import (
    CONTEXT_TOKENS,
    SERVERS,
    SLOTS,
    WEIGHTS,
    NotHereError,
    Server,
    installed,
    started,
    version_of,
)

import judgeforge
from judgeforge.calls.providers.local_engine import EMBEDDED_MODEL
from judgeforge.errors import JudgeforgeError
from judgeforge.runs.doctor.trial import try_models

RESULTS = Path(__file__).parent / "results"
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
PROMPT = "Why is the sky blue? One sentence."


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
    Way("openai", "auto"),
    Way("anthropic", "json_schema"),
    Way("anthropic", "tool"),
    Way("systemone", None, {"protocol": "decisions"}),
)


def configuration(way: Way, address: str, model: str) -> dict[str, Any]:
    common = {
        "model": model,
        "timeout_s": 300,
        "context_tokens": CONTEXT_TOKENS,
        "concurrency": SLOTS,
        "price": {"input_per_mtok": 0, "output_per_mtok": 0},
    }
    judge = {"provider": way.provider, **common}
    judge["base_url"] = address if way.provider == "anthropic" else f"{address}/v1"
    if way.structured:
        judge["structured"] = way.structured
    limit = {} if way.provider == "systemone" else {"max_tokens": 200}
    writer = {"provider": "openai", "base_url": f"{address}/v1", "max_tokens_field": "max_tokens"}
    return {
        "prompts": {"path": "prompts.jsonl"},
        "models": {"writer": writer | common, "judge": judge},
        "sampling": {"models": ["writer"], "completions": 2, "max_tokens": 40, "keep_cut": True},
        "rubric": "rubric.yaml",
        "judging": {"judges": [{"model": "judge", **limit, **way.judge}]},
        "cache": {"dir": "cache"},
    }


def write_files(way: Way, address: str, model: str, folder: Path) -> Path:
    folder.mkdir()
    (folder / "prompts.jsonl").write_text(json.dumps({"prompt": PROMPT}), encoding="utf-8")
    (folder / "rubric.yaml").write_text(yaml.safe_dump(RUBRIC), encoding="utf-8")
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(configuration(way, address, model)), encoding="utf-8")
    return config


def outcome(config: Path) -> dict[str, Any]:
    begun = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = judgeforge.load_config(config)
            result = judgeforge.run(loaded, out=config.parent / "run", progress=False)
    except JudgeforgeError as error:
        return {"found": f"refused before any call: {error}", "exit_code": error.exit_code, "s": 0}
    lines = (config.parent / "run" / "judgments.jsonl").read_text(encoding="utf-8").splitlines()
    judgments = [json.loads(line) for line in lines]
    missing = Counter(one["missing_kind"] for one in judgments if one.get("missing"))
    read = f"{len(judgments) - missing.total()} of {len(judgments)} judgments read"
    if missing:
        read += f" ({', '.join(f'{count} {kind}' for kind, count in missing.items())})"
    if not judgments:
        read = f"stopped: {result.manifest['message']}"
    seconds = round(time.monotonic() - begun)
    return {"found": read, "exit_code": result.exit_code, "s": seconds}


def look_at(server: Server, folder: Path) -> dict[str, Any]:
    """What a server does, as results/servers.json keeps it."""
    found: dict[str, Any] = {"on": f"{datetime.now(UTC):%Y-%m-%d}"}
    try:
        place = installed(server, folder)
        found["version"] = version_of(server, place)
        with started(server, place, folder) as address, TemporaryDirectory() as temporary:
            model = str(folder / WEIGHTS) if server.named_by_path else EMBEDDED_MODEL
            found["asked"] = asked(address, model, Path(temporary) / "asked")
            found["ways"] = []
            for number, way in enumerate(WAYS):
                config = write_files(way, address, model, Path(temporary) / str(number))
                row = {"provider": way.provider, "judge": way.name, **outcome(config)}
                row["found"] = row["found"].replace(str(folder), "…")
                found["ways"].append(row)
                print(server.name, row, flush=True)
    except NotHereError as error:
        found["not_here"] = str(error).replace(str(folder), "…")
        print(server.name, found, flush=True)
    return found


def asked(address: str, model: str, folder: Path) -> list[list[str]]:
    """What `judgeforge doctor --ask` says of a judge that may be asked in any form."""
    way = Way("openai", "auto", {"logprobs": True})
    config = write_files(way, address, model, folder)
    found = try_models(judgeforge.load_config(config))
    return [
        [
            one.name.removeprefix("judge: "),
            one.status,
            re.sub(r"`/[^`]*/([^`/]+)`", r"`…/\1`", " ".join(one.detail.split())),
        ]
        for one in found
        if one.name.startswith("judge: ")
    ]


def rendered(results: dict[str, Any]) -> str:
    parts = [
        "# What real servers honour\n",
        f"`python benchmarks/servers.py`: SmolLM2-135M-Instruct, {os.cpu_count()} cores shared "
        "with other work. One prompt, two completions; whether replies can be read, not how "
        "good they are. *asked* is what `judgeforge doctor --ask` says of a judge with "
        "`structured: auto`.\n",
    ]
    for name, found in results.items():
        parts.append(f"## {name}\n")
        if "not_here" in found:
            version = f" ({found['version']})" if "version" in found else ""
            parts.append(f"Not tried{version}, {found['on']}: {_cell(found['not_here'])}\n")
            continue
        parts.append(f"Tried with {found['version']} on {found['on']}.\n")
        rows = [f"| {what} | {status} | {_cell(said)} |" for what, status, said in found["asked"]]
        parts.append("\n".join(["| asked | | |", "|---|---|---|", *rows]) + "\n")
        rows = [
            f"| `{way['provider']}` | {way['judge']} | {_cell(way['found'])} | {way['exit_code']} "
            f"| {way['s']} |"
            for way in found["ways"]
        ]
        head = ["| provider | judge | found | exit code | s |", "|---|---|---|---:|---:|"]
        parts.append("\n".join([*head, *rows]) + "\n")
    return "\n".join(parts)


def _cell(said: str) -> str:
    return said.replace("|", "\\|")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="for environments and weights")
    names = [server.name.split()[0].strip(",") for server in SERVERS]
    parser.add_argument("--server", action="append", choices=names, help="all if left out")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    kept = RESULTS / "servers.json"
    results = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for name, server in zip(names, SERVERS, strict=True):
        if options.server is None or name in options.server:
            results[server.name] = look_at(server, options.folder.resolve())
            ordered = {s.name: results[s.name] for s in SERVERS if s.name in results}
            kept.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", "utf-8")
            (RESULTS / "servers.md").write_text(rendered(ordered), encoding="utf-8")


if __name__ == "__main__":
    main()
