"""Exporting the pairs of a run folder to what trainers read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.errors import ConfigError, StoreError
from judgeforge.results.export.export import export_pairs, side_of
from judgeforge.text.messages import Message
from tests.support.hand_made import answers, manifest, pair, run_folder, write_pairs
from tests.support.run_setup import rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return run_folder(tmp_path / "run", [pair("p1"), pair("p2"), pair("p3")])


class TestTrl:
    def test_a_row_is_a_conversation_with_an_explicit_prompt_and_scores(
        self, folder: Path, tmp_path: Path
    ) -> None:
        export_pairs(folder, target="trl", to=tmp_path / "out.jsonl")
        assert rows(tmp_path / "out.jsonl")[1] == {
            "prompt": [{"role": "user", "content": "Question p2?"}],
            "chosen": [{"role": "assistant", "content": "A good answer to p2."}],
            "rejected": [{"role": "assistant", "content": "A poor one."}],
            "score_chosen": 0.75,
            "score_rejected": 0.25,
            "score_margin": 0.5,
        }

    def test_margin_comes_only_when_asked_for(self, folder: Path, tmp_path: Path) -> None:
        export_pairs(folder, target="trl", to=tmp_path / "out.jsonl", with_margin=True)
        assert [row["margin"] for row in rows(tmp_path / "out.jsonl")] == [0.5] * 3


class TestOpenAI:
    def test_a_row_has_an_input_and_one_answer_a_side(self, folder: Path, tmp_path: Path) -> None:
        export_pairs(folder, target="openai", to=tmp_path / "out.jsonl")
        assert rows(tmp_path / "out.jsonl")[0] == {
            "input": {
                "messages": [{"role": "user", "content": "Question p1?"}],
                "tools": [],
                "parallel_tool_calls": True,
            },
            "preferred_output": [{"role": "assistant", "content": "A good answer to p1."}],
            "non_preferred_output": [{"role": "assistant", "content": "A poor one."}],
        }

    @pytest.mark.parametrize("target", ["openai", "axolotl", "llamafactory"])
    def test_a_side_of_several_messages_is_refused_by_its_pair(
        self, tmp_path: Path, target: str
    ) -> None:
        two = (Message(role="assistant", content="a"), Message(role="assistant", content="b"))
        folder = run_folder(tmp_path / "run", [pair("p1"), pair("p2", rejected=two)])
        with pytest.raises(ConfigError, match=r"pair p2\.p0: .*one assistant message"):
            export_pairs(folder, target=target, to=tmp_path / "out.jsonl")
        assert not (tmp_path / "out.jsonl").exists()

    @pytest.mark.parametrize("target", ["openai", "axolotl", "llamafactory"])
    def test_a_margin_is_refused_with_the_formats_that_take_one(
        self, folder: Path, tmp_path: Path, target: str
    ) -> None:
        with pytest.raises(ConfigError, match="does not take --with-margin, which is for trl"):
            export_pairs(folder, target=target, to=tmp_path / "o.jsonl", with_margin=True)


class TestPlainFormats:
    def test_an_export_of_nothing_says_so(self, tmp_path: Path) -> None:
        empty = run_folder(tmp_path / "run", [])
        *_, last = export_pairs(empty, target="jsonl", to=tmp_path / "out.jsonl").lines()
        assert last == "no pair is in it, and trainers refuse that; skips.jsonl says why"

    def test_jsonl_has_the_rows_as_they_are(self, folder: Path, tmp_path: Path) -> None:
        export_pairs(folder, target="jsonl", to=tmp_path / "out.jsonl")
        assert rows(tmp_path / "out.jsonl") == rows(folder / "pairs.jsonl")

    def test_parquet_has_the_rows_as_they_are(self, folder: Path, tmp_path: Path) -> None:
        from pyarrow import parquet

        export_pairs(folder, target="parquet", to=tmp_path / "out.parquet")
        assert parquet.read_table(tmp_path / "out.parquet").to_pylist() == rows(
            folder / "pairs.jsonl"
        )

    @pytest.mark.parametrize("target", ["jsonl", "parquet"])
    def test_margin_is_one_more_column(self, folder: Path, tmp_path: Path, target: str) -> None:
        from datasets import load_dataset

        to = tmp_path / "out"
        export_pairs(folder, target=target, to=to, with_margin=True)
        data = load_dataset(str(to), split="train", cache_dir=str(tmp_path / "cache"))
        assert data["margin"][:] == data["score_margin"][:] == [0.5] * 3

    def test_text_of_any_language_survives(self, tmp_path: Path) -> None:
        text = "Grüße 你好 🎈\u2028\n\t\\ \"'"
        folder = run_folder(tmp_path / "run", [pair(**answers(chosen=text))])
        export_pairs(folder, target="trl", to=tmp_path / "out.jsonl")
        line = (tmp_path / "out.jsonl").read_bytes().decode().strip("\n")
        assert json.loads(line)["chosen"][0]["content"] == text
        assert "你好" in line


class TestAxolotlAndLlamaFactory:
    def test_axolotl_sides_are_single_messages(self, folder: Path, tmp_path: Path) -> None:
        export_pairs(folder, target="axolotl", to=tmp_path / "out.jsonl")
        assert rows(tmp_path / "out.jsonl")[0] == {
            "messages": [{"role": "user", "content": "Question p1?"}],
            "chosen": {"role": "assistant", "content": "A good answer to p1."},
            "rejected": {"role": "assistant", "content": "A poor one."},
        }

    def test_llamafactory_keeps_the_system_message_apart(self, tmp_path: Path) -> None:
        turns = [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Why?")]
        prompt = tuple(Message(role=role, content=text) for role, text in turns)
        folder = run_folder(tmp_path / "run", [pair(prompt=prompt)])
        export_pairs(folder, target="llamafactory", to=tmp_path / "out")
        assert rows(tmp_path / "out" / "train.jsonl")[0] == {
            "conversations": [
                {"from": "human", "value": "Hi"},
                {"from": "gpt", "value": "Hello"},
                {"from": "human", "value": "Why?"},
            ],
            "system": "Be kind.",
            "chosen": {"from": "gpt", "value": "A good answer to p1."},
            "rejected": {"from": "gpt", "value": "A poor one."},
        }

    def test_llamafactory_gets_the_entries_that_register_the_files(
        self, folder: Path, tmp_path: Path
    ) -> None:
        to = tmp_path / "mine.jsonl"
        summary = export_pairs(folder, target="llamafactory", to=to, test_share=0.5)
        assert summary.description == tmp_path / "dataset_info.json"
        entries = json.loads(summary.description.read_text(encoding="utf-8"))
        assert {name: entry["file_name"] for name, entry in entries.items()} == {
            "judgeforge_mine": "mine.jsonl",
            "judgeforge_mine_test": "mine.test.jsonl",
        }
        assert all(entry["ranking"] is True for entry in entries.values())


class TestPlaces:
    def test_a_name_without_a_suffix_is_a_folder(self, folder: Path, tmp_path: Path) -> None:
        summary = export_pairs(folder, target="trl", to=tmp_path / "new" / "out")
        assert summary.files == {"train": tmp_path / "new" / "out" / "train.jsonl"}
        assert summary.rows == {"train": 3}
        assert list(summary.lines()) == [f"wrote {summary.files['train']}: 3 pairs (trl, train)"]

    def test_the_prompts_that_a_run_has_yet_to_end_are_told(
        self, folder: Path, tmp_path: Path
    ) -> None:
        stopped = manifest(status="budget", input={"rows": 1_300})
        (folder / "manifest.json").write_text(json.dumps(stopped.as_json()), encoding="utf-8")
        summary = export_pairs(folder, target="trl", to=tmp_path / "out")
        assert summary.notes == (
            f"{folder} is not complete (status: budget), with 66 of its 1,300 prompts to go",
        )

    def test_a_file_of_another_format_is_refused(self, folder: Path, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"makes \.parquet files.*out\.parquet"):
            export_pairs(folder, target="parquet", to=tmp_path / "out.jsonl")

    def test_an_existing_file_is_kept_unless_forced(self, folder: Path, tmp_path: Path) -> None:
        to = tmp_path / "out.jsonl"
        to.write_text("mine", encoding="utf-8")
        with pytest.raises(ConfigError, match="exists already"):
            export_pairs(folder, target="trl", to=to)
        assert to.read_text(encoding="utf-8") == "mine"
        export_pairs(folder, target="trl", to=to, force=True)
        assert len(rows(to)) == 3

    def test_no_test_side_of_an_earlier_export_stays_behind(
        self, folder: Path, tmp_path: Path
    ) -> None:
        to, test = tmp_path / "out.jsonl", tmp_path / "out.test.jsonl"
        export_pairs(folder, target="trl", to=to, test_share=0.5)
        assert test.exists()
        to.unlink()
        with pytest.raises(ConfigError, match=r"out\.test\.jsonl exists already"):
            export_pairs(folder, target="trl", to=to)
        export_pairs(folder, target="trl", to=to, force=True)
        assert not test.exists()

    @pytest.mark.parametrize("name", ["pairs.jsonl", "completions.jsonl", "log.jsonl"])
    def test_the_files_of_the_run_are_never_replaced(self, folder: Path, name: str) -> None:
        before = (folder / name).read_bytes()
        with pytest.raises(ConfigError, match="a file of the run itself"):
            export_pairs(folder, target="trl", to=folder / name, force=True)
        assert (folder / name).read_bytes() == before

    def test_an_export_may_go_into_the_run_folder(self, folder: Path) -> None:
        export_pairs(folder, target="trl", to=folder / "trl.jsonl")
        assert len(rows(folder / "trl.jsonl")) == 3

    def test_the_place_of_a_file_taken_by_a_folder_is_refused(
        self, folder: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "out" / "train.jsonl").mkdir(parents=True)
        with pytest.raises(ConfigError, match="this is a folder"):
            export_pairs(folder, target="trl", to=tmp_path / "out", force=True)


class TestMistakes:
    def test_a_folder_that_is_named_twice_is_refused(self, folder: Path, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="is named twice, which would write each of its pa"):
            export_pairs([folder, folder / ".." / folder.name], target="trl", to=tmp_path / "two")

    @pytest.mark.parametrize(
        ("asked", "meant"), [("parket", "`parquet`"), ("dpo", "`trl` is what"), ("DPO", "`trl` is")]
    )
    def test_an_unknown_format_names_the_nearest(
        self, folder: Path, tmp_path: Path, asked: str, meant: str
    ) -> None:
        with pytest.raises(ConfigError, match=rf"unknown export format `{asked}`.*{meant}"):
            export_pairs(folder, target=asked, to=tmp_path / "out.jsonl")

    def test_a_folder_without_pairs_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"no pairs\.jsonl"):
            export_pairs(tmp_path, target="trl", to=tmp_path / "out.jsonl")
        with pytest.raises(ConfigError, match="no such folder"):
            export_pairs(tmp_path / "nowhere", target="trl", to=tmp_path / "out.jsonl")

    @pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
    def test_a_share_out_of_range_is_refused(
        self, folder: Path, tmp_path: Path, share: float
    ) -> None:
        with pytest.raises(ConfigError, match="test share"):
            export_pairs(folder, target="trl", to=tmp_path / "out", test_share=share)

    def test_a_damaged_line_is_named_and_leaves_nothing(self, folder: Path, tmp_path: Path) -> None:
        with (folder / "pairs.jsonl").open("a", encoding="utf-8") as lines:
            lines.write('{"id": "p4.p0", "prompt_id"\n')
        with pytest.raises(StoreError, match=r"pairs\.jsonl:4: damaged"):
            export_pairs(folder, target="trl", to=tmp_path / "out.jsonl", test_share=0.5)
        assert not (tmp_path / "out.jsonl").exists()
        assert not (tmp_path / "out.test.jsonl").exists()

    def test_a_refused_one_leaves_no_folder_that_was_not_there(self, tmp_path: Path) -> None:
        two = (Message(role="assistant", content="a"), Message(role="assistant", content="b"))
        folder = run_folder(tmp_path / "run", [pair("p1", rejected=two)])
        (tmp_path / "there").mkdir()
        for place in ("new/inner/out", "there/out"):
            with pytest.raises(ConfigError, match="one assistant message"):
                export_pairs(folder, target="openai", to=tmp_path / place, test_share=0.5)
        assert not (tmp_path / "new").exists()
        assert list((tmp_path / "there").iterdir()) == []

    def test_a_place_that_cannot_be_made_is_said(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(ConfigError, match=r"cannot be written there \(Not a directory\)"):
            export_pairs(folder, target="trl", to=tmp_path / "file" / "below" / "out.jsonl")

    @pytest.mark.parametrize("target", ["trl", "openai", "jsonl", "parquet", "axolotl"])
    def test_a_run_without_a_pair_exports_no_rows(self, tmp_path: Path, target: str) -> None:
        folder = run_folder(tmp_path / "run", [])
        summary = export_pairs(folder, target=target, to=tmp_path / "out", test_share=0.2)
        assert summary.rows == {"train": 0, "test": 0}
        assert all(file.exists() for file in summary.files.values())


class TestSplit:
    def test_all_pairs_of_a_prompt_are_on_one_side(self, tmp_path: Path) -> None:
        made = [pair(f"p{prompt}", number) for prompt in range(200) for number in range(3)]
        folder = run_folder(tmp_path / "run", made)
        summary = export_pairs(folder, target="jsonl", to=tmp_path / "out", test_share=0.3)
        sides = {side: {row["prompt_id"] for row in rows(f)} for side, f in summary.files.items()}
        assert not sides["train"] & sides["test"]
        assert summary.rows["train"] + summary.rows["test"] == 600
        assert 40 <= len(sides["test"]) <= 80

    def test_input_order_is_kept(self, tmp_path: Path) -> None:
        folder = run_folder(tmp_path / "run", [pair(f"p{number:03}") for number in range(50)])
        summary = export_pairs(folder, target="jsonl", to=tmp_path / "out", test_share=0.5)
        for file in summary.files.values():
            ids = [row["prompt_id"] for row in rows(file)]
            assert ids == sorted(ids)
            assert ids

    def test_the_same_folder_gives_the_same_bytes(self, folder: Path, tmp_path: Path) -> None:
        for name in ("one", "two"):
            export_pairs(folder, target="trl", to=tmp_path / name, test_share=0.5)
        for name in ("train.jsonl", "test.jsonl"):
            assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()

    @given(st.text(), st.floats(0, 1), st.floats(0, 1))
    def test_a_larger_share_moves_prompts_to_the_test_side_only(
        self, prompt_id: str, one: float, other: float
    ) -> None:
        small, large = sorted([one, other])
        if side_of(prompt_id, small) == "test":
            assert side_of(prompt_id, large) == "test"
        assert side_of(prompt_id, 0.0) == "train"
        assert side_of(prompt_id, 1.0) == "test"

    def test_the_share_is_met_over_many_prompts(self) -> None:
        share = sum(side_of(f"prompt-{n}", 0.05) == "test" for n in range(20_000)) / 20_000
        assert 0.045 < share < 0.055


@pytest.mark.slow
def test_an_export_needs_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    text = "word " * 2_000
    made = (pair(f"p{n}", **answers(chosen=text, rejected=text)) for n in range(2_000))
    folder = tmp_path / "run"
    write_pairs(folder / "pairs.jsonl", made)
    tracemalloc.start()
    for target in ("trl", "parquet"):
        export_pairs(folder, target=target, to=tmp_path / target)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (folder / "pairs.jsonl").stat().st_size > 40_000_000
    assert most < 25_000_000
