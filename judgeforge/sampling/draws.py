"""Which writers, temperatures and system messages write the completions of a prompt. Pure.

What is drawn is dealt like cards: the pool is shuffled again and again, and the prompts take their
cards from it in the order of their lines. So any number of first prompts has each writer equally
often, give or take one, none writes twice for a prompt while another has not written, and a line
is dealt the same however far a run has come.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache

from judgeforge.config.sampling import SamplingConfig
from judgeforge.records import Prompt


@dataclass(frozen=True, slots=True)
class Draw:
    number: int
    """Among those that are sampled for the prompt, from 0."""
    model: str
    temperature: float
    sample: int
    """Counts the draws of a model: where it takes no temperature, draws at different ones would
    otherwise be the same call."""
    principle: str | None = None
    """The system message that was drawn."""


def draws(prompt: Prompt, config: SamplingConfig, *, more: int = 0) -> list[Draw]:
    """All that is sampled for the prompt, in order; those of `always` come first.

    ``more``: this many after them, which are sampled where the pair is in doubt. The first ones are
    the same with and without them.
    """
    wanted = config.fresh(len(prompt.completions))
    models = _models(prompt.line, config, wanted, more)
    principles = _principles(prompt, config, wanted, "principles")
    principles += _principles(prompt, config, more, "more principles")
    seen = dict.fromkeys(models, 0)
    drawn = []
    for number, model in enumerate(models):
        turn = number // len(config.models) if config.models else prompt.line + number
        temperature = config.temperature[turn % len(config.temperature)]
        principle = principles[number] if principles else None
        drawn.append(Draw(number, model, temperature, seen[model], principle))
        seen[model] += 1
    return drawn


def dealt(names: tuple[str, ...], number: int, *, line: int, seed: str) -> list[str]:
    """The ``number`` names that the row at ``line`` (from 1) is dealt of all ``names``.

    Of the first rows each name is dealt equally often, give or take one, and to no row twice before
    every other one. ``seed`` decides which.
    """
    rounds, left = divmod(number, len(names))
    every_one = list(names) * rounds
    if not left:
        return every_one
    rows = len(names) // math.gcd(len(names), left)
    block, place = divmod(max(0, line - 1), rows)
    cards = _block(names, left, f"{seed}/{number}/{block}")
    return every_one + list(cards[place * left : (place + 1) * left])


@lru_cache(maxsize=64)
def _block(names: tuple[str, ...], each: int, seed: str) -> tuple[str, ...]:
    """Shuffled decks, one after another, until a row of ``each`` ends where a deck ends.

    A row that spans two decks is dealt nothing twice: what it has of the first one goes behind the
    part of the second one that it takes.
    """
    # Seeding with text is defined by Python to be the same in every process.
    shuffled = random.Random(seed)  # noqa: S311
    cards: list[str] = []
    while not cards or len(cards) % each:
        deck = shuffled.sample(names, len(names))
        held = set(cards[len(cards) - len(cards) % each :])
        missing = (each - len(held)) % each
        first = [name for name in deck if name not in held][:missing]
        cards += first + [name for name in deck if name not in set(first)]
    return tuple(cards)


def _models(line: int, config: SamplingConfig, wanted: int, more: int) -> list[str]:
    if config.models:
        return [config.models[number % len(config.models)] for number in range(wanted + more)]
    pool, always = tuple(config.pool), config.always[:wanted]
    seed = f"{config.draw_seed}/pool"
    first = dealt(pool, wanted - len(always), line=line, seed=seed)
    return [*always, *first, *dealt(pool, more, line=line, seed=f"{seed}/more")]


def _principles(prompt: Prompt, config: SamplingConfig, wanted: int, which: str) -> list[str]:
    """None for a row with a system message of its own, which wins."""
    if not config.principles or has_own_system(prompt):
        return []
    seed = f"{config.draw_seed}/{which}"
    found = dealt(tuple(config.principles), wanted, line=prompt.line, seed=seed)
    # Else a writer that always writes first would have the first principle whenever there are fewer
    # principles than completions.
    random.Random(f"{seed}/{prompt.line}").shuffle(found)  # noqa: S311
    return found


def has_own_system(prompt: Prompt) -> bool:
    return prompt.messages[0].role in {"system", "developer"}
