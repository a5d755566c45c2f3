"""TRL's conversational preference format with an explicit prompt (DPO, KTO, reward models).

Scores go along under names that TRL does not read; a column named ``margin`` would silently
enter the loss of its RewardTrainer.
"""

from __future__ import annotations

from judgeforge.export.target import Row, Target, json_lines, messages
from judgeforge.records import PreferencePair


def row(pair: PreferencePair) -> Row:
    return {
        "prompt": messages(pair.prompt),
        "chosen": messages(pair.chosen),
        "rejected": messages(pair.rejected),
        "score_chosen": pair.score_chosen,
        "score_rejected": pair.score_rejected,
        "score_margin": pair.score_margin,
    }


TARGET = Target(suffix=".jsonl", open=json_lines(row))
