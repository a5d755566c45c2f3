"""How far sides may differ in length, by slices of the metadata and by any tokenizer."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from judgeforge.ranking.pairing.length_limits import length_limits
from judgeforge.ranking.rules import PairingRules

SLICED: dict[str, Any] = {
    "max_token_difference": {"chat": 2, "3": 1, "default": None},
    "token_difference_by": "domain",
}
TEXTS = {"a": "one two three four five six", "b": "one two three"}


def kept(rules: PairingRules, slice_of: object = None, *, words: bool = True) -> bool:
    limits = length_limits(
        rules, TEXTS, slice_of=slice_of, tokens=(lambda text: len(text.split())) if words else None
    )
    return all(limit.keeps(("a", "b")) for limit in limits)


def test_each_slice_has_its_own_limit_and_null_is_none() -> None:
    rules = PairingRules.model_validate(SLICED)
    assert not kept(rules, "chat")
    assert kept(rules, "code"), "default: null"
    assert kept(rules, None)
    assert not kept(rules, 3), "a number is named by its digits"
    strict = SLICED["max_token_difference"] | {"default": 1}
    assert not kept(PairingRules.model_validate(SLICED | {"max_token_difference": strict}), "code")


def test_a_tokenizer_counts_what_is_estimated_without_one() -> None:
    rules = PairingRules(max_token_difference=3)
    assert kept(rules), "three words"
    assert kept(rules, words=False), "fourteen bytes: about three and a half tokens"
    assert not kept(PairingRules(max_token_difference=2))


def test_the_reason_says_which_limit_and_how_it_was_counted() -> None:
    rules = PairingRules.model_validate(SLICED)
    (exact,) = length_limits(rules, TEXTS, slice_of="chat", tokens=lambda text: len(text.split()))
    assert exact.detail([("a", "b")]) == (
        "the smallest difference is 3 tokens, max_token_difference for `chat` is 2"
    )
    (about,) = length_limits(PairingRules(max_token_difference=1), TEXTS)
    assert "is about 3 tokens" in about.detail([("a", "b")])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_token_difference": {"chat": 2}}, "say in `token_difference_by`"),
        ({"max_token_difference": 5, "token_difference_by": "domain"}, "needs slices"),
        ({"tokenizer": "gpt2"}, "which is not set"),
        ({**SLICED, "max_token_difference": {"chat": 0}}, "greater than or equal to 1"),
    ],
)
def test_half_a_setting_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        PairingRules.model_validate(settings)
    assert words in str(refused.value)


def test_rules_without_them_are_written_as_they_always_were() -> None:
    assert not {"token_difference_by", "tokenizer"} & PairingRules().model_dump().keys()
