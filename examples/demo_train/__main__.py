"""From prompts to a better model, on the processor and without a key: `make demo-train`.

judgeforge makes pairs of completions that the embedded model wrote before, TRL trains that model on
them, and answers to prompts that were held out say what it brought. Each step is kept: a killed
start is continued, and a second one only shows what the first found (--anew begins again).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from examples.demo_train import model as small
from examples.demo_train.outcome import Outcome, compare, in_a_line, passed, picture
from examples.demo_train.pairs import make_pairs, sample_anew
from examples.demo_train.tasks import FORMS, held_out_tasks
from judgeforge.errors import JudgeforgeError

SAMPLES, EPOCHS, SEED = 3, 3.0, 7
TITLE = "SmolLM2-135M before and after DPO on {} pairs"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="demo_train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=Path("runs/demo-train"), metavar="FOLDER")
    parser.add_argument("--anew", action="store_true", help="forget what the folder has")
    parser.add_argument("--sample", action="store_true", help="have new completions written first")
    parser.add_argument("--epochs", type=float, default=EPOCHS, help=f"default {EPOCHS:g}")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="answers to a held-out prompt")
    parser.add_argument("--prompts", type=int, default=10**6, help="at most so many held-out ones")
    parser.add_argument("--results", type=Path, metavar="FILE", help="also write a page (.md)")
    given = parser.parse_args(arguments)
    if given.epochs <= 0 or given.samples < 1 or given.prompts < 2:
        parser.error("--epochs must be above 0, --samples at least 1, --prompts at least 2")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    try:
        small.weights_folder()
        return Demonstration(given).run()
    except (small.MissingPartError, JudgeforgeError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from what {given.out} has", file=sys.stderr)
        return 130


class Demonstration:
    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.out = given, Path(given.out)
        self.tasks: list[dict[str, Any]] = held_out_tasks()[: given.prompts]
        self.begun, self.cpu = time.monotonic(), _processor_seconds()

    def run(self) -> int:
        if self.given.anew and self.out.is_dir():
            shutil.rmtree(self.out)
        self.out.mkdir(parents=True, exist_ok=True)
        if self.given.sample:
            self.say("the embedded model writes completions (minutes)")
            sample_anew(self.out / "sampled")
        self.say("judgeforge makes pairs of the completions, by checks in code")
        result = make_pairs(self.out / "pairs")
        if result.exit_code:
            return result.exit_code
        count = len(result.pairs)
        settings = {
            "pairs": [pair["id"] for pair in result.pairs],
            "epochs": self.given.epochs,
            "samples": self.given.samples,
            "prompts": len(self.tasks),
        }
        self.keep_only_with(settings)
        finished = self.out / "result.json"
        if not finished.is_file():
            before, after = self.train_and_sample(result.pairs)
            outcome = compare(
                self.tasks, passed(self.tasks, before), passed(self.tasks, after)
            )
            self.write(outcome, count)
        found = json.loads(finished.read_text(encoding="utf-8"))
        print(found["line"])
        print(f"  {self.out / 'result.json'}, {self.out / 'result.svg'}; {found['cost']}")
        if self.given.results:
            self.given.results.write_text(as_page(found), encoding="utf-8")
        return 0

    def say(self, what: str) -> None:
        print(f"[{time.monotonic() - self.begun:4.0f} s] {what}", flush=True)

    def keep_only_with(self, settings: dict[str, Any]) -> None:
        """What was made with other settings is no part of this start."""
        file = self.out / "settings.json"
        text = json.dumps(settings)
        if file.is_file() and file.read_text(encoding="utf-8") != text:
            self.say("other settings than before: trained and sampled anew")
            for name in ("before.json", "after.json", "result.json", "model"):
                place = self.out / name
                shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
        file.write_text(text, encoding="utf-8")

    def train_and_sample(self, pairs: Any) -> tuple[list[list[str]], list[list[str]]]:  # noqa: ANN401
        import torch

        from examples.demo_train.training import train

        dtype = small.quicker_dtype()
        self.say(f"the embedded weights, read into torch ({str(dtype).removeprefix('torch.')})")
        model, tokenizer = small.load(torch.float32)
        before = self.sampled("before", model, tokenizer, dtype)
        trained = self.out / "model"
        if not (trained / "config.json").is_file():
            self.say(f"TRL's DPOTrainer: {len(pairs)} pairs, {self.given.epochs:g} epochs")
            model.train()
            logs = train(
                model,
                tokenizer,
                pairs.select_columns(["prompt", "chosen", "rejected"]),
                self.out / "trainer",
                epochs=self.given.epochs,
                in_bfloat16=dtype == torch.bfloat16,
                seed=SEED,
            )
            (self.out / "training.json").write_text(json.dumps(logs), encoding="utf-8")
            partial = self.out / "model.partial"
            model.save_pretrained(partial)
            tokenizer.save_pretrained(partial)
            partial.replace(trained)
        else:
            model = type(model).from_pretrained(trained)
        return before, self.sampled("after", model, tokenizer, dtype)

    def sampled(self, name: str, model: Any, tokenizer: Any, dtype: Any) -> list[list[str]]:  # noqa: ANN401
        """By prompt; read where an earlier start has kept them."""
        file = self.out / f"{name}.json"
        if not file.is_file():
            prompts = [task["prompt"] for task in self.tasks] * self.given.samples
            self.say(f"answers to {len(self.tasks)} held-out prompts, {len(prompts)} in all: {name}")
            quick = model if model.dtype == dtype else type(model)(model.config).to(dtype)
            quick.load_state_dict(model.state_dict())
            quick.generation_config = model.generation_config
            answers = [text for some in small.sample(quick.eval(), tokenizer, prompts, seed=SEED) for text in some]
            each = [answers[place :: len(self.tasks)] for place in range(len(self.tasks))]
            rows = [
                {"id": task["id"], "answers": texts}
                for task, texts in zip(self.tasks, each, strict=True)
            ]
            file.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
        return [row["answers"] for row in json.loads(file.read_text(encoding="utf-8"))]

    def write(self, outcome: Outcome, pairs: int) -> None:
        cost = (
            f"{time.monotonic() - self.begun:.0f} s, {_processor_seconds() - self.cpu:.0f} of them "
            f"processor seconds, on {os.cpu_count()} cores"
        )
        found = {
            "line": in_a_line(outcome),
            "pairs": pairs,
            "epochs": self.given.epochs,
            "cost": cost,
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            **asdict(outcome),
        }
        requests = {form.name: form.name for form in FORMS}
        drawn = picture(outcome, TITLE.format(pairs), requests)
        (self.out / "result.svg").write_text(drawn, encoding="utf-8")
        (self.out / "result.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


def as_page(found: dict[str, Any]) -> str:
    rows = [f"| {name} | {old:.0f} | {new:.0f} |" for name, (old, new) in found["forms"].items()]
    return "\n".join(
        [
            "# What training on the pairs brought: `make demo-train`",
            "",
            f"`python -m examples.demo_train --results FILE` on {found['date']}: {found['cost']}. "
            f"{found['pairs']} pairs, {found['epochs']:g} epochs.",
            "",
            f"{found['line'][0].upper()}{found['line'][1:]}. The intervals (95 %) are of the "
            "bootstrap over prompts; other seeds of the training are not in them.",
            "",
            "| form of the prompt | before, % | after, % |",
            "|---|---:|---:|",
            *rows,
            "",
        ]
    )


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
