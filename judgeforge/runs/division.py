"""Whether the work of a start is done here or divided among workers.

What knows of workers is loaded only where there are any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from judgeforge.runs.cluster.splitting import usable_workers
from judgeforge.runs.first_prompts import FirstPrompts
from judgeforge.runs.fit import RunFit
from judgeforge.runs.preparation.worklist import TODO
from judgeforge.runs.prompt_work import PromptWork, TakesThrough
from judgeforge.runs.start import Start

if TYPE_CHECKING:
    from judgeforge.runs.cluster.team import Team


def team_of(
    start: Start,
    fit: RunFit,
    say: Callable[[str], None],
    gather: Callable[[int], Team],
) -> Team | None:
    """None where this process does all work."""
    places = start.work.places
    number, why = usable_workers(
        start.prepared,
        start.options.workers or 1,
        prompts=places.count(TODO),
        kept_here=places[: fit.until].count(TODO),
    )
    if why is not None:
        say(why)
    if number > 1:
        return gather(number)
    if start.options.forked is not None:
        start.options.forked.end()
    return None


def taken_through(
    work: PromptWork, team: Team | None, first: FirstPrompts, fit: RunFit
) -> TakesThrough:
    """What takes each prompt through: this process, or workers."""
    if team is None:
        return work
    from judgeforge.runs.cluster.handed_out import HandedOut

    return HandedOut(work, team.workers, first, fit, team.has_equal)
