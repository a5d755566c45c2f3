"""What is measured of judges: figures whose right value is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import judgeforge
from judgeforge.calibration.evaluation.api import evaluate, evaluate_probabilities
from judgeforge.calibration.evaluation.evaluation import compare, mcnemar
from judgeforge.calibration.evaluation.statistics import cohen_kappa, wilson
from judgeforge.ranking.reliability.judges import JudgeReliability, Reliability
from judgeforge.ranking.rules import PairingRules
from judgeforge.records import Judgment

unit = st.floats(0.0, 1.0)


def said(prompt: str, judge: str, order: str, verdict: str | None, **more: object) -> Judgment:
    fields: dict[str, object] = {
        "id": f"{prompt}.{judge}.{order}",
        "prompt_id": prompt,
        "completion_ids": tuple(f"{prompt}.{side}" for side in order),
        "judge": judge,
        "protocol": "pairwise",
        "verdict": verdict,
    }
    return Judgment.model_validate(fields | more)


def panel(
    verdicts: dict[str, tuple[str | None, str | None]], judge: str = "j"
) -> list[list[Judgment]]:
    """The judge's verdicts by prompt, in the orders ab and ba; "a" is the one shown first."""
    return [
        [said(p, judge, "ab", first), said(p, judge, "ba", second)]
        for p, (first, second) in verdicts.items()
    ]


def test_a_judge_is_measured_by_what_it_names_not_by_its_seat() -> None:
    verdicts = {"p0": ("a", "b"), "p1": ("a", "a"), "p2": ("b", "a"), "p3": ("tie", "tie")}
    labels = {"p0": "p0.a", "p1": "p1.b", "p2": "p2.a", "p3": "p3.a"}
    judge = evaluate(panel(verdicts), labels).judges["j"]
    assert judge.n == 4
    assert judge.accuracy == (1 + 0.5 + 0 + 0.5) / 4
    assert judge.order_flips == 1 / 4
    assert judge.ties == 2 / 8
    assert judge.position_bias == pytest.approx(4 / 6 - 0.5)


def test_a_judge_that_follows_the_seats_is_no_better_than_a_tie() -> None:
    verdicts: dict[str, tuple[str | None, str | None]] = {f"p{i}": ("a", "a") for i in range(40)}
    found = evaluate(panel(verdicts), {f"p{i}": f"p{i}.a" for i in range(40)})
    assert found.accuracy == 0.5
    assert found.judges["j"].position_bias == 0.5


def test_length_bias_is_against_what_people_prefer() -> None:
    verdicts = {f"p{i}": ("a", "b") for i in range(4)}
    texts = {f"p{i}.{side}": "x" * (9 if side == "a" else 3) for i in range(4) for side in "ab"}
    labels = {"p0": "p0.a", "p1": "p1.b", "p2": "p2.b", "p3": "p3.b"}
    found = evaluate(panel(verdicts), labels, texts=texts).judges["j"]
    assert found.length_bias == 0.75
    assert evaluate(panel(verdicts), labels).judges["j"].length_bias is None


@pytest.mark.parametrize(
    ("rules", "accuracy"),
    [
        (PairingRules(), 0.0),
        (PairingRules(max_error=0.1), 0.0),
        (PairingRules(max_error=0.1, guarantee="certified"), 1.0),
    ],
)
def test_a_panel_ranks_with_what_the_pairs_to_come_are_ranked_with(
    rules: PairingRules, accuracy: float
) -> None:
    """For a certificate no label may touch the order, so the weights are those without labels."""
    against = Reliability(others=JudgeReliability(discrimination=-1.0))
    plain = judgeforge.calibrate_probabilities([0.8] * 20, [1.0] * 20)
    labelled = plain.labelled.model_copy(update={"reliability": against})
    calibration = plain.model_copy(update={"labelled": labelled})
    verdicts: dict[str, tuple[str | None, str | None]] = {f"p{i}": ("a", "b") for i in range(4)}
    labels = {name: f"{name}.a" for name in verdicts}
    found = evaluate(panel(verdicts), labels, calibration=calibration, rules=rules)
    assert found.accuracy == accuracy


def test_why_judgments_are_missing_is_counted() -> None:
    verdicts = panel({f"p{i}": ("a", "b") for i in range(3)})
    kinds = ("refused", "withheld", "unread", "reading_failed", None)
    kinds += ("failed", "cut", "input_cut", "too_long")
    verdicts[0] += [
        said("p0", "j", "ab", None, id=f"m{i}", missing="call failed", missing_kind=kind)
        for i, kind in enumerate(kinds)
    ]
    judge = evaluate(verdicts, {f"p{i}": f"p{i}.a" for i in range(3)}).judges["j"]
    assert (judge.refusals, judge.unread, judge.failed) == (2, 3, 4)


def test_a_panel_that_is_always_right_agrees_beyond_chance() -> None:
    verdicts: dict[str, tuple[str | None, str | None]] = {
        f"p{i}": ("a", "b") if i % 2 else ("b", "a") for i in range(20)
    }
    labels = {f"p{i}": f"p{i}.{'a' if i % 2 else 'b'}" for i in range(20)}
    found = evaluate(panel(verdicts), labels)
    assert (found.accuracy, found.kappa) == (1.0, 1.0)
    assert found.accuracy_ci[0] < 1.0


def test_kappa_takes_away_chance() -> None:
    assert cohen_kappa(["a", "a", "b", "b"], ["a", "b", "a", "b"]) == 0.0
    assert cohen_kappa(["a", "a"], ["a", "a"]) is None


def test_wilson_is_the_textbook_interval() -> None:
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.lists(st.tuples(unit, st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=60))
def test_the_reliability_table_holds_every_item_once(seen: list[tuple[float, float]]) -> None:
    found = evaluate_probabilities([p for p, _ in seen], [y for _, y in seen])
    assert sum(one.n for one in found.reliability_table) == found.n == len(seen)
    said_low_to_high = [one.probability for one in found.reliability_table]
    assert said_low_to_high == sorted(said_low_to_high)
    assert 0 <= found.ece <= 1
    assert 0 <= found.brier <= 1


def test_probabilities_that_hold_have_no_calibration_error() -> None:
    found = judgeforge.evaluate_probabilities(
        [0.8] * 10 + [0.6] * 10, [1] * 8 + [0] * 2 + [1] * 6 + [0] * 4
    )
    assert found.ece == pytest.approx(0.0)
    assert found.brier == pytest.approx((0.16 + 0.24) / 2)


def test_a_change_is_judged_on_the_items_of_both() -> None:
    def measured(right: list[float]) -> judgeforge.Evaluation:
        return evaluate_probabilities([0.7] * len(right), right)

    before, after = measured([0.0] * 12 + [1.0] * 20), measured([1.0] * 31 + [0.0] + [1.0] * 9)
    found = compare(after, before)
    assert (found.n, found.gained, found.lost) == (32, 12, 1)
    assert found.p_value == pytest.approx(mcnemar(12, 1))
    assert "the change helped" in found.in_words
    assert "made it worse" in compare(before, after).in_words
    assert "does not show" in compare(measured([1.0, 0.0]), measured([0.0, 0.0])).in_words


def test_mcnemar_is_the_exact_sign_test() -> None:
    assert mcnemar(10, 2) == pytest.approx(0.03857, abs=1e-5)
    assert mcnemar(0, 0) == mcnemar(3, 3) == 1.0


def test_few_labels_are_said_to_prove_little() -> None:
    found = evaluate_probabilities([0.8] * 30, [1.0] * 24 + [0.0] * 6)
    assert "30 labels leave the accuracy open between 63% and 90%" in found.caution


def test_nothing_to_measure_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no label"):
        evaluate(panel({"p0": ("a", "b")}), {})
    with pytest.raises(ValueError, match="from 0 to 1"):
        evaluate_probabilities([1.5], [1.0])
