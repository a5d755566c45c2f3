"""A promised share of wrong pairs holds where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.calibration.api import calibrate_probabilities
from judgeforge.calibration.thresholds import (
    Threshold,
    allowed_errors,
    certified_threshold,
    expected_threshold,
    lower_tail,
    most_successes,
)
from judgeforge.ranking.rules import PairingRules

MAX_ERROR, DELTA = 0.05, 0.1
DRAWS = 200


@given(st.integers(1, 400), st.floats(0.01, 0.4), st.floats(0.01, 0.5))
def test_the_most_errors_allowed_are_the_last_with_so_small_a_tail(
    trials: int, share: float, delta: float
) -> None:
    most = most_successes(trials, share, delta)
    assert lower_tail(most, trials, share) <= delta * (1 + 1e-9)
    assert most == trials or lower_tail(most + 1, trials, share) > delta * (1 - 1e-9)


@pytest.mark.parametrize(("trials", "tenths"), [(7100, 1), (2085, 3), (3400, 2), (1200, 5)])
def test_the_most_errors_allowed_are_exact_for_many_labels(trials: int, tenths: int) -> None:
    """In whole numbers: tenths of a power of ten, where the first terms are below any float."""
    most = most_successes(trials, tenths / 10, 0.1)
    term = (10 - tenths) ** trials
    tail = 0
    for k in range(most + 2):
        if k == most + 1:
            assert tail * 10 <= 10**trials
        tail += term
        term = term * (trials - k) * tenths // ((k + 1) * (10 - tenths))
    assert tail * 10 > 10**trials


def test_certifying_refuses_what_many_labels_show_to_be_wrong() -> None:
    assert allowed_errors(3000, 0.3, DELTA)[-1] < 0.3 * 3000


def test_the_binomial_tail_is_exact() -> None:
    assert lower_tail(1, 3, 0.5) == pytest.approx(0.5)
    assert lower_tail(0, 45, 0.05) == pytest.approx(0.95**45)


def test_certified_needs_45_pairs_without_an_error() -> None:
    allowed = allowed_errors(50, MAX_ERROR, DELTA)
    assert allowed[43] == -1
    assert allowed[44] == 0


def test_expected_keeps_the_most_pairs_that_average_within() -> None:
    def found(*values: float, caution: float = 0.0) -> Threshold:
        return expected_threshold(np.array(values), np.array(values) - caution, MAX_ERROR)

    assert found(0.99, 0.97, 0.91, 0.5) == Threshold(least=0.5, share_kept=0.75)
    assert found(0.99, 0.97, 0.91, 0.5, caution=0.02).share_kept == 0.5
    assert found(0.6, 0.7).share_kept == 0.0
    assert found(0.99, 0.98) == Threshold(least=0.0, share_kept=1.0)


@given(st.lists(st.sampled_from([0.8, 0.9, 0.99, 0.999]), min_size=60, max_size=120), st.data())
@pytest.mark.slow
def test_equal_probabilities_stand_or_fall_together(
    values: list[float], data: st.DataObject
) -> None:
    right = data.draw(
        st.lists(st.sampled_from([0.0, 1.0]), min_size=len(values), max_size=len(values))
    )
    found = certified_threshold(np.array(values), np.array(right), MAX_ERROR, DELTA)
    kept = np.array(values) > found.least
    errors = int((1 - np.array(right))[kept].sum())
    if kept.any():
        assert lower_tail(errors, int(kept.sum()), MAX_ERROR) <= DELTA * (1 + 1e-9)


def believed_and_right(
    rng: np.random.Generator, number: int, overconfidence: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Beliefs, truth and the true probabilities, whose log-odds are those believed, divided."""
    log_odds = rng.gamma(2.0, 2.0, number)
    true = 1.0 / (1.0 + np.exp(-log_odds / overconfidence))
    return 1.0 / (1.0 + np.exp(-log_odds)), (rng.random(number) < true).astype(float), true


@pytest.mark.slow
@pytest.mark.parametrize("overconfidence", [0.8, 1.0, 1.6])
def test_the_expected_share_of_errors_holds_on_average(overconfidence: float) -> None:
    rng = np.random.default_rng(7)
    run, _, true = believed_and_right(rng, 20_000, overconfidence)
    errors = []
    for _ in range(40):
        believed, right, _ = believed_and_right(rng, 100, overconfidence)
        found = calibrate_probabilities(believed.tolist(), right.tolist())
        least = found.trust(PairingRules(max_error=MAX_ERROR)).least or 0.0
        kept = found.labelled.confidence.of(run) > least
        if kept.any():
            errors.append(1.0 - true[kept].mean())
    assert np.mean(errors) <= MAX_ERROR + 0.005


@pytest.mark.slow
@pytest.mark.parametrize("labels", [100, 300])
@pytest.mark.parametrize("overconfidence", [0.8, 1.6])
def test_the_certificate_fails_no_more_often_than_it_says(
    labels: int, overconfidence: float
) -> None:
    rng = np.random.default_rng(11)
    run, _, true = believed_and_right(rng, 50_000, overconfidence)
    broken = kept_share = 0.0
    for _ in range(DRAWS):
        believed, right, _ = believed_and_right(rng, labels, overconfidence)
        kept = run > certified_threshold(believed, right, MAX_ERROR, DELTA).least
        kept_share += kept.mean() / DRAWS
        broken += bool(kept.any() and 1.0 - true[kept].mean() > MAX_ERROR) / DRAWS
    assert broken <= DELTA + 2.0 * np.sqrt(DELTA * (1 - DELTA) / DRAWS)
    assert kept_share > 0.05, "a certificate that keeps nothing is no test"


def test_a_tie_counts_as_wrong_in_a_certificate() -> None:
    values = np.linspace(0.9, 0.999, 60)
    all_right, ties = np.ones(60), np.full(60, 0.5)
    assert certified_threshold(values, all_right, MAX_ERROR, DELTA).share_kept == 1.0
    assert certified_threshold(values, ties, MAX_ERROR, DELTA).share_kept == 0.0
