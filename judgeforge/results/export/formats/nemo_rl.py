"""NeMo-RL's preference data, for its DPO and its reward models: completions with ranks.

Its reader (``preference_preprocessor`` in nemo_rl/data/processors.py) puts context and completion
through the chat template as they are, without tools; rank 0 is the better one.
"""

from __future__ import annotations

from judgeforge.records import PreferencePair
from judgeforge.results.export.targets import Row, worded_messages

TASK = "judgeforge"


def nemo_rl_row(pair: PreferencePair) -> Row:
    sides = (pair.chosen, pair.rejected)
    return {
        "context": worded_messages(pair.prompt),
        "completions": [
            {"rank": rank, "completion": worded_messages(side)} for rank, side in enumerate(sides)
        ],
        "task_name": TASK,
    }
