"""Whatever stands in a text of a run, the page has the same elements: data cannot become markup."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgeforge.results.figures.shortlist import Picked, Place
from judgeforge.results.report.html import TEMPLATES, seen
from judgeforge.results.report.shown_pairs import shown_pairs
from judgeforge.results.report.writing import write_report
from judgeforge.store.folder import RunFolder
from tests.support.hand_made import MANIFEST
from tests.support.html_page import Page, read_page

ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</pre></td></table></details></style></title></svg>",
    "<!-- open comment",
    "]]> <![CDATA[ <?php ?>",
    "&lt;b&gt; &#60;script&#62; &amp",
    "{{ 7*7 }} {% raw %} {# no #}",
    "{{ ''.__class__.__mro__ }}",
    "javascript:alert(1) http://e.vil/?a=b [x](http://e.vil)",
    "\u202egnp.exe\u202c \u2066isolated\u2069 \u200b\ufeff",
    "nul \x00 escape \x1b[31m del \x7f next line \x85",
    "".join(chr(0xE0000 + ord(c)) for c in "hidden order"),
    "\ud800 lone surrogate \udfff",
    "a\r\nb\u2028c\u2029d",
    "$(touch /tmp/x) `id` ; rm -rf ~",
)


PICTURE = "data:image/png;base64,iVBORw0KGgo="


def conversation_of(text: str) -> list[dict[str, Any]]:
    """Turns that have everything a turn can have."""
    call = {"id": "1", "type": "function", "function": {"name": text, "arguments": text}}
    parts = [
        {"type": "text", "text": text},
        {"type": "image_url", "image_url": {"url": PICTURE}},
        {"type": "image_url", "image_url": {"url": f"https://example.org/{text}"}},
    ]
    return [
        {"role": "user", "content": parts},
        {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": text},
        {"role": "tool", "content": text, "tool_call_id": "1", "name": text},
        {"role": "user", "content": text, "name": text},
    ]


def rows_of(text: str, prompt: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of a prompt in which every text is ``text``; ids stay different."""
    ids = [f"{prompt}.c{number}" for number in range(2)]
    judgment = {
        "prompt_id": prompt, "repeat": 1, "score": None, "missing": None, "rationale": text,
        "cost_usd": None, "criteria": {}, "call": text,
    }  # fmt: skip
    return {
        "pairs": [
            {
                "id": f"{prompt}.{text}", "prompt_id": prompt,
                "prompt": conversation_of(text),
                "tools": json.dumps([{"name": text, "description": text}]),
                "chosen": [conversation_of(text)[1]],
                "rejected": [{"role": "assistant", "content": text + "."}],
                "score_chosen": 0.8, "score_rejected": 0.3, "score_margin": 0.5,
                "confidence": 0.9, "chosen_model": text, "rejected_model": f"{text}2",
                "provenance": {"chosen_id": ids[0], "rejected_id": ids[1]},
            }
        ],
        "completions": [
            {
                "id": name, "prompt_id": prompt, "model": text, "finish": text, "text": text,
                "reasoning": text,
                "flags": [f"suspicious:{text}"], "score_sd": 0.1, "p_best": 0.5, "cost_usd": 0.1,
            }
            for name in ids
        ],
        "judgments": [
            {**judgment, "id": "1", "judge": f"{text}1", "protocol": text, "score": 0.5,
             "completion_ids": ids[:1], "criteria": {text: 0.5, f"{text}'": 0.5}},
            {**judgment, "id": "2", "judge": f"{text}2", "protocol": "pairwise", "verdict": "b",
             "completion_ids": ids},
            {**judgment, "id": "3", "judge": f"{text}3", "protocol": "pointwise", "missing": text,
             "completion_ids": ids[:1]},
        ],
    }  # fmt: skip


def manifest_of(text: str) -> dict[str, Any]:
    config = MANIFEST["config"]
    judges = [{"model": text, "name": f"{text}{n}", "protocol": text} for n in (1, 2, 3)]
    known = {"name": f"{text}1", "repeat_sd": 0.1, "own_sd": 0.1, "offset": 0.0, "scale": 1.0}
    return {
        "format_version": 1,
        **MANIFEST,
        "status": text,
        "message": text,
        "updated_at": text,
        "judgeforge_version": text,
        "totals": {**MANIFEST["totals"], "skips": {text: 3}},
        "rubric": {"name": text, "version": text, "sha256": text},
        "versions": {text: text},
        "reliability": {"judges": [known], "source": "run", "prompts": 5},
        "own_family_judgments": {text: 3},
        "judging": {"judgments": 3, "by_tier": {text: 3}, "asking_everybody": 3, "saved_usd": None},
        "calibration": {
            "labels": 40,
            "of": text,
            "share_kept": 0.5,
            "promise": {"in_words": text, "assumptions": [text]},
        },
        "config": {
            **config,
            "models": {text: {"provider": text, "model": text}},
            "sampling": {**config["sampling"], "models": [text]},
            "judging": {"judges": judges},
            "pairing": {"strategy": text, "min_confidence": 0.6},
        },
    }


def folder_of(place: Path, text: str) -> Path:
    place.mkdir(exist_ok=True)
    rows = [rows_of(text, f"p{number}") for number in range(2)]
    for name in ("pairs", "completions", "judgments"):
        lines = (json.dumps(row) + "\n" for each in rows for row in each[name])
        (place / f"{name}.jsonl").write_text("".join(lines))
    call = {"event": "call", "model": text, "attempt": 1, "outcome": text, "latency_s": 1.0}
    log = [call, {**call, "output_tokens": 5}, {"event": text or "event"}]
    (place / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))
    (place / "manifest.json").write_text(json.dumps(manifest_of(text)))
    return place


def page_of(place: Path, text: str) -> Page:
    return read_page(write_report(folder_of(place, text)))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def harmless(place: Path) -> Page:
    return page_of(place / "out", "harmless")


def without_bar_places(page: Page) -> list[Any]:
    """Lengths of texts are drawn, so the bars of one chart may differ; nothing else may."""
    return [element for element in page.elements if element[0] not in {"rect", "text", "title"}]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_changes_no_element_and_no_attribute(
    place: Path, harmless: Page, attack: str
) -> None:
    page = page_of(place / "out", attack)
    assert without_bar_places(page) == without_bar_places(harmless)
    assert page.tags == harmless.tags
    assert "".join(seen(attack).split()) in "".join(page.text.split())


@settings(max_examples=25, deadline=None)
@given(text=st.text(min_size=1, max_size=60))
@pytest.mark.slow
def test_no_text_changes_an_element_or_an_attribute(place: Path, harmless: Page, text: str) -> None:
    page = page_of(place / "out", text)
    assert without_bar_places(page) == without_bar_places(harmless)


@given(st.text(st.characters()))
def test_what_is_never_drawn_is_named(text: str) -> None:
    shown = seen(text)
    shown.encode()
    hidden = {c for c in shown if unicodedata.category(c)[0] == "C"}
    assert hidden <= {"\n", "\t", "\u200c", "\u200d"}
    if text.isprintable():
        assert shown == text


def test_nothing_is_ever_marked_as_safe() -> None:
    parts = [*(one for one in TEMPLATES.iterdir() if one.is_file())]
    parts += TEMPLATES.parent.glob("*.py")
    assert len(parts) > 15
    for part in parts:
        text = part.read_text(encoding="utf-8")
        assert "Markup" not in text
        assert not re.search(r"\|\s*safe|autoescape (false|on|off)", text), part


def test_unseen_characters_have_a_name() -> None:
    assert seen("a\x00\x1b\x7f\u202eb\U000e0041") == "a␀␛␡[U+202E]b[U+E0041]"
    assert seen("👩\u200d🚀 ok\n\t") == "👩\u200d🚀 ok\n\t"


def test_commands_hold_ids_that_a_shell_would_obey_in_quotes(place: Path) -> None:
    page = page_of(place / "run;x", "$(touch x) 'y'")
    assert """explain 'run;x' 'p0.$(touch x) '"'"'y'"'"''""" in page.text


class TestSize:
    def test_long_texts_are_cut_and_the_page_says_how_much(self, place: Path) -> None:
        folder = folder_of(place / "long", "x" * 30_000)
        page = read_page(write_report(folder))
        assert "26,000 more characters are not shown" in page.text
        assert (folder / "report.html").stat().st_size < 300_000

    def test_no_more_pairs_are_shown_than_there_is_room_for(self, place: Path) -> None:
        folder = folder_of(place / "many", "'" * 1_000)
        picked = [Picked(Place("p0", 0, 0, 0, 0), ("why",))] * 80
        all_of_them = shown_pairs(RunFolder(folder), picked, most_bytes=10**9)
        assert (len(all_of_them.pairs), all_of_them.left_out) == (70, 10)
        three_texts = 3 * 1_000 * len("&#39;")
        few = shown_pairs(RunFolder(folder), picked, most_bytes=30 * three_texts)
        assert 1 < len(few.pairs) < 10
        assert few.left_out == 80 - len(few.pairs)

    def test_names_of_unseen_characters_are_counted_too(self, place: Path) -> None:
        folder = folder_of(place / "unseen", "\u202e" * 3_000)
        page = read_page(write_report(folder))
        assert page.text.count("[U+202E]") * len("[U+202E]") < 250_000
