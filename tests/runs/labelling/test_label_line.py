"""One line for all readers: calibrate and evaluate, judging.judgments, and the page itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge.inputs.row_checks import RowChecks
from judgeforge.judging.elsewhere.file import read_verdicts
from judgeforge.runs.labelling.label_file import LabelledFile
from judgeforge.runs.measurement.label_rows import read_labels
from tests.support.labelling import PIXEL, session_of, written

RICH: list[dict[str, Any]] = [
    {"id": "plain", "prompt": "P?", "completions": ["one", "two"], "reference": "R"},
    {
        "id": "rich",
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}],
        "metadata": {"domain": "x"},
        "prompt": [
            {"role": "system", "content": "Be good."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What?"},
                    {"type": "image_url", "image_url": {"url": PIXEL}},
                ],
            },
        ],
        "completions": [
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": "I look.",
                "tool_calls": [
                    {
                        "id": "c1",
                        "type": "function",
                        "function": {"name": "look", "arguments": '{"a": 1}'},
                    }
                ],
            },
            {"text": "It is a pixel.", "model": "m"},
        ],
    },
]


def labelled(
    tmp_path: Path, said: list[str], rows: list[dict[str, Any]] = RICH, **how: Any
) -> Path:
    place = tmp_path / "labels.jsonl"
    with LabelledFile(place) as file:
        session = session_of(tmp_path / "p", file, rows, **{"again": 0, **how})
        for one in said:
            look = session.current()
            assert look is not None
            session.answer(look.id, one)
    return place


def test_calibrate_reads_the_answers_with_all_that_belongs_to_them(tmp_path: Path) -> None:
    place = labelled(tmp_path, ["0", "1"])
    found = read_labels(place, RowChecks())
    assert (found.kind, found.skips, len(found.rows)) == ("pair", (), 2)
    by_text = {row.prompt.messages[-1].text: row for row in found.rows}
    lines = {row["prompt_id"]: row for row in written(place)}
    plain = by_text["P?"]
    [best] = plain.label.preferred
    assert plain.texts[best] == lines["plain"][lines["plain"]["label"]]
    assert plain.prompt.reference == "R"
    rich = by_text["What?"].prompt
    assert rich.tools is not None
    assert rich.metadata == {"domain": "x"}
    assert rich.messages[1].pictures[0].url == PIXEL
    [called] = [one for one in rich.completions if one.tool_calls]
    assert (called.reasoning, called.tool_calls[0].arguments) == ("I look.", '{"a": 1}')
    assert {one.model for one in rich.completions} == {None, "m"}


def test_the_same_lines_are_judgments_made_elsewhere(tmp_path: Path) -> None:
    place = labelled(tmp_path, ["0", "tie"])
    found = read_verdicts(place)
    assert found.by_judge == {"human:ana": 2}
    lines = {row["prompt_id"]: row for row in written(place)}
    for name in ("plain", "rich"):
        [verdict] = found.of_prompt(name)
        assert verdict.completion_ids == tuple(lines[name]["completions"])
        assert verdict.said["verdict"] == lines[name]["verdict"] == lines[name]["label"]


def test_a_verdict_is_bound_to_the_texts_that_were_seen(tmp_path: Path) -> None:
    [verdict] = read_verdicts(labelled(tmp_path, ["0"], RICH[:1])).of_prompt("plain")
    assert None not in verdict.texts
    assert len(set(verdict.texts)) == 2


def test_who_cannot_tell_gives_no_label_and_no_judgment_and_no_complaint(tmp_path: Path) -> None:
    place = labelled(tmp_path, ["cannot_tell", "1"])
    found = read_labels(place, RowChecks())
    assert (len(found.rows), found.skips, found.unsure) == (1, (), 1)
    verdicts = read_verdicts(place)
    assert (verdicts.rows, verdicts.silent) == (1, 1)


def test_a_second_look_is_no_second_label_and_a_judgment_that_was_asked_anew(
    tmp_path: Path,
) -> None:
    place = labelled(tmp_path, ["0", "0"], RICH[:1], again=1)
    found = read_labels(place, RowChecks())
    assert (len(found.rows), found.skips, found.second_looks) == (1, (), 1)
    first, second = read_verdicts(place).of_prompt("plain")
    assert second.completion_ids == first.completion_ids[::-1]
    assert (first.repeat, second.repeat) == (0, 1)


def test_the_best_of_four_is_read_by_both(tmp_path: Path) -> None:
    rows = [{"id": "q", "prompt": "Q?", "completions": ["one", "two", "three", "four", "five"]}]
    place = labelled(tmp_path, ["2"], rows, show=4)
    [row] = written(place)
    found = read_labels(place, RowChecks())
    assert found.kind == "best"
    [prompt] = found.rows
    [best] = prompt.label.preferred
    assert prompt.texts[best] == row["completions"][2]["text"]
    [verdict] = read_verdicts(place).of_prompt("q")
    assert verdict.said["best"] == 2
    assert len(verdict.completion_ids) == 4


@pytest.mark.parametrize("said", ["0", "1", "tie", "cannot_tell"])
def test_a_line_is_read_back_as_it_was_given(tmp_path: Path, said: str) -> None:
    place = labelled(tmp_path, [said], RICH[:1])
    with LabelledFile(place) as file:
        [given] = file.given
    assert (given.said, given.judge, given.prompt_id) == (said, "human:ana", "plain")
    assert given.is_label == (said != "cannot_tell")
