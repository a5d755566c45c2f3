"""What is known of how a folder's judges reply: whether they could be read, and in which form.

A start that goes on tries no judge again that an earlier one has read, and asks in the form that it
found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from judgeforge.errors import StoreError
from judgeforge.store.atomic_files import replacing
from judgeforge.text.messages import Record

FORMAT = 1


class JudgeReplies(Record):
    format: int = FORMAT
    forms: Mapping[str, str] = {}
    """Model -> the form of reply that it was found to keep to, where it was left to find out."""
    readable: frozenset[tuple[str, str]] = frozenset()
    """Model and protocol of each judge of which a reply could be read."""

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json") | {"readable": sorted(self.readable)}


def read_judge_replies(file: Path) -> JudgeReplies:
    """Nothing is known where there is no such file. Raises StoreError where it cannot be read."""
    try:
        return JudgeReplies.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return JudgeReplies()
    except (OSError, ValidationError) as error:
        raise StoreError(
            f"{file}: what is known of the judges' replies cannot be read ({error}). Delete it: "
            "the judges are then tried again, with the replies that were paid."
        ) from error


def write_judge_replies(file: Path, replies: JudgeReplies) -> None:
    """Raises StoreError."""
    with replacing(file) as target:
        target.write(json.dumps(replies.as_json(), indent=2).encode())
