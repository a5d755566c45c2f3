"""What stands where on the page: the figures as tables and charts, ready to be drawn. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from judgeforge.results.figures.judges import JudgeTally
from judgeforge.results.figures.run import RunFigures
from judgeforge.results.how_made import judges_by_name, making, part, versions
from judgeforge.results.report.charts import Columns, Lines, columns, lines
from judgeforge.results.report.pair_list import PairList
from judgeforge.results.report.words import skip_words, status_words
from judgeforge.store.manifest import Manifest, ReplicaTotals, Totals
from judgeforge.text.shell import shell_word
from judgeforge.text.wording import tally

_MOST_NAMES = 20
"""Rows of a table whose names models and people chose."""
_SHADES = 8
_BINS = 20
_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_LATENCIES = (0.5, 0.9, 0.99)


def page(
    name: str, manifest: Manifest, status: str, figures: RunFigures, pairs: PairList
) -> dict[str, Any]:
    """The values of the template. ``name``: of the folder, as commands on the page call it."""
    return {
        "name": name,
        "version": str(manifest.judgeforge_version),
        "status": status,
        "status_words": status_words(status),
        "message": manifest.message,
        "updated_at": manifest.updated_at,
        "explained_by_length": manifest.quality
        and manifest.quality.length.explained_by_correlation,
        "reliability": manifest.reliability,
        "totals": _totals(manifest),
        "findings": pairs.findings,
        "skips": _skips(manifest.totals),
        "funnel": _funnel(manifest),
        "pairs": figures.pairs,
        "charts": _pair_charts(manifest.config, figures),
        "quantiles": _quantiles(figures),
        "thresholds": [(least, *figures.pairs.with_least(least)) for least in _THRESHOLDS],
        "models": _models(figures),
        "writers": sorted(figures.completions.models.items())[:_MOST_NAMES],
        **_contrast(manifest, figures),
        "criteria": list(figures.criteria.by_name(manifest.faults))[:_MOST_NAMES],
        "judges": _judges(manifest, figures),
        "agreement": _agreement(figures),
        "judging": manifest.judging,
        "calibration": manifest.calibration,
        "rooms": _rooms(figures),
        "given_labels": figures.given_labels.told(),
        "slices": list(figures.slices.largest(_MOST_NAMES)),
        "calls": _calls(figures),
        "starts": figures.calls.starts,
        "batches": figures.calls.batch_totals(),
        "servers": _servers(figures),
        "events": figures.calls.events.most_common(_MOST_NAMES),
        "list": pairs,
        "folder_argument": shell_word(name),
        "making": making(manifest),
        "versions": versions(manifest),
    }


def _totals(manifest: Manifest) -> dict[str, Any]:
    totals = manifest.totals
    return {
        "rows": manifest.input and manifest.input.rows,
        "prompts": totals.prompts,
        "pairs": totals.pairs,
        "paid": totals.calls.paid,
        "cached": totals.calls.cached,
        "input_tokens": totals.tokens.input,
        "output_tokens": totals.tokens.output,
        "cost_usd": totals.cost_usd,
        "budget_usd": part(manifest.config, "budget", "usd"),
    }


def _skips(totals: Totals) -> list[dict[str, Any]]:
    return [
        {"reason": reason, "count": count, "words": skip_words(reason)}
        for reason, count in sorted(totals.skips.items(), key=lambda skip: (-skip[1], skip[0]))
    ]


def _funnel(manifest: Manifest) -> Lines:
    """A prompt that is done has pairs or one skip."""
    skips, done = _skips(manifest.totals), manifest.totals.prompts
    rows = manifest.input.rows if manifest.input else 0
    stages = [
        ("rows of the input", rows, False),
        ("done", done, False),
        *((f"no pair: {skip['reason']}", skip["count"], True) for skip in skips),
        ("prompts with pairs", max(0, done - sum(skip["count"] for skip in skips)), False),
        ("pairs", manifest.totals.pairs, False),
    ]
    return lines(
        [
            (name, count, f"{count:,} ({count / rows:.0%})" if rows else f"{count:,}", faint)
            for name, count, faint in stages
        ]
    )


def _pair_charts(config: Mapping[str, Any], figures: RunFigures) -> dict[str, Columns]:
    pairs = figures.pairs
    least = part(config, "pairing", "min_confidence") or 0.0
    margin = part(config, "pairing", "min_margin") or 0.0
    return {
        "confidence": columns(
            pairs.confidence.histogram(0.5, 1.0, _BINS),
            "{:.3g}".format,
            marker=(least, f"min_confidence {least:g}") if least > 0.5 else None,
        ),
        "margin": columns(
            pairs.margin.histogram(0.0, 1.0, _BINS),
            "{:.2g}".format,
            marker=(margin, f"min_margin {margin:g}") if margin > 0.0 else None,
        ),
        "scores": columns(
            pairs.score_chosen.histogram(0.0, 1.0, _BINS),
            "{:.2g}".format,
            other=pairs.score_rejected.histogram(0.0, 1.0, _BINS),
        ),
        "length": columns(
            pairs.length_ratio.histogram(-3.0, 3.0, 24),
            _times,
            label_every=4,
            marker=(0.0, "equal"),
        ),
    }


def _times(power: float) -> str:
    return f"{2.0**power:.2g}" if power >= 0 else f"1/{2.0**-power:.2g}"


def _quantiles(figures: RunFigures) -> list[tuple[str, int, list[float]]]:
    """Name, digits, and mean with quantiles."""
    pairs = figures.pairs
    rows = (
        ("confidence", 3, pairs.confidence),
        ("score_margin", 3, pairs.margin),
        ("score of chosen", 3, pairs.score_chosen),
        ("score of rejected", 3, pairs.score_rejected),
        ("chosen, characters", 0, pairs.chosen_length),
        ("rejected, characters", 0, pairs.rejected_length),
    )
    return [
        (name, digits, [values.mean or 0.0, *values.quantiles()]) for name, digits, values in rows
    ]


def _models(figures: RunFigures) -> dict[str, Any]:
    """A matrix of chosen against rejected, and how often each wins against the others."""
    counts, sizes = figures.pairs.models, Counter[str]()
    for sides, count in counts.items():
        sizes.update(dict.fromkeys(sides, count))
    names = [name for name, _ in sizes.most_common(_MOST_NAMES)]
    wins, most = figures.pairs.wins(), max(counts.values(), default=1)
    return {
        "names": names,
        "left_out": len(sizes) - len(names),
        "matrix": [
            [(n := counts[chosen, rejected], _shade(n, most)) for rejected in names]
            for chosen in names
        ],
        "wins": [(name, *wins[name]) for name in names],
    }


def _contrast(manifest: Manifest, figures: RunFigures) -> dict[str, Any]:
    known, contrast = manifest.reliability or {}, figures.pairs.contrast
    return {
        "contrast": contrast.largest(_MOST_NAMES),
        "styles": sorted(contrast.styles.items())[:_MOST_NAMES],
        "audit": manifest.audit[:_MOST_NAMES],
        "records": (known.get("writers") or ())[:_MOST_NAMES],
        "agreed": known.get("writers_agreed") or 0.0,
    }


def _shade(value: float, most: float) -> int:
    """0 for nothing, then 1 to 8."""
    return 0 if value <= 0 else max(1, round(_SHADES * value / most))


def _judges(manifest: Manifest, figures: RunFigures) -> list[dict[str, Any]]:
    """In the order of the configuration; code and judges that it does not name come last."""
    known = {judge["name"]: judge for judge in (manifest.reliability or {}).get("judges") or ()}
    configured = judges_by_name(manifest.config)
    tallies = figures.judges.judges
    names = [*(name for name in configured if name in tallies), *sorted(tallies)]
    return [
        {
            "name": name,
            "model": _judge_model(configured.get(name), tallies[name]),
            "tier": (configured.get(name) or {}).get("tier", ""),
            "protocols": ", ".join(sorted(tallies[name].protocols)),
            "tally": tallies[name],
            "reliability": known.get(name),
            "compares": tallies[name].decided > 0,
        }
        for name in list(dict.fromkeys(names))[:_MOST_NAMES]
    ]


def _judge_model(judge: Mapping[str, Any] | None, tally: JudgeTally) -> str:
    if tally.by_code:
        return "code"
    return "unknown" if judge is None else str(judge["model"])


def _agreement(figures: RunFigures) -> dict[str, Any]:
    names = sorted({name for both in figures.judges.agreement for name in both})[:_MOST_NAMES]
    return {
        "names": names,
        "matrix": [
            [None if one == other else figures.judges.agreement_of(one, other) for other in names]
            for one in names
        ],
    }


def _rooms(figures: RunFigures) -> list[tuple[str, str, int, float | None]]:
    """Room, whose, how many, and what they cost when they were made."""
    sampled = [
        ("sampling", name, one.completions, one.cost_usd)
        for name, one in sorted(figures.completions.models.items())
    ]
    judged = [
        ("judging", name, one.judgments, one.cost_usd)
        for name, one in sorted(figures.judges.judges.items())
        if not one.by_code
    ]
    return [*sampled[:_MOST_NAMES], *judged[:_MOST_NAMES]]


def _calls(figures: RunFigures) -> list[dict[str, Any]]:
    return [
        {
            "model": name,
            "calls": calls,
            "latency": calls.latency_s.quantiles(_LATENCIES) or [None] * len(_LATENCIES),
            "failures": tally(calls.failures.most_common(6)),
        }
        for name, calls in sorted(figures.calls.models.items())[:_MOST_NAMES]
    ]


def _servers(figures: RunFigures) -> list[tuple[str, ReplicaTotals, str]]:
    """Of the models that several servers have: each, and its failures in words."""
    return [
        (name, one, tally(one.failures.items()))
        for name, replicas in sorted(figures.calls.replicas.totals().items())
        for one in replicas
    ][:_MOST_NAMES]
