"""Judgments that a script brings are taken from any iterable, and checked before they count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import judgeforge
from judgeforge.records import Judgment
from tests.support.judgments import compared, scored

PANEL = [scored(judge, name, 0.5 + 0.1 * i) for judge in "jk" for i, name in enumerate("abc")]


def judgment(protocol: str = "pointwise", shown: str = "a", **evidence: object) -> Judgment:
    fields = {"id": "x", "prompt_id": "p", "judge": "j", "protocol": protocol}
    return Judgment.model_validate({**fields, "completion_ids": tuple(shown), **evidence})


def test_a_generator_ranks_as_a_list_does() -> None:
    assert judgeforge.rank(one for one in PANEL) == judgeforge.rank(PANEL)
    assert judgeforge.rank(PANEL).completion_ids == ("a", "b", "c")


def test_generators_of_generators_are_evaluated_as_lists_are() -> None:
    prompts = [
        [scored("j", f"{p}.a", 0.9, prompt=p), scored("j", f"{p}.b", 0.2, prompt=p)] for p in "pq"
    ]
    labels = {"p": "p.a", "q": "q.a"}
    found = judgeforge.evaluate(((one for one in prompt) for prompt in prompts), labels)
    assert found == judgeforge.evaluate(prompts, labels)
    assert found.n == 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (judgment(score=9), ["`score` must be from 0 to 1, not 9", "a 9 of 10 is 0.9"]),
        (judgment(score=-0.1), ["`score` must be from 0 to 1, not -0.1"]),
        (judgment(), ["`pointwise` gives a `score`", "`missing`"]),
        (judgment(shown="ab", score=0.5), ["about one completion"]),
        (judgment(shown="", score=0.5), ["`completion_ids` must name"]),
        (judgment(score=0.5, weight=-1), ["`weight` must not be negative"]),
        (judgment("checks"), ["`checks` gives a `score`"]),
        (judgment("pairwise", "ab"), ["`pairwise` gives a `verdict`"]),
        (judgment("pairwise", "aa", verdict="a"), ["each once"]),
        (judgment("pairwise", "abc", verdict="a"), ["two completions, not 3"]),
        (judgment("pairwise", "ab", verdict="a", strength=7), ["`strength` must be from 0 to 1"]),
        (
            judgment("pairwise", "ab", verdict="a", probabilities={"a": 0.9, "b": 0.3}),
            ["`probabilities`", "sum to 1"],
        ),
        (judgment("decisions", "ab", score=0.5), ["`decisions` gives a `verdict`"]),
        (judgment("listwise", "ab"), ["`listwise` gives a `scores`"]),
        (judgment("listwise", "ab", scores=(0.5,)), ["1 `scores` for 2 `completion_ids`"]),
        (judgment("listwise", "ab", scores=(0.5, 5)), ["`scores` must be from 0 to 1, not 5"]),
    ],
)
def test_a_judgment_that_cannot_be_evidence_is_named(wrong: Judgment, words: list[str]) -> None:
    with pytest.raises(ValueError, match="judgment `x`: ") as raised:
        judgeforge.rank([*PANEL, wrong])
    assert all(word in str(raised.value) for word in words)


def test_copies_of_a_judgment_are_no_further_evidence() -> None:
    with pytest.raises(ValueError, match=r"`p\.a\.j\.0` comes twice.*leave it out"):
        judgeforge.rank([*PANEL, *[PANEL[0]] * 50])


def test_missing_judgments_and_sound_ones_of_every_protocol_count() -> None:
    sound = [
        judgment("listwise", "ab", id="1", scores=(1.0000000001, 0.0)),
        judgment("decisions", "a", id="2", score=0.9, score_sd=0.1),
        judgment("decisions", "ab", id="3", verdict="a", probabilities={"a": 0.7, "b": 0.3}),
        judgment("pairwise", "ab", id="4", missing="no verdict in the reply"),
        compared("j", "a", "b", None),
    ]
    assert judgeforge.rank(sound).p_best[0] > 0.5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, ["the judgments of one prompt, not None"]),
        ("p.jsonl", ["not the text 'p.jsonl'"]),
        ([0.1, 0.2], ["judgments[0] must be a judgeforge.Judgment, not 0.1", "score=…"]),
        ([{"id": "x"}], ["judgments[0]", "judgeforge.Judgment(**row) makes one"]),
        ([PANEL], ["judgments[0]", "one prompt at a time"]),
        (PANEL[0], ["put them into a list"]),
    ],
)
def test_what_is_no_list_of_judgments_is_a_mistake_in_words(given: Any, words: list[str]) -> None:
    with pytest.raises(TypeError) as raised:
        judgeforge.rank(given)
    assert all(word in str(raised.value) for word in words)


@pytest.mark.parametrize("measure", [judgeforge.calibrate, judgeforge.evaluate])
@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (PANEL, TypeError, "one list of judgments for each prompt.*prompt_id"),
        (None, TypeError, "not None"),
        ([[judgment(score=9)]], ValueError, "judgment `x`: `score` must be from 0 to 1"),
        ([PANEL, PANEL], ValueError, "prompt `p` has two lists"),
        ([[*PANEL, scored("j", "a", 0.5, prompt="q")]], ValueError, "`p` and `q` share a list"),
    ],
)
def test_calibrate_and_evaluate_check_the_judgments_of_every_prompt(
    measure: Callable[..., object], given: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        measure(given, {"p": "a"})
