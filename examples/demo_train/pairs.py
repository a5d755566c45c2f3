"""The shipped completions, and the pairs that judgeforge makes of them.

Code decides which answer is better (rubric.yaml), so no judge model is asked and no key is needed.
"""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

from datasets import Dataset

import judgeforge
from examples.demo_train.tasks import training_tasks

HERE = Path(__file__).parent
SHIPPED = HERE / "completions.jsonl.gz"


def make_pairs(out: Path) -> Dataset:
    """Of this start or an earlier one into ``out``. Raises JudgeforgeError."""
    result = judgeforge.run(judgeforge.load_config(HERE / "pairs.yaml"), out=out)
    if result.stopped_by is not None:
        raise result.stopped_by
    return result.pairs


def sample_anew(out: Path) -> None:
    """Has the embedded model write new completions in place of the shipped ones.

    Some ten minutes on two cores; a killed start is continued by the next one. Raises
    JudgeforgeError.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name in ("sampling.yaml", "rubric.yaml"):
        shutil.copy(HERE / name, out)
    tasks = training_tasks()
    lines = "".join(json.dumps(task) + "\n" for task in tasks)
    (out / "tasks.jsonl").write_text(lines, encoding="utf-8")
    result = judgeforge.run(judgeforge.load_config(out / "sampling.yaml"), out=out / "run")
    if result.stopped_by is not None:
        raise result.stopped_by
    ship(tasks, result.folder)


def ship(tasks: list[dict[str, Any]], run: Path) -> None:
    """Rows that bring their completions, as the configuration of the pairs reads them."""
    written: dict[str, list[dict[str, str]]] = {}
    for line in (run / "completions.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        answer = {"text": row["text"], "model": "smollm2-135m"}
        written.setdefault(row["prompt_id"], []).append(answer)
    rows = [{**task, "completions": written[task["id"]]} for task in tasks if task["id"] in written]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    # Without a name and a time the same rows are the same bytes.
    SHIPPED.write_bytes(gzip.compress(text.encode(), mtime=0))
