"""The parts of the dataset card that state facts of a run and say how far to trust its pairs.

They are Markdown. Names that models and users chose are data, never markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from judgeforge.records import RubricId
from judgeforge.results.figures.distribution import SHARES, Values
from judgeforge.results.figures.pairs import BESIDE_WORDS, PairFigures
from judgeforge.results.how_made import judges, own_criteria, prompts_source, rules, sampling
from judgeforge.store.manifest import (
    GivenLabels,
    LengthQuality,
    Manifest,
    ModelPairs,
    Quality,
    Totals,
)
from judgeforge.text.patterns import late_pattern
from judgeforge.text.wording import shortened

_SPECIAL = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_{}[]()#!|~$"}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}
)
_BREAKS = late_pattern(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_LONGEST = 200
_WIDEST_BAR = 30
_MOST_MODELS = 20


def making(pairs: PairFigures, manifest: Manifest) -> str:
    config = manifest.config
    facts = [
        f"**Prompts**: {escape(prompts_source(config))}.",
        f"**Completions**: {sampling(config, escape)}.",
        f"**Rubric**: {_rubric(pairs, manifest)}.",
        f"**Judges**: {judges(config, escape)}.{_own_family(manifest.own_family_judgments)}"
        f"{_reply_forms(manifest.reply_forms)}",
        f"**Pairing**: {rules(config.get('pairing'), escape)}.",
        f"**Chosen from**: {_shares(pairs.models_of(0))}.",
        f"**Rejected from**: {_shares(pairs.models_of(1))}.",
    ]
    return "\n".join(f"- {fact}" for fact in facts)


def counts(pairs: PairFigures, totals: Totals) -> str:
    rows = [
        ("prompts", totals.prompts),
        ("prompts with pairs", pairs.prompts),
        ("pairs", pairs.pairs),
        *(
            (f"pairs with {what}", pairs.beside_words[what])
            for what in BESIDE_WORDS
            if pairs.beside_words[what]
        ),
        *(
            (f"skipped: {escape(reason)}", count)
            for reason, count in sorted(totals.skips.items(), key=lambda skip: (-skip[1], skip[0]))
        ),
    ]
    return table(["", "number"], [(name, f"{count:,}") for name, count in rows])


def costs(manifest: Manifest) -> str:
    totals = manifest.totals
    rows = [
        ("calls sent", f"{totals.calls.paid:,}"),
        ("calls answered from the cache", f"{totals.calls.cached:,}"),
        ("input tokens", f"{totals.tokens.input:,}"),
        ("output tokens", f"{totals.tokens.output:,}"),
        ("cost (USD)", _usd(totals.cost_usd)),
    ]
    if (batches := manifest.batches) is not None:
        rows.append((f"replies in batches ({batches.batches:,} of them)", f"{batches.replies:,}"))
        rows.append(("saved by batches (USD)", _usd(batches.saved_usd)))
    return "\n\n".join([table(["", ""], rows), *_servers(manifest)])


def _usd(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.4f}"


def _servers(manifest: Manifest) -> list[str]:
    """A table for the models that several servers have; their addresses stay here."""
    rows = [
        (
            escape(model),
            f"{number} of {len(replicas)}",
            f"{one.requests:,}",
            f"{sum(one.failures.values()):,}",
            f"{one.out_of_order_s:,.0f}",
        )
        for model, replicas in manifest.replicas.items()
        for number, one in enumerate(replicas, 1)
    ]
    columns = ["model", "server", "requests", "without a reply", "seconds out of order"]
    return [table(columns, rows)] if rows else []


def measures(pairs: PairFigures) -> str:
    longer, same = pairs.longer_share, pairs.same_length_share
    if longer is None or same is None:
        return "There are no pairs."
    rows = [
        _row("score of chosen", pairs.score_chosen, 3),
        _row("score of rejected", pairs.score_rejected, 3),
        _row("score_margin", pairs.margin, 3),
        _row("confidence", pairs.confidence, 3),
        _row("prompt, characters", pairs.prompt_length, 0),
        _row("chosen, characters", pairs.chosen_length, 0),
        _row("rejected, characters", pairs.rejected_length, 0),
    ]
    return (
        f"{table(['', 'mean', *map(_share_name, SHARES)], rows)}\n\n"
        f"Chosen is longer than rejected in {longer:.1%} of the pairs, equally long in {same:.1%}. "
        "Far from half, a model trained on them may learn length instead of quality."
    )


def quality_sections(quality: Quality | None) -> list[str]:
    """None for a run without pairs."""
    if quality is None or not any(bar.pairs for bar in quality.confidence_histogram):
        return []
    return [
        "## How sure the pairs are\n\n" + _sureness(quality),
        "## Length\n\n" + _length(quality.length),
        "## Pairs by model\n\n" + _pairs_by_model(quality.models),
    ]


def given_labels_section(labels: GivenLabels | None) -> list[str]:
    """None for a run whose prompts brought no labels of their own."""
    if labels is None or not labels.judged:
        return []
    agree, flipped = labels.agree / labels.judged, labels.flipped / labels.judged
    return [
        "## The set's own labels\n\n"
        f"Its prompts brought a chosen and a rejected answer each; of the {labels.judged:,} that "
        f"were judged anew, the verdict agrees in {agree:.1%} and prefers the other answer in "
        f"{flipped:.1%}, {labels.surely_flipped:,} times with a probability of at least 0.9. The "
        "pairs follow the verdicts. Where lengths differ, the labels prefer the longer answer in "
        f"{_percent(labels.labelled_longer)}, the verdicts in {_percent(labels.judged_longer)}."
    ]


def escape(text: object) -> str:
    """``text`` as it reads, on one line: no markup, no HTML, no links, no table cells.

    For use inside a line of other text, not at its start. Only names are shown in a card, so
    text of more than 200 characters is cut.
    """
    line = shortened(_BREAKS.sub(" ", str(text)).strip(), _LONGEST)
    return line.translate(_SPECIAL).replace("://", "&#58;//").replace("www.", "www&#46;")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are Markdown already: escape what is data."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _row(name: str, values: Values, digits: int) -> list[str]:
    figures = [values.mean or 0.0, *values.quantiles()]
    return [name.replace("_", r"\_"), *(f"{figure:,.{digits}f}" for figure in figures)]


def _share_name(share: float) -> str:
    return {0.0: "least", 0.5: "median", 1.0: "most"}.get(share, f"{share:.0%}")


def _rubric(pairs: PairFigures, manifest: Manifest) -> str:
    own = own_criteria(manifest.config, escape)
    known: Sequence[RubricId] = list(pairs.rubrics)
    if own and manifest.rubric:
        # Each prompt has one of its own; what they have in common is what the configuration names.
        known = [RubricId.model_validate(manifest.rubric)]
    if not known:
        return escape(manifest.config.get("rubric"))
    named = "; ".join(
        f"{escape(rubric.name)}, version {rubric.version}, SHA-256 `{escape(rubric.sha256)}`"
        for rubric in known
    )
    return f"{named}; criteria of each prompt's own {own}" if own else named


def _own_family(counted: Mapping[str, int]) -> str:
    if not counted:
        return ""
    each = ", ".join(f"{escape(judge)} {n:,} times" for judge, n in counted.items())
    return (
        f" Judged answers of their own model family, which judges tend to prefer: {each} "
        "(`own_family` in judgments.jsonl)."
    )


def _reply_forms(forms: Mapping[str, str]) -> str:
    if not forms:
        return ""
    each = ", ".join(f"{escape(model)} with `structured: {form}`" for model, form in forms.items())
    return f" Asked in the form that was found to be kept to: {each}."


def _shares(models: Counter[str]) -> str:
    total = models.total()
    if not total:
        return "nothing"
    return ", ".join(
        f"{escape(name)} {count / total:.0%}" for name, count in models.most_common(10)
    )


def _tied(share: float | None) -> str:
    """Nothing in manifests of earlier versions, which knew no ties."""
    return "" if share is None else f", and {_percent(share)} two equally good ones"


def _verified(quality: Quality) -> str:
    pairs = quality.verified_pairs
    return f" Code alone decided {pairs:,} of the pairs: no judge was asked." if pairs else ""


def _sureness(quality: Quality) -> str:
    bars, wrong = quality.confidence_histogram, quality.expected_wrong
    most = max(bar.pairs for bar in bars)
    rows = [
        (
            f"{bar.from_:.2f} to {bar.to:.2f}",
            f"{bar.pairs:,}",
            "█" * round(_WIDEST_BAR * bar.pairs / most),
        )
        for bar in bars
    ]
    return (
        f"By their own `confidence`, {_percent(wrong.by_confidence)} of the pairs are expected "
        f"to have the worse answer as chosen{_tied(wrong.tied)}; in "
        f"{_percent(wrong.by_p_best)}, chosen is "
        f"expected not to be the best of its prompt.{_verified(quality)}\n\n"
        + table(["confidence", "pairs", ""], rows)
    )


def _length(length: LengthQuality) -> str:
    correlation = length.score_length_correlation
    signed = "unknown" if correlation is None else f"{correlation:+.2f}"
    return (
        f"Chosen is longer in {_percent(length.chosen_longer)} of the pairs. The correlation of "
        f"score and length within prompts ({signed}) explains "
        f"{_percent(length.explained_by_correlation)} at the margins of these pairs. Of all "
        "judged completions of a prompt, two by two, the longer one scores higher in "
        f"{_percent(length.longer_scores_higher)}. Without labels it is not known how much "
        "of this is the judges' taste for length and how much is quality."
    )


def _pairs_by_model(models: Sequence[ModelPairs]) -> str:
    rows = [
        (escape(row.chosen), escape(row.rejected), f"{row.pairs:,}")
        for row in models[:_MOST_MODELS]
    ]
    return table(["chosen from", "rejected from", "pairs"], rows)


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{share:.1%}"
