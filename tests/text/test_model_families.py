"""A name tells each family of which it has a word."""

from __future__ import annotations

import re
from itertools import product

import pytest

from judgeforge.text.model_families import _FAMILY_NAMES, families_by_name

WORDS = [
    (family, word.replace(r"\d", "3"))
    for family, words in _FAMILY_NAMES.items()
    for word in words.split("|")
]


@pytest.mark.parametrize("written", ["{}", "{}-{}", "{}4{}", "{}{}", "my_{}.{}-7b", "x{}-{}"])
def test_all_families_of_a_name_are_found_as_if_each_were_looked_for_alone(written: str) -> None:
    alone = {
        family: re.compile(rf"(?<![a-z])(?:{words})(?![a-z])", re.IGNORECASE)
        for family, words in _FAMILY_NAMES.items()
    }
    for (_, first), (_, second) in product(WORDS, WORDS[::3]):
        name = written.format(first.upper(), second)
        told = {family for family, pattern in alone.items() if pattern.search(name)}
        assert families_by_name(name) == (told or {name.lower()})


def test_each_word_tells_its_family() -> None:
    assert [families_by_name(word) for _, word in WORDS] == [{family} for family, _ in WORDS]


def test_a_name_without_such_a_word_is_a_family_of_its_own() -> None:
    assert families_by_name("models/Router-1.gguf") == {"router-1.gguf"}
    assert families_by_name("router-1", "qwen") == {"qwen"}
