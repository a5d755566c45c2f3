"""What to ask next follows from the evidence: it goes where it can change the pair, and stops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.ranking.cascade.another import about_another, is_about_another, with_another
from judgeforge.ranking.cascade.candidates import Bundle, JudgeOption
from judgeforge.ranking.cascade.choose import Spent, next_bundle
from judgeforge.ranking.cascade.training_value import Another, ForTraining, TrainingValue
from judgeforge.ranking.evidence import Evidence, read_evidence
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.judges import PRIOR, JudgeReliability, Reliability
from judgeforge.ranking.rules import CascadeRules
from judgeforge.records import Judgment
from tests.support.judgments import both_orders, listed, scored

EAGER = CascadeRules(target_confidence=0.999, min_gain=0.0)
CLEAR = (0.95, 0.1, 0.05)
DOUBTFUL = (0.6, 0.58, 0.05)


def first_scores(*scores: float) -> Evidence:
    return read_evidence([scored("first", f"c{i}", score) for i, score in enumerate(scores)])


def option(name: str, **fields: object) -> JudgeOption:
    return JudgeOption(**({"name": name, "shows": "one", "tier": 2} | fields))


FIRST = option("first", tier=1)


def ask(
    evidence: Evidence,
    *options: JudgeOption,
    rules: CascadeRules = EAGER,
    reliability: Reliability = PRIOR,
    **more: object,
) -> Bundle:
    return next_bundle(evidence, [FIRST, *options], reliability, rules, **more)


def judges_in(bundle: Bundle) -> set[str]:
    return {one.judge for one in bundle}


def places_in(bundle: Bundle) -> set[int]:
    return {place for one in bundle for place in one.places}


def test_a_prompt_that_is_sure_enough_is_asked_no_more_about() -> None:
    rules = CascadeRules(target_confidence=0.9, min_gain=0.0)
    assert ask(first_scores(*CLEAR), option("second"), rules=rules) == ()
    assert ask(first_scores(*DOUBTFUL), option("second"), rules=rules) != ()


def test_of_pair_stops_once_chosen_beats_rejected_though_the_best_is_in_doubt() -> None:
    rules = CascadeRules(target_confidence=0.9, min_gain=0.0, of="pair")
    assert ask(first_scores(*DOUBTFUL), option("second"), rules=rules) == ()


def test_only_contenders_are_judged_again() -> None:
    assert places_in(ask(first_scores(*DOUBTFUL), option("second"))) <= {0, 1}


def test_a_call_that_cannot_pay_is_not_made() -> None:
    dear = CascadeRules(target_confidence=0.999, min_gain=0.5)
    assert ask(first_scores(*DOUBTFUL), option("second"), rules=dear) == ()


def test_of_two_equal_judges_the_cheaper_is_asked() -> None:
    bundle = ask(first_scores(*DOUBTFUL), option("dear", cost=3.0), option("cheap", cost=1.0))
    assert judges_in(bundle) == {"cheap"}


def test_of_two_judges_at_one_price_the_better_is_asked() -> None:
    known = Reliability(
        judges=(
            JudgeReliability(name="good", own_sd=0.03, repeat_sd=0.03),
            JudgeReliability(name="poor", own_sd=0.3, repeat_sd=0.3),
        )
    )
    bundle = ask(first_scores(*DOUBTFUL), option("poor"), option("good"), reliability=known)
    assert judges_in(bundle) == {"good"}


def test_another_judge_tells_more_than_a_repeat() -> None:
    bundle = ask(first_scores(*DOUBTFUL), option("second"), rules=EAGER)
    again = option("first", tier=1, repeats=8)
    chosen = next_bundle(first_scores(*DOUBTFUL), [again, option("second")], PRIOR, EAGER)
    assert judges_in(chosen) == judges_in(bundle) == {"second"}


def test_a_judge_is_asked_the_same_no_oftener_than_its_repeats() -> None:
    evidence = first_scores(*DOUBTFUL)
    assert next_bundle(evidence, [FIRST], PRIOR, EAGER) == ()
    assert next_bundle(evidence, [option("first", tier=1, repeats=2)], PRIOR, EAGER) != ()


def test_questions_without_a_readable_answer_count_as_asked() -> None:
    asked = {(name, (i,)): 1 for name in ("first", "second") for i in range(3)}
    assert ask(first_scores(*DOUBTFUL), option("second"), asked=asked) == ()


def test_a_completion_whose_judgment_could_not_be_read_is_asked_about() -> None:
    judgments = [scored("first", "c0", 0.6), scored("first", "c1", None)]
    evidence = read_evidence(judgments, ["c0", "c1"], keep_unjudged=True)
    asked = {("first", (0,)): 1, ("first", (1,)): 1}
    assert 1 in places_in(ask(evidence, option("second"), asked=asked))


@pytest.mark.parametrize("spent", range(3, 8))
def test_limits_are_never_exceeded(spent: int) -> None:
    rules = CascadeRules(
        target_confidence=0.999, min_gain=0.0, max_calls_per_completion=2.0, max_usd_per_prompt=5.0
    )
    bundle = ask(
        first_scores(*DOUBTFUL),
        option("second"),
        option("pairs", shows="two"),
        rules=rules,
        spent=Spent(calls=spent, cost=float(spent)),
    )
    assert spent + sum(one.calls for one in bundle) <= max(6, spent)
    assert spent + sum(one.cost for one in bundle) <= max(5, spent)


def test_a_pairwise_judge_compares_contenders_in_both_orders() -> None:
    (one,) = ask(first_scores(*DOUBTFUL), option("pairs", shows="two"))
    assert (one.judge, one.places, one.calls, one.cost) == ("pairs", (0, 1), 2, 2.0)


def test_a_pair_that_was_compared_in_both_orders_is_not_compared_again() -> None:
    judgments = [scored("first", f"c{i}", score) for i, score in enumerate(DOUBTFUL[:2])]
    evidence = read_evidence([*judgments, *both_orders("pairs", "c0", "c1", None)])
    assert ask(evidence, option("pairs", shows="two")) == ()


def test_a_judge_without_discrimination_is_not_asked_to_compare() -> None:
    deaf = Reliability(judges=(JudgeReliability(name="pairs", discrimination=0.0),))
    rules = CascadeRules(target_confidence=0.999, min_gain=1e-6)
    pairs = option("pairs", shows="two")
    assert ask(first_scores(*DOUBTFUL), pairs, reliability=deaf, rules=rules) == ()


def test_a_listwise_judge_is_asked_about_all_at_once() -> None:
    (one,) = ask(first_scores(*DOUBTFUL), option("list", shows="all"))
    assert (one.places, one.calls) == ((0, 1, 2), 1)


def test_a_list_that_was_asked_for_is_not_asked_for_again() -> None:
    evidence = read_evidence(
        [scored("first", f"c{i}", 0.5) for i in range(2)] + [listed("list", {"c0": 0.5, "c1": 0.5})]
    )
    assert ask(evidence, option("list", shows="all")) == ()


def test_with_a_promise_it_goes_on_where_a_surer_pair_can_be_kept() -> None:
    rules = CascadeRules(target_confidence=0.75, min_gain=0.0)
    evidence = first_scores(0.8, 0.5, 0.1)
    assert max(rank_of(evidence)) > 0.75
    assert ask(evidence, option("second"), rules=rules) == ()
    assert ask(evidence, option("second"), rules=rules, max_error=0.05) != ()


def test_with_a_promise_hopeless_prompts_get_nothing() -> None:
    rules = CascadeRules(target_confidence=0.999, min_gain=0.001)
    even = first_scores(0.5, 0.5, 0.5, 0.5)
    weak = Reliability(others=JudgeReliability(own_sd=0.5, repeat_sd=0.5))
    assert ask(even, option("second"), rules=rules, reliability=weak, max_error=0.05) == ()


def rank_of(evidence: Evidence) -> Sequence[float]:
    judgments = [
        scored(cell.judge, evidence.completion_ids[cell.place], cell.mean)
        for cell in evidence.cells
    ]
    return rank(judgments).p_best


def test_judges_that_cost_nothing_are_asked_first() -> None:
    bundle = ask(first_scores(*DOUBTFUL), option("paid", cost=1.0), option("free", cost=0.0))
    assert judges_in(bundle) == {"free"}


def test_a_first_tier_that_is_free_is_no_measure_of_what_a_call_must_bring() -> None:
    """As of a reward model on a server of one's own: the cheapest that is paid is the measure."""
    rules = CascadeRules(target_confidence=0.999, min_gain=0.3)
    free, paid = option("first", tier=1, cost=0.0), option("second", cost=1e-4, repeats=1)
    evidence = first_scores(*DOUBTFUL)
    assert next_bundle(evidence, [free, paid], PRIOR, rules) == ()
    modest = rules.model_copy(update={"min_gain": 0.001})
    assert judges_in(next_bundle(evidence, [free, paid], PRIOR, modest)) == {"second"}


@pytest.mark.parametrize("price", [0.0, 1e-9, 1e-6, 1e-4])
def test_how_little_a_reward_model_costs_does_not_decide_whether_another_judge_is_worth_its_call(
    price: float,
) -> None:
    rules = CascadeRules(target_confidence=0.999, min_gain=0.001)
    hosted = replace(option("first", tier=1, cost=price), rewards=True)
    judge = option("second", cost=1e-3, repeats=1)
    evidence = first_scores(*DOUBTFUL)
    assert judges_in(next_bundle(evidence, [hosted, judge], PRIOR, rules)) == {"second"}


def test_rewards_before_their_scale_is_known_have_the_next_tier_asked() -> None:
    rewards = [
        Judgment(
            id=f"p.c{i}.first",
            prompt_id="p",
            completion_ids=(f"c{i}",),
            judge="first",
            protocol="reward",
            rewards=(reward,),
        )
        for i, reward in enumerate([40.0, -40.0])
    ]
    assert judges_in(ask(read_evidence(rewards), option("second"))) == {"second"}


def test_fewer_than_two_completions_leave_nothing_to_ask() -> None:
    assert ask(first_scores(0.5), option("second")) == ()


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=4), st.integers(1, 3))
@pytest.mark.slow
def test_a_course_ends_within_its_repeats_and_is_the_same_each_time(
    scores: list[float], repeats: int
) -> None:
    options = [option("first", tier=1, repeats=repeats), option("second", repeats=repeats)]

    def course() -> tuple[list[Bundle], Counter[tuple[str, int]]]:
        judgments = [scored("first", f"c{i}", score) for i, score in enumerate(scores)]
        asked: Counter[tuple[str, int]] = Counter(("first", i) for i in range(len(scores)))
        bundles: list[Bundle] = []
        while bundle := next_bundle(read_evidence(judgments), options, PRIOR, EAGER):
            bundles.append(bundle)
            for one in bundle:
                judgments.append(_answer(one.judge, one.places[0], asked, scores))
        return bundles, asked

    bundles, asked = course()
    assert course()[0] == bundles
    assert max(asked.values()) <= repeats


def _answer(
    judge: str, place: int, asked: Counter[tuple[str, int]], scores: Sequence[float]
) -> Judgment:
    repeat = asked[judge, place]
    asked[judge, place] += 1
    return scored(judge, f"c{place}", scores[place], repeat=repeat)


class TestAnotherCompletion:
    """With `aim: training` one more completion is a thing that can be bought."""

    def told(
        self, *scores: float, cost: float = 2.0, options: Sequence[JudgeOption] = (FIRST,)
    ) -> Bundle:
        training = ForTraining(TrainingValue(), 2.0 * len(scores), Another(cost))
        return next_bundle(first_scores(*scores), options, PRIOR, CascadeRules(), training=training)

    def test_it_is_asked_for_where_the_pair_is_in_doubt(self) -> None:
        bundle = self.told(0.6, 0.58, 0.57)
        assert is_about_another(bundle, 3)
        assert [(one.judge, one.places, one.cost) for one in bundle] == [("first", (3,), 2.0)]

    def test_nothing_is_where_the_pair_is_sure_or_a_fresh_prompt_brings_more(self) -> None:
        assert self.told(0.95, 0.1, 0.05) == ()
        assert self.told(0.6, 0.58, 0.57, cost=200.0) == ()

    def test_it_is_weighed_against_the_pair_as_it_is(self) -> None:
        # Two far above the usual: what is not written yet is expected below both, and would be the
        # rejected one of another pair before anybody has judged it.
        assert self.told(1.0, 0.8, cost=4.0) != ()
        assert self.told(1.0, 0.8, cost=10.0) == (), "that pair is nearly sure"
        assert self.told(1.0, 1.0, cost=24.0) != (), "and this one is not at all"

    def test_only_judges_that_would_be_asked_about_it_count(self) -> None:
        both = (FIRST, option("kin", tier=1))
        evidence = first_scores(0.6, 0.58)
        told = about_another(evidence, both, Another(2.0, judges=frozenset({"first"})))
        assert [(one.judge, one.cost) for one in told] == [("first", 2.0)]
        assert about_another(evidence, both, Another(2.0, judges=frozenset())) == ()

    def test_a_reward_of_unknown_scale_tells_nothing_of_it(self) -> None:
        reward = option("reward", tier=1, rewards=True)
        evidence = first_scores(0.6, 0.58)
        assert about_another(evidence, (reward,), Another(2.0)) == ()
        told = about_another(evidence, (FIRST, reward), Another(2.0))
        assert [(one.judge, one.cost) for one in told] == [("first", 2.0)]
        known = PRIOR.model_copy(
            update={"judges": (JudgeReliability(name="reward", reward_unit=2.0),)}
        )
        assert len(about_another(evidence, (FIRST, reward), Another(2.0), known)) == 2

    def test_a_question_that_brings_more_for_its_price_comes_first(self) -> None:
        bundle = self.told(0.6, 0.58, 0.57, options=(FIRST, option("second", cost=0.01)))
        assert judges_in(bundle) == {"second"}
        assert not is_about_another(bundle, 3)

    def test_it_cannot_be_where_the_first_tier_sees_several_at_once(self) -> None:
        both = (FIRST, option("lists", tier=1, shows="all"))
        assert not is_about_another(self.told(0.6, 0.58, 0.57, options=both), 3)

    def test_what_code_verified_and_how_long_answers_are_is_no_hindrance(self) -> None:
        judgments = [scored("first", f"c{i}", score) for i, score in enumerate((0.6, 0.58))]
        texts = {"c0": "short", "c1": "a longer one"}
        evidence = read_evidence(judgments, texts=texts, writers={"c0": "w", "c1": "v"})
        further = with_another(evidence, Another(1.0, "w"))
        assert len(further.completion_ids) == len(further.log_lengths) == 3
        assert further.writers == ("w", "v", "w")
