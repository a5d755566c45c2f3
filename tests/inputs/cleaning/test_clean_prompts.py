"""Prompts that the configuration leaves out are skips that name what they are near to."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from judgeforge.config.run import PromptsConfig
from judgeforge.inputs.cleaning.clean_prompts import Worst, read_clean_prompts
from judgeforge.inputs.reading import read_prompts
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.records import Prompt, Skip
from tests.support.input_files import prompts, skips, write_jsonl

SKY = "Explain to a child of six years why the sky is blue in the daytime and red at sunset."
FAUST = "Tell me in two short sentences who wrote Faust, in which town, and for which stage."


def config(tmp_path: Path, rows: list[dict[str, Any]], **options: Any) -> PromptsConfig:
    file = write_jsonl(tmp_path / "p.jsonl", rows)
    against = write_jsonl(tmp_path / "eval.jsonl", [{"question": "Why?"}, {"question": FAUST}])
    sought = {"against": [against]} if options.pop("against", True) else None
    return PromptsConfig(path=file, near_duplicates=0.8, contamination=sought, **options)


ROWS = [
    {"id": "a", "prompt": SKY},
    {"id": "b", "prompt": f"Please answer: {FAUST}"},
    {"id": "c", "prompt": f"{SKY} Thanks!"},
    {"id": "d", "prompt": "Name a capital."},
    {"id": "c", "prompt": "Name a river."},
    {"id": "e", "prompt": f"{SKY}  Thanks!"},
]


def test_a_prompt_that_is_left_out_names_the_row_that_it_is_like(tmp_path: Path) -> None:
    found = list(read_clean_prompts(config(tmp_path, ROWS), RowChecks()))
    assert [row.id for row in prompts(found)] == ["a", "d"]
    assert skips(found) == [
        (2, "contaminated"),
        (3, "near_duplicate"),
        (5, "duplicate_id"),
        (6, "duplicate_prompt"),
    ]
    contaminated, near = (row for row in found[1:3] if isinstance(row, Skip))
    assert contaminated.prompt_id == "b"
    assert f"{tmp_path}/p.jsonl:2: it has 100% of what {tmp_path}/eval.jsonl:2 asks: Please" in (
        contaminated.detail
    )
    assert near.prompt_id == "c"
    assert "% the same as `a` (line 1): Explain to a child" in near.detail


def test_what_stays_has_the_ids_and_digests_that_reading_alone_gives(tmp_path: Path) -> None:
    """The rows are read twice, and only the first time for what is to be left out."""
    chance = random.Random(3)
    rows = [{"prompt": chance.choice([SKY, f"{SKY} {n % 7}", f"{n}"])} for n in range(200)]
    one = config(tmp_path, rows)
    plain, clean = list(read_prompts(one, RowChecks())), list(read_clean_prompts(one, RowChecks()))
    assert len(plain) == len(clean)
    assert any(isinstance(row, Skip) for row in clean)
    for before, after in zip(plain, clean, strict=True):
        assert after == before or isinstance(after, Skip)
        assert isinstance(before, Prompt) or after == before


def test_without_the_settings_nothing_is_left_out(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "p.jsonl", ROWS)
    one = PromptsConfig(path=file)
    worst = Worst()
    assert list(read_clean_prompts(one, RowChecks(), worst=worst)) == list(
        read_prompts(one, RowChecks())
    )
    assert worst.described() == []


def test_what_is_done_is_left_out_like_the_rest(tmp_path: Path) -> None:
    one = config(tmp_path, ROWS)
    found = list(read_clean_prompts(one, RowChecks(), is_done=lambda _: True))
    assert skips(found)[:2] == [(2, "contaminated"), (3, "near_duplicate")]


def test_the_clearest_cases_are_told_with_their_counts(tmp_path: Path) -> None:
    twins = [{"id": f"t{n}", "prompt": f"{SKY} {'Now! ' * n}"} for n in range(1, 9)]
    worst = Worst()
    rows = [ROWS[0], ROWS[1], *reversed(twins)]
    found = list(read_clean_prompts(config(tmp_path, rows), RowChecks(), worst=worst))
    near = sum(reason == "near_duplicate" for _, reason in skips(found))
    told = worst.described()
    assert told[0] == "compared with 2 rows of evaluation sets"
    assert told[1] == "contaminated: 1 row, the clearest of them:"
    place = f"{tmp_path}/eval.jsonl:2"
    assert told[2].startswith(f"  line 2: it has 100% of what {place} asks: Please answer: Tell me")
    assert told[3] == f"near_duplicate: {near} rows, the clearest of them:"
    shares = [int(line.split("%")[0].split()[-1]) for line in told[4:]]
    assert len(shares) == 5
    assert shares == sorted(shares, reverse=True)
    assert "line 10: " in told[4]
