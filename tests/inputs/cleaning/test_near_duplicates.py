"""Which prompts are near an earlier one: as near as the setting says, and in nothing else apart."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import ConfigError
from judgeforge.inputs.cleaning.near_duplicates import Near, NearDuplicates, asked, bands, context
from judgeforge.inputs.cleaning.pieces import character_pieces, shared
from judgeforge.records import Prompt
from tests.support.input_files import prompts, read, write_jsonl
from tests.support.pictures import data_url, png

ASKED = "Explain to a child of six years why the sky is blue in the daytime and red at sunset."


def made(tmp_path: Path, *rows: dict[str, Any]) -> list[Prompt]:
    return prompts(read(write_jsonl(tmp_path / "p.jsonl", rows)))


def found(tmp_path: Path, *rows: dict[str, Any], least: float = 0.8) -> list[Near | None]:
    near = NearDuplicates(least)
    return [near.find_or_add(prompt) for prompt in made(tmp_path, *rows)]


def test_a_prompt_with_one_more_word_is_near_the_first_one(tmp_path: Path) -> None:
    other = {"id": "b", "prompt": "Name the largest moons of Jupiter."}
    twin = {"prompt": "Please " + ASKED.replace("daytime", "day time")}
    first, second, near = found(tmp_path, {"id": "a", "prompt": ASKED}, other, twin)
    assert first is second is None
    assert near is not None
    assert (near.prompt_id, near.place) == ("a", "line 1")
    assert 0.8 <= near.similarity < 1


def test_what_is_said_of_the_similarity_is_exact(tmp_path: Path) -> None:
    twin = ASKED.replace("six", "seven")
    (first, second) = made(tmp_path, {"prompt": ASKED}, {"prompt": twin})
    exact = shared(character_pieces(asked(first)), character_pieces(asked(second)))
    near = NearDuplicates(0.5)
    near.find_or_add(first)
    twin_of = near.find_or_add(second)
    assert twin_of is not None
    assert (twin_of.prompt_id, twin_of.place) == (first.id, "line 1")
    assert twin_of.similarity == pytest.approx(exact)
    above = NearDuplicates(exact + 0.001)
    above.find_or_add(first)
    assert above.find_or_add(second) is None


def test_a_prompt_that_is_left_out_draws_no_others_after_it(tmp_path: Path) -> None:
    """Else a chain of small changes would leave out what is far from all that stays."""
    words = [f"word{number}" for number in range(40)]
    starts = [[f"other{i}" for i in range(n)] for n in range(0, 40, 3)]
    rows = [{"prompt": " ".join([*start, *words[len(start) :]])} for start in starts]
    near = NearDuplicates(0.8)
    kept = [one for one in made(tmp_path, *rows) if near.find_or_add(one) is None]
    assert 2 < len(kept) < len(rows)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"system": "You are a poet."}, {"system": "You are a lawyer."}),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, {}),
        ({"picture": png(1)}, {"picture": png(2)}),
        ({"completions": ["a", "b"]}, {"completions": ["a", "c"]}),
    ],
    ids=["instructions", "tools", "pictures", "answers"],
)
def test_the_same_words_with_other_things_beside_them_are_another_prompt(
    tmp_path: Path, one: dict[str, Any], other: dict[str, Any]
) -> None:
    def row(beside: dict[str, Any]) -> dict[str, Any]:
        turns: list[Any] = []
        if text := beside.pop("system", None):
            turns.append({"role": "system", "content": text})
        content: Any = ASKED
        if picture := beside.pop("picture", None):
            url = {"url": data_url(picture)}
            content = [{"type": "text", "text": ASKED}, {"type": "image_url", "image_url": url}]
        return {"prompt": [*turns, {"role": "user", "content": content}], **beside}

    rows = [row(dict(one)), row(dict(other))]
    assert found(tmp_path, *rows) == [None, None]
    first, second = made(tmp_path, *rows)
    assert context(first) != context(second)


def test_long_instructions_that_all_prompts_have_make_none_near_another(tmp_path: Path) -> None:
    system = {"role": "system", "content": "Answer in the style of the house. " * 50}
    questions = ["Why is the sky blue?", "Who wrote Faust?", "Name a capital."]
    rows = [{"prompt": [system, {"role": "user", "content": text}]} for text in questions]
    assert found(tmp_path, *rows) == [None] * 3


@pytest.mark.parametrize("least", [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0])
def test_bands_find_what_is_just_near_enough_in_nineteen_of_twenty_cases(least: float) -> None:
    number, values = bands(least)
    assert 1 - (1 - least**values) ** number >= 0.95
    assert number * values <= 128


def test_near_prompts_are_found_among_many_of_one_template(tmp_path: Path) -> None:
    chance = random.Random(5)
    letters = "abcdefghijklmnopqrstuvwxyz"
    topics = ["".join(chance.choices(letters, k=30)) for _ in range(400)]
    rows = [{"prompt": f"Write a short story about {topic}, please."} for topic in topics]
    twins = [{"prompt": f"Write a short story about {topic}, please!"} for topic in topics[:100]]
    verdicts = found(tmp_path, *rows, *twins)
    assert verdicts[:400] == [None] * 400
    assert sum(one is not None for one in verdicts[400:]) >= 95


def test_a_missing_library_is_named_with_its_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasketch", None)
    with pytest.raises(ConfigError, match=r'pip install "judgeforge\[clean\]"'):
        NearDuplicates(0.8)
