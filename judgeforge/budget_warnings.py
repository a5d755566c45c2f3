"""Limits of money and calls that end a run long before its input does."""

from __future__ import annotations

from collections.abc import Collection

from judgeforge.config import RunConfig
from judgeforge.estimate import ModelLoad, total_cost


def budget_warnings(config: RunConfig, prompts: int, loads: Collection[ModelLoad]) -> list[str]:
    """``loads``: those of all ``prompts``. What is in the cache already costs nothing, and is not
    known here."""
    if not prompts:
        return []
    budget, cost = config.budget, total_cost(loads)
    warnings = []
    if cost.low is not None and cost.expected is not None:
        each = cost.expected / prompts
        if budget.usd is not None and budget.usd < cost.low:
            paid = int(budget.usd / each)
            warnings.append(
                f"budget.usd is ${budget.usd:g}: it pays for about {paid} of {prompts} prompts "
                f"(expected ${each:.6f} each). Raise it, or take fewer with --limit."
            )
        if budget.daily_usd is not None and budget.daily_usd < cost.low / prompts:
            warnings.append(
                f"budget.daily_usd is ${budget.daily_usd:g}: it pays for no prompt "
                f"(expected ${each:.6f} each). Raise it."
            )
    calls = round(sum(load.calls for load in loads) / prompts)
    if budget.max_calls is not None and budget.max_calls < calls:
        warnings.append(
            f"budget.max_calls is {budget.max_calls}: a prompt may need {calls} calls, and none is "
            "begun that cannot be finished. Raise it."
        )
    return warnings
