"""The dataset card, and what loading the run folder gives because of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from datasets import load_dataset
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.records import PreferencePair, Provenance, RubricId
from judgeforge.results.card import write_card
from judgeforge.results.card_sections import escape
from judgeforge.results.export.arrow import COLUMNS, arrow_schema, open_parquet, pairs_dataset
from judgeforge.store.folder import RunFolder
from judgeforge.text.messages import ImagePart, ImageUrl, Message, ToolCall
from tests.support.hand_made import (
    MANIFEST,
    answers,
    manifest,
    pair,
    pair_figures,
    run_folder,
    without_cost,
    write_pairs,
)
from tests.support.run_setup import rows


def carded(path: Path, pairs: Iterable[PreferencePair], **changes: Any) -> Path:
    made = list(pairs)
    folder = run_folder(path, made)
    write_parquet(folder / "pairs.parquet", made)
    write_card(RunFolder(folder), pair_figures(made), manifest(**changes))
    return folder


def write_parquet(file: Path, pairs: Iterable[PreferencePair]) -> None:
    with open_parquet(file) as write:
        for one in pairs:
            write(one.model_dump_json().encode() + b"\n")


def card_of(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    return tmp_path / "cache"


@pytest.mark.usefixtures("cache")
class TestLoading:
    def test_the_folder_loads_as_exactly_the_pairs(self, tmp_path: Path) -> None:
        folder = carded(tmp_path / "run", [pair("p1"), pair("p2"), pair("p2", 1)])
        data = load_dataset(str(folder))
        assert list(data) == ["train"]
        assert data["train"].to_list() == rows(folder / "pairs.jsonl")

    def test_a_folder_that_went_on_loads_the_new_pairs(self, tmp_path: Path) -> None:
        folder = carded(tmp_path / "run", [pair("p1")])
        assert len(load_dataset(str(folder), split="train")) == 1
        carded(folder, [pair("p1"), pair("p2")])
        assert load_dataset(str(folder), split="train")["prompt_id"][:] == ["p1", "p2"]

    def test_folders_of_the_same_name_are_not_taken_for_each_other(self, tmp_path: Path) -> None:
        for place in ("here", "there"):
            folder = carded(tmp_path / place / "run", [pair(place)])
            assert load_dataset(str(folder), split="train")["prompt_id"][:] == [place]

    def test_late_values_of_columns_that_began_empty_load(self, tmp_path: Path) -> None:
        long = answers(chosen="long " * 2_000, rejected="r" * 9_000)
        early = (without_cost(pair(f"p{n}", **long)) for n in range(700))
        folder = carded(tmp_path / "run", [*early, pair("last")])
        assert (folder / "pairs.jsonl").stat().st_size > 11_000_000  # more than one block
        data = load_dataset(str(folder), split="train")
        assert data[0]["provenance"]["cost_usd"] is None
        assert data[-1]["provenance"]["cost_usd"] == 0.001
        assert data[-1]["provenance"]["calls"] == ["k1", "k2"]

    def test_a_folder_without_pairs_says_so_when_loaded(self, tmp_path: Path) -> None:
        folder = carded(tmp_path / "run", [])
        with pytest.raises(ValueError, match="no data"):
            load_dataset(str(folder))
        assert "There are no pairs." in card_of(folder)

    def test_a_file_changed_by_hand_loads_as_the_card_says(self, tmp_path: Path) -> None:
        folder = carded(tmp_path / "run", [pair("p1"), pair("p2")])
        file = folder / "pairs.jsonl"
        assert len(load_dataset("json", data_files=str(file), split="train")) == 2
        write_pairs(file, [pair("p2")])
        data = load_dataset("json", data_files=str(file), split="train")
        assert data["prompt_id"][:] == ["p2"]
        assert 'load_dataset("json", data_files=' in card_of(folder)


class TestOtherDoors:
    @pytest.mark.parametrize("made", [[], [pair("p1"), without_cost(pair("p2"))]])
    def test_parquet_and_dataset_have_the_rows_of_the_jsonl(
        self, tmp_path: Path, made: list[PreferencePair]
    ) -> None:
        from pyarrow import parquet

        folder = carded(tmp_path / "run", made)
        table = parquet.read_table(folder / "pairs.parquet")
        assert table.to_pylist() == rows(folder / "pairs.jsonl")
        assert table.schema.equals(arrow_schema())
        data = pairs_dataset(folder / "pairs.jsonl")
        assert data.to_list() == rows(folder / "pairs.jsonl")
        assert data.column_names == list(COLUMNS)

    def test_long_texts_make_small_row_groups(self, tmp_path: Path) -> None:
        from pyarrow import parquet

        made = (pair(f"p{n}", **answers(chosen="x" * 3_000_000)) for n in range(7))
        write_parquet(tmp_path / "pairs.parquet", made)
        file = parquet.ParquetFile(tmp_path / "pairs.parquet")
        assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [
            3,
            3,
            1,
        ]

    def test_the_columns_are_those_of_the_records(self) -> None:
        optional = PreferencePair.only_where_set
        assert list(COLUMNS) == [one for one in PreferencePair.model_fields if one not in optional]
        provenance = COLUMNS["provenance"]
        assert isinstance(provenance, dict)
        assert list(provenance) == list(Provenance.model_fields)
        assert list(provenance["rubric"]) == list(RubricId.model_fields)


class TestText:
    def test_it_says_what_there_is_beside_words_and_nothing_where_there_is_nothing(
        self, tmp_path: Path
    ) -> None:
        call = ToolCall(id="1", name="weather", arguments="{}")
        calling = Message(role="assistant", content=None, tool_calls=(call,), reasoning_content="?")
        seen = ImagePart(image_url=ImageUrl(url="https://example.org/sky.png"))
        rich = [
            pair("p1", chosen=(calling,), tools="[]"),
            pair("p2", tools="[]", prompt=(Message(role="user", content=(seen,)),)),
        ]
        cards = []
        for name, made in (("rich", rich), ("plain", [pair("p1")])):
            folder = run_folder(tmp_path / name, made)
            write_card(RunFolder(folder), pair_figures(made), manifest())
            cards.append(card_of(folder))
        for told in (
            "| pairs with tools in the prompt | 2 |",
            "| pairs with tool calls in an answer | 1 |",
            "| pairs with thoughts | 1 |",
            "| pairs with pictures | 1 |",
            "`tools` is JSON text",
            "`tool_calls` in OpenAI's shape",
            "`reasoning_content` is what the model thought",
            "parts of type `image_url`",
        ):
            assert told in cards[0]
            assert told not in cards[1]

    def test_the_header_names_the_pairs_and_the_tags(self, tmp_path: Path) -> None:
        header = yaml.safe_load(card_of(carded(tmp_path / "run", [pair()])).split("---")[1])
        assert header["configs"][0]["data_files"] == [{"split": "train", "path": "pairs.jsonl"}]
        assert {"preference", "dpo", "judgeforge"} <= set(header["tags"])
        assert header["size_categories"] == ["n<1K"]

    def test_it_says_how_the_pairs_were_made(self, tmp_path: Path) -> None:
        card = card_of(carded(tmp_path / "run", [pair("p1"), pair("p2")]))
        for fact in (
            "**Prompts**: file prompts.jsonl.",
            "4 a prompt, from gpt-5.4-nano (openai); temperature 0.7, 1, at most 512 tokens",
            f"helpfulness, version 3, SHA-256 `{'ab' * 32}`",
            "**Judges**: tiny.gguf (local) (pointwise, 2 x).",
            r"**Pairing**: best\_vs\_worst, min\_confidence 0.6, seed 0.",
            "**Chosen from**: writer-a 100%.",
        ):
            assert fact in card
        assert "somebody" not in card

    def test_it_counts_prompts_pairs_skips_calls_and_cost(self, tmp_path: Path) -> None:
        card = card_of(carded(tmp_path / "run", [pair("p1"), pair("p2"), pair("p2", 1)]))
        for line in (
            "| prompts | 1,234 |",
            "| prompts with pairs | 2 |",
            "| pairs | 3 |",
            "| skipped: below\\_confidence | 5 |\n| skipped: tie | 5 |\n"
            "| skipped: call\\_failed | 2 |",
            "| calls sent | 4,321 |",
            "| calls answered from the cache | 17 |",
            "| input tokens | 1,000,001 |",
            "| cost (USD) | 1.2346 |",
        ):
            assert line in card

    def test_an_unknown_cost_is_not_called_nothing(self, tmp_path: Path) -> None:
        totals = MANIFEST["totals"] | {"cost_usd": None}
        assert "| cost (USD) | unknown |" in card_of(carded(tmp_path / "r", [], totals=totals))

    def test_it_gives_quantiles_of_scores_and_lengths(self, tmp_path: Path) -> None:
        made = [pair(f"p{n}", **answers(chosen="c" * n, rejected="r" * 50)) for n in range(1, 101)]
        card = card_of(carded(tmp_path / "run", made))
        assert "| chosen, characters | 50 | 1 | 5 | 25 | 50 | 75 | 95 | 100 |" in card
        assert "| confidence | 0.900 | 0.900 |" in card
        assert "longer than rejected in 50.0% of the pairs, equally long in 1.0%" in card

    def test_it_offers_label_smoothing_from_the_confidences(self, tmp_path: Path) -> None:
        made = [pair("p1", confidence=0.8), pair("p2", confidence=1.0)]
        assert "label_smoothing=0.100" in card_of(carded(tmp_path / "run", made))

    def test_a_run_that_stopped_is_called_so(self, tmp_path: Path) -> None:
        rows = {"rows": 1_244, "fingerprint": "00"}
        assert "not complete (status: budget), with 10 of its 1,244 prompts to go" in card_of(
            carded(tmp_path / "run", [pair()], status="budget", input=rows)
        )
        for finished in ("complete", "skipped"):
            card = card_of(carded(tmp_path / "run", [pair()], status=finished))
            assert "not complete" not in card

    def test_the_same_folder_gives_the_same_card(self, tmp_path: Path) -> None:
        one, two = (carded(tmp_path / name, [pair("p1")]) for name in ("one", "two"))
        assert card_of(one) == card_of(two)

    def test_every_snippet_is_python(self, tmp_path: Path) -> None:
        snippets = card_of(carded(tmp_path / "run", [pair()])).split("```python\n")[1:]
        assert len(snippets) == 2
        for snippet in snippets:
            compile(snippet.split("```")[0], "card", "exec")


class TestNamesAreData:
    NASTY = "![x](http://e.vil/?a)</td><script>|\n# Head `code` **b**\n---\nwww.e.vil @me \u202e"

    def test_a_name_cannot_become_markup(self, tmp_path: Path) -> None:
        nasty = pair("p1", chosen_model=self.NASTY, rejected_model=self.NASTY)
        models = {"writer": {"provider": "openai", "model": self.NASTY}}
        config = MANIFEST["config"] | {"models": models}
        folder = carded(tmp_path / "run", [nasty], config=config)
        plain = card_of(carded(tmp_path / "plain", [pair("p1")]))
        card = card_of(folder)
        assert card.count("\n") == plain.count("\n")
        for markup in ("<script", "](http://e", "**b**", "`code`", "\u202e", "\n# Head"):
            assert markup not in card

    @given(st.text())
    def test_what_is_escaped_stays_on_one_line_without_open_markup(self, text: str) -> None:
        shown = escape(text)
        assert len(shown.splitlines()) <= 1
        for special in "`*_[]<>|":
            assert shown.count(special) == shown.count(f"\\{special}")

    def test_a_long_text_is_cut(self) -> None:
        assert escape("x" * 1_000) == "x" * 199 + "…"
