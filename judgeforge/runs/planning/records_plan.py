"""What `judging.writer_prior` and the audit of `delta` mean for the calls of a run, for `plan`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from judgeforge.config.run import RunConfig
from judgeforge.errors import StoreError
from judgeforge.ranking.rules import PairingRules
from judgeforge.results.figures.run import prompts_of
from judgeforge.runs.planning.measure import first_prompts
from judgeforge.store.folder import RunFolder
from judgeforge.text.wording import counted

ENOUGH_AUDITED = 20
"""Judged pairs, from which on an interval is narrow enough to show that a strong writer is one."""
LEAST_PILOT = 16
"""Prompts behind the first ones, from which on a run so far says how much is asked."""


@dataclass(frozen=True, slots=True)
class Pilot:
    """What a run with the writers' records has asked so far, behind the prompts that it learnt
    from."""

    prompts: int
    share: float
    """Of all that its judges could have been asked."""


def pilot(config: RunConfig, folder: RunFolder) -> Pilot | None:
    """None where no run has shown it."""
    if not config.judging.writer_prior:
        return None
    manifest = folder.path.exists() and folder.read_manifest()
    if not manifest or not (manifest.reliability or {}).get("writers"):
        return None
    asked = Counter[str]()
    possible = 0
    first, behind = first_prompts(config), 0
    try:
        for number, rows in enumerate(prompts_of(folder)):
            completions = sum(row.get("score") is not None for row in rows.completions.rows)
            if number < first or completions < 2:
                continue
            behind += 1
            asked.update(str(row["judge"]) for row in rows.judgments.rows)
            possible += sum(
                judge.repeats * judge.questions(completions) for judge in config.judging.judges
            )
    except StoreError:
        return None  # the run itself says what is wrong with the file
    if behind < LEAST_PILOT or not possible:
        return None
    labels = {judge.label for judge in config.judging.judges}
    return Pilot(behind, min(1.0, sum(asked[name] for name in labels) / possible))


def records_notes(
    config: RunConfig, found: Pilot | None, *, calls: float, without: float
) -> list[str]:
    """``calls``: of judges and writers, as expected; ``without``: what is expected where the
    records settle nothing."""
    if not config.judging.writer_prior:
        return []
    if config.judging.cascade is None:
        return [
            "judging.writer_prior: all judges are asked everything, so the records of the writers "
            "save no call; with judging.cascade nothing is asked that they have settled."
        ]
    if found is None:
        return [
            "judging.writer_prior: how much the records of the writers settle shows once the "
            f"first {counted(first_prompts(config), 'prompt')} are judged; until then nothing "
            "counts as saved in expected and high, and low has nothing asked behind these. Run "
            "--limit 200 and plan again for a figure of this run."
        ]
    return [
        "judging.writer_prior: of what could be asked about the "
        f"{counted(found.prompts, 'prompt')} that the run has judged since it knows its writers, "
        f"{found.share:.0%} was; expected counts with that and saves about "
        f"{max(0, round(without - calls)):,} calls."
    ]


def audit_notes(rules: PairingRules, audited: int, prompts: int) -> list[str]:
    if not rules.by_design:
        return []
    if not rules.audits:
        return [
            "pairing.audit is 0: no pair is judged, and none has a confidence that was measured."
        ]
    return [
        f"The audit judges the pair of {audited:,} of {counted(prompts, 'prompt')}; the others get "
        "their probability from these."
    ]


def audit_warnings(rules: PairingRules, audited: int, prompts: int) -> list[str]:
    if not rules.audits or audited >= ENOUGH_AUDITED or not prompts:
        return []
    share = min(1.0, 1.5 * ENOUGH_AUDITED / prompts)
    return [
        f"pairing.audit: {rules.audit:g} draws {audited:,} of {counted(prompts, 'prompt')}, and so "
        "few judged pairs hardly show that chosen is better; pairs are given only where they do. "
        f"audit: {share:.2g} draws about {round(share * prompts)}"
    ]
