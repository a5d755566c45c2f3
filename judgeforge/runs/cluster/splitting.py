"""How many workers a run can use, and why it may be fewer than asked for."""

from __future__ import annotations

from judgeforge.config.run import RunConfig
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.text.wording import counted

_CALLS_A_SECOND = 1
"""Of a configured rate, for each worker: more of them would gain nothing, and each may begin with a
request of its own."""


def usable_workers(
    prepared: Preparation, asked: int, *, prompts: int, kept_here: int = 0
) -> tuple[int, str | None]:
    """At most ``asked``, 1 where the run stays in one process; and what to say where that is fewer
    than was asked for. ``prompts``: those to do; ``kept_here``: of these, what judges are learnt
    from, which one process judges."""
    if asked <= 1:
        return 1, None
    bounds = sorted(
        [
            *_kept_together(prepared),
            (max(1, prompts - kept_here), _work(prompts, kept_here)),
            *_limits(prepared.config, list(prepared.keys)),
        ]
    )
    if not bounds or bounds[0][0] >= asked:
        return asked, None
    number, why = bounds[0]
    does = "this process does all work" if number == 1 else f"{counted(number, 'worker')} work"
    return number, f"of {counted(asked, 'worker')}: {why}, so {does}"


def _work(prompts: int, kept_here: int) -> str:
    """How many prompts there are for workers."""
    if prompts == 0:
        return "no prompt is to do"
    todo = f"{counted(prompts, 'prompt')} {'is' if prompts == 1 else 'are'} to do"
    if kept_here == 0:
        return todo
    which = "all of them" if kept_here == prompts else f"{kept_here} of them"
    return f"{todo}, and judges are learnt from {which}, in one process"


def _kept_together(prepared: Preparation) -> list[tuple[int, str]]:
    models = prepared.config.models
    inside = [name for name in prepared.keys if models[name].facts.in_process]
    found = [(1, f"`{name}` is a model inside the process") for name in inside]
    if prepared.batch_prices:
        names = ", ".join(f"`{name}`" for name in prepared.batch_prices)
        found.append((1, f"{names} is asked in batches, which are gathered in one place"))
    return found


def _limits(config: RunConfig, names: list[str]) -> list[tuple[int, str]]:
    slots = config.limits.concurrency
    found = [(slots, f"limits.concurrency is {slots}")]
    for name in names:
        model = config.models[name]
        for replica in model.replicas:
            number = replica.concurrency
            found.append((number, f"`{name}` takes {counted(number, 'request')} at a time"))
            if replica.rpm is not None:
                rate = max(1, int(replica.rpm / 60 / _CALLS_A_SECOND))
                found.append((rate, f"`{name}` may be asked {replica.rpm:g} times a minute"))
    return found
