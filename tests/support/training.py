"""A training as far as its reward function knows: batch after batch of completions, in a process.

    python -m tests.support.training CONFIG OUT STEPS

Prints the rewards of each batch, as they were given, on a line of JSON.
"""

from __future__ import annotations

import json
import random
import sys

import judgeforge

GROUPS, COMPLETIONS = 4, 3


def batch(step: int) -> tuple[list[str], list[str]]:
    """Prompts and completions of a step: always the same, as a training with a seed has them."""
    chance = random.Random(step)
    prompts = [f"Fact {step}.{group}?" for group in range(GROUPS) for _ in range(COMPLETIONS)]
    said = [f"[quality={chance.random():.3f}] answer {number}" for number in range(len(prompts))]
    return prompts, said


def main() -> None:
    config, out, steps = sys.argv[1:]
    with judgeforge.reward(config, out=out) as reward:
        for step in range(int(steps)):
            prompts, said = batch(step)
            print(json.dumps(reward(prompts=prompts, completions=said)), flush=True)


if __name__ == "__main__":
    main()
