"""What a run folder shows of its judges, its prices and its pairs, to plan a larger run by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import StoreError
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.reliability.unseen import unmeasured
from judgeforge.store.fit import read_fit
from judgeforge.store.folder import RunFolder
from judgeforge.store.manifest import Totals

LEAST_PROMPTS = 20
"""From fewer a fit stays near what is assumed of any judge."""


@dataclass(frozen=True, slots=True)
class Pilot:
    told_by: str
    """In words, where what is known of the judges comes from."""
    fitted: Reliability | None = None
    """None where no pilot tells anything."""
    strangers: tuple[str, ...] = ()
    """Judges that the pilot did not ask."""
    pairs_per_prompt: float = 1.0

    def known(self, judges: int) -> Reliability:
        """For this many of them together."""
        return self.fitted if self.fitted is not None else unmeasured(judges)


def pilot_of(folder: RunFolder, judges: Sequence[JudgeConfig]) -> Pilot:
    """A folder that is not there, cannot be read or holds too little tells nothing: then what is
    assumed of any judge stands in, and ``told_by`` says why."""
    assumed = "what is assumed of any judge"
    try:
        fit, manifest = read_fit(folder.reliability_file), folder.read_manifest()
    except StoreError:
        return Pilot(f"{assumed} ({folder.path} cannot be read)")
    if fit is None or manifest is None:
        return Pilot(f"{assumed} (no pilot in {folder.path})")
    known = fit.reliability
    if known.source != "run" or known.prompts < LEAST_PROMPTS:
        return Pilot(
            f"{assumed} ({folder.path} shows {known.prompts} prompts, and {LEAST_PROMPTS} are the "
            "fewest that tell anything)"
        )
    names = {judge.name for judge in known.judges}
    return Pilot(
        told_by=f"a pilot of {known.prompts} prompts in {folder.path}",
        fitted=known,
        strangers=tuple(judge.label for judge in judges if judge.label not in names),
        pairs_per_prompt=_pairs_per_prompt(manifest.totals),
    )


def _pairs_per_prompt(totals: Totals) -> float:
    """Of prompts that have ended."""
    return totals.pairs / totals.prompts if totals.prompts else 1.0
