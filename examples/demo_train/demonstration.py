"""The steps of the demonstration, each kept in the folder, so that a killed start is continued."""

from __future__ import annotations

import json
import os
import resource
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from examples.demo_train.model import Loaded, load, quicker_dtype, sample
from examples.demo_train.outcome import Outcome, compare, in_a_line, passed, picture
from examples.demo_train.pairs import make_pairs, sample_anew
from examples.demo_train.tasks import held_out_tasks

if TYPE_CHECKING:
    import torch
    from datasets import Dataset

SEED = 7
TITLE = "SmolLM2-135M before and after DPO on {} pairs"
MADE = {
    "before": ("before.json",),
    "training": ("training.json", "model"),
    "after": ("after.json",),
    "result": ("result.json",),
}
STEPS = {"measuring": ("before", "after"), "training": ("training", "after")}
"""Which steps a kind of settings is for."""


class Demonstration:
    def __init__(self, out: Path, *, epochs: float, samples: int, prompts: int, pairs: int) -> None:
        self.out, self.epochs, self.samples, self.most = out, epochs, samples, pairs
        self.tasks = held_out_tasks()[:prompts]
        self.begun = time.monotonic()

    def run(self, *, anew: bool = False, with_sampling: bool = False) -> dict[str, Any]:
        """What was found, as ``result.json`` has it. Raises JudgeforgeError, MissingPartError."""
        if anew and self.out.is_dir():
            shutil.rmtree(self.out)
        self.out.mkdir(parents=True, exist_ok=True)
        if with_sampling:
            self.say("the embedded model writes completions (some ten minutes)")
            sample_anew(self.out / "sampled")
        finished = self.out / "result.json"
        with self.timed("pairs"):
            self.say("judgeforge makes pairs of the completions, by checks in code")
            made = make_pairs(self.out / "pairs")
            pairs = made.select(range(min(self.most, len(made))))
        self.keep_only_with([pair["id"] for pair in pairs])
        if not finished.is_file():
            before, after = self.train_and_sample(pairs)
            outcome = compare(self.tasks, passed(self.tasks, before), passed(self.tasks, after))
            self.write(outcome, len(pairs), finished)
        found: dict[str, Any] = json.loads(finished.read_text(encoding="utf-8"))
        return found

    def say(self, what: str) -> None:
        print(f"[{time.monotonic() - self.begun:4.0f} s] {what}", flush=True)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Adds up what all starts together took for the result."""
        wall, used = time.monotonic(), _processor_seconds()
        yield
        seconds = self.seconds()
        if step not in seconds:
            spent = (time.monotonic() - wall, _processor_seconds() - used)
            seconds[step] = [round(one, 1) for one in spent]
            (self.out / "seconds.json").write_text(json.dumps(seconds), encoding="utf-8")

    def keep_only_with(self, pairs: list[str]) -> None:
        """What was made with other settings is no part of this start."""
        file = self.out / "settings.json"
        settings = {
            "measuring": {"samples": self.samples, "prompts": len(self.tasks)},
            "training": {"pairs": pairs, "epochs": self.epochs},
        }
        before = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else settings
        stale = {
            step
            for part, steps in STEPS.items()
            if before[part] != settings[part]
            for step in steps
        }
        if stale:
            self.say(f"other settings than before, so made anew: {', '.join(sorted(stale))}")
            self.forget(stale)
        file.write_text(json.dumps(settings), encoding="utf-8")

    def forget(self, steps: set[str]) -> None:
        for place in (self.out / name for step in {*steps, "result"} for name in MADE[step]):
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
        kept = {step: spent for step, spent in self.seconds().items() if step not in steps}
        (self.out / "seconds.json").write_text(json.dumps(kept), encoding="utf-8")

    def seconds(self) -> dict[str, list[float]]:
        """Wall and processor time of each step."""
        file = self.out / "seconds.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

    def train_and_sample(self, pairs: Dataset) -> tuple[list[list[str]], list[list[str]]]:
        import torch

        with self.timed("weights"):
            dtype = quicker_dtype()
            self.say(f"the embedded weights, read into torch ({str(dtype).removeprefix('torch.')})")
            loaded = load(torch.float32)
        before = self.answers("before", loaded, dtype)
        trained = self.out / "model"
        if trained.is_dir():
            loaded = Loaded(type(loaded.model).from_pretrained(trained), loaded.tokenizer)
        else:
            with self.timed("training"):
                self.train(loaded, pairs, in_bfloat16=dtype == torch.bfloat16)
                partial = self.out / "model.partial"
                loaded.model.save_pretrained(partial)
                loaded.tokenizer.save_pretrained(partial)
                partial.replace(trained)
        return before, self.answers("after", loaded, dtype)

    def train(self, loaded: Loaded, pairs: Dataset, *, in_bfloat16: bool) -> None:
        from examples.demo_train.training import train

        self.say(f"TRL's DPOTrainer: {len(pairs)} pairs, {self.epochs:g} epochs")
        logs = train(
            loaded,
            pairs.select_columns(["prompt", "chosen", "rejected"]),
            self.out / "trainer",
            epochs=self.epochs,
            in_bfloat16=in_bfloat16,
            seed=SEED,
        )
        (self.out / "training.json").write_text(json.dumps(logs), encoding="utf-8")

    def answers(self, name: str, loaded: Loaded, dtype: torch.dtype) -> list[list[str]]:
        """By held-out prompt; read where an earlier start has kept them."""
        file = self.out / f"{name}.json"
        if not file.is_file():
            prompts = [task["prompt"] for task in self.tasks] * self.samples
            self.say(f"{len(prompts)} answers to {len(self.tasks)} held-out prompts, {name}")
            with self.timed(name):
                given = list(sample(loaded.as_type(dtype), prompts, seed=SEED))
            each = [given[place :: len(self.tasks)] for place in range(len(self.tasks))]
            rows = [
                {"id": task["id"], "answers": texts}
                for task, texts in zip(self.tasks, each, strict=True)
            ]
            file.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
        return [row["answers"] for row in json.loads(file.read_text(encoding="utf-8"))]

    def write(self, outcome: Outcome, pairs: int, finished: Path) -> None:
        seconds = self.seconds()
        found = {
            "line": in_a_line(outcome),
            "pairs": pairs,
            "epochs": self.epochs,
            "seconds": round(sum(wall for wall, _ in seconds.values())),
            "processor_seconds": round(sum(used for _, used in seconds.values())),
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 1),
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            **asdict(outcome),
        }
        drawn = picture(outcome, TITLE.format(pairs))
        (self.out / "result.svg").write_text(drawn, encoding="utf-8")
        finished.write_text(json.dumps(found, indent=1), encoding="utf-8")


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
