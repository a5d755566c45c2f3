"""One pass over the input, before any money is spent."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from judgeforge.config import PromptsConfig
from judgeforge.records import Skip, SkipReason
from judgeforge.sources.reading import read_prompts
from judgeforge.sources.row_checks import RowChecks

_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class InputSurvey:
    rows: int
    prompts: int
    skips: Mapping[SkipReason, int]
    """How many rows, by reason."""
    examples: tuple[Skip, ...]
    """The first skips, at most 10."""
    fingerprint: str
    """SHA-256 (hex) over each row's digest, or its reason where it is skipped, in input order."""
    prompt_characters: int
    """Of all messages of all prompts."""
    digests: array[int]
    """The first 8 bytes of each row's digest, 0 for a skip: tells which row changed since."""


def survey(config: PromptsConfig, checks: RowChecks, *, limit: int | None = None) -> InputSurvey:
    """Read the whole input once; of each row only 8 bytes are kept.

    Raises InputError as read_prompts does.
    """
    digests = array("Q")
    skips: Counter[SkipReason] = Counter()
    examples: list[Skip] = []
    fingerprint, characters = hashlib.sha256(), 0
    for row in read_prompts(config, checks, limit=limit):
        if isinstance(row, Skip):
            skips[row.reason] += 1
            digests.append(0)
            fingerprint.update(row.reason.encode())
            if len(examples) < _EXAMPLES:
                examples.append(row)
            continue
        digests.append(int(row.digest[:16], 16))
        fingerprint.update(row.digest.encode())
        characters += sum(len(message.content) for message in row.messages)
    return InputSurvey(
        rows=len(digests),
        prompts=len(digests) - skips.total(),
        skips=dict(skips),
        examples=tuple(examples),
        fingerprint=fingerprint.hexdigest(),
        prompt_characters=characters,
        digests=digests,
    )
