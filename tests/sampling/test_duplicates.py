"""Completions that say the same as an earlier one, or nearly, are marked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from judgeforge.records import Completion
from judgeforge.sampling.duplicates import mark_duplicates
from judgeforge.text.messages import ToolCall

STORY = (
    "The old lighthouse keeper climbed the winding stairs every evening, lit the great lamp, and "
    "watched the ships pass until the first grey light of morning came over the quiet water. "
)
NEAR, FAR = STORY.replace("old", "aged"), STORY[::-1]


def marked(*texts: str, calls: tuple[tuple[ToolCall, ...], ...] = ()) -> list[str]:
    """For each completion the index of the one that it repeats, with `~` where only nearly."""
    made = [
        Completion(
            id=f"c{n}",
            prompt_id="p",
            index=n,
            model="m",
            text=text,
            finish="stop",
            tool_calls=calls[n] if calls else (),
        )
        for n, text in enumerate(texts)
    ]
    return [
        f"~{one.near_duplicate_of}" if one.near_duplicate_of else one.duplicate_of or ""
        for one in mark_duplicates(made)
    ]


def test_white_space_and_forms_of_letters_make_no_difference() -> None:
    assert marked("a caf\u00e9", " a\ncafe\u0301\u200b", "b") == ["", "c0", ""]


def test_what_is_not_drawn_makes_no_difference() -> None:
    plain = "Wood floats \u2764."
    for twin in (
        "Wo\u00adod floats \u2764.",
        "\ufeffWood floats \u2764.",
        "Wood\u2028floats \u2764.",
    ):
        assert marked(plain, twin) == ["", "c0"]
    for twin in ("Wood floats \u2764\ufe0f.", "\u200eWood\u00a0floats \u2764.\u200f"):
        assert marked(plain, twin) == ["", "c0"]


def test_typographic_signs_make_a_near_duplicate_that_only_code_tells_apart() -> None:
    plain = 'It\'s "wet".'
    for twin in ("It\u2019s \u201cwet\u201d.", 'It\u00b4s "wet".', "It's \"\u200bwet\u201d."):
        assert marked(plain, twin) == ["", "~c0"]
    assert marked("So\u2026", "So...") == ["", "~c0"]


def test_calls_whose_letters_are_written_in_another_form_are_the_same() -> None:
    one, other = (
        ToolCall(id="1", name="look", arguments=f'{{"at": "{text}"}}')
        for text in ("caf\u00e9", "cafe\u0301")
    )
    assert marked("", "", calls=((one,), (other,))) == ["", "c0"]


def test_a_changed_word_makes_a_near_duplicate_which_is_judged_on_its_own() -> None:
    assert marked(STORY, NEAR, FAR, STORY) == ["", "~c0", "", "c0"]
    (_, near) = mark_duplicates(
        [
            Completion(id=n, prompt_id="p", index=0, model="m", text=text, finish="stop")
            for n, text in (("a", STORY), ("b", NEAR))
        ]
    )
    assert near.is_usable
    assert near.flags == ("nearly:a",)


def test_each_names_the_nearest_before_it() -> None:
    again = NEAR.replace("lit", "set")
    assert marked(STORY, NEAR, again) == ["", "~c0", "~c1"]


def test_short_answers_that_differ_in_what_counts_are_not_near() -> None:
    assert marked("The answer is 42.", "The answer is 43.") == ["", ""]
    assert marked("Yes", "No", "") == ["", "", ""]


def test_other_calls_make_another_answer() -> None:
    one, other = (ToolCall(id="1", name=name, arguments="{}") for name in ("look", "search"))
    assert marked(STORY, NEAR, calls=((one,), (other,))) == ["", ""]
    assert marked(STORY, NEAR, calls=((one,), (one,))) == ["", "~c0"]


@given(st.lists(st.text(max_size=30), max_size=6))
def test_nothing_is_lost_and_only_earlier_ones_are_named(texts: list[str]) -> None:
    found = marked(*texts)
    assert len(found) == len(texts)
    for place, name in enumerate(found):
        assert not name or int(name.strip("~c")) < place
