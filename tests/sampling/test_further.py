"""One more completion is drawn after the first ones, and judged where it says something new."""

from __future__ import annotations

import asyncio

import pytest

from judgeforge.config.sampling import SamplingConfig
from judgeforge.records import Completion, Prompt, ReadyCompletion
from judgeforge.sampling.further import FurtherCompletions, further_draws
from tests.support.fake_asks import FakeAsks, in_turn, make_completion, make_prompt, says

CONFIG = SamplingConfig(models=["one", "two"], completions=3, more_in_doubt=2, seed=5)


def further(asks: FakeAsks, prompt: Prompt, config: SamplingConfig = CONFIG) -> FurtherCompletions:
    before = [make_completion(text, index) for index, text in enumerate(("Three.", "Four.", "5"))]
    return FurtherCompletions(prompt, config, asks, before, lambda one: one.is_usable)


def sampled(more: FurtherCompletions) -> Completion | None:
    """None where it cannot be judged."""
    one = asyncio.run(more.sample())
    return one if more.may_be_judged(one) else None


def test_it_goes_on_with_writers_numbers_and_seeds_until_none_is_left() -> None:
    asks = FakeAsks(in_turn(says("Six."), says("Seven.")))
    more = further(asks, make_prompt())
    assert more.writer == "two"
    first = sampled(more)
    assert first is not None
    assert (first.id, first.index, first.text) == ("p1.c3", 3, "Six.")
    assert more.writer == "one"
    assert sampled(more) is not None
    assert more.writer is None
    assert [one.index for one in more.added] == [3, 4]
    assert [(one.model, one.sample, one.request.seed) for one in asks.asked] == [
        ("two", 1, 8),
        ("one", 2, 9),
    ]


def test_one_that_is_passed_over_leaves_the_others_as_they_are() -> None:
    more = further(FakeAsks(in_turn(says("Seven."))), make_prompt())
    more.pass_over()
    assert (more.writer, more.taken) == ("one", 1)
    one = sampled(more)
    assert one is not None
    assert (one.id, one.index, more.taken) == ("p1.c4", 4, 2)


@pytest.mark.parametrize("reply", [says("Four."), says(""), says("Six", "length")])
def test_what_says_nothing_new_or_not_all_is_kept_and_cannot_be_judged(reply: object) -> None:
    more = further(FakeAsks(lambda _: reply), make_prompt())  # type: ignore[arg-type,return-value]
    assert sampled(more) is None
    assert len(more.added) == 1


def test_what_repeats_another_further_one_cannot_be_judged() -> None:
    more = further(FakeAsks(lambda _: says("Six.")), make_prompt())
    assert sampled(more) is not None
    assert sampled(more) is None
    assert more.added[1].duplicate_of == more.added[0].id


def test_without_sampling_there_is_none() -> None:
    more = FurtherCompletions(make_prompt(), None, FakeAsks(lambda _: ""), [], bool)
    assert (more.writer, more.completions) == (None, [])
    with pytest.raises(IndexError):
        sampled(more)


def test_a_row_that_brings_its_completions_gets_more_only_where_some_are_added() -> None:
    ready = (ReadyCompletion(text="Three."), ReadyCompletion(text="Four."))
    prompt = make_prompt(completions=ready)
    assert further_draws(prompt, CONFIG) == []
    added = CONFIG.model_copy(update={"add_to_ready": 1})
    assert [(one.number, one.model) for one in further_draws(prompt, added)] == [
        (1, "two"),
        (2, "one"),
    ]
