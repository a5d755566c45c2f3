"""NeMo-RL's and axolotl's rows: messages alone, whose chat templates know no tools.

NeMo-RL (``preference_preprocessor`` in nemo_rl/data/processors.py) puts context and completion
through the template as they are, without tools; rank 0 is the better one. axolotl's
``chat_template.default`` takes one message a side, keeps role and content and drops everything
else, so rows with tools are not exported to it: its type ``passthrough`` reads those of ``trl``.
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


def axolotl_row(pair: PreferencePair) -> Row:
    (chosen,), (rejected,) = worded_messages(pair.chosen), worded_messages(pair.rejected)
    return {"messages": worded_messages(pair.prompt), "chosen": chosen, "rejected": rejected}
