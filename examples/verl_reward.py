"""The panel as verl's custom reward function, in both of the forms that verl calls.

verl hands over the words of an answer and the row's ``extra_info``, but not the prompt: put it
there when the data is made (``extra_info: {"question": …}``). The environment names the
configuration:

    JUDGEFORGE_CONFIG=config.yaml python -m verl.trainer.main_ppo \\
        reward.custom_reward_function.path=examples/verl_reward.py \\
        reward.custom_reward_function.name=compute_score …

``compute_score`` is asked for one answer at a time, many of them at once, which judges that score
on a rubric can do; that is how verl 0.9 asks. ``compute_score_batched`` is for earlier versions,
which have a manager that hands over whole batches (``custom_reward_function.name=
compute_score_batched reward_model.reward_manager=batch``): the answers to one prompt are judged
together then, which is what judges that compare need. Without verl, this shows both:

    JUDGEFORGE_CONFIG=config.yaml python examples/verl_reward.py
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import judgeforge

NOT_JUDGED = 0.0
"""verl has no way to leave a sample out."""


def _out() -> str:
    """verl runs its reward functions in several processes, and a folder belongs to one of them."""
    return os.path.join(os.environ.get("JUDGEFORGE_OUT", "runs/verl-reward"), str(os.getpid()))  # noqa: PTH118


@cache
def _together() -> judgeforge.RewardFunction:
    return judgeforge.reward(os.environ["JUDGEFORGE_CONFIG"], out=_out(), on_budget="none")


@cache
def _one_by_one() -> judgeforge.AsyncRewardFunction:
    return judgeforge.areward(os.environ["JUDGEFORGE_CONFIG"], out=_out(), on_budget="none")


def compute_score_batched(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[str | None],
    extra_infos: Sequence[Mapping[str, Any]],
    **_: object,
) -> list[float]:
    """For the manager `batch` of verl before 0.9."""
    found = _together()(
        prompts=[_asked(extra) for extra in extra_infos],
        completions=list(solution_strs),
        reference=list(ground_truths),
        metadata=[{"data_source": source} for source in data_sources],
    )
    return [NOT_JUDGED if one is None else one for one in found]


async def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str | None,
    extra_info: Mapping[str, Any],
    **_: object,
) -> float:
    """For the managers that ask for one answer at a time."""
    (found,) = await _one_by_one()(
        prompts=[_asked(extra_info)],
        completions=[solution_str],
        reference=[ground_truth],
        metadata=[{"data_source": data_source}],
    )
    return NOT_JUDGED if found is None else found


def _asked(extra_info: Mapping[str, Any]) -> Any:  # noqa: ANN401 (a text or messages)
    return extra_info["question"]


def main() -> None:
    asked = {"question": "Why is the sky blue?"}
    said = ["Air scatters short waves of light more than long ones.", "It reflects the sea."]
    together = compute_score_batched(["demo"] * 2, said, [None] * 2, [asked] * 2)
    print("together:", [round(one, 3) for one in together])
    _together().close()
    alone = asyncio.run(compute_score("demo", said[0], None, asked))
    print("alone:", round(alone, 3))


if __name__ == "__main__":
    main()
