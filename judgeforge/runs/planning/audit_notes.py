"""What the audit of pairs by design costs, and whether it can show anything."""

from __future__ import annotations

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
        "their probability from these."
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
