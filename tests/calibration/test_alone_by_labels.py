"""Labels say how much of what a judge that is alone says is signal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from judgeforge.calibration.alone_by_labels import AloneByLabels
from judgeforge.calibration.api import calibrate
from judgeforge.calibration.labels import Label
from judgeforge.calibration.weights import Labelled
from judgeforge.ranking.evidence import read_evidence
from judgeforge.ranking.pairing.selection import Trust, select_pairs, trusted_outcome
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.fit import fit_evidence
from judgeforge.ranking.reliability.unseen import lasting_signal
from judgeforge.ranking.rules import PairingRules
from judgeforge.records import Judgment

OPINION = 0.2


def judged(number: int, ratio: float, seed: int) -> tuple[list[list[Judgment]], list[Label]]:
    """Best and worst of four as a judge sees them, whose opinions spread alike at any ratio of what
    it sees to what it errs; labelled by the truth."""
    draw = np.random.default_rng(seed)
    own = OPINION / np.sqrt(1.0 + ratio**2)
    prompts, labels = [], []
    for place in range(number):
        quality = ratio * own * draw.normal(size=4)
        scores = np.clip(0.5 + quality + own * draw.normal(size=4), 0.0, 1.0)
        prompts.append([_scored(f"p{place}", i, float(score)) for i, score in enumerate(scores)])
        best, worst = int(scores.argmax()), int(scores.argmin())
        right = float(quality[best] > quality[worst])
        parts = {f"p{place}.c{best}": right, f"p{place}.c{worst}": 1.0 - right}
        labels.append(Label(prompt_id=f"p{place}", parts=parts))
    return prompts, labels


def _scored(prompt_id: str, place: int, score: float) -> Judgment:
    return Judgment(
        id=f"{prompt_id}.{place}",
        prompt_id=prompt_id,
        completion_ids=(f"{prompt_id}.c{place}",),
        judge="j",
        protocol="pointwise",
        score=score,
    )


def labelled(prompts: Sequence[Sequence[Judgment]], labels: Sequence[Label]) -> list[Labelled]:
    found = []
    for said, label in zip(prompts, labels, strict=True):
        first, second = sorted(label.parts)
        found.append(Labelled(read_evidence(said), label, compared=(first, second)))
    return found


@pytest.mark.parametrize(("ratio", "rises"), [(4.0, True), (0.3, False)])
def test_the_ratio_moves_to_where_the_labels_point_and_is_less_in_doubt(
    ratio: float, *, rises: bool
) -> None:
    rows = labelled(*judged(100, ratio, seed=1))
    blind = fit_evidence([one.evidence for one in rows])
    alone = AloneByLabels.of(rows, blind)
    assert alone is not None
    known = alone.known(range(100))
    assert (lasting_signal(known, "j") > lasting_signal(blind, "j")) is rises
    assert known.doubt < blind.doubt
    spread = known.of("j").own_sd ** 2 + (known.of("j").scale * known.quality_sd) ** 2
    before = blind.of("j").own_sd ** 2 + (blind.of("j").scale * blind.quality_sd) ** 2
    assert spread == pytest.approx(before)


def test_no_label_leaves_everything_as_it_is_without() -> None:
    rows = labelled(*judged(40, 1.4, seed=2))
    blind = fit_evidence([one.evidence for one in rows])
    alone = AloneByLabels.of(rows, blind)
    assert alone is not None
    known = alone.known(())
    assert known.of("j").own_sd == pytest.approx(blind.of("j").own_sd)
    assert known.doubt == pytest.approx(blind.doubt, rel=0.02)
    assert known.useless == pytest.approx(blind.useless)


def test_labels_that_a_judge_predicts_show_that_it_is_not_useless() -> None:
    good, bad = (labelled(*judged(60, ratio, seed=3)) for ratio in (3.0, 1e-3))
    found = []
    for rows in (good, bad):
        alone = AloneByLabels.of(rows, fit_evidence([one.evidence for one in rows]))
        assert alone is not None
        found.append(alone.known(range(60)).useless)
    assert found[0] < 1e-3
    assert found[1] > 0.4


def test_several_judges_are_not_one_that_is_alone() -> None:
    prompts, labels = judged(30, 1.4, seed=4)
    both = [
        [*said, *(one.model_copy(update={"judge": "k", "id": f"k{one.id}"}) for one in said)]
        for said in prompts
    ]
    rows = labelled(both, labels)
    assert AloneByLabels.of(rows, fit_evidence([one.evidence for one in rows])) is None


@pytest.mark.slow
def test_pairs_that_labels_confirm_are_surer_and_keep_their_order() -> None:
    prompts, labels = judged(100, 4.0, seed=5)
    calibration = calibrate(prompts, labels, of="pair")
    trust, known = calibration.trust(PairingRules()), calibration.labelled.reliability
    blind = calibration.blind.reliability
    gained = []
    for said in prompts:
        with_labels = select_pairs(rank(said, reliability=known), trust=trust).pairs[0]
        without = select_pairs(rank(said, reliability=blind)).pairs[0]
        assert (with_labels.chosen_id, with_labels.rejected_id) == (
            without.chosen_id,
            without.rejected_id,
        )
        gained.append(with_labels.confidence - without.confidence)
    assert np.mean(gained) > 0.02


def test_maps_that_change_nothing_leave_a_pair_as_it_is_without_labels() -> None:
    prompts, labels = judged(40, 1.4, seed=6)
    calibration = calibrate(prompts, labels, of="pair")
    nothing = type(calibration.labelled.confidence)()
    ranking = rank(prompts[0], reliability=calibration.blind.reliability)
    chosen, rejected = (ranking.completion_ids[i] for i in (0, 1))
    trust = Trust(of="pair", confidence=nothing, ties=nothing, differing=nothing)
    if ranking.scores[0] < ranking.scores[1]:
        chosen, rejected = rejected, chosen
    assert trusted_outcome(ranking, chosen, rejected, trust) == pytest.approx(
        trusted_outcome(ranking, chosen, rejected, Trust())
    )
