"""The pairs of a run folder -> files that trainers read.

export.py    exporting to a target format
targets.py   what a target is, and a pair as a row of each trainer's format
arrow.py     the columns of a pair and their types
thinking.py  thoughts as a field, as words, or left out

To add a format: a function for its row in targets.py, or a file, and a line in ``TARGETS``.
"""

from __future__ import annotations

from collections.abc import Mapping

from judgeforge.errors import ConfigError
from judgeforge.results.export import targets
from judgeforge.results.export.arrow import open_parquet
from judgeforge.results.export.targets import Target, json_lines
from judgeforge.text.wording import did_you_mean

TARGETS: Mapping[str, Target] = {
    "trl": Target(suffix=".jsonl", open=json_lines(targets.trl_row)),
    "openai": Target(suffix=".jsonl", open=json_lines(targets.openai_row), takes_margin=False),
    "jsonl": Target(suffix=".jsonl", open=json_lines(targets.jsonl_row)),
    "parquet": Target(suffix=".parquet", open=open_parquet),
    "axolotl": Target(suffix=".jsonl", open=json_lines(targets.axolotl_row), takes_margin=False),
    "llamafactory": Target(
        suffix=".jsonl",
        open=json_lines(targets.llamafactory_row),
        takes_margin=False,
        describe=targets.llamafactory_files,
    ),
}


def find_target(name: str) -> Target:
    """Raises ConfigError for an unknown name."""
    if name in TARGETS:
        return TARGETS[name]
    raise ConfigError(
        f"unknown export format `{name}` (known: {', '.join(TARGETS)}){did_you_mean(name, TARGETS)}"
    )
