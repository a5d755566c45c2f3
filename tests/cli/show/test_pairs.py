"""The table of pairs: what decided is readable, and nothing that a model wrote is obeyed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console

from judgeforge.cli.show.pairs import pairs_table, reasons


def judgment(side: str, judge: str, criteria: dict[str, float], **more: Any) -> dict[str, Any]:
    return {
        "id": f"{side}.{judge}",
        "completion_ids": [side],
        "protocol": "pointwise",
        "criteria": criteria,
        "rationale": "because",
        **more,
    }


def run_folder(
    folder: Path, *, chosen: str = "Good.", rejected: str = "Bad.", pairs: int = 1
) -> Path:
    rows, judgments = [], []
    for number in range(pairs):
        sides = (f"p{number}.c0", f"p{number}.c1")
        for side, score in zip(sides, (1.0, 0.5), strict=True):
            judgments.append(judgment(side, "judge", {"helpful": score}))
        rows.append(
            {
                "id": f"p{number}.p0",
                "prompt": [{"role": "user", "content": f"Question {number}"}],
                "chosen": [{"role": "assistant", "content": chosen}],
                "rejected": [{"role": "assistant", "content": rejected}],
                "score_margin": 0.5,
                "confidence": 0.9,
                "provenance": {
                    "chosen_id": sides[0],
                    "rejected_id": sides[1],
                    "judgment_ids": [f"{side}.judge" for side in sides],
                },
            }
        )
    for name, lines in (("pairs", rows), ("judgments", judgments)):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text)
    return folder


def printed(folder: Path, most: int | None = None) -> str:
    console = Console(width=150, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(pairs_table(folder, most=most))
    return capture.get()


def test_a_pair_shows_both_answers_margin_confidence_and_what_decided(tmp_path: Path) -> None:
    shown = printed(run_folder(tmp_path))
    for part in ("Question 0", "Good.", "Bad.", "0.50", "90%", "helpful 1.00 : 0.50"):
        assert part in shown


def test_only_as_many_pairs_as_asked_for_are_shown(tmp_path: Path) -> None:
    shown = printed(run_folder(tmp_path, pairs=5), most=2)
    assert "Question 1" in shown
    assert "Question 2" not in shown


def test_a_run_without_pairs_gives_an_empty_table(tmp_path: Path) -> None:
    assert pairs_table(run_folder(tmp_path, pairs=0)).row_count == 0


def test_calls_and_pictures_stand_in_the_cells_too(tmp_path: Path) -> None:
    folder = run_folder(tmp_path)
    (row,) = (json.loads(line) for line in (folder / "pairs.jsonl").read_text().splitlines())
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    seen = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    row["prompt"] = [{"role": "user", "content": [{"type": "text", "text": "Where?"}, seen]}]
    row["chosen"] = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    (folder / "pairs.jsonl").write_text(json.dumps(row) + "\n")
    text = printed(folder)
    assert "→ weather({})" in text
    assert "[picture" in text


def test_markup_and_control_characters_of_a_model_are_text(tmp_path: Path) -> None:
    attack = "[bold red]hi[/] \x1b[2J\x1b]0;title\x07 \x9b31m \u202egnp"
    shown = printed(run_folder(tmp_path, chosen=attack))
    assert "[bold red]hi[/]" in shown
    for obeyed in ("\x1b[2J", "\x1b]0", "\x07", "\x9b", "\u202e"):
        assert obeyed not in shown


def test_reasons_average_judges_and_put_the_widest_difference_first() -> None:
    chosen = [judgment("a", "j1", {"x": 1.0, "y": 0.6, "z": 0.5}), judgment("a", "j2", {"x": 0.5})]
    rejected = [judgment("b", "j1", {"x": 0.5, "y": 0.0, "z": 0.5})]
    assert reasons(chosen, rejected) == ["y 0.60 : 0.00", "x 0.75 : 0.50"]


def checked(side: str, score: float, rationale: str) -> dict[str, Any]:
    return judgment(side, "checks", {"short": score}, protocol="checks", rationale=rationale)


def test_reasons_name_the_checks_that_either_side_failed_before_what_judges_said() -> None:
    chosen = [checked("a", 0.5, "failed: max_words: 8"), judgment("a", "j", {"x": 1.0})]
    rejected = [
        checked("b", 0.0, 'failed: max_words: 8; contains: "tea"'),
        judgment("b", "j", {"x": 0.5}),
    ]
    assert reasons(chosen, rejected) == [
        'rejected failed: max_words: 8; contains: "tea"',
        "chosen failed: max_words: 8",
        "x 1.00 : 0.50",
    ]


def test_reasons_leave_out_checks_that_passed() -> None:
    passed = [checked("a", 1.0, "all checks passed")]
    failed = [checked("b", 0.0, "failed: max_words: 8")]
    assert reasons(passed, failed) == ["rejected failed: max_words: 8"]


def test_without_any_difference_the_table_says_so() -> None:
    same = [judgment("a", "j", {"x": 0.5})]
    assert reasons(same, same) == ["differences under 0.01"]
