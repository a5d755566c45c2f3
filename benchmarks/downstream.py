"""The same judge money spent in several ways, and a small model trained on the pairs of each.

``python benchmarks/downstream.py --data FOLDER`` trains one model for each way of making pairs and
each draw of the judges' errors, and compares what share of held-out prompts they answer as asked.
FOLDER holds downstream/completions.jsonl.gz; without ``--data`` those of `make demo-train` are
used, which are few and which anyone has. Every result is kept as it comes (``--work``), so a
killed run goes on where it was. ``--prompts 1200`` is 4,800 judge calls; fewer prompts are the same
in small. Trains on a GPU where there is one, unless ``--device cpu`` says otherwise; needs what
`make demo-train` installs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks.confidence_worlds import COMPLETIONS, Item, draw_world
from benchmarks.downstream_arms import ARMS, GROUPS, Arm, Group, made_by
from benchmarks.downstream_constraints import agreement, passes_all
from benchmarks.downstream_data import recorded, shipped
from benchmarks.downstream_report import as_markdown
from benchmarks.judging_data import NoDataError
from benchmarks.training_pairs import Bought, Pair
from examples.demo_train.model import MissingPartError, weights_folder

RESULTS = Path(__file__).parent / "results" / "downstream.md"
WORK = Path("runs/downstream")
FIRST_WORLD = 300


@dataclass(frozen=True, slots=True)
class Scale:
    """What two results must have in common to be compared."""

    prompts: int
    steps: int
    samples: int


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="default: what is shipped")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help=f"default {WORK}[-shipped]")
    parser.add_argument("--results", type=Path, metavar="FILE")
    parser.add_argument("--prompts", type=int, default=1200)
    parser.add_argument("--worlds", type=int, default=3, help="draws of judges' errors and orders")
    parser.add_argument("--steps", type=int, help="of training, 16 pairs each")
    parser.add_argument("--samples", type=int, default=3, help="answers to a held-out prompt")
    parser.add_argument("--device", help="cpu or cuda; default: cuda where there is one")
    parser.add_argument("--threads", type=int, default=None, help="of torch; default: all cores")
    parser.add_argument("--arms", nargs="*", metavar="NAME", help=", ".join(a.name for a in ARMS))
    parser.add_argument("--groups", nargs="*", choices=list(GROUPS), default=list(GROUPS))
    parser.add_argument("--report", action="store_true", help="train nothing, write what is there")
    given = parser.parse_args()
    unknown = set(given.arms or ()) - {arm.name for arm in ARMS}
    if unknown:
        parser.error(f"no such arm: {', '.join(sorted(unknown))}")
    try:
        data = shipped() if given.data is None else recorded(given.data)
        if not given.report:
            weights_folder()
    except (NoDataError, MissingPartError) as error:
        print(error, file=sys.stderr)
        return 2
    name = "downstream" if given.data else "downstream-shipped"
    given.work = given.work or WORK.with_name(name)
    given.work.mkdir(parents=True, exist_ok=True)
    rows, held_out = data.rows[: given.prompts], data.held_out
    scale = Scale(len(rows), given.steps or data.steps, given.samples)
    given.arms = [
        arm.name
        for arm in ARMS
        if arm.completions <= data.completions and arm.name in (given.arms or [arm.name])
    ]
    if not given.report:
        _train_all(given, scale, rows, [*_with(data.rows, COMPLETIONS), *held_out], held_out)
    found = _kept(given.work)
    if not found:
        print(f"{given.work} has no result: leave out --report", file=sys.stderr)
        return 2
    text = as_markdown(found, agreement(held_out), held_out=len(held_out), option=data.option)
    print(text)
    (given.results or RESULTS.with_stem(name)).write_text(text, encoding="utf-8")
    return 0


def _train_all(
    given: argparse.Namespace,
    scale: Scale,
    rows: Sequence[dict[str, Any]],
    everything: Sequence[dict[str, Any]],
    held_out: Sequence[dict[str, Any]],
) -> None:
    waiting = list(_waiting(given, scale))
    if not waiting:
        return
    from benchmarks.downstream_session import Session, usual_device

    given.device = given.device or usual_device()
    known = _with(rows, max(arm.completions for _, arm, _ in waiting))
    session = Session(known, everything, held_out, given.work, given.device, given.threads)
    for group, arm, world in waiting:
        begun, used = time.monotonic(), time.process_time()
        bought = _pairs(group, arm, rows, world)
        pairs = bought.pairs if bought else []
        flipped = arm.flipped(pairs)
        trained_on = _digest(pairs, flipped, world)
        shown = _shown_before(given.work, scale, trained_on)
        if shown is None:
            upper = session.trained(pairs, steps=scale.steps, seed=world, flipped=flipped)
            answers = session.answers(upper, samples=scale.samples, seed=world)
            shown = {
                "passed": [
                    sum(passes_all(row["constraints"], text) for text in texts)
                    for row, texts in zip(held_out, answers, strict=True)
                ],
                "ordered": session.ordered_right(upper) if upper else [],
            }
        result = {
            "scale": _as_json(scale),
            "group": group.name,
            "arm": arm.name,
            "world": world,
            "prompts": bought.prompts if bought else 0,
            "pairs": len(pairs),
            "wrong": _share([pair.gap < 0 for pair in pairs]),
            "tied": _share([pair.gap == 0 for pair in pairs]),
            "trained_on": trained_on,
            **shown,
            "seconds": round(time.monotonic() - begun, 1),
            "processor_seconds": round(time.process_time() - used, 1),
            "device": given.device,
        }
        with (given.work / "results.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        share = sum(shown["passed"]) / (scale.samples * len(shown["passed"]))
        print(
            f"{group.name}, {arm.name}, world {world}: {100 * share:.1f} % of answers pass "
            f"({len(pairs)} pairs; {result['processor_seconds']:.0f} s of processor time)",
            flush=True,
        )


def _digest(pairs: Sequence[Pair], flipped: float, world: int) -> str:
    """Of all that a training depends on beside its scale: two ways may buy the same pairs."""
    named = [(pair.item.id, pair.chosen, pair.rejected) for pair in pairs]
    return hashlib.sha256(json.dumps([named, flipped, world]).encode()).hexdigest()[:16]


def _shown_before(work: Path, scale: Scale, trained_on: str) -> dict[str, Any] | None:
    for one in _kept(work):
        if one["scale"] == _as_json(scale) and one.get("trained_on") == trained_on:
            return {"passed": one["passed"], "ordered": one["ordered"]}
    return None


def _with(rows: Sequence[dict[str, Any]], completions: int) -> list[dict[str, Any]]:
    """The same prompts with their first completions."""
    return [{**row, "completions": row["completions"][:completions]} for row in rows]


def _share(those: Sequence[bool]) -> float:
    return float(np.mean(those)) if those else 0.0


def _waiting(given: argparse.Namespace, scale: Scale) -> Iterator[tuple[Group, Arm, int]]:
    """One draw after another, so that a stopped run has whole comparisons; in each the most
    important first. What is kept already is not done again."""
    done = {
        (one["group"], one["arm"], one["world"])
        for one in _kept(given.work)
        if one["scale"] == _as_json(scale)
    }
    for world in range(FIRST_WORLD, FIRST_WORLD + given.worlds):
        for name in given.groups:
            for arm in ARMS:
                is_wanted = name in arm.groups and arm.name in given.arms
                if is_wanted and (name, arm.name, world) not in done:
                    yield GROUPS[name], arm, world


def _pairs(group: Group, arm: Arm, rows: Sequence[dict[str, Any]], world: int) -> Bought | None:
    """None where nothing is trained. Ways with more completions have other errors of the judges."""
    few = _with(rows, arm.completions)
    items: list[Item] = draw_world(few, world, len(rows), group.noise)
    return made_by(arm, items, COMPLETIONS * len(rows), group.prices, world)


def _kept(work: Path) -> list[dict[str, Any]]:
    file = work / "results.jsonl"
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _as_json(scale: Scale) -> dict[str, int]:
    return {"prompts": scale.prompts, "steps": scale.steps, "samples": scale.samples}


if __name__ == "__main__":
    sys.exit(main())
