"""All figures come from one pass: what a run's end and a page read of the files, and how often."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from judgeforge.config.judges import JudgeConfig
from judgeforge.results.card import card
from judgeforge.results.export.arrow import open_parquet
from judgeforge.results.figures.run import run_figures
from judgeforge.results.report.findings import findings
from judgeforge.results.report.writing import write_report
from judgeforge.store import audit, json_lines
from judgeforge.store.folder import RunFolder
from judgeforge.store.json_lines import read_rows
from tests.local_server import LocalServer
from tests.support.result_rows import Row, completion, pair, scored
from tests.support.run_setup import run, write_config

FILES = ("pairs.jsonl", "completions.jsonl", "judgments.jsonl")


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file was read from its first line to its last, by name.

    The rows of the pairs that a page shows are read again at their places, and are no such pass.
    """
    counted: Counter[str] = Counter()
    read, expect_end = json_lines._read, audit._Lines.expect_end

    def counting_read(file: Path, parse: Callable[[bytes], Any], **options: Any) -> Iterator[Any]:
        yield from read(file, parse, **options)
        counted[file.name] += not options.get("offset")

    def counting_end(lines: audit._Lines) -> None:
        expect_end(lines)
        counted[lines._path.name] += 1

    monkeypatch.setattr(json_lines, "_read", counting_read)
    monkeypatch.setattr(audit._Lines, "expect_end", counting_end)
    return counted


def test_the_end_of_a_run_proves_its_files_and_counts_them_once(
    tmp_path: Path, server: LocalServer, passes: Counter[str]
) -> None:
    result = run(write_config(tmp_path, server, prompts=8), tmp_path / "out")
    assert result.manifest["totals"]["pairs"] > 4
    assert (tmp_path / "out" / "report.html").exists()
    assert [passes[name] for name in FILES] == [2, 2, 2]


@pytest.mark.slow
def test_a_page_counts_each_file_once(finished: Path, passes: Counter[str]) -> None:
    write_report(finished)
    assert [passes[name] for name in FILES] == [1, 1, 1]


def test_manifest_card_page_and_parquet_can_be_made_again_from_the_files(
    finished: Path, tmp_path: Path
) -> None:
    folder = RunFolder(finished)
    manifest = folder.read_manifest()
    assert manifest is not None
    page = folder.report.read_bytes()
    judges = [JudgeConfig.model_validate(one) for one in manifest.config["judging"]["judges"]]
    with open_parquet(tmp_path / "again.parquet") as take:
        figures = run_figures(folder, judges=judges, take=take)
    assert figures.quality() == manifest.quality
    assert figures.tiers.totals() == manifest.judging
    assert card(folder, figures.pairs, manifest) == folder.card.read_text(encoding="utf-8")
    assert write_report(folder.path, to=tmp_path / "again.html").read_bytes() == page
    assert (tmp_path / "again.parquet").read_bytes() == folder.pairs_parquet.read_bytes()


def test_rows_that_were_put_in_another_order_are_still_counted_once(tmp_path: Path) -> None:
    def write(name: str, rows: Sequence[Row]) -> None:
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    write("pairs", [pair(1), pair(0), pair(2)])
    write("completions", [completion(0, 0), completion(1, 0), completion(2, 0)])
    write("judgments", [{**scored("x", n, 0, 0.5), "prompt_id": f"p{n}"} for n in (2, 0, 1)])
    figures = run_figures(RunFolder(tmp_path))
    assert figures.pairs.pairs == 3
    assert figures.judges.judges["x"].judgments == 3
    assert sum(model.completions for model in figures.completions.models.values()) == 3


def test_completions_judgments_and_pairs_name_the_model_that_answered(finished: Path) -> None:
    folder = RunFolder(finished)
    manifest = folder.read_manifest()
    assert manifest is not None
    asked = {one["model"] for one in manifest.config["models"].values()}
    for file in (folder.completions, folder.judgments):
        assert {row["answered_model"] for row in read_rows(file)} <= asked
    assert all(row["provenance"]["answered_models"] for row in read_rows(folder.pairs))
    figures = run_figures(folder)
    assert not [one for one in findings(manifest, figures) if "another model" in one.text]
