"""What the dataset card says of how wide the pairs are, and of what is known without a judgment."""

from __future__ import annotations

from judgeforge.results.card_sections import escape, table
from judgeforge.results.figures.pairs import PairFigures
from judgeforge.store.manifest import AuditFigure, Manifest

_MOST_ROWS = 20


def contrast_sections(pairs: PairFigures, manifest: Manifest) -> list[str]:
    """None for a run without pairs, and none of what it has not."""
    return [
        *(["## Contrast\n\n" + _contrast(pairs)] if pairs.pairs else []),
        *([_audit(manifest)] if manifest.audit else []),
        *([_UNMEASURED.format(pairs.unmeasured)] if pairs.unmeasured else []),
        *_records(manifest),
    ]


def _contrast(pairs: PairFigures) -> str:
    rows = [
        (
            escape(writers[0]),
            escape(writers[1]),
            f"{one.pairs:,}",
            f"{one.mean_margin:.3f}",
            f"{one.chosen_characters / one.pairs:,.0f}",
            f"{one.rejected_characters / one.pairs:,.0f}",
        )
        for writers, one in pairs.contrast.largest(_MOST_ROWS)
    ]
    head = ["chosen from", "rejected from", "pairs", "mean gap of scores", "characters", "against"]
    return (
        "How far apart the two sides are, by who wrote them: of their scores, and in their "
        "lengths.\n\n" + table(head, rows)
    )


def _audit(manifest: Manifest) -> str:
    every, *by_writers = manifest.audit
    rows = [
        (
            escape(one.chosen_model or "all"),
            escape(one.rejected_model or "all"),
            f"{one.pairs:,}",
            f"{one.better:.1%}",
            f"{one.low:.0%} to {one.high:.0%}",
            f"{one.tie:.1%}",
        )
        for one in (every, *by_writers)[:_MOST_ROWS]
    ]
    head = ["chosen from", "rejected from", "judged", "chosen better", "95 %", "tied"]
    return (
        "## Pairs by design\n\n"
        "Chosen is a strong writer's answer and rejected a weak one's. "
        f"{_judged(every)} A pair that was not judged has the probability of its writers as "
        "`confidence`, and mean scores as its own; `audit.judged` says which were.\n\n"
        + table(head, rows)
    )


def _judged(every: AuditFigure) -> str:
    return (
        f"A random share of them was judged ({every.pairs:,} pairs): with a probability of "
        f"{every.better:.2f} ({every.low:.2f} to {every.high:.2f}) chosen is better."
    )


_UNMEASURED = (
    "## Pairs by design\n\nChosen is a strong writer's answer and rejected a weak one's. None "
    "of the {:,} pairs was judged (`audit: 0`): **their `confidence` and scores of 0.5 mean that "
    "nothing was measured.**"
)


def _records(manifest: Manifest) -> list[str]:
    known = manifest.reliability or {}
    rows = [
        (
            escape(one["name"]),
            f"{one['mean']:+.3f}",
            f"{one['mean_sd']:.3f}",
            str(one["completions"]),
        )
        for one in (known.get("writers") or ())[:_MOST_ROWS]
    ]
    if not rows:
        return []
    agreed = known.get("writers_agreed") or 0.0
    return [
        "## The writers' records\n\n"
        "What the first prompts showed of each writer counted as evidence beside the judgments; "
        f"the judges agree on {agreed:.0%} of how the writers differ.\n\n"
        + table(["writer", "better than all by", "give or take", "judged answers"], rows)
    ]
