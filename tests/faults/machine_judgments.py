"""Faults of the machine: what others have judged changes, is wrong, or comes late."""

from __future__ import annotations

import json
import shutil
from typing import Any

import yaml

from tests.faults.scene import Scene
from tests.faults.table import fault
from tests.support.run_setup import rows

PROMPTS = 4


def _sampled(scene: Scene) -> None:
    config = scene.configure(prompts=PROMPTS)
    settings = yaml.safe_load(config.read_text())
    settings.pop("judging")
    config.write_text(yaml.safe_dump(settings))
    seen = scene.run()
    assert (seen.exit_code, seen.pairs) == (0, 0)


def _judged_by(scene: Scene, judging: dict[str, Any]) -> None:
    config = scene.folder / "config.yaml"
    settings = {**yaml.safe_load(config.read_text()), "judging": judging}
    config.write_text(yaml.safe_dump(settings))


def _bring(scene: Scene, *, first_is_best: bool, more: str = "") -> None:
    """Scores of all completions by `tests`."""
    lines = []
    for row in rows(scene.out / "completions.jsonl"):
        score = row["index"] / 4
        score = 1 - score if first_is_best else score
        told = {"judge": "tests", "prompt_id": row["prompt_id"], "completions": [row["id"]]}
        lines.append(json.dumps({**told, "score": score}) + "\n")
    (scene.folder / "judged.jsonl").write_text("".join(lines) + more)
    _judged_by(scene, {"judgments": "judged.jsonl"})


def _chosen(scene: Scene) -> set[str]:
    made = rows(scene.out / "pairs.jsonl")
    assert len(made) == PROMPTS
    return {row["provenance"]["chosen_id"].partition(".")[2] for row in made}


@fault(
    "judged-after-sampling",
    done="A run without judges samples; the cache is deleted; then judges are named.",
    promise="The same folder is judged from what it holds: no completion is asked for twice.",
    quick=True,
)
def _(scene: Scene) -> str:
    _sampled(scene)
    shutil.rmtree(scene.folder / ".judgeforge")
    _judged_by(scene, {"judges": [{"model": "small"}]})
    seen = scene.run()
    assert (seen.exit_code, seen.pairs) == (0, PROMPTS)
    assert len(scene.server.calls(kind="completion")) == 4 * PROMPTS
    return "16 completions in all, 16 judgments, 4 pairs"


@fault(
    "judgments-file-changed",
    done="The file of `judging.judgments` says the opposite at the next start.",
    promise="Everything is ranked again with what it says now; nothing is asked.",
)
def _(scene: Scene) -> str:
    _sampled(scene)
    sent = len(scene.server.requests)
    _bring(scene, first_is_best=True)
    scene.exits(0)
    assert _chosen(scene) == {"c0"}
    _bring(scene, first_is_best=False)
    scene.exits(0)
    assert _chosen(scene) == {"c3"}
    assert len(scene.server.requests) == sent
    return "4 pairs the other way round, nothing sent"


@fault(
    "judgments-file-wrong",
    done="A row of the file of `judging.judgments` has a score of 9.",
    promise="Exit 2 before anything is sent, with line and advice; the folder stays as it is.",
)
def _(scene: Scene) -> str:
    _sampled(scene)
    bad = {"judge": "ana", "prompt_id": "p0", "completions": ["p0.c0"], "score": 9}
    _bring(scene, first_is_best=True, more=json.dumps(bad) + "\n")
    before = (scene.out / "skips.jsonl").read_bytes()
    scene.sends_nothing(2, "judged.jsonl:17", "a 9 of 10 is 0.9")
    assert (scene.out / "skips.jsonl").read_bytes() == before
    return "exit 2: “judged.jsonl:17: … divide by what your scale reaches (a 9 of 10 is 0.9)”"
