"""A small run against the local server, for tests of the whole flow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

import judgeforge
from tests.local_server import LocalServer

KEY_VARIABLE = "TEST_KEY"
KEY = "sk-test-4f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c"
PRICE = {"input_per_mtok": 1.0, "output_per_mtok": 4.0}
RUBRIC = """
name: graded
version: 1
guidance: Judge how good the answer is.
criteria:
  - name: quality
    weight: 3
    question: How good is the answer?
    levels: [one, two, three, four, five, six, seven, eight, nine, ten]
  - name: sound
    weight: 1
    yes_no: Is the answer sound?
"""


def model(server: LocalServer, provider: str = "openai", **fields: Any) -> dict[str, Any]:
    url = server.anthropic_url if provider == "anthropic" else server.openai_url
    return {
        "provider": provider,
        "model": "small",
        "base_url": url,
        "api_key_env": KEY_VARIABLE,
        "price": PRICE,
        "concurrency": 64,
        **fields,
    }


def write_prompts(folder: Path, number: int) -> None:
    rows = [{"id": f"p{i}", "prompt": f"Tell me fact number {i}."} for i in range(number)]
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_config(
    folder: Path,
    server: LocalServer,
    *,
    prompts: int | dict[str, Any] = 6,
    provider: str = "openai",
    **parts: Any,
) -> Path:
    """A configuration with one model that writes and judges; ``parts`` replaces sections.

    ``prompts`` is how many are written, or the section itself.
    """
    source = prompts if isinstance(prompts, dict) else {"path": "prompts.jsonl"}
    if isinstance(prompts, int) and not (folder / "prompts.jsonl").exists():
        write_prompts(folder, prompts)
    (folder / "rubric.yaml").write_text(RUBRIC)
    config = {
        "prompts": source,
        "models": {"small": model(server, provider)},
        "sampling": {"models": ["small"], "completions": 4, "seed": 7, "max_tokens": 64},
        "rubric": "rubric.yaml",
        "judging": {"judges": [{"model": "small"}], "fit_repeats": 0},
        "limits": {"concurrency": 16, "max_attempts": 4, "grace_s": 2},
        **parts,
    }
    file = folder / "config.yaml"
    file.write_text(yaml.dump(config, Dumper=yaml.CSafeDumper, sort_keys=False))
    return file


def run(config: Path, out: Path, **options: Any) -> judgeforge.RunResult:
    return judgeforge.run(judgeforge.load_config(config), out, **options)


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def logged(out: Path, event: str) -> list[dict[str, Any]]:
    """The lines of the log of a run folder about such an event."""
    return [row for row in rows(out / "log.jsonl") if row["event"] == event]
