"""``judgeforge explain`` gathers all that led to a pair, and shows models' words as mere data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from judgeforge.cli.show.explanation import render_explanation
from judgeforge.errors import ConfigError
from judgeforge.records import Completion, Judgment
from judgeforge.results.explain import explain
from judgeforge.text.messages import ImagePart, ImageUrl, Message, TextPart, ToolCall
from tests.support.hand_made import answers, pair

EVIL = "[bold red]obey[/] \x1b[31mred\x1b[0m \x07 \u202eback\nnext line {{ 7*7 }}"


def completion(number: int, prompt: str = "p1", **changes: Any) -> dict[str, Any]:
    made = Completion(
        id=f"{prompt}.c{number}",
        prompt_id=prompt,
        index=number,
        model="writer",
        text=f"Answer {number}.",
        finish="stop",
        call=f"answer-{prompt}-{number}",
        cost_usd=0.001,
    )
    scores = {"score": 0.8 - number / 2, "score_sd": 0.05, "p_best": 0.9 - number / 2}
    return made.model_dump(mode="json") | scores | changes


def judgment(number: int, judge: str = "strict", prompt: str = "p1", **changes: Any) -> Judgment:
    fields = {
        "id": f"{prompt}.c{number}.{judge}.r0",
        "prompt_id": prompt,
        "completion_ids": (f"{prompt}.c{number}",),
        "judge": judge,
        "protocol": "pointwise",
        "criteria": {"correct": 0.9 - number / 2, "kind": 0.5},
        "score": 0.7,
        "rationale": f"Because of {number}.",
        "call": f"{judge}-{prompt}-{number}",
        "cost_usd": 0.002,
    }
    return Judgment.model_validate(fields | changes)


def call(key: str, **changes: Any) -> dict[str, Any]:
    usual = {
        "event": "call", "key": key, "model": "writer", "attempt": 1, "outcome": "stop",
        "latency_s": 0.5, "input_tokens": 10, "output_tokens": 20, "cost_usd": 0.001,
    }  # fmt: skip
    return usual | changes


def write(file: Path, rows: Iterable[Any]) -> None:
    texts = (
        row
        if isinstance(row, str)
        else row.model_dump_json()
        if hasattr(row, "model_dump_json")
        else json.dumps(row, ensure_ascii=False)
        for row in rows
    )
    file.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two prompts with a pair each, a prompt without one, and a log with a retry."""
    folder = tmp_path / "run"
    folder.mkdir()
    write(folder / "pairs.jsonl", [pair("p0"), pair("p1"), pair("p1", number=1)])
    write(
        folder / "completions.jsonl",
        [completion(0, "p0"), completion(0), completion(1), completion(2, finish="empty")],
    )
    write(
        folder / "judgments.jsonl",
        [
            judgment(0, prompt="p0"),
            judgment(0),
            judgment(1),
            judgment(2),
            judgment(0, "checks", protocol="checks", call=None, cost_usd=0.0),
            judgment(
                1, "mild", criteria={}, score=None, rationale=None, missing="no reply in the schema"
            ),
        ],
    )
    skip = {"prompt_id": "p2", "line": 3, "reason": "tie", "detail": "all the same"}
    write(folder / "skips.jsonl", [skip])
    write(
        folder / "log.jsonl",
        [
            {"event": "run_started"},
            call("answer-p1-0", attempt=1, outcome="StatusError", error="503 busy",
                 input_tokens=None, output_tokens=None, cost_usd=None, latency_s=0.1),
            call("answer-p1-0", attempt=2, latency_s=0.7),
            call("strict-p1-0", model="judge"),
            call("answer-p1-2"),
        ],
    )  # fmt: skip
    return folder


def shown(folder: Path, pair_id: str = "p1.p0", width: int = 120) -> str:
    console = Console(width=width, record=True, file=(folder / "screen").open("w"))
    console.print(render_explanation(explain(folder, pair_id)))
    return console.export_text(styles=True)


def test_both_sides_come_with_scores_and_every_judgment(folder: Path) -> None:
    explanation = explain(folder, "p1.p0")
    chosen, rejected = explanation.chosen, explanation.rejected
    assert (chosen.completion.text, rejected.completion.text) == ("Answer 0.", "Answer 1.")
    assert (chosen.score, chosen.score_sd, chosen.p_best) == (0.8, 0.05, 0.9)
    assert [one.judge for one in chosen.judgments] == ["strict", "checks"]
    assert [one.missing for one in rejected.judgments] == [None, "no reply in the schema"]
    assert explanation.completions == 3


def test_each_call_says_what_it_was_for_and_what_it_took(folder: Path) -> None:
    calls = {call.key: call for call in explain(folder, "p1.p0").calls}
    assert [(key, call.purpose) for key, call in calls.items()] == [
        ("answer-p1-0", "answer (chosen)"),
        ("strict-p1-0", "judge strict on chosen"),
        ("answer-p1-1", "answer (rejected)"),
        ("strict-p1-1", "judge strict on rejected"),
        ("mild-p1-1", "judge mild on rejected"),
    ]
    retried = calls["answer-p1-0"]
    assert (retried.attempts, retried.failures) == (2, ("503 busy",))
    assert (retried.latency_s, retried.input_tokens, retried.output_tokens) == (0.7, 10, 20)
    assert calls["strict-p1-0"].model == "judge"


def test_a_call_that_the_log_does_not_know_came_from_the_cache(folder: Path) -> None:
    (cached,) = [c for c in explain(folder, "p1.p0").calls if c.key == "answer-p1-1"]
    assert (cached.attempts, cached.latency_s, cached.cost_usd) == (0, None, 0.001)
    assert "cached" in shown(folder)


def test_a_call_of_unknown_price_makes_the_sum_unknown(folder: Path) -> None:
    assert "5 calls, cost $0.008000" in shown(folder)
    write(folder / "completions.jsonl", [completion(0, cost_usd=None), completion(1)])
    assert "5 calls, cost unknown" in shown(folder)


def test_the_reason_is_one_sentence_that_names_what_decided(folder: Path) -> None:
    assert explain(folder, "p1.p0").reason == (
        "Of 3 completions, chosen scores 0.75 and rejected 0.25, mostly by correct (+0.50); "
        "chosen is better with a probability of 0.90 (best_vs_worst)."
    )


def test_without_a_log_all_calls_are_unknown_to_it(folder: Path) -> None:
    (folder / "log.jsonl").unlink()
    assert {call.attempts for call in explain(folder, "p1.p0").calls} == {0}


def test_a_log_that_was_cut_or_is_not_all_json_does_no_harm(folder: Path) -> None:
    with (folder / "log.jsonl").open("ab") as log:
        log.write(b'{"event":"call","key":"strict-p1-0","att\n[1, "call"]\n\xff"call"\n')
        log.write(json.dumps(call("strict-p1-1")).encode() + b"\n" + b'{"event":"call",')
    calls = {call.key: call.attempts for call in explain(folder, "p1.p0").calls}
    assert calls["strict-p1-0"] == calls["strict-p1-1"] == 1


def test_ids_in_any_script_are_found(folder: Path) -> None:
    name = 'p "ü"\\\u2028'
    write(folder / "pairs.jsonl", [pair(name)])
    write(folder / "completions.jsonl", [completion(0, name), completion(1, name)])
    write(folder / "judgments.jsonl", [judgment(0, prompt=name)])
    explanation = explain(folder, f"{name}.p0")
    assert explanation.completions == 2
    assert len(explanation.chosen.judgments) == 1


def test_an_id_may_be_written_in_another_form_of_its_letters(folder: Path) -> None:
    """As a shell completes the names of files on macOS, or with a blank too many."""
    write(folder / "pairs.jsonl", [pair("caf\u00e9"), pair("cafe")])
    write(folder / "completions.jsonl", [completion(0, "caf\u00e9"), completion(1, "caf\u00e9")])
    for asked in ("cafe\u0301.p0", " caf\u00e9.p0 "):
        assert explain(folder, asked).pair.id == "caf\u00e9.p0"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("p1.p2", "no pair has the id `p1.p2`; did you mean `p1.p"),
        ("p1", "the pairs of this prompt are: p1.p0, p1.p1"),
        ("p2", "its prompt gave none: tie (all the same)"),
        ("p2.p0", "its prompt gave none: tie (all the same)"),
        ("p1.c2.strict.r0", "is a judgment, which is explained with what it is about: `p1.c2`"),
        ("zzz", "no pair has the id `zzz`. There are: p0.p0, p1.p0, p1.p1"),
    ],
)
def test_an_unknown_id_is_answered_with_what_was_probably_meant(
    folder: Path, asked: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        explain(folder, asked)
    assert said in str(caught.value)


def test_a_row_that_was_skipped_for_its_id_is_not_the_prompt_that_has_it(folder: Path) -> None:
    write(folder / "skips.jsonl", [{"prompt_id": "p1", "reason": "duplicate_id", "detail": ""}])
    with pytest.raises(ConfigError, match="did you mean `p1\\.p"):
        explain(folder, "p1.p2")


def test_a_run_without_any_pair_says_so(folder: Path) -> None:
    write(folder / "pairs.jsonl", [])
    with pytest.raises(ConfigError, match="the run has no pairs at all"):
        explain(folder, "p1.p0")


def test_what_is_no_run_folder_is_told_from_one_that_is_not_ready(folder: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder; did you mean `run`"):
        explain(folder.parent / "rum", "p1.p0")
    with pytest.raises(ConfigError, match=r"no such folder$"):
        explain(folder / "a" / "b", "p1.p0")
    (folder / "pairs.jsonl").unlink()
    with pytest.raises(ConfigError, match="is not a run folder"):
        explain(folder, "p1.p0")
    (folder / "manifest.json").write_text('{"format_version": 1, "status": "running"}')
    with pytest.raises(ConfigError, match=r"has no pairs\.jsonl yet"):
        explain(folder, "p1.p0")


@pytest.mark.parametrize(
    ("name", "rows", "said"),
    [
        ("pairs", [pair("p0"), '{"id": "p1'], r"pairs\.jsonl:2: damaged"),
        ("pairs", ["[1]"], r"pairs\.jsonl:1: damaged \(not a JSON object\)"),
        ("pairs", [{"id": "p1.p0"}], r"the row `p1\.p0` is not as this judgeforge"),
        ("completions", [completion(0)], r"the completion `p1\.c1` of the pair is missing"),
        ("completions", [completion(0, finish="x"), completion(1)], r"\(finish: "),
        ("judgments", [{"prompt_id": "p1", "completion_ids": 7}], r"judgments\.jsonl: the row"),
    ],
)
def test_a_damaged_folder_is_a_mistake_that_names_the_file(
    folder: Path, name: str, rows: list[Any], said: str
) -> None:
    write(folder / f"{name}.jsonl", rows)
    with pytest.raises(ConfigError, match=said):
        explain(folder, "p1.p0")


def test_a_file_that_is_gone_is_named(folder: Path) -> None:
    (folder / "judgments.jsonl").unlink()
    with pytest.raises(ConfigError, match=r"judgments\.jsonl: cannot be read: No such file"):
        explain(folder, "p1.p0")


def test_the_screen_shows_all_of_it(folder: Path) -> None:
    text = shown(folder)
    for words in (
        *("Question p1?", "Answer 0.", "Answer 1.", "score 0.800 ± 0.050", "P(best) 0.90"),
        *("strict", "checks", "correct 0.90", "Because of 0.", "no reply in the schema"),
        *("judge strict on", "0.70", "10+20", "503 busy", "helpfulness version 3"),
    ):
        assert words in text, words


def test_how_a_completion_ended_is_shown_where_it_matters(folder: Path) -> None:
    write(folder / "completions.jsonl", [completion(0, finish="length"), completion(1)])
    assert "finish: length" in shown(folder)


def test_what_models_wrote_is_never_interpreted(folder: Path) -> None:
    changes = answers(chosen=EVIL, rejected=EVIL)
    prompt = (Message(role="user", content=EVIL),)
    write(folder / "pairs.jsonl", [pair("p1", prompt=prompt, chosen_model=EVIL, **changes)])
    write(
        folder / "completions.jsonl",
        [completion(0, text=EVIL, model=EVIL, flags=[EVIL]), completion(1, text=EVIL)],
    )
    evil = {"rationale": EVIL, "judge": EVIL, "criteria": {EVIL: 0.5}, "call": "answer-p1-0"}
    write(folder / "judgments.jsonl", [judgment(0, **evil), judgment(1, missing=EVIL)])
    write(folder / "log.jsonl", [call("answer-p1-0", output_tokens=None, error=EVIL, model=EVIL)])
    plain = Console(width=200, record=True, file=(folder / "screen").open("w"))
    plain.print(render_explanation(explain(folder, "p1.p0")))
    text = plain.export_text()
    assert "[bold red]obey[/]" in text
    assert "{{ 7*7 }}" in text
    assert not {"\x1b", "\x07", "\u202e"} & set(text)


def test_calls_results_thoughts_and_pictures_are_shown_as_people_read_them(folder: Path) -> None:
    oslo = ToolCall(id="call_1", name="weather", arguments='{"city": "Oslo"}')
    seen = ImagePart(image_url=ImageUrl(url="https://example.org/sky.png"))
    prompt = (
        Message(role="user", content=(TextPart(text="Where is this?"), seen)),
        Message(role="assistant", content=None, tool_calls=(oslo,)),
        Message(role="tool", content="9 C", tool_call_id="call_1"),
        Message(role="user", content="And now?"),
    )
    sides = {
        "chosen": (Message(role="assistant", content=None, tool_calls=(oslo,)),),
        "rejected": (Message(role="assistant", content="Cold."),),
    }
    tools = '[{"type": "function", "function": {"name": "weather"}}]'
    write(folder / "pairs.jsonl", [pair("p1", prompt=prompt, tools=tools, **sides)])
    calling = completion(0, text="", tool_calls=[oslo.model_dump()], reasoning="I need " * 100)
    write(folder / "completions.jsonl", [calling, completion(1, text="Cold.")])
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown(folder, width=200))
    lines = [line.strip("│ ") for line in plain.splitlines()]
    for expected in (
        "tools: weather",
        "[picture https://example.org/sky.png]",
        'assistant: → weather({"city": "Oslo"})',
        "tool, result of weather:",
        "9 C",
        '→ weather({"city": "Oslo"})',
        "Cold.",
    ):
        assert expected in lines, expected
    text = "\n".join(lines)
    assert "thought (700 characters): I need I need" in text
    assert "I need " * 100 not in text


def test_comparisons_and_lists_say_what_they_mean_for_each_side(folder: Path) -> None:
    both = ("p1.c1", "p1.c0")
    compared = judgment(
        0, "compare", id="p1.c1-c0.compare.r0", completion_ids=both, protocol="pairwise",
        criteria={"correct": 0.0}, score=None, verdict="b", strength=0.5,
    )  # fmt: skip
    listed = judgment(
        0, "list", id="p1.c1-c0.list.r0", completion_ids=both, protocol="listwise",
        criteria={}, score=None, scores=(0.2, 0.8),
    )  # fmt: skip
    write(folder / "judgments.jsonl", [judgment(0), judgment(1), compared, listed])
    text = shown(folder)
    assert "better than p1.c1 (0.50)" in text
    assert "worse than p1.c0 (0.50)" in text
    assert "0.80, as no. 2 of 2" in text
    assert "mostly by correct (+0.50)" in text
