"""What a person labels, and a person who does: for tests of `judgeforge label`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from judgeforge.config.file import load_config
from judgeforge.runs.labelling.label_file import LabelledFile
from judgeforge.runs.labelling.session import Session, Wanted
from judgeforge.runs.labelling.sources import InputSource

HOSTILE = (
    "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\"> "
    "**bold** [click](javascript:alert(1)) ![p](http://127.0.0.1:9/p.png) {{ 7*7 }} "
    "</div></section></main></style></script><a href='http://127.0.0.1:9/'>x</a> \u202e turned"
)
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQ"
    "DwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


def plain_rows(number: int) -> list[dict[str, Any]]:
    return [
        {"id": f"p{i}", "prompt": f"Question {i}?", "completions": [f"yes {i}", f"no {i}"]}
        for i in range(number)
    ]


def write_project(folder: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A configuration whose rows bring their completions; nothing of it is ever called."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "prompts.jsonl").write_text(lines, encoding="utf-8")
    config = {
        "prompts": {"path": "prompts.jsonl"},
        "models": {"judge": {"provider": "openai", "model": "gpt-5.4-mini"}},
        "rubric": "helpfulness",
        "judging": {"judges": [{"model": "judge"}]},
    }
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


def session_of(
    folder: Path, file: LabelledFile, rows: Sequence[dict[str, Any]], **wanted: Any
) -> Session:
    config = load_config(write_project(folder, rows))
    options = {"number": len(rows), "judge": "human:ana", **wanted}
    return Session(InputSource(config, options.get("show", 2)), file, Wanted(**options))


def written(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
