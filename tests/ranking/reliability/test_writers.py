"""What the first prompts show of the writers, without labels, and what it may never do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from judgeforge.ranking.confidence import outcome
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.records import Judgment

SKILLS = {"strong": 0.2, "mid": 0.0, "weak": -0.2}
ALIKE = dict.fromkeys(SKILLS, 0.0)
Prompts = list[list[Judgment]]


def judged(
    prompts: int,
    skills: Mapping[str, float] = SKILLS,
    judges: Sequence[str] = ("one", "two"),
    *,
    tastes: Mapping[tuple[str, str], float] | None = None,
    reads: bool = True,
    seed: int = 1,
) -> tuple[Prompts, dict[str, str]]:
    """Each prompt has a completion of each writer. Judges that do not read say anything."""
    draw, found, writers = np.random.default_rng(seed), Prompts(), dict[str, str]()
    for prompt in range(prompts):
        middle, said = 0.5 + draw.normal(0.0, 0.1), []
        for place, (writer, skill) in enumerate(skills.items()):
            name = f"p{prompt}.c{place}"
            writers[name] = writer
            quality = middle + skill + draw.normal(0.0, 0.1) if reads else 0.5
            for judge in judges:
                error = draw.normal(0.0, 0.1 if reads else 0.25)
                score = quality + error + (tastes or {}).get((judge, writer), 0.0)
                said.append(scored(name, judge, score))
        found.append(said)
    return found, writers


def scored(name: str, judge: str, score: float) -> Judgment:
    return Judgment(
        id=f"{name}.{judge}",
        prompt_id=name.partition(".")[0],
        completion_ids=(name,),
        judge=judge,
        protocol="pointwise",
        score=min(1.0, max(0.0, score)),
    )


def fitted(world: tuple[Prompts, dict[str, str]]) -> Reliability:
    return fit_reliability(world[0], writers=world[1])


def means(known: Reliability) -> dict[str, float]:
    return {one.name: one.mean for one in known.writers}


def test_records_say_who_writes_how_well_and_how_sure_that_is() -> None:
    known = fitted(judged(64))
    assert [one.name for one in known.writers] == ["strong", "mid", "weak"], "best first"
    found = means(known)
    assert found["strong"] - found["weak"] == pytest.approx(0.4, abs=0.08)
    assert all(one.mean_sd < 0.05 and 0.05 < one.spread < 0.2 for one in known.writers)
    assert all(one.completions == 64 for one in known.writers)
    assert known.writers_agreed > 0.7


def test_few_prompts_leave_a_record_wide_and_near_nothing() -> None:
    few = fitted(judged(3))
    many = fitted(judged(64))
    assert few.writers[0].mean_sd > 1.5 * many.writers[0].mean_sd


def test_writers_that_are_alike_have_no_records_to_speak_of() -> None:
    known = fitted(judged(64, ALIKE))
    assert max(map(abs, means(known).values())) < 0.05


def test_what_one_of_two_judges_likes_is_its_taste_and_no_quality() -> None:
    likes = {("one", "strong"): 0.25}
    known = fitted(judged(64, ALIKE, tastes=likes))
    believed = means(known)["strong"] - means(known)["weak"]
    assert believed < 0.07, "half of it, 0.125, is in the mean of both judges' scores"
    assert known.writers_agreed < 0.6
    assert min(one.mean_sd for one in known.writers) > 0.02, "more prompts do not take it away"


def test_of_a_judge_alone_less_is_believed_than_of_two_that_agree() -> None:
    both = fitted(judged(64))
    alone = fitted(judged(64, judges=("one",)))
    assert alone.writers_agreed < both.writers_agreed
    assert alone.writers[0].mean_sd > 2 * both.writers[0].mean_sd


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("judges", [("one",), ("one", "two")])
def test_judges_that_say_anything_are_made_no_surer(judges: Sequence[str], seed: int) -> None:
    prompts, writers = judged(64, judges=judges, reads=False, seed=seed)
    plain, known = fit_reliability(prompts), fit_reliability(prompts, writers=writers)
    assert _surest(prompts, known, writers) <= _surest(prompts, plain, writers) + 0.05


def test_a_record_alone_makes_a_strong_answer_surer_than_a_weak_one() -> None:
    known = fitted(judged(64))
    names = {"q.c0": "weak", "q.c1": "strong", "q.c2": "stranger"}
    ranking = rank([], completion_ids=tuple(names), reliability=known, writers=names)
    assert ranking.completion_ids == tuple(names)
    better = outcome(ranking, "q.c1", "q.c0")
    assert better.better > 0.8
    assert better.tie < 0.1, "records speak against a tie, too"
    unknown = outcome(ranking, "q.c1", "q.c2").better
    assert 0.5 < unknown < better.better, "of a writer without a record little is known"


def test_a_record_and_a_judgment_meet_in_the_middle() -> None:
    known = fitted(judged(64))
    names = {"q.c0": "weak", "q.c1": "strong"}
    said = [scored("q.c0", "one", 0.8), scored("q.c1", "one", 0.4)]
    told = rank(said, reliability=known, writers=names)
    plain = rank(said, reliability=known)
    gap = [one.scores[0] - one.scores[1] for one in (told, plain)]
    assert gap[0] < gap[1], "the weak one has surpassed itself, or the judge is wrong"


def test_verdicts_on_two_show_writers_as_scores_do() -> None:
    draw, prompts, writers = np.random.default_rng(0), Prompts(), dict[str, str]()
    for n in range(64):
        wins = draw.random() < 0.9
        writers |= {f"p{n}.c0": "strong", f"p{n}.c1": "weak"}
        for shown in (("c0", "c1"), ("c1", "c0")):
            first = (shown[0] == "c0") == wins
            prompts.append(
                [
                    Judgment(
                        id=f"p{n}.{shown[0]}",
                        prompt_id=f"p{n}",
                        completion_ids=(f"p{n}.{shown[0]}", f"p{n}.{shown[1]}"),
                        judge="one",
                        protocol="pairwise",
                        verdict="a" if first else "b",
                    )
                ]
            )
    together = [[*one, *other] for one, other in zip(prompts[::2], prompts[1::2], strict=True)]
    found = means(fit_reliability(together, writers=writers))
    assert found["strong"] > found["weak"] + 0.05


def test_neither_the_order_of_prompts_nor_that_of_names_changes_a_bit() -> None:
    prompts, writers = judged(12)
    turned = [list(reversed(one)) for one in reversed(prompts)]
    again = fit_reliability(turned, writers=dict(reversed(writers.items())))
    assert again == fit_reliability(prompts, writers=writers)


def test_a_fit_without_writers_is_written_as_it_always_was() -> None:
    plain = fit_reliability(judged(8)[0])
    assert "writers" not in plain.model_dump_json()
    assert Reliability.model_validate_json(plain.model_dump_json()) == plain
    known = fitted(judged(8))
    assert Reliability.model_validate_json(known.model_dump_json()) == known


def _surest(prompts: Prompts, known: Reliability, writers: Mapping[str, str]) -> float:
    found = 0.0
    for one in prompts:
        ranking = rank(one, reliability=known, writers=writers)
        ids = ranking.completion_ids
        best = max(range(len(ids)), key=lambda i: ranking.scores[i])
        worst = min(range(len(ids)), key=lambda i: ranking.scores[i])
        found = max(found, outcome(ranking, ids[best], ids[worst]).better)
    return found
