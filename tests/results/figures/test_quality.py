"""What the manifest and the card say of how far the pairs can be trusted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import StoreError
from judgeforge.records import PreferencePair
from judgeforge.results.card import card
from judgeforge.results.figures.run import RunFigures, run_figures
from judgeforge.store.folder import RunFolder
from judgeforge.store.manifest import Quality
from tests.local_server import LocalServer
from tests.support.hand_made import answers, manifest, pair, write_pairs
from tests.support.run_setup import rows, run, write_config


def completion(prompt_id: str, index: int, length: int, score: float | None, **fields: Any) -> Any:
    return {
        "id": f"{prompt_id}.c{index}",
        "prompt_id": prompt_id,
        "model": "writer-a",
        "text": "x" * length,
        "score": score,
        "p_best": None if score is None else 0.9 - index * 0.8,
        "flags": [],
        **fields,
    }


def folder_of(folder: Path, pairs: Sequence[PreferencePair], completions: Sequence[Any]) -> Path:
    write_pairs(folder / "pairs.jsonl", pairs)
    lines = "".join(json.dumps(row) + "\n" for row in completions)
    (folder / "completions.jsonl").write_text(lines)
    (folder / "judgments.jsonl").write_text("")
    return folder


def figures_of(folder: Path) -> RunFigures:
    return run_figures(RunFolder(folder))


def quality_of(folder: Path) -> Quality:
    return figures_of(folder).quality()


def two_prompts(folder: Path) -> Path:
    """p1 and p3 have pairs; p2 has none; one completion of p3 is a duplicate, one failed."""
    pairs = [
        pair("p1", confidence=0.97, **answers(chosen="x" * 40, rejected="x" * 10)),
        pair("p3", confidence=0.53, **answers(chosen="x" * 10, rejected="x" * 20)),
        pair("p3", 1, confidence=1.0, chosen_model="writer-b", **answers(chosen="x", rejected="y")),
    ]
    completions = [
        completion("p1", 0, 40, 0.9),
        completion("p1", 1, 10, 0.2, flags=["suspicious:verdict"]),
        completion("p2", 0, 5, None, flags=["cut"]),
        completion("p3", 0, 10, 0.8),
        completion("p3", 1, 20, 0.4),
        completion("p3", 2, 10, 0.8, flags=["duplicate:p3.c0"]),
        completion("p3", 3, 0, None, flags=["failed: no", "suspicious:verdict"]),
    ]
    return folder_of(folder, pairs, completions)


class TestQuality:
    def test_expects_as_many_wrong_pairs_as_confidence_and_p_best_leave(
        self, tmp_path: Path
    ) -> None:
        wrong = quality_of(two_prompts(tmp_path)).expected_wrong
        assert wrong.by_confidence == pytest.approx(1 - (0.97 + 0.53 + 1.0) / 3, abs=1e-6)
        assert wrong.by_p_best == pytest.approx(0.1)

    def test_counts_pairs_by_confidence(self, tmp_path: Path) -> None:
        bins = quality_of(two_prompts(tmp_path)).confidence_histogram
        assert [(bar.from_, bar.to) for bar in bins[:2]] == [(0.5, 0.55), (0.55, 0.6)]
        assert [bar.pairs for bar in bins] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]

    @pytest.mark.parametrize(("confidence", "place"), [(0.5, 0), (0.55, 1), (0.7, 4), (0.95, 9)])
    def test_counts_a_confidence_on_an_edge_upwards(
        self, tmp_path: Path, confidence: float, place: int
    ) -> None:
        folder = folder_of(
            tmp_path, [pair("p1", confidence=confidence)], [completion("p1", 0, 1, 0.5)]
        )
        bins = quality_of(folder).confidence_histogram
        assert bins[place].pairs == 1

    def test_says_how_often_chosen_is_longer(self, tmp_path: Path) -> None:
        length = quality_of(two_prompts(tmp_path)).length
        assert length.chosen_longer == pytest.approx(1 / 3, abs=1e-6)
        assert length.same_length == pytest.approx(1 / 3, abs=1e-6)
        assert length.longer_scores_higher == 0.5  # the duplicate is the same answer

    def test_counts_pairs_by_the_models_of_both_sides(self, tmp_path: Path) -> None:
        models = quality_of(two_prompts(tmp_path)).models
        assert [(one.chosen, one.rejected, one.pairs) for one in models] == [
            ("writer-a", "writer-b", 2),
            ("writer-b", "writer-b", 1),
        ]

    def test_counts_signs_of_completions_written_for_the_judge(self, tmp_path: Path) -> None:
        quality = quality_of(two_prompts(tmp_path))
        assert quality.suspicious_completions == {"suspicious:verdict": 2}

    def test_of_nothing_is_unknown(self, tmp_path: Path) -> None:
        quality = quality_of(folder_of(tmp_path, [], []))
        assert set(quality.length.model_dump().values()) == {None}
        assert set(quality.expected_wrong.model_dump().values()) == {None}

    def test_names_a_file_that_cannot_be_read(self, tmp_path: Path) -> None:
        folder = folder_of(tmp_path, [], [])
        (folder / "completions.jsonl").unlink()
        with pytest.raises(StoreError, match=r"completions\.jsonl"):
            quality_of(tmp_path)


class TestARun:
    def test_puts_its_quality_into_manifest_and_card(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        out = tmp_path / "out"
        result = run(write_config(tmp_path, server, prompts=12), out)
        quality = result.manifest["quality"]
        assert quality == quality_of(out).model_dump(mode="json", by_alias=True)
        pairs = rows(out / "pairs.jsonl")
        assert sum(bar["pairs"] for bar in quality["confidence_histogram"]) == len(pairs) > 8
        assert quality["models"] == [{"chosen": "small", "rejected": "small", "pairs": len(pairs)}]
        assert quality == json.loads((out / "manifest.json").read_text())["quality"]
        text = (out / "README.md").read_text()
        assert "## How sure the pairs are" in text
        longer = quality["length"]["chosen_longer"]
        assert f"Chosen is longer in {longer:.1%} of the pairs" in text
        assert f"| small | small | {len(pairs)} |" in text


def card_of(folder: Path) -> str:
    figures = figures_of(folder)
    return card(RunFolder(Path("run")), figures.pairs, manifest(quality=figures.quality()))


class TestTheCard:
    def test_shows_the_histogram_with_bars(self, tmp_path: Path) -> None:
        folder = two_prompts(tmp_path)
        text = card_of(folder)
        assert f"| 0.95 to 1.00 | 2 | {'█' * 30} |" in text
        assert f"| 0.50 to 0.55 | 1 | {'█' * 15} |" in text
        assert "16.7% of the pairs are expected to have the worse answer as chosen" in text

    def test_keeps_names_of_models_from_being_markup(self, tmp_path: Path) -> None:
        nasty = pair("p1", chosen_model="<b>|\n# x", rejected_model="`y`")
        folder = folder_of(tmp_path, [nasty], [completion("p1", 0, 3, 0.5)])
        text = card_of(folder)
        assert "<b>" not in text
        assert "\n# x" not in text
