"""What holds after every fault, whatever it was."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from tests.faults.scene import RESULT_FILES, Scene, secrets
from tests.support.run_setup import rows


def check(scene: Scene) -> None:
    """Raises AssertionError that names the promise."""
    no_secret_anywhere(scene)
    for manifest in sorted(scene.folder.rglob("manifest.json")):
        folder = manifest.parent
        whole_files(folder)
        totals_add_up(folder)
        only_read_replies_score(folder)
    if scene.billing:
        spent_within_what_is_stated(scene)


def no_secret_anywhere(scene: Scene) -> None:
    for secret in secrets():
        for file in scene.folder.rglob("*"):
            if file.is_file():
                assert secret not in file.read_bytes(), f"the key is in {file}"
        for text in scene.said:
            assert secret.decode() not in text, f"the key was printed: {text[:500]}"


def whole_files(folder: Path) -> None:
    left = [str(file) for file in folder.rglob("*.part")]
    assert not left, f"half-written files are left: {left}"
    for name in RESULT_FILES:
        if (folder / f"{name}.jsonl").exists():
            assert all(isinstance(row, dict) for row in rows(folder / f"{name}.jsonl")), name


def totals_add_up(folder: Path) -> None:
    """Every prompt is in the pairs or in exactly one skip, and the manifest counts them so."""
    manifest = _manifest(folder)
    if manifest["status"] not in {"complete", "skipped"}:
        return
    totals = manifest["totals"]
    pairs, skips = rows(folder / "pairs.jsonl"), rows(folder / "skips.jsonl")
    with_pairs = {pair["prompt_id"] for pair in pairs}
    places = Counter((skip["prompt_id"], skip["line"]) for skip in skips)
    assert max(places.values(), default=1) == 1, f"skipped twice: {places}"
    assert totals["pairs"] == len(pairs)
    assert totals["skips"] == dict(Counter(skip["reason"] for skip in skips))
    assert totals["prompts"] == len(with_pairs) + len(skips)


def only_read_replies_score(folder: Path) -> None:
    for judgment in (
        rows(folder / "judgments.jsonl") if (folder / "judgments.jsonl").exists() else ()
    ):
        if judgment["missing"] is None and judgment["protocol"] == "reward":
            assert judgment["score"] is None, judgment
            assert all(map(math.isfinite, judgment["rewards"])), judgment
        elif judgment["missing"] is None:
            assert 0 <= judgment["score"] <= 1, judgment
            assert all(0 <= score <= 1 for score in judgment["criteria"].values()), judgment
        else:
            assert judgment["score"] is None, judgment
            assert not judgment["criteria"], judgment
            assert not judgment.get("rewards"), judgment


def spent_within_what_is_stated(scene: Scene) -> None:
    """What a provider bills is never more than what the run folder says was spent."""
    if not (scene.out / "manifest.json").exists():
        return
    totals = _manifest(scene.out)["totals"]
    if totals["cost_usd"] is not None:
        assert scene.billed_usd() <= totals["cost_usd"] + 1e-9


def _manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())
