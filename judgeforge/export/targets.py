"""The targets by name."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from judgeforge.errors import ConfigError
from judgeforge.export import axolotl, jsonl, llamafactory, openai_preference, parquet, trl
from judgeforge.export.target import Target

TARGETS: Mapping[str, Target] = {
    "trl": trl.TARGET,
    "openai": openai_preference.TARGET,
    "jsonl": jsonl.TARGET,
    "parquet": parquet.TARGET,
    "axolotl": axolotl.TARGET,
    "llamafactory": llamafactory.TARGET,
}


def find_target(name: str) -> Target:
    """Raises ConfigError for an unknown name."""
    if name in TARGETS:
        return TARGETS[name]
    near = get_close_matches(name.lower(), TARGETS, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    raise ConfigError(f"unknown export format `{name}`.{hint} Known: {', '.join(TARGETS)}.")
