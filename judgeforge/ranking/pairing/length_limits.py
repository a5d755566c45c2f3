"""How far the sides of a pair may differ in length. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from judgeforge.ranking.rules import PairingRules
from judgeforge.records import SkipReason
from judgeforge.text.wording import about_tokens

Sides = tuple[str, str]
"""Ids of two completions."""
Tokens = Callable[[str], int]
"""Of a text: how many tokens it has, as a tokenizer counts them."""


@dataclass(frozen=True, slots=True)
class LengthLimit:
    reason: SkipReason
    keeps: Callable[[Sides], bool]
    detail: Callable[[Iterable[Sides]], str]
    """Why none of these was kept."""


def length_limits(
    rules: PairingRules,
    texts: Mapping[str, str],
    *,
    slice_of: object = None,
    tokens: Tokens | None = None,
) -> Iterator[LengthLimit]:
    """``texts``: by completion id. ``slice_of``: what the metadata of the prompt says under
    ``token_difference_by``. ``tokens``: of the tokenizer that the rules name; else the estimate."""
    longest = rules.max_length_ratio
    if longest is not None:

        def ratio(sides: Sides) -> float:
            short, long = sorted(len(texts[one]) for one in sides)
            return long / max(1, short)

        yield LengthLimit(
            SkipReason.LENGTH_RATIO,
            lambda sides: ratio(sides) <= longest,
            lambda pairs: (
                f"the smallest length ratio is {min(map(ratio, pairs)):.2f}, "
                f"max_length_ratio is {longest:g}"
            ),
        )
    most = rules.token_difference(slice_of)
    if most is not None:
        count, about = (tokens, "") if tokens is not None else (about_tokens, "about ")
        of_slice = f" for `{slice_of}`" if rules.token_difference_by else ""

        def difference(sides: Sides) -> int:
            first, second = (count(texts[one]) for one in sides)
            return abs(first - second)

        yield LengthLimit(
            SkipReason.TOKEN_DIFFERENCE,
            lambda sides: difference(sides) <= most,
            lambda pairs: (
                f"the smallest difference is {about}{min(map(difference, pairs))} tokens, "
                f"max_token_difference{of_slice} is {most}"
            ),
        )
