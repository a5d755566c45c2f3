"""A check decides by what is read: not by how an accent, a quote or a blank is encoded."""

from __future__ import annotations

import time
import unicodedata
from typing import Any

import pytest

from judgeforge.judging.checks import Subject, failed_checks, parse_checks
from judgeforge.judging.checks.code_blocks import python_code

COMPOSED = "Le café à Zürich"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


def passes(text: str, check: dict[str, Any], reference: str | None = None) -> bool:
    return not failed_checks(parse_checks(check), Subject(text, reference))


@pytest.mark.parametrize(("text", "said"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
@pytest.mark.parametrize(
    ("check", "wanted"),
    [
        ("contains", "café"),
        ("contains_any", ["x", "ZÜRICH"]),
        ("contains_word", "café"),
        ("starts_with", "le café"),
        ("ends_with", "zürich"),
        ("regex", r"caf[é] . Z.rich$"),
    ],
)
def test_an_accent_counts_the_same_composed_or_not(
    check: str, wanted: Any, text: str, said: str
) -> None:
    form = "NFC" if said == COMPOSED else "NFD"

    def encoded(value: str) -> str:
        return unicodedata.normalize(form, value)

    argument = [encoded(one) for one in wanted] if isinstance(wanted, list) else encoded(wanted)
    assert passes(text, {check: argument})
    opposite = {"contains_any": "contains"}.get(check, check)
    if opposite in {"contains", "contains_word", "regex"}:
        assert not passes(text, {f"not_{opposite}": encoded("café" if check != "regex" else "é")})
    assert passes(text, {"equals_reference": True}, said)
    assert passes(f"So: {text}!", {"contains_reference": True}, said)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("It doesn\u2019t.", "doesn't"),
        ("It doesn't.", "doesn\u2019t"),
        ("He said \u201cno\u201d.", 'said "no"'),
        ("Er sagt \u201enein\u201c.", 'sagt "nein"'),
        ("Hawai\u02bbi", "hawai'i"),
        ("\u0645\u062d\u0640\u0640\u0645\u062f", "\u0645\u062d\u0645\u062f"),
        ("I \u2764 it", "\u2764\ufe0f"),
        ("I \u2764\ufe0f it", "\u2764"),
        ("10\u00a0km", "10 km"),
        ("10\u202fkm", "10\u00a0km"),
        ("10 km", "10\u2009km"),
        ("well\u2011known", "well-known"),
        ("\u3000the end\u3000", "the end"),
        ("10\u201320", "10-20"),
        ("it is \u22125", "it is -5"),
        ("6\u2032 2\u2033", "6' 2\""),
        ("wait\u2026 what", "wait... what"),
        ("it\u00b4s", "it's"),
    ],
)
def test_usual_quotes_hyphens_and_blanks_stand_for_their_typographic_forms(
    text: str, wanted: str
) -> None:
    for check in ("contains", "contains_any", "contains_word"):
        assert passes(text, {check: wanted})
    assert not passes(text, {"not_contains": wanted})
    assert passes(text, {"contains_reference": True}, wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("o\ufb03ce", "office"),
        ("\uff21\uff29 \uff11\uff12", "AI 12"),
        ("\U0001d400\U0001d408 is", "AI is"),
        ("\uff71\uff72", "\u30a2\u30a4"),
        ("\ufee1\ufea8", "\u0645\u062e"),
        ("\u0664\u0662", "42"),
        ("\u096a\u0968", "42"),
        ("co\u00adop\u200bera\u2060tion", "cooperation"),
        ("\u200e\u2067hello\u2069", "hello"),
        ("\u2764\ufe0f yes", "\u2764 yes"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u062e\u0648\u0627\u0647\u0645",
        ),
        ("\u0130stanbul", "istanbul"),
        ("istanbul", "\u0130STANBUL"),
        ("DIYARBAKIR", "diyarbak\u0131r"),
        ("STRASSE", "stra\u00dfe"),
        ("\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c2"),
    ],
)
def test_one_letter_or_digit_is_one_whatever_its_form(text: str, wanted: str) -> None:
    for one, other in ((text, wanted), (wanted, text)):
        for check in ("contains", "contains_word", "starts_with", "ends_with"):
            assert passes(one, {check: other})
        assert not passes(one, {"not_contains": other})
        assert passes(one, {"equals_reference": True}, other)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("x\u00b2", "x2"), ("\u00bd", "1/2"), ("2\u00bd", "21"), ("10\u2103", "10C"), ("\u00aa", "a")],
)
def test_what_reads_as_another_thing_stays_one(text: str, wanted: str) -> None:
    assert not passes(text, {"contains": wanted})


def test_a_vowel_that_is_a_mark_is_a_part_of_its_word() -> None:
    assert not passes(
        "\u0939\u093f\u0902\u0926\u0940", {"contains_word": "\u0939\u093f\u0902\u0926"}
    )
    assert passes(
        "\u092f\u0939 \u0939\u093f\u0902\u0926\u0940 \u0939\u0948",
        {"contains_word": "\u0939\u093f\u0902\u0926\u0940"},
    )


@pytest.mark.parametrize(
    "marker", ["-\u00a0", "\u2013\u202f", "\u3000\u30fb", "\u30fb ", "\u00b7 "]
)
def test_an_item_begins_with_any_bullet_and_any_blank(marker: str) -> None:
    text = f"{marker}one\n{marker}two"
    assert passes(text, {"bullet_items": 2})
    assert passes(text, {"max_sentences": 2, "min_sentences": 2}) or "\u2013" in marker
    assert passes("1.\u00a0one\n2.\u00a0two", {"numbered_items": 2})
    assert passes("\u30fb\u30fb\u30fbwell", {"bullet_items": 0})
    assert not passes("One.\n\u00a0\nTwo.", {"max_paragraphs": 1})


def test_a_sign_that_is_not_drawn_is_found_only_where_it_stands() -> None:
    for sign in ("\ufe0f", "\u0640"):
        assert not passes("text", {"contains": sign})


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_every_sign_for_the_end_of_a_line_is_one(end: str) -> None:
    text = end.join(["First.", "", "- one", "\u25cf two", "1. three", "2\u3001four"])
    assert passes(text, {"bullet_items": 2, "numbered_items": 2, "list_items": 4})
    assert passes(end.join(["One.", "", "Two."]), {"max_paragraphs": 2})
    assert not passes(end.join(["One.", "", "Two."]), {"max_paragraphs": 1})
    assert not passes("One.\u2029Two.", {"max_paragraphs": 1})
    assert python_code(end.join(["```python", "x = 1", "```", "Done."])) == "x = 1\n"


def test_sentences_end_as_their_script_ends_them() -> None:
    for text in (
        "\u0643\u064a\u0641\u061f \u0644\u0627\u061f",
        "\u0939\u093e\u0964 \u0928\u0939\u0940\u0902\u0964",
        "\u597d\uff61\u597d\uff61",
    ):
        assert passes(text, {"max_sentences": 2, "min_sentences": 2})


def test_json_and_language_are_seen_through_what_is_not_drawn() -> None:
    assert passes('\ufeff{"a": 1}\u200b', {"json": True, "json_keys": "a"})
    bold = "".join(
        chr(0x1D41A + ord(c) - 97) if c.isalpha() else c for c in "this is the way of it"
    )
    assert passes(bold, {"language": "en"})
    assert not passes(bold, {"language": "ru"})


@pytest.mark.parametrize("sign", ["\u2019", "\u201c", "\u00a0", "\u2011"])
def test_a_sign_that_is_wanted_by_itself_is_meant_as_it_is_written(sign: str) -> None:
    plain = 'It\'s "well-known".'
    assert passes(plain, {"not_contains": sign})
    assert passes(plain + sign, {"contains": sign})
    assert passes(plain + sign + "x", {"contains": "'"})
    assert not passes(sign, {"contains": "'"})


def test_lengths_keys_schemas_and_languages_do_not_depend_on_the_form() -> None:
    nfd = unicodedata.normalize("NFD", "für über möchte")
    assert passes(nfd, {"max_chars": 15, "language": "de"})
    name = unicodedata.normalize("NFD", "größe")
    text = f'{{"{name}": "{unicodedata.normalize("NFD", "süß")}"}}'
    schema = {"required": ["größe"], "properties": {"größe": {"enum": ["süß"]}}}
    assert passes(text, {"json_keys": "größe", "json_schema": schema})
    assert passes('{"größe": "süß"}', {"json_keys": name})


def test_letters_that_differ_stay_different() -> None:
    for check in ("contains", "contains_word", "starts_with", "ends_with"):
        assert not passes("cafe", {check: "café"})
        assert not passes("café", {check: "cafe"})
    assert not passes("cafe", {"equals_reference": True}, "café")


@pytest.mark.parametrize("check", [{"contains": "zebra"}, {"regex": "z"}, {"json": True}])
def test_more_marks_than_any_script_has_take_no_longer_than_other_text(
    check: dict[str, Any],
) -> None:
    text = "e" + "\u0301\u0316" * 300_000
    begun = time.process_time()
    assert not passes(text, check)
    assert time.process_time() - begun < 15
