"""Which answers a person is shown, in which order, on which side, and which of them twice. Pure.

A click teaches calibration by where its pair stands among the pairs of the run. Labels that are
drawn evenly over the order of confidence are like the run's pairs, as every promise assumes, and
leave less to chance than labels drawn at random (benchmarks/results/labelling.md). The order is
such that each beginning of it is spread evenly, so a person may stop anywhere, or go on later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_BETWEEN = 8
"""Other looks between the first and the second at the same answers, where there are that many."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Completions of one prompt that a person can be asked about."""

    prompt_id: str
    completion_ids: tuple[str, ...]
    confidence: float | None = None
    """That the one which the run thinks best is so; None where nobody has judged them."""
    place: int = 0
    """Where its source finds it again."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the completions of a candidate, in the order shown."""

    candidate: Candidate
    shown: tuple[str, ...]
    """Their ids, from left to right."""
    repeat: int = 0
    """1 for a second look, which shows them in the opposite order."""

    @property
    def id(self) -> str:
        return look_id(self.candidate.prompt_id, self.shown, self.repeat)


def look_id(prompt_id: str, completion_ids: Sequence[str], repeat: int) -> str:
    """The same whatever the order shown; 16 hexadecimal digits."""
    return f"{drawn('look', prompt_id, *sorted(completion_ids), repeat):016x}"


def drawn(*parts: object) -> int:
    """64 bits that depend on the parts alone."""
    text = "\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")


def spread(candidates: Sequence[Candidate], seed: int) -> list[Candidate]:
    """All of them, in an order of which each beginning is spread evenly over the confidence.

    Those that nobody has judged come in a drawn order after the others.
    """

    def lot(one: Candidate) -> int:
        return drawn(seed, "order", one.prompt_id, *one.completion_ids)

    judged = [one for one in candidates if one.confidence is not None]
    ranked = sorted(judged, key=lambda one: (one.confidence, lot(one)))
    start = drawn(seed, "start") % max(1, len(ranked))
    chosen = [ranked[(place + start) % len(ranked)] for place in even_places(len(ranked))]
    return [*chosen, *sorted((one for one in candidates if one.confidence is None), key=lot)]


def even_places(number: int) -> list[int]:
    """0 to ``number`` - 1, each beginning of the list spread evenly: van der Corput's sequence."""
    bits = max(0, number - 1).bit_length()
    every = (_reversed(place, bits) for place in range(1 << bits))
    return [place for place in every if place < number]


def looks(order: Sequence[Candidate], number: int, *, again: float, seed: int) -> list[Look]:
    """What to show, one after the other: the first ``number`` candidates of ``order``, and of these
    the share ``again`` (0 to 1) a second time, as far after the first look as there is room.

    With a greater ``number`` it has all the looks of a smaller one.
    """
    first = [Look(one, shown_order(one, seed)) for one in order[:number]]
    second = [_again(one) for place, one in enumerate(first) if is_seen_again(place, again)]
    found: list[Look] = []
    waiting: list[tuple[int, Look]] = []
    late = {one.candidate.prompt_id: one for one in second}
    for place, one in enumerate(first):
        found.append(one)
        if one.candidate.prompt_id in late:
            waiting.append((place + LEAST_BETWEEN, late[one.candidate.prompt_id]))
        if waiting and waiting[0][0] <= place:
            found.append(waiting.pop(0)[1])
    return [*found, *(one for _, one in waiting)]


def is_seen_again(place: int, share: float) -> bool:
    """Whether the candidate at a place of the order is among the ``share`` shown twice."""
    return int((place + 1) * share + 0.5) > int(place * share + 0.5)


def shown_order(candidate: Candidate, seed: int) -> tuple[str, ...]:
    """Drawn by a hash, so that neither the place nor what the run believes gives a hint."""
    lots = {
        name: drawn(seed, "side", candidate.prompt_id, name) for name in candidate.completion_ids
    }
    return tuple(sorted(candidate.completion_ids, key=lambda name: (lots[name], name)))


def _again(look: Look) -> Look:
    return Look(look.candidate, tuple(reversed(look.shown)), look.repeat + 1)


def _reversed(place: int, bits: int) -> int:
    """Its binary digits from the other end."""
    return int(f"{place:0{bits}b}"[::-1], 2) if bits else 0
