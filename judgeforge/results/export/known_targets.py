"""The targets of an export by name. A run, which writes none, does not load them."""

from __future__ import annotations

from collections.abc import Mapping

from judgeforge.errors import ConfigError
from judgeforge.results.export.formats.hosted import bedrock_row, openai_row
from judgeforge.results.export.formats.judged import open_best, open_kto, ranked_row
from judgeforge.results.export.formats.llamafactory import llamafactory_files, llamafactory_row
from judgeforge.results.export.formats.nemo_rl_axolotl import axolotl_row, nemo_rl_row
from judgeforge.results.export.formats.trl import open_trl
from judgeforge.results.export.formats.verl import open_verl, unwritten_by_template
from judgeforge.results.export.formats.whole import open_whole_parquet, whole_row
from judgeforge.results.export.targets import (
    GOOD,
    MARGIN,
    NAMES,
    SEVERAL,
    TEMPLATE,
    THOUGHTS,
    TOOLS,
    WEIGHT,
    Target,
    json_lines,
    json_lines_of,
)
from judgeforge.text.wording import did_you_mean

_JSON, _PARQUET = ".jsonl", ".parquet"
_ASKED = frozenset({MARGIN, WEIGHT})
_READ_TRL = frozenset({"dpo", "orpo", "cpo", "reward", "rewards", "preference", "preferences"})
"""What people call a format by what they train."""

TARGETS: Mapping[str, Target] = {
    "trl": Target(_JSON, open_trl, takes=_ASKED, also=_PARQUET),
    "kto": Target(_JSON, open_kto, takes={WEIGHT, GOOD}, also=_PARQUET, reads="prompts"),
    "sft": Target(_JSON, open_best, takes={GOOD}, also=_PARQUET, reads="prompts"),
    "ranked": Target(_JSON, json_lines_of(ranked_row), reads="prompts"),
    "openrlhf": Target(_JSON, open_trl, takes=_ASKED, holds={THOUGHTS, SEVERAL, NAMES}),
    "nemo-rl": Target(_JSON, json_lines(nemo_rl_row), holds={THOUGHTS, SEVERAL, NAMES}),
    "openai": Target(_JSON, json_lines(openai_row), holds={TOOLS, NAMES}),
    "bedrock": Target(_JSON, json_lines(bedrock_row), holds=()),
    "axolotl": Target(_JSON, json_lines(axolotl_row), holds=()),
    "llamafactory": Target(
        _JSON, json_lines_of(llamafactory_row), holds={TOOLS}, describe=llamafactory_files
    ),
    "verl-rm": Target(
        _PARQUET,
        open_verl,
        holds={TOOLS, THOUGHTS, SEVERAL, NAMES},
        refuses=unwritten_by_template,
        needs=TEMPLATE,
    ),
    "jsonl": Target(_JSON, json_lines_of(whole_row), takes=_ASKED),
    "parquet": Target(_PARQUET, open_whole_parquet, takes=_ASKED),
}


def find_target(name: str) -> Target:
    """Raises ConfigError for an unknown name."""
    if name in TARGETS:
        return TARGETS[name]
    if name.lower() in _READ_TRL:
        hint = "; `trl` is what trainers of pairs (DPO, reward models) read"
    else:
        hint = did_you_mean(name, TARGETS)
    raise ConfigError(f"unknown export format `{name}` (known: {', '.join(TARGETS)}){hint}")
