"""What the downstream benchmark counts, buys and claims; its trainings are in tests/train."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from benchmarks.confidence_worlds import draw_world
from benchmarks.downstream_arms import ARMS, GROUPS, Arm, made_by
from benchmarks.downstream_constraints import agreement, passes_all
from benchmarks.downstream_data import shipped
from benchmarks.downstream_report import answered, as_markdown, difference, noise_of_one, ordered

SAMPLES, PROMPTS = 2, 30
ANSWERED = partial(answered, samples=SAMPLES)
ONE = {arm.name: arm for arm in ARMS}


@pytest.mark.parametrize(
    ("constraint", "kept", "broken"),
    [
        (["max_words", 3], "one two three", "one two three four"),
        (["max_words", 3], "one", ""),
        (["min_words", 2], "one two", "one"),
        (["words_between", [2, 3]], "one two", "one"),
        (["sentences", 2], "One. Two!", "One. Two! And three"),
        (["sentences", 1], 'He said "yes."', "Yes. No."),
        (["paragraphs", 2], "a\n\nb", "a\nb"),
        (["bullets", 2], "- a\n- b", "- a"),
        (["bullets", 2], "* a\n* b", "- a\n- b\n- c"),
        (["numbered", 2], "1. a\n2) b", "1 a\n2 b"),
        (["include", ["sea"]], "The sea.", "The season."),
        (["forbid", ["sea"]], "The season.", "The sea."),
        (["starts", "Dear friend"], '"Dear friend, hello', "Hello, dear friend"),
        (["ps", None], "Bye.\nP.S. Hello", "P.T. Hello"),
        (["number", [10, 20]], "It was 12 today", "It was 120 today"),
        (["question", None], "Is it?", "Is it? No."),
        (["json", ["a"]], '```json\n{"a": 1}\n```', '{"b": 1}'),
        (["json", ["a"]], '{"a": 1}', 'Here: {"a": 1}'),
        (["no_commas", None], "one two", "one, two"),
        (["no_exclaim", None], "one", "one!"),
        (["twice", "sea"], "Sea and sea", "Sea and season"),
    ],
)
def test_a_constraint_is_kept_or_broken(constraint: list[Any], kept: str, broken: str) -> None:
    assert passes_all([constraint], kept)
    assert not passes_all([constraint], broken)


def test_all_constraints_have_to_be_kept_and_agreement_counts_completions() -> None:
    both: list[list[Any]] = [["max_words", 2], ["no_commas", None]]
    assert not passes_all(both, "one, two")
    given = [
        {"text": "one two", "passes_all": True},
        {"text": "one, two", "passes_all": True},
    ]
    assert agreement([{"constraints": both, "completions": given}]) == 0.5


def rows(completions: int = 4) -> list[dict[str, Any]]:
    draw = np.random.default_rng(1)
    return [
        {
            "id": f"row{number}",
            "completions": [
                {"text": "word " * int(draw.integers(3, 40)), "quality": float(draw.random())}
                for _ in range(completions)
            ],
        }
        for number in range(PROMPTS)
    ]


@pytest.mark.parametrize("group", GROUPS.values(), ids=list(GROUPS))
@pytest.mark.parametrize("arm", [arm for arm in ARMS[:-3] if arm.way], ids=lambda arm: arm.name)
def test_no_way_begins_more_prompts_than_its_money_pays_for(arm: Arm, group: Any) -> None:
    items = draw_world(rows(arm.completions), 1, PROMPTS, group.noise)
    money = 4.0 * PROMPTS
    bought = made_by(arm, items, money, group.prices, 1)
    assert bought is not None
    assert arm.way is not None
    assert bought.pairs or arm.rules
    assert 4 * bought.prompts * group.prices[arm.way.judges[0]] <= money


def test_truth_makes_no_wrong_pair_and_chance_makes_many() -> None:
    items = draw_world(rows(), 1, PROMPTS)
    made = {
        name: made_by(ONE[name], items, 0.0, {}, 1)
        for name in ("truth", "chance", "before training")
    }
    assert made["before training"] is None
    wrong = {
        name: np.mean([pair.gap < 0 for pair in bought.pairs])
        for name, bought in made.items()
        if bought
    }
    assert wrong["truth"] == 0.0
    assert 0.2 < wrong["chance"] < 0.8


def test_the_surest_pairs_are_kept_and_smoothing_is_what_they_expect() -> None:
    items = draw_world(rows(), 1, PROMPTS)
    prices = GROUPS["calls"].prices
    every = made_by(ONE["aim: training"], items, 120.0, prices, 1)
    surest = made_by(ONE["aim: training, surest two thirds"], items, 120.0, prices, 1)
    smoothed = ONE["aim: training, label smoothing"]
    assert every is not None
    assert surest is not None
    assert len(surest.pairs) == round(len(every.pairs) * 2 / 3)
    assert (
        min(one.confidence or 0 for one in surest.pairs)
        >= sorted(one.confidence or 0 for one in every.pairs)[
            len(every.pairs) - len(surest.pairs) - 1
        ]
    )
    assert ONE["aim: training"].flipped(every.pairs) == 0.0
    expected = 1 - np.mean([one.confidence or 0 for one in every.pairs])
    assert smoothed.flipped(every.pairs) == pytest.approx(expected)


def test_noisier_judges_are_the_same_draw_with_larger_errors() -> None:
    quiet, noisy = (draw_world(rows(), 3, PROMPTS, noise) for noise in (1.0, 2.5))
    assert [one.id for one in quiet] == [one.id for one in noisy]
    off = [
        np.mean([np.abs(one.scores["strong 2"] - one.quality[:, None]).mean() for one in world])
        for world in (quiet, noisy)
    ]
    assert off[1] > 1.5 * off[0]


def result(arm: str, world: int, share: float, group: str = "calls") -> dict[str, Any]:
    """Of 100 held-out prompts with one pair each, 33 points more of which are ordered right."""
    passed = [SAMPLES] * round(100 * share) + [0] * (100 - round(100 * share))
    return {
        "scale": {"prompts": 240, "steps": 30, "samples": SAMPLES},
        "group": group, "arm": arm, "world": world, "passed": passed, "device": "cpu",
        "ordered": [[int(number < 100 * share + 33), 1] for number in range(100)],
        "prompts": 10, "pairs": 9, "wrong": 0.1, "tied": 0.2, "processor_seconds": 1.0,
    }  # fmt: skip


def test_what_is_common_to_all_ways_of_a_draw_is_no_noise() -> None:
    found = [
        result(arm, world, share + 0.1 * world)
        for arm, share in (("one judge", 0.3), ("aim: training", 0.4), ("chance", 0.2))
        for world in (1, 2, 3)
    ]
    noise = noise_of_one(found, ANSWERED)
    assert noise is not None
    assert noise[0] == pytest.approx(0.0, abs=1e-9)
    assert noise[1] == 4
    found[0] = result("one judge", 1, 0.48)
    noisy = noise_of_one(found, ANSWERED)
    assert noisy is not None
    assert noisy[0] > 2.0


def test_a_difference_inside_its_interval_is_called_noise() -> None:
    shares = {("one judge", 1): 0.3, ("one judge", 2): 0.4, ("aim: training", 1): 0.42,
              ("aim: training", 2): 0.3, ("chance", 1): 0.1, ("chance", 2): 0.1}  # fmt: skip
    found = [result(arm, world, share) for (arm, world), share in shares.items()]
    noise = noise_of_one(found, ANSWERED)
    near = difference(found, "aim: training", ANSWERED, noise)
    assert near is not None
    assert near.points == pytest.approx(1.0)
    assert "inside the noise" in str(near)
    assert difference(found, "one judge", ANSWERED, noise) is None


def test_one_draw_gives_an_interval_over_prompts_and_the_page_says_so() -> None:
    found = [result("one judge", 1, 0.3), result("chance", 1, 0.1)]
    assert noise_of_one(found, ANSWERED) is None
    one = difference(found, "chance", ANSWERED, None)
    assert one is not None
    assert one.points == pytest.approx(-20.0)
    assert 4 < one.half < 12
    page = as_markdown(found, 0.99)
    assert "## 960 judge calls, in small" in page
    assert "together" not in page
    assert "| chance | 1 | 10 | 9 | 10.0 | 20.0 | 10.0 | -20.0 ± " in page
    assert " | 43.0 | -20.0 ± " in page


def test_groups_are_compared_together_and_each_scale_on_its_own() -> None:
    found = [
        result(arm, 1, share, group)
        for group in GROUPS
        for arm, share in (("one judge", 0.3), ("aim: training", 0.4))
    ]
    large = {**found[0], "scale": {**found[0]["scale"], "prompts": 1200}}
    page = as_markdown([*found, large], 0.99)
    assert page.index("## 4,800 judge calls\n") < page.index("## 960 judge calls, in small")
    assert "| aim: training | 3 | 10 | 9 | 10.0 | 20.0 | 40.0 | +10.0 ± 0.0 |" in page


def test_prompts_with_more_pairs_weigh_more_and_an_untrained_model_orders_nothing() -> None:
    one = {"ordered": [[3, 6], [1, 1], [0, 5]]}
    assert ordered(one).mean() == pytest.approx(4 / 12)
    assert not len(ordered({"ordered": []}))


def test_without_a_folder_the_shipped_completions_are_the_data() -> None:
    data = shipped()
    trained_on, held_out = ({row["id"] for row in some} for some in (data.rows, data.held_out))
    assert (len(trained_on), len(held_out)) == (160, 160)
    assert topics(trained_on).isdisjoint(topics(held_out))
    assert sum(bool(row["completions"]) for row in data.held_out) == 40
    assert agreement(data.rows) == agreement(data.held_out) == 1.0
    passed = [one["passes_all"] for row in data.rows for one in row["completions"]]
    assert 0.3 < np.mean(passed) < 0.6
    for row in data.rows:
        for one in row["completions"]:
            assert one["passes_all"] == (one["quality"] == 1.0)


def topics(ids: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in ids}


def test_an_answer_of_the_shipped_data_is_read_by_judgeforges_own_checks() -> None:
    row = {one["id"]: one for one in shipped().held_out}["lighthouses.brief"]
    assert passes_all(row["constraints"], "A lighthouse guides ships.")
    assert not passes_all(row["constraints"], "word " * 26)


def test_the_shipped_data_is_enough_for_every_way_that_needs_no_further_completions() -> None:
    data = shipped()
    small = [arm for arm in ARMS if arm.completions <= data.completions]
    assert {arm.name for arm in ARMS} - {arm.name for arm in small} == {
        "one judge, aim: training, more in doubt"
    }
    items = draw_world(data.rows, 300, len(data.rows))
    truth, chance = (
        made_by(ONE[name], items, 640.0, GROUPS["calls"].prices, 1) for name in ("truth", "chance")
    )
    assert truth is not None
    assert chance is not None
    assert len(truth.pairs) > 100
    assert not any(pair.gap <= 0 for pair in truth.pairs)
    assert np.mean([pair.gap < 0 for pair in chance.pairs]) > 0.2
    assert "downstream.py`, " in as_markdown([result("one judge", 1, 0.3)], 1.0, option="")
