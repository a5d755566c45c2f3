"""Marks completions of one prompt that say the same as an earlier one, or nearly the same.

What differs in white space only, or in how Unicode writes a letter, is a duplicate: it is judged
once for both. What differs in a few words, or only in typographic quotes, is judged on its own,
since that may be what decides; but a pair of two such answers teaches nothing that can be seen, and
pulls down what both have in common (DPO lowers both sides where they hardly differ: Pal et al.
2024, arXiv 2402.13228).
"""

from __future__ import annotations

from collections.abc import Sequence

from judgeforge.records import Completion
from judgeforge.text.same_reading import text_as_read, text_as_typed
from judgeforge.text.tool_calls import same_calls_key

NEARLY = 0.9
"""Share of the runs of five characters of either that both have, from which on two are near."""
_LONGEST_COMPARED = 100_000
"""Characters: of longer answers the beginning tells."""


def mark_duplicates(completions: Sequence[Completion]) -> list[Completion]:
    """The same completions; an equal one names the first that it is like, a near one the nearest
    before it."""
    first: dict[tuple[str, str], str] = {}
    marked, different = list(completions), list[int]()
    for place, one in enumerate(completions):
        if not one.is_usable:
            continue
        twin = first.setdefault(_as_read(one), one.id)
        if twin == one.id:
            different.append(place)
        else:
            marked[place] = one.model_copy(update={"duplicate_of": twin})
    for place, near in zip(different, _nearest([marked[i] for i in different]), strict=True):
        if near is not None:
            marked[place] = marked[place].model_copy(update={"near_duplicate_of": near})
    return marked


def _nearest(completions: Sequence[Completion]) -> list[str | None]:
    """For each the id of the earlier one that it is nearest to, if it is near to any."""
    if len(completions) < 2:
        return [None] * len(completions)
    # With numpy, of which a plan needs nothing else.
    from judgeforge.inputs.cleaning.pieces import compared_pieces, shared

    pieces = compared_pieces([text_as_typed(one.text[:_LONGEST_COMPARED]) for one in completions])
    calls = [same_calls_key(one.tool_calls) for one in completions]
    found: list[str | None] = []
    for place in range(len(completions)):
        alike = [
            (shared(pieces[place], pieces[other]), completions[other].id)
            for other in range(place)
            if calls[other] == calls[place] and _may_be_near(len(pieces[place]), len(pieces[other]))
        ]
        likeness, nearest = max(alike, default=(0.0, ""), key=lambda each: each[0])
        found.append(nearest if likeness >= NEARLY else None)
    return found


def _may_be_near(one: int, other: int) -> bool:
    return min(one, other) >= NEARLY * max(one, other)


def _as_read(completion: Completion) -> tuple[str, str]:
    """Equal for two that say the same and call the same tools with the same arguments."""
    return text_as_read(completion.text), same_calls_key(completion.tool_calls)
