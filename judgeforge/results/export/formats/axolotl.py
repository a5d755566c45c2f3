"""axolotl's ``chat_template.default``: each side is one message, not a list.

It keeps role and content of a message and drops everything else, so rows with tools are not
exported to it: its type ``passthrough`` reads those of ``trl``.
"""

from __future__ import annotations

from judgeforge.records import PreferencePair
from judgeforge.results.export.targets import Row, worded_messages


def axolotl_row(pair: PreferencePair) -> Row:
    (chosen,), (rejected,) = worded_messages(pair.chosen), worded_messages(pair.rejected)
    return {"messages": worded_messages(pair.prompt), "chosen": chosen, "rejected": rejected}
