"""What is drawn for a prompt: evenly, the same again, and always what is to be always there."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from judgeforge.config.sampling import SamplingConfig
from judgeforge.records import ReadyCompletion
from judgeforge.sampling.draws import Draw, dealt, draws
from judgeforge.text.messages import Message
from tests.support.fake_asks import make_prompt

POOL = [f"w{number}" for number in range(17)]
numbers = st.integers(2, 40)


def drawn(line: int, *, ready: int = 0, own_system: bool = False, **fields: Any) -> list[Draw]:
    messages = [Message(role="user", content="Hi")]
    if own_system:
        messages.insert(0, Message(role="system", content="mine"))
    completions = [ReadyCompletion(text=f"ready {number}") for number in range(ready)]
    prompt = make_prompt(
        id=f"p{line}", line=line, messages=tuple(messages), completions=tuple(completions)
    )
    return draws(prompt, SamplingConfig.model_validate(fields))


def names(size: int) -> tuple[str, ...]:
    return tuple(f"w{number}" for number in range(size))


@given(size=st.integers(1, 30), each=numbers, rows=st.integers(1, 60), seed=st.text(max_size=3))
def test_of_any_number_of_first_rows_each_name_is_dealt_equally_often(
    size: int, each: int, rows: int, seed: str
) -> None:
    pool = names(size)
    counts = Counter[str](dict.fromkeys(pool, 0))
    for line in range(1, rows + 1):
        hand = dealt(pool, each, line=line, seed=seed)
        assert len(hand) == each
        of_row = Counter(hand)
        assert max(of_row.values()) - min(of_row[name] for name in pool) <= 1, "none twice early"
        counts.update(hand)
    assert max(counts.values()) - min(counts.values()) <= 1


@given(seed=st.integers(), line=st.integers(1, 10**6), completions=st.integers(2, 30))
def test_the_same_seed_and_line_are_dealt_the_same(seed: int, line: int, completions: int) -> None:
    fields: dict[str, Any] = {
        "pool": POOL,
        "completions": completions,
        "principles": ["a", "b", "c"],
        "draw_seed": seed % 2**60,
        "temperature": [0.5, 1.0],
    }
    assert drawn(line, **fields) == drawn(line, **fields)


@given(
    always=st.integers(1, 3), more=st.integers(1, 20), line=st.integers(1, 999), ready=st.booleans()
)
def test_what_is_to_be_always_there_is_there_once(
    always: int, more: int, line: int, ready: bool
) -> None:
    weak = [f"weak{number}" for number in range(always)]
    found = drawn(
        line,
        ready=2 if ready else 0,
        pool=POOL,
        always=weak,
        completions=always + more,
        add_to_ready=always + more,
    )
    models = [one.model for one in found]
    assert models[:always] == weak
    assert set(models[always:]) <= set(POOL)
    assert len(found) == always + more


def test_other_seeds_deal_otherwise_and_rows_differ() -> None:
    by_seed = [
        tuple(one.model for line in range(1, 30) for one in drawn(line, pool=POOL, draw_seed=seed))
        for seed in range(5)
    ]
    assert len(set(by_seed)) == 5
    hands = [tuple(one.model for one in drawn(line, pool=POOL)) for line in range(1, 60)]
    assert len(set(map(frozenset, hands))) > 50
    assert any(one != another for one, another in pairwise(hands))


def test_a_writer_draws_each_temperature_also_where_it_writes_once_a_prompt() -> None:
    seen = Counter(
        (one.model, one.temperature)
        for line in range(1, 401)
        for one in drawn(line, pool=POOL, always=["weak"], temperature=[0.2, 1.0])
    )
    assert all(seen[name, warm] >= 15 for name in [*POOL, "weak"] for warm in (0.2, 1.0))


def test_each_completion_has_a_principle_and_a_writer_has_all_of_them() -> None:
    principles = ["Be brief.", "Be kind."]
    seen = Counter(
        (one.model, one.principle)
        for line in range(1, 201)
        for one in drawn(line, models=["a", "b"], completions=2, principles=principles)
    )
    assert set(seen) == {(model, one) for model in "ab" for one in principles}
    assert min(seen.values()) > 60


def test_a_row_with_a_system_message_of_its_own_gets_no_principle() -> None:
    found = drawn(1, own_system=True, models=["a"], principles=["Be brief."])
    assert [one.principle for one in found] == [None] * 4


def test_a_row_that_brings_completions_gets_as_many_as_are_to_be_added() -> None:
    assert drawn(1, ready=2, models=["a"]) == []
    assert [one.model for one in drawn(1, ready=2, models=["a", "b"], add_to_ready=3)] == [*"aba"]
    assert len(drawn(1, models=["a"], add_to_ready=1)) == 4


MISTAKES: dict[str, dict[str, Any]] = {
    "exactly one of `models`": {},
    "and `pool` (writers of": {"models": ["a"], "pool": ["b"]},
    "`system` or `principles`": {"models": ["a"], "system": "s", "principles": ["p"]},
    "`always` stands beside `pool`": {"models": ["a"], "always": ["b"]},
    "in `always` and in `pool`": {"pool": ["a", "b"], "always": ["a"]},
    "nothing is left to be drawn": {"pool": ["a"], "always": ["b", "c"], "completions": 2},
    "ask for at least as many": {"pool": ["a"], "always": ["b", "c"], "add_to_ready": 1},
    "name each one once": {"pool": ["a", "a"]},
    "valid integer": {"models": ["a"], "add_to_ready": True},
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_contradiction_is_refused(message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SamplingConfig.model_validate(MISTAKES[message])
    assert message in str(refused.value)


def test_settings_that_are_not_set_are_not_written() -> None:
    usual = SamplingConfig(models=["a"]).model_dump(mode="json")
    assert set(usual) == {
        "models", "completions", "temperature", "max_tokens", "system", "seed", "keep_cut",
        "keep_unsure",
    }  # fmt: skip
    drawing = SamplingConfig(pool=["a", "b"], draw_seed=3).model_dump(mode="json")
    assert SamplingConfig.model_validate(drawing) == SamplingConfig(pool=["a", "b"], draw_seed=3)


@given(
    line=st.integers(1, 200),
    completions=st.integers(2, 6),
    more=st.integers(0, 8),
    pool=st.booleans(),
)
def test_what_is_drawn_in_doubt_stands_behind_what_is_drawn_anyway(
    line: int, completions: int, more: int, pool: bool
) -> None:
    writers = {"pool": POOL[:5]} if pool else {"models": POOL[:3]}
    config = SamplingConfig.model_validate(
        {**writers, "completions": completions, "principles": ["a", "b", "c"]}
    )
    prompt = make_prompt(id=f"p{line}", line=line)
    first, all_of_them = draws(prompt, config), draws(prompt, config, more=more)
    assert all_of_them[: len(first)] == first
    assert len(all_of_them) == completions + more
    assert len({(one.model, one.sample) for one in all_of_them}) == completions + more
