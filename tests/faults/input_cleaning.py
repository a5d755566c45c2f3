"""Faults of the input: what prompts are cleaned against."""

from __future__ import annotations

import gzip
import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.faults.scene import Scene, results
from tests.faults.table import fault

FAUST = "Tell me in two short sentences who wrote Faust, in which town, and for which stage."
_ROWS = 4000
_OTHERS = (
    "the colour of the sea",
    "a bird that sings",
    "how bread is baked",
    "a town in the north",
)


def _against(scene: Scene, against: Any, **more: Any) -> None:
    prompts = [f"{FAUST} Please.", "Name a capital.", "Name a river."]
    _write(scene.folder / "prompts.jsonl", [{"prompt": text} for text in prompts])
    contamination = {"against": against}
    scene.configure(prompts={"path": "prompts.jsonl", "contamination": contamination, **more})


def _write(file: Path, rows: list[dict[str, str]]) -> bytes:
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    file.write_bytes(text)
    return text


@fault(
    "evaluation-set-gone",
    done="A file of `prompts.contamination` is deleted between two starts.",
    promise="Exit 2 names it; nothing is asked, and what was done stays. With the file it goes on.",
    quick=True,
)
def _(scene: Scene) -> str:
    _against(scene, ["eval.jsonl"])
    kept = _write(scene.folder / "eval.jsonl", [{"question": FAUST}])
    assert scene.run(limit=2).skips == {"line-1": "contaminated"} or scene.run(limit=2).pairs == 1
    before = results(scene.out)
    (scene.folder / "eval.jsonl").unlink()
    scene.sends_nothing(2, "eval.jsonl")
    assert results(scene.out) == before
    (scene.folder / "eval.jsonl").write_bytes(kept)
    seen = scene.run()
    assert (seen.exit_code, seen.pairs, len(seen.skips)) == (0, 2, 1)
    return "exit 2 with the file's name, nothing asked; then the rest, as if nothing had been"


@fault(
    "evaluation-set-damaged",
    done="A file of `prompts.contamination` has half a line, another one is half a gzip file.",
    promise="Exit 2 names file and line: no prompt passes that the set might have kept out.",
)
def _(scene: Scene) -> str:
    whole = _write(scene.folder / "eval.jsonl", [{"question": FAUST}, {"question": "Why?"}])
    _against(scene, ["eval.jsonl"])
    (scene.folder / "eval.jsonl").write_bytes(whole[: len(whole) - 9])
    scene.sends_nothing(2, "eval.jsonl", ":2")
    _against(scene, ["eval.jsonl.gz"])
    packed = gzip.compress(whole * 2000)
    (scene.folder / "eval.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    scene.sends_nothing(2, "eval.jsonl.gz")
    return "exit 2 with file and line; with the packed one exit 2 with the file"


@fault(
    "evaluation-set-not-on-the-hub",
    done="`prompts.contamination` names a dataset that is not there, or lacks a known column.",
    promise="Exit 2 names the dataset, before anything is asked.",
)
def _(scene: Scene) -> str:
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        _against(scene, [{"name": "nobody/nothing-at-all"}])
        scene.sends_nothing(2, "nobody/nothing-at-all")
        (scene.folder / "set").mkdir()
        _write(scene.folder / "set" / "train.jsonl", [{"colour": "blue"}])
        _against(scene, [{"name": "set"}])
        scene.sends_nothing(2, "set", "colour")
    finally:
        del os.environ["HF_HUB_OFFLINE"]
    return "exit 2 with the name of the dataset, or its columns; nothing asked"


@fault(
    "sigkill-while-cleaning",
    done="The process is killed five times while it looks for near duplicates and contamination.",
    promise="Nothing is asked meanwhile; the same command then gives what an undisturbed run does.",
    longest_s=300,
)
def _(scene: Scene) -> str:
    cleaning = _many_rows(scene)
    for number in range(5):
        process = scene.start()
        time.sleep(1.5 + 0.3 * number)
        assert process.poll() is None, "it was to be killed while it cleans"
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert not scene.server.requests
    seen = scene.run()
    assert (seen.exit_code, seen.pairs, len(seen.skips)) == (0, len(_OTHERS), _ROWS - len(_OTHERS))
    disturbed = results(scene.out)
    scene.billing = False
    scene.exits(0, out=scene.folder / "straight")
    assert results(scene.folder / "straight") == disturbed
    reasons = set(seen.skips.values())
    assert reasons == {"near_duplicate", "contaminated"}, reasons
    return f"five kills among {_ROWS} rows ({cleaning}), nothing asked; then the same result"


def _many_rows(scene: Scene) -> str:
    """All but a few are near others or in the evaluation set."""
    asked = [
        f"Tell me about {what}, and mind this: {' '.join(f'{what}{n}' for n in range(50))}"
        for what in _OTHERS
    ]
    rows = [{"prompt": text} for text in asked]
    for n in range(_ROWS - len(_OTHERS)):
        text = f"{FAUST} {n}" if n % 10 == 0 else f"{asked[n % len(asked)]} ({n})"
        rows.append({"prompt": text})
    _write(scene.folder / "prompts.jsonl", rows)
    _write(scene.folder / "eval.jsonl", [{"question": FAUST}])
    source: Mapping[str, Any] = {
        "path": "prompts.jsonl",
        "near_duplicates": 0.8,
        "contamination": {"against": ["eval.jsonl"]},
    }
    scene.configure(prompts=dict(source), limits={"max_skip_share": 1})
    return "near duplicates and contamination"
