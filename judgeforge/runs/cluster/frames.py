"""Messages as bytes, between the processes of one run.

They are pickled, which nothing else in judgeforge may be: to unpickle what somebody else has
written runs their code. Here both ends are the same program, and the way between them is a socket
pair that nobody else can open, or a Ray cluster, whose members run each other's code anyway.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

Message = Any
"""One of ``messages``."""


def packed(messages: Sequence[Message]) -> bytes:
    return pickle.dumps(list(messages), protocol=pickle.HIGHEST_PROTOCOL)


def unpacked(frame: bytes) -> Sequence[Message]:
    """Only of a frame that another process of the run has packed."""
    messages: Sequence[Message] = pickle.loads(frame)  # noqa: S301 (see above)
    return messages


def travels(value: object) -> bool:
    """Whether a value can be part of a message: what errors keep need not."""
    try:
        packed([value])
    except Exception:  # noqa: BLE001 (whatever a class raises that cannot be packed)
        return False
    return True
