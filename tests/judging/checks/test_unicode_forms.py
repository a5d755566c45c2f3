"""A check decides by what is read: not by how an accent, a quote or a blank is encoded."""

from __future__ import annotations

import time
import unicodedata
from typing import Any

import pytest

from judgeforge.judging.checks import Subject, failed_checks, parse_checks

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
        ("10\u00a0km", "10 km"),
        ("10\u202fkm", "10\u00a0km"),
        ("10 km", "10\u2009km"),
        ("well\u2011known", "well-known"),
        ("\u3000the end\u3000", "the end"),
    ],
)
def test_usual_quotes_hyphens_and_blanks_stand_for_their_typographic_forms(
    text: str, wanted: str
) -> None:
    for check in ("contains", "contains_any", "contains_word"):
        assert passes(text, {check: wanted})
    assert not passes(text, {"not_contains": wanted})
    assert passes(text, {"contains_reference": True}, wanted)


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
