"""What stands out in the figures of a run, and what to do about it. Pure.

Each rule looks at one thing, wants enough cases to be sure of it, and stays silent otherwise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from judgeforge.records import SkipReason
from judgeforge.results.figures import marks
from judgeforge.results.figures.completions import FINISHED, others
from judgeforge.results.figures.given_labels import SURE
from judgeforge.results.figures.label_noise import robust_loss
from judgeforge.results.figures.run import RunFigures
from judgeforge.results.how_made import judges_by_name, part
from judgeforge.results.report import contrast_findings
from judgeforge.results.report.call_findings import of_calls
from judgeforge.results.report.finding import ENOUGH, Finding
from judgeforge.results.report.words import assumed
from judgeforge.store.manifest import Manifest
from judgeforge.text.wording import counted, tally

_MANY_WRONG, _STRICTER = 0.1, marks.UNSURE_BELOW
_CERTAIN = 3.0
"""Standard errors from one half."""
_LONGER = 0.1
_SILENT = 0.05
_NEAR_CHANCE = 0.6
_FIRST = 0.1
_FAILED = 0.05
_UNFINISHED, _TWINS = 0.1, 0.2
_TIES = 0.2
_REVERSED = 0.05


_MISSING: Mapping[str, str] = {
    "input_cut": "input_cut: a longer context of the server (Ollama: num_ctx), or context_tokens",
    "cut": "cut: raise max_tokens of the judge",
    "unread": "unread: a model that keeps to a schema",
    "reading_failed": "reading_failed: a bug in judgeforge, please report it",
    "refused": "refused: another judge for such prompts",
    "withheld": "withheld: another judge for such prompts",
    "too_long": "too_long: a judge with a longer context",
    "unsuited": "unsuited: another judge for tools and for more than words",
    "failed": "failed: log.jsonl has each error",
    "undecided": "undecided: make the check one that every answer can be put to",
}
"""What helps, by ``MissingKind``."""

Rule = Callable[[Manifest, RunFigures], Iterator[Finding]]


def findings(manifest: Manifest, figures: RunFigures) -> list[Finding]:
    """What needs a look first."""
    found = [one for rule in _RULES for one in rule(manifest, figures)]
    return sorted(found, key=lambda one: one.level)


def _wrong(manifest: Manifest, figures: RunFigures) -> Iterator[Finding]:
    wrong, pairs = figures.pairs.expected_wrong, figures.pairs
    if wrong is not None and wrong > _MANY_WRONG:
        kept, rest = pairs.with_least(_STRICTER)
        yield Finding(
            "look",
            f"{wrong:.1%} of the pairs are expected to have the worse answer as chosen.",
            f"pairing.min_confidence: {_STRICTER} would keep {kept / pairs.pairs:.0%} of the "
            f"pairs, {rest or 0.0:.0%} of them wrong; a cascade or more repeats make pairs surer; "
            f"DPO with {robust_loss(pairs.label_noise)} allows for the rest.",
            about=(marks.UNSURE,),
        )
    asked = any(not judge.by_code for judge in figures.judges.judges.values())
    if pairs.pairs and asked and manifest.calibration is None:
        yield Finding(
            "note",
            assumed(manifest.reliability or {}),
            "Label 40 prompts or more, then judgeforge calibrate and pairing.max_error.",
            section="judges",
        )


def _length(_: Manifest, figures: RunFigures) -> Iterator[Finding]:
    pairs = figures.pairs
    differing = pairs.pairs - pairs.same_length
    share = pairs.chosen_longer / differing if differing else 0.5
    if abs(share - 0.5) > _LONGER and _is_certain(share, differing):
        what = "longer" if share > 0.5 else "shorter"
        yield Finding(
            "look",
            f"Chosen is the {what} side in {max(share, 1 - share):.0%} of the pairs whose lengths "
            "differ: a model may learn length instead of quality.",
            "pairing.strategy: length_matched or pairing.max_length_ratio; or a rubric that says "
            "how long is right.",
            about=(marks.LONGER if share > 0.5 else marks.SHORTER,),
        )


def _silence(_: Manifest, figures: RunFigures) -> Iterator[Finding]:
    for name, judge in figures.judges.judges.items():
        if judge.missing_share > _SILENT and judge.judgments >= ENOUGH:
            why = tally(judge.missing.most_common())
            yield Finding(
                "look",
                f"Judge {name} gave no judgment in {judge.missing_share:.0%} of the cases ({why}).",
                "; ".join(
                    _MISSING[kind] for kind, _ in judge.missing.most_common() if kind in _MISSING
                ),
                about=((marks.SILENT, name),),
                section="judges",
            )


def _agreement(_: Manifest, figures: RunFigures) -> Iterator[Finding]:
    for (one, other), agreement in figures.judges.agreement.items():
        share, cases = agreement.share, agreement.same + agreement.different
        if share is not None and cases >= ENOUGH and share < _NEAR_CHANCE:
            yield Finding(
                "look",
                f"Judges {one} and {other} order the same two answers alike in {share:.0%} of "
                f"{cases:,} cases; by chance it is half.",
                "Read the pairs below on which judges disagree; judgeforge evaluate with labels "
                "tells which of them to trust.",
                about=((marks.APART, one, other),),
            )


def _criteria(manifest: Manifest, figures: RunFigures) -> Iterator[Finding]:
    for name, criterion in figures.criteria.by_name(manifest.faults):
        if criterion.pairs < ENOUGH:
            continue
        if criterion.equal == criterion.pairs:
            yield Finding(
                "note",
                f"Criterion {name} is the same on both sides of every pair: it decides nothing.",
                "Leave it out, or describe its levels so that they tell answers apart.",
                about=((marks.EQUAL, name),),
            )
        elif criterion.against > criterion.for_chosen:
            yield Finding(
                "look",
                f"Criterion {name} speaks for rejected more often than for chosen "
                f"({criterion.against:,} to {criterion.for_chosen:,} pairs).",
                "The other criteria outvote it. If it matters, give it more weight in the rubric, "
                "or required: true where code checks it.",
                about=((marks.FOR if name in manifest.faults else marks.AGAINST, name),),
            )


def _position(_: Manifest, figures: RunFigures) -> Iterator[Finding]:
    for name, judge in figures.judges.judges.items():
        share = judge.first_share
        if share is None or not _is_certain(share, judge.decided):
            continue
        if abs(share - 0.5) > _FIRST:
            where = "first" if share > 0.5 else "second"
            yield Finding(
                "look",
                f"Judge {name} prefers the answer that is shown {where} in "
                f"{max(share, 1 - share):.0%} of its verdicts.",
                "orders: both asks each comparison in both orders, so that this cancels out.",
                about=((marks.FIRST if share > 0.5 else marks.SECOND, name),),
                section="judges",
            )


def _suspicion(_: Manifest, figures: RunFigures) -> Iterator[Finding]:
    total = figures.completions.suspicious.total()
    if total:
        kinds = ", ".join(sorted(figures.completions.suspicious))
        yield Finding(
            "look",
            f"{total:,} signs of completions that were written for the judge ({kinds}).",
            "pairing.reject_suspicious: true keeps such completions out of chosen.",
            about=(marks.SIGN,),
        )


def _skips(manifest: Manifest, _: RunFigures) -> Iterator[Finding]:
    skips, prompts = manifest.totals.skips, manifest.totals.prompts
    known = {str(reason): reason.is_failure for reason in SkipReason}
    failed = sum(count for reason, count in skips.items() if known.get(reason, True))
    if prompts and failed / prompts > _FAILED:
        yield Finding(
            "look",
            f"{failed:,} of {prompts:,} prompts failed ({failed / prompts:.0%}).",
            "The table of skips below says why and what to do.",
            section="prompts",
        )
    ties = skips.get(SkipReason.TIE, 0)
    if prompts >= ENOUGH and ties / prompts > _TIES:
        yield Finding(
            "look",
            f"In {ties / prompts:.0%} of the prompts the judges cannot tell the answers apart.",
            "A higher temperature or several models make answers differ more; more criteria or "
            "levels, or a judge that compares, see smaller differences.",
            section="prompts",
        )


def _calls(_: Manifest, figures: RunFigures) -> Iterator[Finding]:
    for text, advice in of_calls(figures.calls):
        yield Finding("look", text, advice, section="costs")


def _completions(_: Manifest, figures: RunFigures) -> Iterator[Finding]:
    total = 0
    for name, sampled in figures.completions.models.items():
        total += sampled.completions
        share = sampled.unfinished / sampled.completions
        if sampled.completions >= ENOUGH and share > _UNFINISHED:
            why = tally(one for one in sampled.finishes.most_common() if one[0] not in FINISHED)
            yield Finding(
                "look",
                f"{share:.0%} of the completions of {name} did not end on their own ({why}).",
                "length: a larger sampling.max_tokens; refusals: look at the prompts; unknown: "
                "see the flags in completions.jsonl.",
                about=((marks.UNFINISHED, name),),
                section="pairs",
            )
    twins = figures.completions.duplicates
    if total >= ENOUGH and twins / total > _TWINS:
        yield Finding(
            "look",
            f"{twins / total:.0%} of the completions repeat another one of their prompt.",
            "A higher sampling.temperature; each is paid for, and judged only once.",
            about=(marks.TWIN,),
            section="pairs",
        )


def _other_models(manifest: Manifest, figures: RunFigures) -> Iterator[Finding]:
    for who, name, model, answered, _ in _asked(manifest, figures):
        asked = [
            part(manifest.config, "models", name, "model")
            for name in (model, *_fallback(manifest, model))
        ]
        found = others(answered, [name for name in asked if name])
        if found and any(asked):
            names = ", ".join(f"{name} ({count:,})" for name, count in found.most_common(3))
            yield Finding(
                "look",
                f"{who.capitalize()} {name} asked for {asked[0]}, but {found.total():,} of "
                f"{answered.total():,} replies say that another model answered: {names}.",
                "If that is another name of the same model, nothing is wrong. Otherwise see which "
                "models the server has, and whether a gateway falls back to others.",
                about=tuple((marks.ANSWERED, who, name, said) for said in found),
                section="costs",
            )


def _cut_prompts(manifest: Manifest, figures: RunFigures) -> Iterator[Finding]:
    for who, name, _, _, cut in _asked(manifest, figures):
        if len(cut) > 1:
            yield Finding(
                "look",
                f"{who.capitalize()} {name}: {len(cut):,} replies count at most {max(cut):,} "
                "tokens of an input that must have more: the server may have cut it without a "
                "word, or counts only a part.",
                "Give the server a longer context (Ollama: num_ctx or OLLAMA_CONTEXT_LENGTH), or "
                "set context_tokens of the model to what it has.",
                about=((marks.CUT, who, name),),
                section="costs",
            )


def _asked(
    manifest: Manifest, figures: RunFigures
) -> Iterator[tuple[str, str, str, Counter[str], list[int]]]:
    """A writer or a judge, its name, its model in the configuration, who answered, and which
    prompts were cut."""
    for name, sampled in figures.completions.models.items():
        yield marks.WRITER, name, name, sampled.answered, sampled.cut_prompts
    configured = judges_by_name(manifest.config)
    for name, judge in figures.judges.judges.items():
        model = str((configured.get(name) or {}).get("model"))
        yield marks.JUDGE, name, model, judge.answered, judge.cut_prompts


def _fallback(manifest: Manifest, model: str) -> tuple[str, ...]:
    name = part(manifest.config, "models", model, "fallback")
    return (name,) if name else ()


def _own_family(manifest: Manifest, _: RunFigures) -> Iterator[Finding]:
    for judge, count in manifest.own_family_judgments.items():
        yield Finding(
            "note",
            f"Judge {judge} judged answers of its own model family {count:,} times; judges tend "
            "to prefer those.",
            "judging.exclude_own_family: true leaves them to the other judges.",
            about=((marks.OWN_FAMILY, judge),),
            section="judges",
        )


def _given_labels(_: Manifest, figures: RunFigures) -> Iterator[Finding]:
    labels = figures.given_labels
    if labels.judged >= ENOUGH and labels.surely_flipped > _REVERSED * labels.judged:
        yield Finding(
            "look",
            f"{labels.surely_flipped / labels.judged:.0%} of the set's own labels are wrong by the "
            f"judges, each with a probability of at least {SURE:g}.",
            "Read the surest flips, below: labels, judges or the rubric may be what is wrong.",
            about=(marks.FLIPPED,),
            section="labels",
        )


def _size(_: Manifest, figures: RunFigures) -> Iterator[Finding]:
    if 0 < figures.pairs.pairs < ENOUGH:
        yield Finding(
            "note",
            f"Of only {counted(figures.pairs.pairs, 'pair')}, shares and quantiles are rough.",
            "Read them one by one below.",
            section="read",
        )


def _is_certain(share: float, cases: int) -> bool:
    """Whether a share is far from one half, for this many cases."""
    return cases >= ENOUGH and abs(share - 0.5) * 2.0 * math.sqrt(cases) > _CERTAIN


_RULES: tuple[Rule, ...] = (
    _wrong,
    _length,
    contrast_findings.alike,
    contrast_findings.narrow,
    contrast_findings.style,
    contrast_findings.audit,
    contrast_findings.records,
    _silence,
    _agreement,
    _criteria,
    _position,
    _suspicion,
    _skips,
    _calls,
    _completions,
    _other_models,
    _cut_prompts,
    _own_family,
    _given_labels,
    _size,
)
