"""Checks on length, wording, lists, language and reference: one small rule each."""

# ruff: noqa: RUF001 (letters of other languages are what is tested)

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.judging.checks import (
    CHECKS,
    Subject,
    UndecidedCheckError,
    failed_checks,
    parse_checks,
)
from judgeforge.text.messages import ToolCall


def passes(text: str, reference: str | None = None, **check: object) -> bool:
    return not failed_checks(parse_checks(check), Subject(text, reference))


class TestLengths:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", 0),
            ("one", 1),
            ("one two\nthree", 3),
            ("- one\n- two", 2),
            ("well-known — don't", 2),
            ("$99 and 3.5", 3),
        ],
    )
    def test_words_are_runs_with_a_letter_or_digit(self, text: str, words: int) -> None:
        assert passes(text, max_words=words, min_words=words)
        assert not passes(text, min_words=words + 1)
        assert words == 0 or not passes(text, max_words=words - 1)

    def test_characters_do_not_count_white_space_around_the_text(self) -> None:
        assert passes("  four\n", max_chars=4, min_chars=4)
        assert not passes("four", max_chars=3)
        assert not passes("four", min_chars=5)

    @pytest.mark.parametrize(
        ("text", "sentences"),
        [
            ("", 0),
            ("One", 1),
            ("One. Two! Three?", 3),
            ("One. Two", 2),
            ('He said "no." Then he left.', 2),
            ("It costs 3.50 dollars.", 1),
            ("Dr. Smith and J. Doe like e.g. tea.", 1),
            ("Really?! Yes...", 2),
            ("It is plan B.", 1),
            ("One.\n\nTwo", 2),
            ("A heading\n\nA sentence.", 2),
            ("1. Boil water.\n2. Add the egg.", 2),
            ("- one\n- two", 2),
            ("今日は。元気？", 2),
            ("... !!!", 0),
        ],
    )
    def test_sentences_end_with_marks_paragraphs_and_list_items(
        self, text: str, sentences: int
    ) -> None:
        assert passes(text, max_sentences=sentences, min_sentences=sentences)
        assert not passes(text, min_sentences=sentences + 1)

    def test_paragraphs_are_parted_by_empty_lines(self) -> None:
        assert passes("a\nb\n\n\nc\n \n", max_paragraphs=2)
        assert not passes("a\n\nb\n\nc", max_paragraphs=2)


class TestWording:
    def test_contains_ignores_case_and_looks_inside_words(self) -> None:
        assert passes("Delightful", contains="LIGHT")
        assert not passes("dark", contains="light")

    def test_contains_wants_all_and_contains_any_wants_one(self) -> None:
        assert not passes("a cat", contains=["cat", "dog"])
        assert passes("a cat", contains_any=["cat", "dog"])
        assert not passes("a cow", contains_any=["cat", "dog"])

    def test_not_contains_wants_none(self) -> None:
        assert passes("a cow", not_contains=["cat", "dog"])
        assert not passes("a DOG", not_contains=["cat", "dog"])

    def test_contains_word_wants_whole_words(self) -> None:
        assert passes("Light, at last", contains_word="light")
        assert not passes("delightful", contains_word="light")
        assert passes("delightful", not_contains_word="light")
        assert not passes("(light)", not_contains_word="light")
        assert passes("costs $99.", contains_word="$99")

    def test_starts_and_ends_ignore_case_and_white_space_around(self) -> None:
        assert passes("\n dear Ann", starts_with="Dear")
        assert passes("Hello Ann", starts_with=["dear", "hello"])
        assert not passes("My dear", starts_with="Dear")
        assert passes("Regards, Ann \n", ends_with="ann")
        assert not passes("Ann.", ends_with="ann")

    def test_regex_is_searched_anywhere(self) -> None:
        assert passes("call 555-1234 now", regex=r"\d{3}-\d{4}")
        assert not passes("call me", regex=r"\d")
        assert passes("call me", not_regex=r"\d")
        assert not passes("call 5", not_regex=r"\d")

    @pytest.mark.parametrize("name", ["regex", "not_regex"])
    def test_a_regex_that_backtracks_without_end_is_stopped_and_undecided(self, name: str) -> None:
        start = time.process_time()
        with pytest.raises(UndecidedCheckError, match="took longer than"):
            passes("x" * 100_000, **{name: "(x+x+)+y"})
        assert time.process_time() - start < 20

    @pytest.mark.parametrize("pattern", ["(", "[", "a{2,1}", "*", "(" * 400 + ")" * 400])
    def test_a_regex_that_does_not_compile_is_refused(self, pattern: str) -> None:
        with pytest.raises(ValueError, match="check `regex`: is"):
            parse_checks({"regex": pattern})

    def test_a_regex_of_more_than_1000_characters_is_refused(self) -> None:
        parse_checks({"regex": "a" * 1000})
        with pytest.raises(ValueError, match="at most 1000"):
            parse_checks({"regex": "a" * 1001})


class TestLists:
    NUMBERED = "Steps:\n1. Boil\n2) Add\n 10. Serve"
    BULLETS = "- a\n* b\n  + c\n• d"

    def test_numbered_items(self) -> None:
        assert passes(self.NUMBERED, numbered_items=3)
        assert passes(self.NUMBERED, bullet_items=0)
        assert not passes(self.NUMBERED, numbered_items=2)

    def test_bullet_items(self) -> None:
        assert passes(self.BULLETS, bullet_items=4)
        assert passes(self.BULLETS, numbered_items=0)

    def test_list_items_are_both(self) -> None:
        assert passes(f"{self.NUMBERED}\n{self.BULLETS}", list_items=7)

    def test_a_range_may_be_asked_for(self) -> None:
        assert passes(self.BULLETS, list_items={"min": 3})
        assert passes(self.BULLETS, list_items={"min": 3, "max": 4})
        assert not passes(self.BULLETS, list_items={"max": 3})

    @pytest.mark.parametrize("text", ["3.5 litres", "well-known", "-5 degrees", "---", "2024 was"])
    def test_other_lines_are_no_items(self, text: str) -> None:
        assert passes(text, list_items=0)

    def test_fenced_code_holds_no_items(self) -> None:
        assert passes("- one\n```\n- two\n1. three\n```\n- four", list_items=2)

    def test_bold_numbers_are_items(self) -> None:
        assert passes("**1. Boil**\n**2.** Add", numbered_items=2)


SENTENCES = {
    "en": "The dog is in the garden and the cat is on the table with you.",
    "de": "Der Hund ist im Garten und die Katze sitzt auf dem Tisch, aber nicht mit dir.",
    "fr": "Le chien est dans le jardin et les chats sont sur la table avec vous.",
    "es": "El perro está en el jardín y los gatos no se van con la mesa para el otro.",
    "it": "Il cane è nel giardino e la gatta non si siede con una delle sedie.",
    "pt": "O cão não está no jardim e os gatos da casa estão em uma mesa com você.",
    "nl": "De hond is in de tuin en het is niet van mij, dat zijn je katten op een tafel.",
    "sv": "Hunden är i trädgården och katten är inte på bordet, det var för en som har en.",
    "pl": "Pies jest w ogrodzie i kot nie jest na stole, to jak się z nim do domu idzie.",
    "zh": "狗在花园里睡觉，猫在桌子上看书，孩子们在外面玩。",
    "ja": "犬は庭にいて、猫はテーブルの上にいます。",
    "ko": "개는 정원에 있고 고양이는 탁자 위에 있습니다.",
    "ru": "Собака в саду, а кошка на столе.",
    "ar": "الكلب في الحديقة والقط على الطاولة.",
    "el": "Ο σκύλος είναι στον κήπο.",
    "he": "הכלב בגינה והחתול על השולחן.",
    "hi": "कुत्ता बगीचे में है और बिल्ली मेज पर है।",
    "th": "สุนัขอยู่ในสวนและแมวอยู่บนโต๊ะ",
}


class TestLanguage:
    @pytest.mark.parametrize("language", SENTENCES)
    def test_a_sentence_passes_as_its_language_and_as_no_other(self, language: str) -> None:
        accepted = [code for code in SENTENCES if passes(SENTENCES[language], language=code)]
        assert accepted == [language]

    @pytest.mark.parametrize("text", ["", "42!", "OK", "Zyx qwv."])
    def test_what_shows_nothing_passes(self, text: str) -> None:
        assert passes(text, language="en")

    def test_an_unknown_language_is_refused(self) -> None:
        with pytest.raises(ValueError, match="must be one of en, de"):
            parse_checks({"language": "english"})


class TestReference:
    def test_equality_ignores_case_and_the_amount_of_white_space(self) -> None:
        assert passes(" Forty\n two", reference="forty two", equals_reference=True)
        assert not passes("forty three", reference="forty two", equals_reference=True)

    def test_the_reference_may_stand_anywhere(self) -> None:
        assert passes("It is Paris.", reference="paris", contains_reference=True)
        assert not passes("It is Rome.", reference="paris", contains_reference=True)

    @pytest.mark.parametrize("reference", ["", " \n"])
    def test_that_a_text_contains_nothing_decides_nothing(self, reference: str) -> None:
        with pytest.raises(UndecidedCheckError, match="`reference` is empty"):
            passes("Paris", reference=reference, contains_reference=True)

    @pytest.mark.parametrize("name", ["equals_reference", "contains_reference"])
    def test_without_a_reference_nothing_is_decided(self, name: str) -> None:
        with pytest.raises(UndecidedCheckError, match="no `reference`"):
            passes("Paris", **{name: True})


class TestArguments:
    @pytest.mark.parametrize(
        "check",
        [
            {"max_words": -1},
            {"max_words": 2.0},
            {"max_words": True},
            {"max_words": "3"},
            {"max_words": None},
            {"contains": ""},
            {"contains": []},
            {"contains": [1]},
            {"contains": ["a"] * 101},
            {"starts_with": {"a": 1}},
            {"regex": 3},
            {"list_items": {}},
            {"list_items": {"most": 3}},
            {"list_items": {"min": 3, "max": 2}},
            {"json": False},
            {"json_keys": []},
            {"language": ["en"]},
            {"equals_reference": "yes"},
        ],
    )
    def test_of_the_wrong_kind_are_refused_with_the_name_of_the_check(
        self, check: dict[str, object]
    ) -> None:
        with pytest.raises(ValueError, match=f"check `{next(iter(check))}`: .*(must|takes|is)"):
            parse_checks(check)

    @pytest.mark.parametrize("value", [None, {}, [], "max_words", 3])
    def test_are_a_mapping(self, value: object) -> None:
        with pytest.raises(ValueError, match="a mapping with at least one check"):
            parse_checks(value)

    def test_of_an_unknown_check_are_refused_with_the_nearest_name(self) -> None:
        with pytest.raises(ValueError, match="did you mean `not_contains`"):
            parse_checks({"not_contain": "a"})


EXAMPLES: dict[str, object] = {
    "contains": "a",
    "contains_any": ["a", "b"],
    "not_contains": "a",
    "contains_word": "a",
    "not_contains_word": "a",
    "starts_with": "a",
    "ends_with": "a",
    "regex": "a+",
    "not_regex": "a+",
    "json": True,
    "json_keys": "a",
    "json_schema": {"type": "object", "properties": {"a": {"minimum": 1}}},
    "language": "ja",
    "calls_tool": "a",
    "tool_arguments": {"type": "object", "required": ["a"]},
    "no_tool_call": True,
    "tool_calls": [{"name": "a"}],
    "equals_reference": True,
    "contains_reference": True,
}


@pytest.mark.parametrize("name", [name for name, kind in CHECKS.items() if kind.task is None])
@given(text=st.text(max_size=300))
def test_every_check_answers_any_text_with_yes_or_no(name: str, text: str) -> None:
    checks = parse_checks({name: EXAMPLES.get(name, 3)})
    calls = (
        ToolCall(id="1", name="a", arguments=text),
        ToolCall(id="2", name=text, arguments="{}"),
    )
    for made in ((), calls):
        assert len(failed_checks(checks, Subject(text, reference="a", calls=made))) in (0, 1)
