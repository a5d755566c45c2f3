"""A preference set of others, judged anew: what its labels are worth, and its metadata kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import pytest

from tests.local_server import LocalServer
from tests.support.foreign_rows import write_rows
from tests.support.run_process import Command
from tests.support.run_setup import rows, run, write_config


def conversation(number: int, quality: float) -> str:
    return f"\n\nHuman: Tell me fact {number}.\n\nAssistant: [quality={quality}] Fact {number}."


def foreign_set() -> list[dict[str, Any]]:
    """Ten rows, the first three with labels that are plainly wrong."""
    return [
        {
            "source": "web" if n % 2 else None,
            "level": n,
            "chosen_model": "gpt-4",
            "rejected_model": "llama-2-7b",
            "chosen": conversation(n, 0.1 if n < 3 else 0.9),
            "rejected": conversation(n, 0.9 if n < 3 else 0.1),
        }
        for n in range(10)
    ]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    write_rows(folder / "set.json", foreign_set())
    source = {"path": "set.json", "keep": ["source", "level"]}
    with LocalServer() as server:
        config = write_config(folder, server, prompts=source, sampling=None)
        result = run(config, folder / "out")
    assert result.exit_code == 0
    return folder / "out"


def test_nothing_is_sampled_and_each_side_keeps_its_label(judged: Path) -> None:
    found = rows(judged / "completions.jsonl")
    assert len(found) == 20
    assert {row["given"] for row in found} == {"chosen", "rejected"}
    assert {row["call"] for row in found} == {None}


def test_verdicts_make_the_pairs_and_flip_what_was_wrong(judged: Path) -> None:
    pairs = rows(judged / "pairs.jsonl")
    assert len(pairs) == 10
    assert all("[quality=0.9]" in pair["chosen"][0]["content"] for pair in pairs)
    assert [pair["chosen_model"] for pair in pairs] == ["llama-2-7b"] * 3 + ["gpt-4"] * 7


def test_the_manifest_says_how_often_labels_and_verdicts_agree(judged: Path) -> None:
    told = json.loads((judged / "manifest.json").read_text())["given_labels"]
    counts = {name: told[name] for name in ("rows", "judged", "agree", "flipped", "tied")}
    assert counts == {"rows": 10, "judged": 10, "agree": 7, "flipped": 3, "tied": 0}
    flipped = {pair["prompt_id"] for pair in rows(judged / "pairs.jsonl")[:3]}
    assert {flip["prompt_id"] for flip in told["surest_flips"]} == flipped
    assert told["families"][0] == {"family": "gpt", "rows": 10, "labelled": 10, "judged": 7}


def test_the_card_and_explain_say_so_too(judged: Path, command: Command) -> None:
    card = (judged / "README.md").read_text(encoding="utf-8")
    assert "the verdict agrees in 70.0% and prefers the other answer in 30.0%" in " ".join(
        card.split()
    )
    assert "`metadata` has what the rows of the prompts say of themselves: source, level." in card
    code, shown, _ = command("explain", judged, rows(judged / "pairs.jsonl")[0]["id"])
    assert code == 0
    assert "rejected in the set that it comes from" in shown
    assert "level: 0" in shown


def test_the_command_ends_with_what_became_of_the_labels(
    judged: Path, server: LocalServer, command: Command
) -> None:
    code, shown, _ = command("run", judged.parent / "config.yaml", "--out", judged)
    assert code == 0
    assert "the set's own labels: 7 of 10 judged stand, 3 are reversed" in shown


def test_the_flips_of_the_docs_are_found(judged: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "inputs.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0].replace("runs/first", str(judged))
    found: dict[str, Any] = {}
    exec(code, found)  # noqa: S102 (what the page shows)
    told = json.loads((judged / "manifest.json").read_text())["given_labels"]
    assert set(found["flips"]) == {flip["prompt_id"] for flip in told["surest_flips"]}


def test_the_report_has_both_and_slices(judged: Path) -> None:
    page = (judged / "report.html").read_text(encoding="utf-8")
    assert "The set's own labels" in page
    assert "By source" in page
    assert "70.0%" in page


def test_kept_metadata_is_a_column_of_all_pairs_with_one_type(judged: Path) -> None:
    pairs = rows(judged / "pairs.jsonl")
    assert [pair["metadata"] for pair in pairs[:2]] == [
        {"source": None, "level": 0},
        {"source": "web", "level": 1},
    ]
    loaded = datasets.load_dataset(str(judged), split="train")
    assert loaded["metadata"][1] == {"source": "web", "level": 1}


def test_a_run_that_keeps_nothing_has_neither_column_nor_section(
    tmp_path: Path, server: LocalServer
) -> None:
    result = run(write_config(tmp_path, server, prompts=2), tmp_path / "out")
    assert "given_labels" not in result.manifest
    assert all("metadata" not in pair for pair in rows(tmp_path / "out" / "pairs.jsonl"))
    assert all("given" not in row for row in rows(tmp_path / "out" / "completions.jsonl"))
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "The set's own labels" not in page
