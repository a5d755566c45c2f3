"""From prompts to a better model, on the processor and without a key: `make demo-train`.

judgeforge makes pairs of completions that the embedded model wrote before, TRL trains that model on
them, and answers to prompts that were held out say what it brought. Each step is kept: a killed
start is continued, and a second one only shows what the first found (--anew begins again).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from examples.demo_train.demonstration import Demonstration
from examples.demo_train.model import MissingPartError, weights_folder
from examples.demo_train.outcome import as_page, what_it_took
from judgeforge.errors import JudgeforgeError

SAMPLES, EPOCHS = 3, 1.0


def main(arguments: list[str] | None = None) -> int:
    given = _read(arguments)
    # Nothing is looked for on the network, and results are no trainer's business to report.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    demonstration = Demonstration(
        given.out,
        epochs=given.epochs,
        samples=given.samples,
        prompts=given.prompts,
        pairs=given.pairs,
    )
    try:
        weights_folder()
        found = demonstration.run(anew=given.anew, with_sampling=given.sample)
    except (MissingPartError, JudgeforgeError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from what {given.out} has", file=sys.stderr)
        return 130
    print(found["line"])
    print(f"{what_it_took(found)}; see {given.out}/result.svg and the answers beside it")
    if given.results:
        given.results.write_text(as_page(found), encoding="utf-8")
    return 0


def _read(arguments: list[str] | None) -> argparse.Namespace:
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
    parser.add_argument("--pairs", type=int, default=10**6, help="at most so many are trained on")
    parser.add_argument("--results", type=Path, metavar="FILE", help="also write a page (.md)")
    given = parser.parse_args(arguments)
    if given.epochs <= 0 or given.samples < 1 or given.prompts < 2 or given.pairs < 1:
        parser.error("--epochs must be above 0, --samples and --pairs 1 or more, --prompts 2")
    return given


if __name__ == "__main__":
    sys.exit(main())
