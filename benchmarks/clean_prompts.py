"""How fast near duplicates and contamination are found, in how much memory, and how rightly.

    python benchmarks/clean_prompts.py --prompts 1000000 [--data FOLDER]

Writes benchmarks/results/clean-prompts.md. 100,000 prompts take some five minutes, 1,000,000 an
hour; 0 keeps the speeds that are there. ``--data``: recorded prompts for false positives; they are
not part of the project.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from judgeforge.config.run import PromptsConfig
from judgeforge.inputs.cleaning.clean_prompts import read_clean_prompts
from judgeforge.inputs.cleaning.pieces import words_of
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.records import Skip
from judgeforge.text.wording import shortened

RESULT = Path(__file__).parent / "results" / "clean-prompts.md"
EVALUATION_ROWS = 10_000
WORDS = 20_000
SETTINGS: dict[str, dict[str, Any]] = {
    "reading alone": {},
    "near_duplicates: 0.8": {"near_duplicates": 0.8},
    "contamination": {"contamination": {"against": ["eval.jsonl"]}},
}
ORDINARY = {"evalbiasbench", "llmbar", "llmbar_case", "llmbar_processed", "pandalm"}
"""Instructions as people write them, of sets that no evaluation row was taken from."""
MOST_ORDINARY = 1000
_WRONG = "\n## Ordinary prompts"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=100_000)
    parser.add_argument("--data", type=Path, metavar="FOLDER")
    parser.add_argument("--one", nargs=2, metavar=("FOLDER", "SETTING"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measured(Path(given.one[0]), given.one[1])))
        return
    kept = RESULT.read_text(encoding="utf-8").partition(_WRONG)[0] if not given.prompts else ""
    text = [kept.rstrip("\n") or speeds(given.prompts)]
    RESULT.write_text("\n".join([*text, *false_positives(given.data)]) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


def speeds(prompts: int) -> str:
    with tempfile.TemporaryDirectory() as name:
        write_rows(Path(name), prompts)
        table = [speed(Path(name), setting) for setting in SETTINGS]
    return "\n".join(
        [
            "# Clean prompts\n",
            f"`python benchmarks/clean_prompts.py --prompts {prompts}` on {os.cpu_count()} cores "
            f"(other work on them), Python {platform.python_version()}; load average at the end "
            f"{os.getloadavg()[0]:.1f}.\n",
            f"## {prompts:,} made-up prompts of 20 to 200 words\n",
            "Every 20th row is an earlier one with one word in fifty replaced by another, every "
            f"100th an evaluation row with 30 words before it; {EVALUATION_ROWS:,} rows of "
            "evaluation.\n",
            "Seconds are of a processor, whatever else it does. Others left out are rows that "
            "are equal to earlier ones, and rows that no one put in.\n",
            "| setting | seconds | prompts a second | memory at most | found of those put in "
            "| others left out |",
            "|---|---|---|---|---|---|",
            *table,
        ]
    )


def write_rows(folder: Path, number: int) -> None:
    chance = random.Random(1)
    words = [
        "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=n % 9 + 3)) for n in range(WORDS)
    ]
    # Words are as unequally common as those of a language are (Zipf).
    weights = [1 / (rank + 10) for rank in range(WORDS)]
    sums = list(accumulate(weights))

    def text(length: int) -> list[str]:
        return chance.choices(words, cum_weights=sums, k=length)

    rows = [text(chance.randint(20, 80)) for _ in range(EVALUATION_ROWS)]
    with (folder / "eval.jsonl").open("w") as file:
        file.writelines(json.dumps({"question": " ".join(row)}) + "\n" for row in rows)
    recent: list[list[str]] = []
    with (folder / "prompts.jsonl").open("w") as file:
        for n in range(number):
            planted = ""
            if n % 100 == 50:
                asked, planted = [*text(30), *chance.choice(rows)], "contaminated"
            elif n % 20 == 19:
                twin, planted = chance.choice(recent), "near_duplicate"
                asked = [chance.choice(words) if chance.random() < 0.02 else word for word in twin]
            else:
                asked = text(chance.randint(20, 200))
                recent = [*recent[-4999:], asked] if n % 50 == 0 or len(recent) < 20 else recent
            row = {"id": f"{n}.{planted}", "prompt": " ".join(asked)}
            file.write(json.dumps(row) + "\n")


def speed(folder: Path, setting: str) -> str:
    """A line of the table, from a process of its own: memory at most is of a whole process."""
    command = [sys.executable, __file__, "--one", str(folder), setting]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    caught = f"{found['right']:,} of {found['planted']:,}" if found["planted"] else ""
    return (
        f"| `{setting}` | {found['seconds']:.0f} | {found['prompts'] / found['seconds']:,.0f} "
        f"| {found['megabytes']:,.0f} MB | {caught} | {found['others']:,} |"
    )


def measured(folder: Path, setting: str) -> dict[str, float]:
    os.chdir(folder)
    config = PromptsConfig.model_validate({"path": "prompts.jsonl", **SETTINGS[setting]})
    reason = "near_duplicate" if config.near_duplicates else "contaminated"
    counts = dict.fromkeys(("prompts", "planted", "right", "others"), 0)
    begun = time.process_time()
    for row in read_clean_prompts(config, RowChecks()):
        left_out = isinstance(row, Skip)
        name = row.prompt_id if isinstance(row, Skip) else row.id
        planted = name.endswith(reason) and len(config.model_fields_set) > 1
        counts["prompts"] += 1
        counts["planted"] += planted
        counts["right"] += planted and left_out
        counts["others"] += left_out and not planted
    seconds = time.process_time() - begun
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**counts, "seconds": seconds, "megabytes": most}


def false_positives(data: Path | None) -> Iterator[str]:
    """Prompts of people against evaluation sets, some of which share sources with them."""
    if data is None:
        return
    sets: dict[str, list[list[str]]] = {}
    asked = {
        row["prompt"]: str(row["dataset"])
        for row in _rows(data / "pairs.jsonl.gz")
        if row["dataset"] in ORDINARY
    }
    for row in _rows(data / "prompts.jsonl.gz"):
        sets.setdefault(row["source"], []).append(row["turns"])
        asked.setdefault(row["turns"][0], row["source"])
    ordinary = dict(list(asked.items())[:MOST_ORDINARY])
    sources = sorted(set(ordinary.values()))
    yield f"{_WRONG} that are taken for contaminated\n"
    yield (
        f"{len(ordinary):,} prompts of {', '.join(sources)}; those of an evaluation set against "
        "the other sets only. A copy has all words of a "
        "turn of the evaluation row, or is in it: some of these sets share sources, so they are "
        "found rightly. Every other case is shown, for the reader to judge.\n"
    )
    yield "| evaluation set | rows | prompts | found at 0.5 | copies | others | others at 0.3 |"
    yield "|---|---|---|---|---|---|---|"
    shown: list[str] = []
    for name, rows in sorted(sets.items()):
        others_of = [text for text, source in ordinary.items() if source != name]
        half, third = (_left_out(others_of, rows, share) for share in (0.5, 0.3))
        others, more = ([one for one in each if not one[2]] for each in (half, third))
        copies = len(half) - len(others)
        found = (len(rows), len(others_of), len(half), copies, len(others), len(more))
        yield f"| {name} | {' | '.join(map(str, found))} |"
        shown += [
            f"- {name}: {share}: `{prompt}` is like `{row}`" for prompt, row, _, share in others
        ]
    if shown:
        yield "\nOthers at 0.5:\n"
        yield from shown


def _left_out(
    prompts: list[str], rows: list[list[str]], share: float
) -> list[tuple[str, str, bool, str]]:
    """The prompt, the row, whether one has all words of the other, and the share."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written: list[tuple[str, Sequence[object]]] = [("p.jsonl", prompts), ("eval.jsonl", rows)]
        for file, texts in written:
            lines = (json.dumps({"prompt": text}) + "\n" for text in texts)
            (folder / file).write_text("".join(lines), encoding="utf-8")
        sought = {"against": [str(folder / "eval.jsonl")], "share": share}
        config = PromptsConfig.model_validate({"path": folder / "p.jsonl", "contamination": sought})
        found = []
        for skip in read_clean_prompts(config, RowChecks()):
            if isinstance(skip, Skip) and skip.reason == "contaminated":
                said = re.search(r"it has (\d+%) of what .*?eval\.jsonl:(\d+) asks", skip.detail)
                assert said is not None  # noqa: S101 (a measurement that must not go on)
                row, prompt = rows[int(said[2]) - 1], prompts[skip.line - 1]
                copy = any(_within(turn, prompt) or _within(prompt, turn) for turn in row)
                found.append((shortened(prompt, 150), shortened(row[0], 150), copy, said[1]))
        return found


def _within(one: str, other: str) -> bool:
    return " ".join(words_of(one)) in " ".join(words_of(other))


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


if __name__ == "__main__":
    main()
