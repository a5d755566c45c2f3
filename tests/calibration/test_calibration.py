"""Labels make probabilities hold, weights fit, and change little where they are few."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import judgeforge
from judgeforge.calibration.api import calibrate
from judgeforge.calibration.calibration import Calibration
from judgeforge.calibration.confidence_fit import fit_confidence
from judgeforge.calibration.labels import TooFewLabelsError, agreement
from judgeforge.calibration.promise import make_promise, share_kept_by_labels
from judgeforge.ranking.confidence_map import ConfidenceMap, calibrated_ranking, tempered
from judgeforge.ranking.pairing.selection import select_pairs
from judgeforge.ranking.rank import rank
from judgeforge.ranking.rules import PairingRules
from judgeforge.records import Judgment, SkipReason

Array = np.ndarray
probability = st.floats(0.0, 1.0)


def logistic(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def verdict(prompt: str, judge: str, order: str, winner: str) -> Judgment:
    first, second = (f"{prompt}.{side}" for side in order)
    said = "tie" if winner == "tie" else "a" if winner == order[0] else "b"
    return Judgment(
        id=f"{prompt}.{judge}.{order}",
        prompt_id=prompt,
        completion_ids=(first, second),
        judge=judge,
        protocol="pairwise",
        verdict=said,  # type: ignore[arg-type]
    )


def score(prompt: str, judge: str, side: str, value: float) -> Judgment:
    return Judgment(
        id=f"{prompt}.{judge}.{side}",
        prompt_id=prompt,
        completion_ids=(f"{prompt}.{side}",),
        judge=judge,
        protocol="pointwise",
        score=min(1.0, max(0.0, value)),
    )


def scored_panel(
    number: int, noise: dict[str, float], seed: int = 0
) -> tuple[list[list[Judgment]], dict[str, str | None]]:
    """Judges of known noise, four completions each; the label is the truly best one."""
    rng = np.random.default_rng(seed)
    prompts, labels = [], {}
    for i in range(number):
        name = f"p{i}"
        quality = np.clip(rng.normal(0.5, 0.2, 4), 0.05, 0.95)
        prompts.append(
            [
                score(name, judge, "abcd"[c], quality[c] + rng.normal(0.0, sd))
                for judge, sd in noise.items()
                for c in range(4)
            ]
        )
        labels[name] = f"{name}.{'abcd'[int(quality.argmax())]}"
    return prompts, labels


def compared_panel(
    number: int, right: dict[str, float], seed: int = 0
) -> tuple[list[list[Judgment]], dict[str, str | None]]:
    """Judges that are right about a pair with known probability, in both orders alike."""
    rng = np.random.default_rng(seed)
    prompts, labels = [], {}
    for i in range(number):
        name, better = f"p{i}", "ab"[int(rng.random() < 0.5)]
        labels[name] = f"{name}.{better}"
        prompts.append([])
        for judge, chance in right.items():
            winner = better if rng.random() < chance else "ab"["ba".index(better)]
            prompts[-1] += [verdict(name, judge, order, winner) for order in ("ab", "ba")]
    return prompts, labels


@given(st.lists(st.tuples(probability, st.sampled_from([0.0, 0.5, 1.0])), max_size=30), st.data())
def test_the_map_from_posterior_to_probability_rises(
    seen: list[tuple[float, float]], data: st.DataObject
) -> None:
    found = fit_confidence(np.array([p for p, _ in seen]), np.array([y for _, y in seen])).expected
    low, high = sorted([data.draw(st.floats(0.001, 0.999)), data.draw(st.floats(0.001, 0.999))])
    assert found(low) <= found(high)
    if high - low > 1e-6:
        assert found(low) < found(high)
    assert 0.0 < found(low) < 1.0


def test_without_labels_probabilities_stay_nearly_as_they_are() -> None:
    found = fit_confidence(np.zeros(0), np.zeros(0)).expected
    assert found(0.9) == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize(("slope", "shift"), [(0.5, 0.0), (1.0, -0.7), (1.6, 0.3)])
def test_many_labels_find_the_true_map(slope: float, shift: float) -> None:
    rng = np.random.default_rng(1)
    believed = rng.uniform(0.4, 0.99, 4000)
    true = logistic(shift + slope * np.log(believed / (1.0 - believed)))
    found = fit_confidence(believed, (rng.random(4000) < true).astype(float)).expected
    assert np.abs(found.of(believed) - true).max() < 0.05


def test_what_code_has_verified_stays_certain() -> None:
    doubting = ConfidenceMap(believed=(0.0, 1.0), true=(-1.0, -0.5))
    assert (doubting(1.0), doubting(0.0)) == (1.0, 0.0)


def test_a_map_that_falls_is_refused() -> None:
    with pytest.raises(ValueError, match="rising"):
        ConfidenceMap(believed=(0.0, 1.0), true=(1.0, 0.0))


@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=6), st.floats(0.01, 0.99))
def test_tempering_gives_the_first_its_probability_and_keeps_the_order(
    raw: list[float], top: float
) -> None:
    before = np.array(raw) / sum(raw)
    after = tempered(before, top)
    assert after.sum() == pytest.approx(1.0)
    sharpest = 1.0 / ((before / before.max()) ** 64).sum()
    assert after.max() == pytest.approx(min(max(top, 1.0 / len(raw)), sharpest), abs=1e-6)
    order = np.argsort(before, kind="stable")
    assert (np.diff(after[order]) >= -1e-12).all()


def test_a_ranking_keeps_its_order_under_a_map() -> None:
    prompts, _ = scored_panel(1, {"j": 0.1})
    ranking = rank(prompts[0])
    mapped = calibrated_ranking(ranking, ConfidenceMap(believed=(0.0,), true=(-1.0,)))
    assert np.argsort(mapped.p_best).tolist() == np.argsort(ranking.p_best).tolist()
    assert max(mapped.p_best) < max(ranking.p_best)
    same = calibrated_ranking(ranking, ConfidenceMap())
    assert same.p_best == pytest.approx(ranking.p_best, abs=1e-6)


@pytest.mark.slow
def test_judges_that_labels_contradict_lose_their_weight_and_never_count_against() -> None:
    prompts, labels = compared_panel(120, {"good": 0.9, "fooled": 0.2})
    free = calibrate(prompts, labels).blind.reliability
    fitted = calibrate(prompts, labels).labelled.reliability
    assert free.of("fooled").discrimination > 0.5, "it is as consistent as the good one"
    assert fitted.of("fooled").discrimination == 0.0
    assert fitted.of("good").discrimination > 1.0


def test_negative_weights_have_to_be_asked_for() -> None:
    prompts, labels = compared_panel(120, {"good": 0.9, "fooled": 0.2})
    fitted = calibrate(prompts, labels, allow_negative=True).labelled.reliability
    assert fitted.of("fooled").discrimination < -0.2


def test_labels_give_the_better_score_judge_more_weight() -> None:
    prompts, labels = scored_panel(150, {"sharp": 0.03, "blunt": 0.3})
    fitted = calibrate(prompts, labels)
    assert fitted.of == "best"
    reliability = fitted.labelled.reliability
    assert reliability.of("sharp").own_sd < reliability.of("blunt").own_sd


def test_length_is_corrected_for_only_where_labels_support_it() -> None:
    prompts, labels = compared_panel(80, {"one": 0.7, "two": 0.6})
    rng = np.random.default_rng(3)
    unrelated = {f"{p}.{side}": "x" * int(rng.integers(50, 500)) for p in labels for side in "ab"}
    padded = {
        f"{p}.{side}": "x" * (100 if best == f"{p}.{side}" else 100 * int(rng.integers(1, 9)))
        for p, best in labels.items()
        for side in "ab"
    }
    assert calibrate(prompts, labels, texts=unrelated).corrections == ()
    corrected = calibrate(prompts, labels, texts=padded)
    assert corrected.corrections == ("length",)
    assert corrected.labelled.reliability.length < 0.0
    with pytest.raises(ValueError, match="texts"):
        rank(prompts[0], reliability=corrected.labelled.reliability)


def test_the_order_of_prompts_changes_nothing() -> None:
    prompts, labels = scored_panel(40, {"one": 0.1, "two": 0.2})
    again = calibrate(prompts[::-1], dict(reversed(labels.items())))
    first = calibrate(prompts, labels)
    rules = PairingRules(max_error=0.1)
    assert again.trust(rules).least == pytest.approx(first.trust(rules).least or 0.0, abs=1e-6)
    assert again.labelled.confidence(0.9) == pytest.approx(first.labelled.confidence(0.9), abs=1e-6)


def test_fewer_than_20_labels_are_refused_with_the_reason() -> None:
    prompts, labels = scored_panel(19, {"one": 0.1})
    with pytest.raises(TooFewLabelsError, match=r"19 labels are too few .* at least 20"):
        calibrate(prompts, labels)


def test_a_label_for_an_unjudged_completion_says_which() -> None:
    prompts, labels = scored_panel(20, {"one": 0.1})
    with pytest.raises(ValueError, match=r"prompt `p3` names `nobody`"):
        calibrate(prompts, labels | {"p3": "nobody"})
    with pytest.raises(ValueError, match="`p99` is labelled but has no judgments"):
        calibrate(prompts, labels | {"p99": "p99.a"})


def test_ties_count_half() -> None:
    prompts, labels = compared_panel(40, {"one": 0.9})
    tied = calibrate(prompts, dict.fromkeys(labels, None))
    assert {one.right for one in tied.results} == {0.5}
    assert max(one.probability for one in tied.results) < 0.7


def test_a_calibration_survives_its_file() -> None:
    prompts, labels = scored_panel(30, {"one": 0.1})
    found = calibrate(prompts, labels)
    assert Calibration.model_validate_json(found.model_dump_json()) == found


def test_what_a_notebook_shows_of_labels_is_a_line() -> None:
    seen, right = [0.9, 0.2, 0.7] * 20, [1.0, 0.0, 1.0] * 20
    calibration = repr(judgeforge.calibrate_probabilities(seen, right))
    evaluation = repr(judgeforge.evaluate_probabilities(seen, right))
    assert calibration.startswith("Calibration(labels=60, ")
    assert "accuracy=" in evaluation
    assert max(map(len, (calibration, evaluation))) < 600


def test_probabilities_alone_can_be_calibrated() -> None:
    rng = np.random.default_rng(0)
    believed = rng.uniform(0.5, 0.999, 300)
    right = (rng.random(300) < 0.5 + 0.6 * (believed - 0.5)).astype(float)
    found = judgeforge.calibrate_probabilities(believed.tolist(), right.tolist())
    assert found.labelled.confidence(0.98) < 0.9
    with pytest.raises(ValueError, match="equally long"):
        judgeforge.calibrate_probabilities([0.5] * 30, [1.0] * 29)


def test_pairs_that_break_the_promise_are_left_out_with_their_own_reason() -> None:
    prompts, labels = scored_panel(60, {"one": 0.1, "two": 0.1})
    found = calibrate(prompts, labels)
    rules = PairingRules(max_error=0.05)
    trust = found.trust(rules)
    kept = 0
    for judgments in prompts:
        ranking = found.apply(rank(judgments, reliability=found.labelled.reliability), rules)
        selection = select_pairs(ranking, rules, trust=trust)
        if selection.pairs:
            assert selection.pairs[0].p_best > (trust.least or 0.0)
            kept += 1
        else:
            assert selection.reason is SkipReason.ABOVE_MAX_ERROR
            assert not selection.reason.is_failure
            assert "max_error = 0.05" in (selection.detail or "")
    assert 0 < kept < len(prompts)


def test_max_error_without_a_calibration_is_refused() -> None:
    prompts, _ = scored_panel(1, {"one": 0.1})
    with pytest.raises(ValueError, match="calibration"):
        select_pairs(rank(prompts[0]), max_error=0.05)


def test_with_a_b_labels_confidence_counts_and_is_calibrated() -> None:
    prompts, labels = compared_panel(200, {"one": 0.7, "two": 0.7, "three": 0.7}, seed=4)
    found = calibrate(prompts, labels)
    assert found.of == "pair"
    ranking = found.apply(rank(prompts[0], reliability=found.labelled.reliability))
    pair = select_pairs(ranking, PairingRules(), trust=found.trust(PairingRules())).pairs[0]
    assert pair.confidence + pair.p_tie / 2 == pytest.approx(max(ranking.p_best), abs=2e-2)
    assert pair.p_tie < 0.1  # the labels have none


def test_a_tie_is_no_error_in_what_more_labels_are_predicted_to_keep() -> None:
    found = calibrate(*compared_panel(100, {"one": 0.7, "two": 0.7}, seed=4))
    often_tied = {"probability": 0.85, "cautious": 0.84, "tie": 0.26, "blind_probability": 0.86}
    results = tuple(one.model_copy(update=often_tied) for one in found.results)
    as_believed = found.blind.model_copy(update={"confidence": ConfidenceMap()})
    found = found.model_copy(update={"results": results, "blind": as_believed})
    promise = make_promise(found, PairingRules(max_error=0.1))
    assert promise is not None
    assert promise.share_kept == 1.0, "98 % of these pairs are right or tied"
    many = share_kept_by_labels(found, 0.1, 0.1)[-1]
    assert many.expected > 0.8
    assert many.certified > 0.8


def people(*labels: str) -> list[Sequence[str]]:
    return [one.split("/") for one in labels]


def test_agreement_of_people_is_the_ceiling() -> None:
    found = agreement(people("a/a", "a/b", "b/b", "b/b"))
    assert found is not None
    assert (found.items, found.share) == (4, 0.75)
    assert found.kappa == pytest.approx(0.4667, abs=1e-4)
    assert "75%" in found.in_words()
    assert agreement(people("a", "b")) is None
    assert math.isclose(agreement(people("a/a/a", "b/b/b")).kappa, 1.0)  # type: ignore[union-attr]
