"""What the audit of pairs by design costs, and whether it can show anything."""

from __future__ import annotations

from judgeforge.ranking.pairing.running_bound import fewest_to_show
from judgeforge.ranking.rules import PairingRules
from judgeforge.text.wording import counted

ENOUGH_AUDITED = 20
"""Judged pairs, from which on an interval is narrow enough to show that a strong writer is one."""


def audit_notes(rules: PairingRules, audited: int, prompts: int) -> list[str]:
    if not rules.by_design:
        return []
    if not rules.audits:
        return [
            "pairing.audit is 0: no pair is judged, and none has a confidence that was measured."
        ]
    return [
        f"The audit judges the pair of {audited:,} of {counted(prompts, 'prompt')}; the others get "
        "their probability from these.",
        *_stop_notes(rules, audited),
    ]


def _stop_notes(rules: PairingRules, audited: int) -> list[str]:
    if rules.stop_below is None:
        return []
    fewest = fewest_to_show(rules.stop_below)
    if fewest > audited:
        return [
            f"pairing.stop_below: {rules.stop_below:g} cannot stop this run: even if none were "
            f"right it takes {fewest:,} judged pairs to show it, and {audited:,} are drawn"
        ]
    return [
        f"pairing.stop_below: the run stops once its audit shows that fewer than "
        f"{rules.stop_below:.0%} of the pairs are right, after {fewest:,} judged pairs at the "
        "earliest; that costs nothing of its own."
    ]


def audit_warnings(rules: PairingRules, audited: int, prompts: int) -> list[str]:
    if not rules.audits or audited >= min(ENOUGH_AUDITED, prompts):
        return []
    share = min(1.0, 1.5 * ENOUGH_AUDITED / prompts)
    return [
        f"pairing.audit: {rules.audit:g} draws {audited:,} of {counted(prompts, 'prompt')}, and so "
        "few judged pairs hardly show that chosen is better; pairs are given only where they do. "
        f"audit: {share:.2g} draws about {round(share * prompts)}"
    ]
