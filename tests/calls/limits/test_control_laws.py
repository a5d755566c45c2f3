"""How requests are held back, in simulated time: the limits of a provider are used and kept."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from judgeforge.calls.limits.breaker import LONGEST_PAUSE_S, CircuitBreaker, Refusal
from judgeforge.calls.limits.buckets import ProviderAccount
from judgeforge.calls.limits.concurrency import ConcurrencyLimit
from judgeforge.calls.limits.headers import Allowance
from judgeforge.calls.limits.learned_rate import LearnedRate
from judgeforge.calls.limits.pace import LONGEST_RETRY_AFTER_S, RESERVE_S, Pace
from tests.local_server.limits import Limits
from tests.local_server.record import Wire
from tests.support.limit_simulation import SIZE, Client, Simulation

SETTLED_S = 10.0
"""What happens so soon after the start or a change is not judged."""


def limits(unit: str, rpm: float) -> Limits:
    return Limits(rpm=rpm) if unit == "requests" else Limits(tpm=rpm * SIZE.tokens)


def settled(clients: list[Client], start: float, end: float) -> tuple[float, float]:
    """Share of the allowed rate used (given 60 requests a minute), and share refused."""
    counts = [client.counts(start + SETTLED_S, end) for client in clients]
    accepted, refused = (sum(column) for column in zip(*counts, strict=True))
    return accepted / (end - start - SETTLED_S), refused / (accepted + refused)


@pytest.mark.parametrize("rpm", [600.0, 1192.0, 1800.0, 3000.0, 6000.0])
@pytest.mark.parametrize("delay_s", [0.005, 0.3])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_unknown_limit_is_found_at_the_cost_of_few_refusals(
    rpm: float, delay_s: float, seed: int
) -> None:
    """In a minute without headers, its first seconds counted: most of 10 seeds, in percent.

    | requests a minute | 600 | 1192 | 1800 | 3000 | 6000 |
    |---|---|---|---|---|---|
    | refusals come within 0.6 s | 2.8 | 2.8 | 2.8 | 2.2 | 1.5 |
    | with the first rate guessed from all that was accepted | 3.8 | 3.3 | 3.1 | 3.2 | 1.9 |
    """
    found = Simulation(Limits(rpm=rpm), headers=False, latency_s=0.3, delay_s=delay_s, seed=seed)
    accepted, refused = found.run(60.0, concurrency=256)[0].counts(0.0, 60.0)
    assert refused <= 0.03 * (accepted + refused)
    assert accepted >= 0.97 * rpm


@pytest.mark.parametrize(
    ("concurrency", "latency_s", "replies"),
    [(256, 0.3, 15_900), (64, 0.3, 4_140), (32, 1.0, 590), (256, 2.0, 1_900)],
)
def test_where_there_is_no_limit_looking_for_one_costs_nothing(
    concurrency: int, latency_s: float, replies: int
) -> None:
    """In the first 20 s: all that can be in flight from the fourth round trip on."""
    free = Simulation(Limits(), headers=False, latency_s=latency_s)
    accepted, refused = free.run(20.0, concurrency=concurrency)[0].counts(0.0, 20.0)
    assert (refused, accepted >= replies) == (0, True)


@pytest.mark.parametrize("late_s", [0.15, 0.3, 0.8])
@pytest.mark.parametrize("limit", [10, 20, 100])
def test_the_first_refusals_tell_the_limit_whatever_could_come_at_once_before(
    limit: int, late_s: float
) -> None:
    """Two and a half times the limit is sent after a burst, and refusals come late."""
    pace, each_s = Pace(ProviderAccount()), 0.4 / limit
    for _ in range(limit):
        pace.sent(SIZE, 0.0)
    sent = [pace.sent(SIZE, each_s * (n + 1)) for n in range(math.ceil(late_s / each_s) + 5)]
    refused = [one for n, one in enumerate(sent) if n % 5 in {1, 3, 4}]
    cut_at = refused[0].at + late_s
    for one in refused:
        if one.at < cut_at:
            pace.refused(one, one.at + late_s, Refusal())
    end = 4.0
    assert pace.delay(SIZE, end) is None
    pace.sent(SIZE, end)
    delay = pace.delay(SIZE, end)
    assert delay is not None
    assert 0.5 / limit <= delay.wait_s <= 1.5 / limit


def _replies(
    limit: ConcurrencyLimit, *, fails: Callable[[random.Random, int], bool], seconds: float = 60.0
) -> tuple[int, float]:
    """Replies to one that always has more to ask, at 0.2 s each, and the share that failed."""
    chance, now, replies, failed = random.Random(7), 0.0, 0, 0
    flying: list[tuple[float, int, float, bool]] = []
    while now < seconds:
        while len(flying) < limit.limit:
            end = now + 0.2 * (0.75 + 0.5 * chance.random())
            fate = fails(chance, len(flying))
            heapq.heappush(flying, (end, replies + failed + len(flying), now, fate))
        limit.held_back(now)
        now, _, sent_at, has_failed = heapq.heappop(flying)
        tell = limit.overloaded if has_failed else limit.succeeded
        tell(sent_at=sent_at, now=now, in_flight=len(flying) + 1)
        failed += has_failed
        replies += not has_failed
    return replies, failed / (replies + failed)


class TestUseOfALimit:
    @pytest.mark.parametrize("wire", ["openai", "anthropic"])
    @pytest.mark.parametrize("unit", ["requests", "tokens"])
    @pytest.mark.parametrize("rpm", [300, 1200, 6000])
    def test_headers_steer_before_a_refusal_comes(self, wire: Wire, unit: str, rpm: float) -> None:
        clients = Simulation(limits(unit, rpm), wire=wire).run(40)
        rate, refused = settled(clients, 0, 40)
        assert rate >= 0.95 * rpm / 60
        assert refused == 0

    @pytest.mark.parametrize(
        ("wire", "retry_after"), [("openai", True), ("anthropic", True), ("openai", False)]
    )
    @pytest.mark.parametrize("unit", ["requests", "tokens"])
    @pytest.mark.parametrize("rpm", [1200, 6000])
    def test_without_headers_the_rate_is_learned(
        self, wire: Wire, retry_after: bool, unit: str, rpm: float
    ) -> None:
        simulation = Simulation(
            limits(unit, rpm), wire=wire, headers=False, retry_after=retry_after
        )
        rate, refused = settled(simulation.run(70), 0, 70)
        assert rate >= 0.9 * rpm / 60
        assert refused <= 0.01

    @pytest.mark.parametrize("headers", [True, False])
    def test_a_limit_that_is_halved_and_doubled_is_followed_within_ten_seconds(
        self, headers: bool
    ) -> None:
        simulation = Simulation(Limits(rpm=3000), headers=headers)
        clients = simulation.run(120, changes={40.0: Limits(rpm=1500), 80.0: Limits(rpm=3000)})
        for start, allowed in ((0, 50), (40, 25), (80, 50)):
            rate, refused = settled(clients, start, start + 40)
            assert rate >= 0.9 * allowed
            assert refused <= 0.01

    def test_a_configured_maximum_of_requests_in_flight_is_kept(self) -> None:
        clients = Simulation(Limits(rpm=60_000)).run(5, concurrency=7)
        accepted, _ = clients[0].counts(0, 5)
        assert accepted <= 7 * 5 / (0.2 * 0.75) + 7


class TestSeveralModelsOfOneAccount:
    def test_each_uses_a_limit_of_its_own(self) -> None:
        clients = Simulation(Limits(rpm=1200)).run(40, sizes=[SIZE, SIZE])
        for client in clients:
            accepted, refused = client.counts(SETTLED_S, 40)
            assert accepted >= 0.95 * 20 * 30
            assert refused == 0

    def test_a_limit_that_they_share_is_found_out_and_divided_fairly(self) -> None:
        clients = Simulation(Limits(rpm=1200), shared=True).run(60, sizes=[SIZE] * 3)
        rate, refused = settled(clients, 0, 60)
        assert rate >= 0.95 * 20
        assert refused <= 0.01
        shares = [client.counts(SETTLED_S, 60)[0] for client in clients]
        assert max(shares) <= 1.1 * min(shares)

    def test_without_headers_they_share_where_a_refusal_speaks_of_the_account(self) -> None:
        simulation = Simulation(Limits(rpm=3000), shared=True, headers=False)
        clients = simulation.run(60, sizes=[SIZE, SIZE])
        shares = [client.counts(SETTLED_S, 60)[0] for client in clients]
        assert sum(shares) >= 0.9 * 50 * 50
        assert min(shares) >= 0.4 * sum(shares)

    def test_a_refusal_of_the_account_pauses_all_of_it(self) -> None:
        account = ProviderAccount()
        one, other = Pace(account), Pace(account)
        refusal = Refusal(retry_after_s=3.0, of_account=True)
        one.refused(one.sent(SIZE, 10.0), 10.1, refusal)
        assert other.delay(SIZE, 13.0) is not None
        assert other.delay(SIZE, 13.2) is None

    def test_a_refusal_of_one_model_does_not_hold_the_others(self) -> None:
        account = ProviderAccount()
        one, other = Pace(account), Pace(account)
        one.refused(one.sent(SIZE, 10.0), 10.1, Refusal(retry_after_s=3.0))
        assert one.delay(SIZE, 13.0) is not None
        assert other.delay(SIZE, 10.2) is None


class TestPauses:
    def test_nothing_is_sent_from_remaining_0_to_the_reset(self) -> None:
        pace = Pace(ProviderAccount())
        pace.accepted(pace.sent(SIZE, 0.0), [Allowance("requests", 0, None, 2.0)])
        pace.accepted(pace.sent(SIZE, 0.1), [Allowance("tokens", 5000, None, 2.0)])
        for now in (0.2, 1.9):
            delay = pace.delay(SIZE, now)
            assert delay.by == "headers"
            assert delay.wait_s == pytest.approx(2.0 - now)
        assert pace.delay(SIZE, 2.1) is None

    def test_a_day_s_allowance_is_not_paced_while_something_remains(self) -> None:
        pace = Pace(ProviderAccount())
        for number in range(50):
            left = Allowance("requests", 60 - number, 14_400, 80_000.0)
            assert pace.delay(SIZE, number / 10) is None
            pace.accepted(pace.sent(SIZE, number / 10), [left])

    @given(st.floats(min_value=0, max_value=1e12))
    def test_an_absurd_retry_after_is_cut(self, seconds: float) -> None:
        pace = Pace(ProviderAccount())
        pace.refused(pace.sent(SIZE, 5.0), 5.0, Refusal(retry_after_s=seconds))
        assert pace.paused_s(5.0) == pytest.approx(
            min(max(seconds, RESERVE_S), LONGEST_RETRY_AFTER_S)
        )

    def test_refusals_without_an_end_are_asked_less_and_less(self) -> None:
        pace, now, sent = Pace(ProviderAccount()), 0.0, 0
        while now < 300:
            delay = pace.delay(SIZE, now)
            if delay is None:
                pace.refused(pace.sent(SIZE, now), now + 0.01, Refusal())
                sent += 1
            now += 0.02 if delay is None else delay.wait_s
        assert sent <= 25


class TestLearnedRate:
    @given(
        st.floats(min_value=0.1, max_value=1e4),
        st.lists(st.tuples(st.floats(0.001, 5), st.booleans(), st.integers(0, 50)), max_size=60),
    )
    @example(1.0, [(4.0, False, 5), (1.0, True, 1), (1.0, True, 0)])
    def test_it_is_always_positive_and_a_refusal_never_raises_it(
        self, first: float, steps: list[tuple[float, bool, int]]
    ) -> None:
        now, accepted = 0.0, 0
        rate = LearnedRate(first, now, accepted)
        for seconds, refuse, sent in steps:
            now, accepted = now + seconds, accepted + sent
            before = rate.rate
            if refuse:
                rate.refused(now, accepted)
                assert rate.rate <= before
            else:
                rate.sent(1, now, accepted, held_back=True)
                assert rate.rate >= before
            assert 0 < rate.rate < math.inf

    def test_it_does_not_grow_while_it_is_not_what_holds_requests_back(self) -> None:
        rate = LearnedRate(10.0, 0.0, 0)
        before = rate.rate
        for second in range(1, 100):
            rate.sent(1, float(second), second, held_back=False)
        assert rate.rate == before


class TestConcurrencyLimit:
    def test_doubles_in_a_round_whose_replies_come_all_at_once(self) -> None:
        """Each reply is told before the next request goes out, so fewer and fewer are in flight."""
        limit = ConcurrencyLimit(256)
        before = limit.limit
        limit.held_back(now=0.1)
        for in_flight in range(before, 0, -1):
            limit.succeeded(sent_at=0.0, now=1.0, in_flight=in_flight)
        assert limit.limit == min(256, 2 * before)

    def test_does_not_grow_while_nobody_waits_for_it(self) -> None:
        limit = ConcurrencyLimit(256)
        before = limit.limit
        limit.held_back(now=0.1)
        for turn in range(1, 50):
            limit.succeeded(sent_at=float(turn), now=turn + 1.0, in_flight=before // 2)
        assert limit.limit == before

    def test_it_doubles_in_each_round_trip_until_the_first_refusal(self) -> None:
        limit = ConcurrencyLimit(1024 * 1024)
        limit._limit = 16.0
        sizes = []
        for trip in range(4):
            flying = limit.limit
            for _ in range(flying):
                limit.succeeded(sent_at=float(trip), now=trip + 1.0, in_flight=flying + 1_000_000)
            sizes.append(limit.limit)
        assert sizes == [32, 64, 128, 256]

    def test_after_a_refusal_it_grows_by_one_in_a_round_trip(self) -> None:
        limit = ConcurrencyLimit(256)
        limit._limit = 128.0
        limit.refused(sent_at=0.0, now=1.0, in_flight=128)
        before = limit.limit
        assert before == int(128 * 0.7)
        for _ in range(before + 1):
            limit.succeeded(sent_at=1.5, now=2.0, in_flight=before + 1)
        assert limit.limit == before + 1

    def test_the_replies_of_one_round_trip_count_as_one_refusal(self) -> None:
        limit = ConcurrencyLimit(256)
        limit._limit = 128.0
        for _ in range(50):
            limit.refused(sent_at=0.5, now=1.0, in_flight=128)
        assert limit.limit == int(128 * 0.7)

    @pytest.mark.parametrize("share", [0.003, 0.013, 0.02])
    @pytest.mark.parametrize("maximum", [32, 200])
    def test_scattered_overloads_take_little_of_the_rate(self, share: float, maximum: int) -> None:
        whole, _ = _replies(ConcurrencyLimit(maximum), fails=lambda chance, _: False)
        some, _ = _replies(
            ConcurrencyLimit(maximum), fails=lambda chance, _: chance.random() < share
        )
        assert some >= 0.7 * whole

    @pytest.mark.parametrize("room", [1, 8, 50])
    def test_a_server_that_takes_no_more_is_found(self, room: int) -> None:
        limit = ConcurrencyLimit(200)
        _, failed = _replies(limit, fails=lambda _, in_flight: in_flight >= room)
        assert limit.limit <= 1.3 * room + 1
        assert failed < 0.15 or room < 50, "the smaller, the more often one too many is tried"

    def test_the_first_overloads_of_a_server_that_is_overloaded_count(self) -> None:
        limit = ConcurrencyLimit(200)
        real = [limit.overloaded(sent_at=0.0, now=1.0, in_flight=99) for _ in range(3)]
        assert real == [False, False, True]
        assert limit.limit < 100

    def test_rising_latency_takes_it_back(self) -> None:
        limit = ConcurrencyLimit(64)
        for number in range(100):
            limit.succeeded(sent_at=float(number), now=number + 0.2, in_flight=64)
        assert limit.limit == 64
        for number in range(100, 120):
            limit.succeeded(sent_at=float(number), now=number + 2.0, in_flight=64)
        assert limit.limit < 64

    @given(
        st.integers(1, 4096),
        st.lists(st.tuples(st.sampled_from(["good", "bad"]), st.floats(0.0, 30.0)), max_size=80),
    )
    def test_it_stays_from_1_to_the_maximum(
        self, maximum: int, replies: list[tuple[str, float]]
    ) -> None:
        limit, now = ConcurrencyLimit(maximum), 0.0
        for kind, seconds in replies:
            end = now + seconds
            tell = limit.succeeded if kind == "good" else limit.overloaded
            tell(sent_at=now, now=end, in_flight=limit.limit)
            now = end + 0.1
            assert 1 <= limit.limit <= maximum


class TestCircuitBreaker:
    def test_it_opens_probes_and_closes(self) -> None:
        breaker = CircuitBreaker(3)
        opened = [breaker.failed(float(n), "down", is_probe=breaker.sent()) for n in range(3)]
        assert opened == [False, False, True]
        assert breaker.wait_s(2.0) == 0.5
        assert breaker.wait_s(2.5) == 0.0
        assert breaker.sent()
        assert breaker.wait_s(2.6) == math.inf
        breaker.failed(3.0, "down", is_probe=True)
        assert breaker.wait_s(3.0) == 1.0
        assert breaker.sent()
        assert breaker.succeeded()
        assert not breaker.is_open
        assert breaker.wait_s(3.0) == 0.0

    def test_late_failures_of_earlier_requests_do_not_prolong_it(self) -> None:
        breaker = CircuitBreaker(1)
        breaker.failed(1.0, "down", is_probe=False)
        breaker.failed(1.4, "down", is_probe=False)
        assert breaker.wait_s(1.5) == 0.0

    @given(st.lists(st.sampled_from(["good", "bad", "abandoned"]), max_size=200))
    def test_a_probe_always_follows_within_the_longest_pause(self, ends: list[bool]) -> None:
        breaker, now = CircuitBreaker(4), 0.0
        for end in ends:
            wait = breaker.wait_s(now)
            assert wait <= LONGEST_PAUSE_S
            now += wait
            is_probe = breaker.sent()
            now += 0.1
            if end == "good":
                breaker.succeeded()
                assert not breaker.is_open
            elif end == "bad":
                breaker.failed(now, "down", is_probe=is_probe)
            elif is_probe:
                breaker.probe_abandoned()
