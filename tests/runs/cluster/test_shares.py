"""Limits that several processes keep to together: never more than the whole, and all of it used."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from judgeforge.runs.cluster.shares import Shares, allotted

OWN = "coordinator"


@st.composite
def demands(draw: st.DrawFn) -> tuple[int, list[int], list[int]]:
    wanted = draw(st.lists(st.integers(0, 500), min_size=1, max_size=8))
    least = [1] * len(wanted)
    return draw(st.integers(len(wanted), 1000)), wanted, least


class TestAllotted:
    @given(demands())
    def test_all_of_it_is_given_away_and_not_more(
        self, demand: tuple[int, list[int], list[int]]
    ) -> None:
        capacity, wanted, least = demand
        parts = allotted(capacity, wanted, least)
        assert sum(parts) == capacity
        assert all(part >= one for part, one in zip(parts, least, strict=True))

    @given(demands())
    def test_nobody_waits_while_another_has_more_than_it_wants_and_one_more(
        self, demand: tuple[int, list[int], list[int]]
    ) -> None:
        capacity, wanted, least = demand
        parts = allotted(capacity, wanted, least)
        lacks = [want > part for want, part in zip(wanted, parts, strict=True)]
        if any(lacks):
            beyond = [part > max(want, 1) + 1 for want, part in zip(wanted, parts, strict=True)]
            assert not any(beyond)

    @given(demands())
    def test_who_wants_more_does_not_get_less(
        self, demand: tuple[int, list[int], list[int]]
    ) -> None:
        capacity, wanted, least = demand
        parts = allotted(capacity, wanted, least)
        pairs = sorted(zip(wanted, parts, strict=True))
        lacking = [part for want, part in pairs if want > part]
        assert not lacking or max(lacking) - min(lacking) <= 1

    def test_the_coordinator_takes_what_it_wants_and_nothing_beyond(self) -> None:
        assert allotted(100, [10, 200, 200], [0, 1, 1]) == [10, 45, 45]
        assert allotted(100, [0, 5, 5], [0, 1, 1]) == [0, 50, 50]


class _Process:
    """Keeps to the last share that reached it; uses what it likes within that."""

    def __init__(self) -> None:
        self.part = self.used = self.number = 0
        self.on_the_way: list[tuple[int, list[int]]] = []

    def step(self, chance: random.Random) -> None:
        if self.on_the_way and chance.random() < 0.5:
            self.number, (self.part,) = self.on_the_way.pop(0)
        self.used -= chance.randrange(0, self.used + 1)
        if self.used < self.part:
            self.used += chance.randrange(0, self.part - self.used + 1)


class TestShares:
    @given(st.integers(1, 6), st.integers(0, 2**32))
    def test_together_they_never_use_more_than_the_whole_however_late_messages_are(
        self, workers: int, seed: int
    ) -> None:
        chance = random.Random(seed)
        capacity = workers + chance.randrange(0, 60)
        shares = Shares([capacity], OWN)
        processes = {f"w{number}": _Process() for number in range(workers)}
        own = _Process()
        own.part = capacity
        shares.changes()
        for name in processes:
            shares.join(name)
        for _ in range(60):
            for name, process in processes.items():
                process.step(chance)
                if chance.random() < 0.5:
                    wanted = chance.randrange(0, 2 * capacity)
                    shares.reported(name, process.number, [process.used], [wanted])
            own.step(chance)
            shares.reported(OWN, shares.number_of(OWN), [own.used], [chance.randrange(0, capacity)])
            for name, told in shares.changes().items():
                if name == OWN:
                    own.part = told[1][0]
                    shares.reported(OWN, told[0], [own.used], [0])
                else:
                    processes[name].on_the_way.append(told)
            assert own.used + sum(one.used for one in processes.values()) <= capacity

    def test_what_nobody_else_wants_goes_to_the_worker_that_has_work(self) -> None:
        shares = Shares([64], OWN)
        shares.join("a")
        shares.join("b")
        told: dict[str, list[int]] = {}
        while changes := shares.changes():
            for name, (number, parts) in changes.items():
                told[name] = parts
                shares.reported(name, number, [0], [0 if name in {OWN, "b"} else 64])
        assert told == {OWN: [0], "a": [63], "b": [1]}
        shares.leave("b")
        assert shares.changes()["a"][1] == [64]
