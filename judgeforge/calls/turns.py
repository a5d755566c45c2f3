"""Who waits for something shared, in order: the one that has waited longest is served first."""

from __future__ import annotations

_HOLDS_S = 1.0
"""A claim that is not renewed when its wait is over lapses after so long."""


class Turns:
    """Time is monotonic seconds, given by the caller."""

    def __init__(self) -> None:
        self._claims: dict[object, float] = {}
        """In order, with the time until which each holds."""

    def wait_s(self, owner: object, wait_s: float, now: float, *, one_s: float) -> float:
        """How long ``owner`` must wait where the thing itself is free in ``wait_s`` seconds.

        Somebody else's turn takes ``one_s``.
        """
        for gone in [one for one, until in self._claims.items() if until < now]:
            del self._claims[gone]
        if wait_s <= 0 and next(iter(self._claims), owner) is not owner:
            wait_s = min(one_s, _HOLDS_S)
        if wait_s > 0:
            self._claims[owner] = now + wait_s + _HOLDS_S
        return wait_s

    def served(self, owner: object) -> None:
        self._claims.pop(owner, None)
