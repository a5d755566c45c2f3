"""The targets by name."""

from __future__ import annotations

from collections.abc import Mapping

from judgeforge.errors import ConfigError
from judgeforge.export import axolotl, jsonl, llamafactory, openai_preference, parquet, trl
from judgeforge.export.target import Target
from judgeforge.nearest import did_you_mean

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
    raise ConfigError(
        f"unknown export format `{name}` (known: {', '.join(TARGETS)}){did_you_mean(name, TARGETS)}"
    )
