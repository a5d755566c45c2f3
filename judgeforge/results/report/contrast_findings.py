"""What stands out of the contrast of pairs: writers that are alike, narrow gaps, style. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from judgeforge.ranking.pairing.delta import STRATEGY
from judgeforge.results.figures import marks
from judgeforge.results.figures.contrast import Style
from judgeforge.results.figures.run import RunFigures
from judgeforge.results.how_made import part
from judgeforge.results.report.finding import ENOUGH, Finding
from judgeforge.store.manifest import AuditFigure, Manifest

_ALIKE = 0.05
"""Of the mean scores of all writers, from the best to the worst."""
_NARROW = marks.NARROW_BELOW
_ONE_WINS = 0.9
_LONGER, _MORE_OFTEN = 1.5, 0.3
_AGREED = 0.5
_WIDER = (
    "a weak writer in sampling.always and rejected_from (configs/contrast.yaml), writers of "
    "different strength in sampling.pool, or pairing.strategy: delta (configs/delta.yaml)"
)


def alike(_: Manifest, figures: RunFigures) -> Iterator[Finding]:
    means = {
        name: one.score.mean
        for name, one in figures.completions.models.items()
        if len(one.score) >= ENOUGH and one.score.mean is not None
    }
    if len(means) > 1 and max(means.values()) - min(means.values()) < _ALIKE:
        yield Finding(
            "look",
            f"All {len(means)} writers score alike (means from {min(means.values()):.2f} to "
            f"{max(means.values()):.2f}): pairs differ by chance more than by who wrote.",
            f"Wider pairs train more: {_WIDER}.",
            about=(marks.NARROW,),
            section="pairs",
        )


def narrow(_: Manifest, figures: RunFigures) -> Iterator[Finding]:
    pairs = figures.pairs
    median = pairs.margin.quantile(0.5)
    if median is None or pairs.pairs < ENOUGH or median >= _NARROW:
        return
    rejected = pairs.score_rejected.mean or 0.0
    yield Finding(
        "look",
        f"In half of the pairs rejected scores within {median:.2f} of chosen (mean score of "
        f"rejected {rejected:.2f}): it is nearly as good, and there is little to learn from.",
        f"pairing.min_margin, or best with by: margin, keeps the wide ones; {_WIDER}.",
        about=(marks.NARROW,),
    )


def style(manifest: Manifest, figures: RunFigures) -> Iterator[Finding]:
    """One writer wins nearly always: what a model may learn of it instead of how good it is."""
    contrast = figures.pairs.contrast
    for model, (won, lost) in figures.pairs.wins().items():
        total = won + lost
        if total < ENOUGH or won / total < _ONE_WINS:
            continue
        signs = _signs(contrast.styles[model], contrast.others(model))
        if signs:
            yield Finding(
                "look",
                f"{model} is chosen in {won / total:.0%} of its pairs with other models, and its "
                f"style tells it apart: {'; '.join(signs)}. A model may learn that instead.",
                "pairing.max_length_ratio or max_token_difference, or strategy: length_matched; "
                "sampling.principles or system that ask all writers for one style; completions "
                "that refuse: another prompt set or weak writer.",
                about=((marks.WON, model),),
                section="contrast",
            )
        elif not _is_by_design(manifest):
            yield Finding(
                "look",
                f"{model} is chosen in {won / total:.0%} of its pairs with other models: they may "
                "teach to tell its style apart more than to answer well.",
                "Sample several completions of each model, and pair more than the best with the "
                "worst (pairing.strategy: adjacent or all_pairs): then models meet themselves too.",
                about=((marks.WON, model),),
                section="contrast",
            )


def _is_by_design(manifest: Manifest) -> bool:
    return bool(part(manifest.config, "pairing", "strategy") == STRATEGY)


def _signs(own: Style, rest: Style) -> list[str]:
    found = []
    ratio = own.mean_characters / max(1.0, rest.mean_characters)
    if not 1.0 / _LONGER < ratio < _LONGER:
        how = f"{ratio:.1f} times as long" if ratio > 1 else f"{ratio:.2f} times as long"
        found.append(f"its answers are {how} as the others'")
    if abs(own.markdown_share - rest.markdown_share) > _MORE_OFTEN:
        found.append(
            f"{own.markdown_share:.0%} of them have markdown, of the others' "
            f"{rest.markdown_share:.0%}"
        )
    if abs(own.refusal_share - rest.refusal_share) > _MORE_OFTEN:
        found.append(
            f"{own.refusal_share:.0%} of them read like refusals, of the others' "
            f"{rest.refusal_share:.0%}"
        )
    return found


def audit(manifest: Manifest, figures: RunFigures) -> Iterator[Finding]:
    """Of pairs by design."""
    if figures.pairs.unmeasured:
        yield Finding(
            "look",
            f"{figures.pairs.unmeasured:,} pairs are by design and nobody judged any of them: how "
            "often chosen is better is not measured.",
            "pairing.audit: 0.05 has a random share judged and gives each pair its probability.",
            about=(marks.UNJUDGED,),
            section="contrast",
        )
    for one in manifest.audit:
        if one.chosen_model and one.low <= 0.5:
            writers = (marks.WRITERS, one.chosen_model, one.rejected_model)
            advice = _audit_advice(one)
            yield Finding("look", _not_shown(one), advice, about=(writers,), section="contrast")


def _not_shown(one: AuditFigure) -> str:
    return (
        f"The audit does not show that {one.chosen_model} is better than {one.rejected_model}: in "
        f"{one.better:.0%} of the cases by {one.pairs:,} judged pairs ({one.low:.0%} to "
        f"{one.high:.0%}). Their other pairs are not given (not_shown_better)."
    )


def _audit_advice(one: AuditFigure) -> str:
    if one.better > 0.5:
        return (
            "A larger pairing.audit narrows the interval; a second judge, or one that tells the "
            "answers apart, makes each judged pair surer."
        )
    return (
        "Exchange the writers of chosen_from and rejected_from, or take a stronger and a weaker "
        "one; read some judged pairs: the judge or the rubric may be what is wrong."
    )


def records(manifest: Manifest, _: RunFigures) -> Iterator[Finding]:
    """Of the writers, where they count as evidence."""
    known = manifest.reliability or {}
    agreed = known.get("writers_agreed") or 0.0
    if known.get("writers") and agreed < _AGREED:
        yield Finding(
            "note",
            f"Judges agree on {agreed:.0%} of how the writers differ; the rest is each judge's own "
            "taste, and the records count for little.",
            "judging.exclude_own_family, where judges and writers are of one family; or leave "
            "judging.writer_prior out.",
            section="contrast",
        )
