"""Which side of a split a prompt is on."""

from __future__ import annotations

import hashlib
from typing import Literal

Side = Literal["train", "test"]


def side_of(prompt_id: str, test_share: float) -> Side:
    """The same id is always on the same side, so that growing a run moves no prompt.

    ``test_share`` (0 to 1) is the probability of ``test`` over all possible ids; the share of a
    small run can be well off it.
    """
    digest = hashlib.sha256(b"split:" + prompt_id.encode()).digest()
    return "test" if int.from_bytes(digest[:8], "big") < test_share * 2**64 else "train"
