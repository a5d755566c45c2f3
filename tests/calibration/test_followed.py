"""Labels change what the judgments alone tell only as far as they surely say otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgeforge.calibration.choice_model import Choice, Prior
from judgeforge.calibration.followed import followed_weights, rightness

JUDGES = 3


def _labelled(seed: int, number: int, reads: tuple[float, ...]) -> list[Choice]:
    """Pairs of which the first is better, and judges that see their gap with these slopes."""
    draw = np.random.default_rng(seed)
    gaps = np.abs(draw.normal(0.0, 1.0, number))
    said = np.array(reads) * gaps[:, None] + draw.normal(0.0, 1.0, (number, len(reads)))
    return [Choice(np.stack([one / 2.0, -one / 2.0]), np.array([1.0, 0.0])) for one in said]


def _prior(*means: float) -> Prior:
    return Prior(np.array(means), np.full(len(means), 0.4), np.zeros(len(means)))


def _names(number: int) -> list[str]:
    return [f"p{i}" for i in range(number)]


def test_labels_that_say_nothing_else_leave_the_weights_to_the_last_bit() -> None:
    choices = _labelled(3, 40, (1.0, 1.0, 1.0))
    found = followed_weights(choices, _names(40), _prior(1.0, 1.0, 1.0))
    assert found.tolist() == [1.0, 1.0, 1.0]


def test_a_judge_that_says_the_opposite_loses_its_say_with_forty_labels() -> None:
    choices = _labelled(4, 40, (1.5, -1.5, 1.0))
    found = followed_weights(choices, _names(40), _prior(1.0, 1.0, 1.0))
    assert found[1] < 0.1 * found[0]


def test_the_order_of_the_labels_changes_nothing() -> None:
    choices, names = _labelled(5, 60, (1.5, 0.0, 1.0)), _names(60)
    there = followed_weights(choices, names, _prior(0.5, 1.5, 1.0))
    back = followed_weights(choices[::-1], names[::-1], _prior(0.5, 1.5, 1.0))
    assert there == pytest.approx(back, abs=1e-9)


@given(
    seed=st.integers(0, 10_000),
    number=st.sampled_from([20, 40]),
    means=st.tuples(*[st.floats(0.0, 2.0)] * JUDGES),
)
@settings(max_examples=25, deadline=None)
def test_weights_are_finite_and_never_negative_whatever_the_labels_say(
    seed: int, number: int, means: tuple[float, ...]
) -> None:
    choices = _labelled(seed, number, (1.0, 0.0, -1.0))
    found = followed_weights(choices, _names(number), _prior(*means))
    assert np.isfinite(found).all()
    assert (found >= 0.0).all()


def _changes(reads: tuple[float, ...], means: tuple[float, ...], labels: int) -> float:
    """How much more of fresh pairs is right with the labels than without, mean over draws."""
    changes = []
    for seed in range(40):
        choices = _labelled(seed, labels, reads)
        fresh = _labelled(1000 + seed, 400, reads)
        with_labels = followed_weights(choices, _names(labels), _prior(*means))
        without = np.array(means)
        changes.append(float((rightness(fresh, with_labels) - rightness(fresh, without)).mean()))
    return float(np.mean(changes))


@pytest.mark.slow
@pytest.mark.parametrize("labels", [20, 40, 80])
def test_on_average_labels_cost_nothing_where_the_weights_are_the_best_ones(labels: int) -> None:
    assert _changes((1.0, 0.7, 0.5), (1.0, 0.7, 0.5), labels) > -0.002


@pytest.mark.slow
@pytest.mark.parametrize("labels", [40, 80])
def test_on_average_labels_gain_where_a_judge_is_worse_than_it_seemed(labels: int) -> None:
    assert _changes((1.0, 0.0, 0.0), (0.5, 1.0, 1.0), labels) > 0.02
