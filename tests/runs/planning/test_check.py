"""What `check` says of rows with more than words, and which models cannot take them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import judgeforge
from judgeforge.errors import ConfigError
from judgeforge.runs.planning.check import CheckReport, check_run
from judgeforge.runs.planning.plan import plan_run
from judgeforge.text.messages import PICTURE_TOKENS
from tests.support.pictures import data_url, png
from tests.support.run_setup import RUBRIC

TOOLS = [{"type": "function", "function": {"name": "f"}}]
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED = [
    {"role": "user", "content": "Hi", "weight": 1},
    {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_content": "Hm."},
    {"role": "tool", "tool_call_id": "a", "content": "1"},
]
SEEN = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": data_url(png())}}]}]
SERVER = {
    "provider": "openai",
    "model": "m",
    "base_url": "http://127.0.0.1:9/v1",
    "price": {"input_per_mtok": 0, "output_per_mtok": 0},
}
CLAUDE = {**SERVER, "provider": "anthropic", "base_url": "http://127.0.0.1:9"}
DECIDES = {**SERVER, "provider": "systemone"}


def config(
    folder: Path,
    rows: list[dict[str, Any]],
    *,
    writer: dict[str, Any] = SERVER,
    judge: dict[str, Any] = SERVER,
    protocol: str = "pointwise",
) -> Path:
    (folder / "rubric.yaml").write_text(RUBRIC)
    (folder / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    content = {
        "prompts": {"path": "p.jsonl"},
        "models": {"writer": writer, "judge": judge},
        "sampling": {"models": ["writer"], "completions": 2},
        "rubric": "rubric.yaml",
        "judging": {"judges": [{"model": "judge", "protocol": protocol}]},
    }
    file = folder / "run.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def check(folder: Path, rows: list[dict[str, Any]], **models: Any) -> CheckReport:
    return check_run(judgeforge.load_config(config(folder, rows, **models)))


def test_it_says_what_rows_have_beside_words_and_what_of_it_no_pair_has(tmp_path: Path) -> None:
    rows = [
        {"prompt": "Plain"},
        {"prompt": CALLED, "tools": TOOLS},
        {"prompt": SEEN},
    ]
    report = check(tmp_path, rows)
    assert report.usable, report.problems
    assert report.notes[-2:] == [
        "the input has 1 row with tools, 1 row with tool calls, 1 row with thoughts, 1 row with "
        "pictures",
        "thoughts of earlier turns are kept in the pairs and not sent to `writer`: "
        "`models.writer.send_reasoning: true` sends them to servers that take them",
    ]
    assert report.warnings == [
        "fields of messages that no pair has are left out: `weight` (1 message)"
    ]


def test_rows_with_the_same_fault_are_told_once_with_their_number_and_first_lines(
    tmp_path: Path,
) -> None:
    same = [{"prompt": "Why?", "completions": ["So.", "So."]}] * 8
    report = check(tmp_path, [{"prompt": "Plain"}, *same, {"prompt": ""}, *same])
    told = list(map(str, report.kinds.values()))
    file = tmp_path / "p.jsonl"
    assert told[0].startswith(f"too_few_completions: 16 rows ({file}:2, 3, 4, 5, 6, …): `compl")
    assert told[1:] == [f"line-10: empty_prompt: {file}:10: `prompt` is empty; write one"]
    assert report.unshown == 0


def test_of_many_different_faults_the_first_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    rows = [{"id": f"p{i // 2}", "prompt": f"{i}?"} for i in range(30)]
    report = check(tmp_path, rows)
    assert (len(report.kinds), report.skips.total(), report.unshown) == (10, 15, 5)


def test_it_says_nothing_of_rows_of_words_alone(tmp_path: Path) -> None:
    report = check(tmp_path, [{"prompt": "Plain"}])
    assert not any("the input has" in note for note in report.notes)
    assert report.warnings == []


def test_a_model_that_takes_thoughts_is_not_named(tmp_path: Path) -> None:
    report = check(tmp_path, [{"prompt": CALLED}], writer={**SERVER, "send_reasoning": True})
    assert not any("thoughts of earlier turns" in note for note in report.notes)


def test_where_no_setting_sends_thoughts_none_is_advised(tmp_path: Path) -> None:
    report = check(tmp_path, [{"prompt": CALLED}], writer=CLAUDE)
    assert "not sent to `writer`: provider `anthropic` takes none" in report.notes[-1]


BLIND = {**SERVER, "vision": False}
CANNOT: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"prompt": SEEN}, {"writer": BLIND}, "models.writer is said not to see (`vision: false`)"),
    ({"prompt": SEEN}, {"judge": BLIND}, "models.judge is said not to see"),
    (
        {"prompt": SEEN},
        {"judge": DECIDES, "protocol": "decisions"},
        "models.judge: provider `systemone` takes words only",
    ),
]


@pytest.mark.parametrize(("row", "models", "says"), CANNOT)
def test_a_model_that_cannot_see_a_picture_is_a_mistake_of_the_configuration(
    tmp_path: Path, row: dict[str, Any], models: dict[str, Any], says: str
) -> None:
    report = check(tmp_path, [{"prompt": "Plain"}, row], **models)
    assert [problem for problem in report.problems if says in problem], report.problems
    assert "p.jsonl:2: the row has a picture" in report.problems[0]


LOCAL = {"provider": "local", "model": "none.gguf"}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"prompt": "Hi", "tools": TOOLS}, "p.jsonl:1: the row has `tools`, and models.writer: "),
        ({"prompt": CALLED}, "p.jsonl:1: the row has tool calls, and models.writer: provider"),
        ({"prompt": SEEN}, "models.writer: provider `local` takes words only"),
    ],
)
def test_the_embedded_provider_takes_words_only(
    tmp_path: Path, row: dict[str, Any], says: str
) -> None:
    report = check(tmp_path, [row], writer=LOCAL)
    assert [problem for problem in report.problems if says in problem], report.problems


def test_so_does_a_fallback(tmp_path: Path) -> None:
    writer = {**SERVER, "fallback": "judge"}
    report = check(tmp_path, [{"prompt": "Hi", "tools": TOOLS}], writer=writer, judge=LOCAL)
    assert "models.judge: provider `local` can call none" in "\n".join(report.problems)


def test_a_plan_counts_the_pictures_that_are_sampled_and_judged(tmp_path: Path) -> None:
    priced = {**SERVER, "price": {"input_per_mtok": 1e6 / PICTURE_TOKENS, "output_per_mtok": 0}}
    text = [{"role": "user", "content": [{"type": "text", "text": "?"}]}]
    costs = []
    for prompt in (text, SEEN):
        file = config(tmp_path, [{"prompt": prompt}], writer=priced, judge=priced)
        costs.append(plan_run(judgeforge.load_config(file)).expected or 0.0)
    two_completions_and_two_judgments = 4
    assert costs[1] - costs[0] == pytest.approx(two_completions_and_two_judgments, abs=0.3)


def test_a_run_does_not_begin_where_a_model_cannot_take_a_row(tmp_path: Path) -> None:
    file = config(tmp_path, [{"prompt": SEEN}], writer=BLIND)
    with pytest.raises(ConfigError, match="said not to see"):
        judgeforge.run(judgeforge.load_config(file), tmp_path / "out")


def test_pictures_are_sent_to_a_model_of_which_nothing_is_said(tmp_path: Path) -> None:
    assert check(tmp_path, [{"prompt": SEEN}]).problems == []
