"""The parts of the dataset card that state facts of a run.

The parts of the dataset card that say how far its pairs can be trusted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from judgeforge.config.providers import runs_in_process
from judgeforge.results.card.markdown import bullets, escape, table
from judgeforge.results.figures.pairs import QUANTILES, Distribution, PairStatistics


def making(statistics: PairStatistics, manifest: Mapping[str, Any]) -> str:
    config: Mapping[str, Any] = manifest.get("config") or {}
    return bullets(
        [
            f"**Prompts**: {_prompts(config)}.",
            f"**Completions**: {_sampling(config)}",
            f"**Rubric**: {_rubric(statistics, config)}",
            f"**Judges**: {_judges(config)}{_own_family(manifest)}",
            f"**Pairing**: {_pairing(config)}",
            f"**Chosen from**: {_shares(statistics.chosen_models)}.",
            f"**Rejected from**: {_shares(statistics.rejected_models)}.",
        ]
    )


def counts(statistics: PairStatistics, manifest: Mapping[str, Any]) -> str:
    totals: Mapping[str, Any] = manifest.get("totals") or {}
    skips: Mapping[str, int] = totals.get("skips") or {}
    rows = [
        ("prompts", _number(totals.get("prompts"))),
        ("prompts with pairs", _number(statistics.prompts)),
        ("pairs", _number(statistics.pairs)),
        *(
            (f"skipped: {escape(reason)}", _number(count))
            for reason, count in sorted(skips.items(), key=lambda skip: (-skip[1], skip[0]))
        ),
    ]
    return table(["", "number"], rows)


def costs(manifest: Mapping[str, Any]) -> str:
    totals: Mapping[str, Any] = manifest.get("totals") or {}
    calls, tokens = totals.get("calls") or {}, totals.get("tokens") or {}
    cost = totals.get("cost_usd")
    return table(
        ["", ""],
        [
            ("calls sent", _number(calls.get("paid"))),
            ("calls answered from the cache", _number(calls.get("cached"))),
            ("input tokens", _number(tokens.get("input"))),
            ("output tokens", _number(tokens.get("output"))),
            ("cost (USD)", "unknown" if cost is None else f"{cost:,.4f}"),
        ],
    )


def measures(statistics: PairStatistics) -> str:
    if not statistics.pairs:
        return "There are no pairs."
    rows = [
        _row("score of chosen", statistics.score_chosen, 3),
        _row("score of rejected", statistics.score_rejected, 3),
        _row("score_margin", statistics.margin, 3),
        _row("confidence", statistics.confidence, 3),
        _row("prompt, characters", statistics.prompt_length, 0),
        _row("chosen, characters", statistics.chosen_length, 0),
        _row("rejected, characters", statistics.rejected_length, 0),
    ]
    head = ["", "mean", *(_share_name(share) for share in QUANTILES)]
    longer = statistics.chosen_longer / statistics.pairs
    same = statistics.same_length / statistics.pairs
    return (
        f"{table(head, rows)}\n\n"
        f"Chosen is longer than rejected in {longer:.1%} of the pairs, equally long in {same:.1%}. "
        "Far from half, a model trained on them may learn length instead of quality."
    )


def _row(name: str, values: Distribution, digits: int) -> list[str]:
    figures = [values.mean or 0.0, *values.quantiles()]
    return [name.replace("_", r"\_"), *(f"{figure:,.{digits}f}" for figure in figures)]


def _share_name(share: float) -> str:
    return {0.0: "least", 0.5: "median", 1.0: "most"}.get(share, f"{share:.0%}")


def _prompts(config: Mapping[str, Any]) -> str:
    source = config.get("prompts") or {}
    if hub := source.get("hf"):
        return f"dataset {escape(hub.get('name'))}, split {escape(hub.get('split'))}"
    # The folders above the file are nobody's business in a card that may be published.
    return (
        f"file {escape(str(source.get('path') or 'unknown').replace(chr(92), '/').split('/')[-1])}"
    )


def _sampling(config: Mapping[str, Any]) -> str:
    sampling = config.get("sampling")
    if not sampling:
        return "brought by the input; nothing was sampled."
    seed = sampling.get("seed")
    temperatures = ", ".join(f"{value:g}" for value in sampling.get("temperature") or ())
    return (
        f"{sampling.get('completions')} a prompt, "
        f"from {_model_names(sampling.get('models'), config)}; "
        f"temperature {temperatures}, at most {sampling.get('max_tokens')} tokens, "
        f"{'no seed' if seed is None else f'seed {escape(seed)}'}."
    )


def _rubric(statistics: PairStatistics, config: Mapping[str, Any]) -> str:
    if not statistics.rubrics:
        return f"{escape(config.get('rubric'))}."
    return "; ".join(
        f"{escape(rubric.name)}, version {rubric.version}, SHA-256 `{escape(rubric.sha256)}`"
        for rubric in statistics.rubrics
    )


def _judges(config: Mapping[str, Any]) -> str:
    judges = (config.get("judging") or {}).get("judges") or ()
    if not judges:
        return "none; code checked the criteria."
    return "; ".join(_judge(judge, config) for judge in judges) + "."


def _own_family(manifest: Mapping[str, Any]) -> str:
    counted: Mapping[str, int] = manifest.get("own_family_judgments") or {}
    if not counted:
        return ""
    each = ", ".join(f"{escape(judge)} {_number(n)} times" for judge, n in counted.items())
    return (
        f" Judged answers of their own model family, which judges tend to prefer: {each} "
        "(`own_family` in judgments.jsonl)."
    )


def _judge(judge: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    name = f"{escape(judge['name'])}: " if judge.get("name") else ""
    return (
        f"{name}{_model_names([judge.get('model')], config)} ({escape(judge.get('protocol'))}, "
        f"{judge.get('repeats', 1)} x)"
    )


def _pairing(config: Mapping[str, Any]) -> str:
    rules = {
        name: value for name, value in (config.get("pairing") or {}).items() if value is not None
    }
    strategy = escape(rules.pop("strategy", "unknown"))
    return ", ".join([strategy, *(f"{escape(n)} {escape(v)}" for n, v in rules.items())]) + "."


def _model_names(names: Iterable[Any] | None, config: Mapping[str, Any]) -> str:
    known: Mapping[str, Any] = config.get("models") or {}
    return ", ".join(_model(known.get(name) or {"model": name}) for name in names or ())


def _model(model: Mapping[str, Any]) -> str:
    provider, name = model.get("provider", "unknown"), model.get("model")
    return f"{escape(_file_name(name) if runs_in_process(provider) else name)} ({escape(provider)})"


def _file_name(path: object) -> str:
    """Without its folders: they are nobody's business in a card that may be published."""
    return PurePath(str(path)).name


def _shares(models: Counter[str]) -> str:
    total = models.total()
    if not total:
        return "nothing"
    return ", ".join(
        f"{escape(name)} {count / total:.0%}" for name, count in models.most_common(10)
    )


def _number(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


_WIDEST_BAR = 30
_MOST_MODELS = 20


def quality_sections(manifest: Mapping[str, Any]) -> list[str]:
    """None for a run without pairs or from before there was ``quality`` in the manifest."""
    quality = manifest.get("quality") or {}
    if not any(bar["pairs"] for bar in quality.get("confidence_histogram") or ()):
        return []
    return [
        "## How sure the pairs are\n\n" + _sureness(quality),
        "## Length\n\n" + _length(quality["length"]),
        "## Pairs by model\n\n" + _pairs_by_model(quality["models"]),
    ]


def _sureness(quality: Mapping[str, Any]) -> str:
    bars = quality["confidence_histogram"]
    most = max(bar["pairs"] for bar in bars)
    rows = [
        (
            f"{bar['from']:.2f} to {bar['to']:.2f}",
            f"{bar['pairs']:,}",
            "█" * round(_WIDEST_BAR * bar["pairs"] / most),
        )
        for bar in bars
    ]
    wrong = quality["expected_wrong"]
    return (
        f"By their own `confidence`, {_percent(wrong['by_confidence'])} of the pairs are expected "
        f"to have the worse answer as chosen; in {_percent(wrong['by_p_best'])}, chosen is "
        "expected not to be the best of its prompt.\n\n" + table(["confidence", "pairs", ""], rows)
    )


def _length(length: Mapping[str, Any]) -> str:
    correlation = length["score_length_correlation"]
    return (
        f"Chosen is longer in {_percent(length['chosen_longer'])} of the pairs. The correlation of "
        f"score and length within prompts ({_signed(correlation)}) explains "
        f"{_percent(length['explained_by_correlation'])} at the margins of these pairs. Of all "
        "judged completions of a prompt, two by two, the longer one scores higher in "
        f"{_percent(length['longer_scores_higher'])}. Without labels nobody can tell how much of "
        "this is the judges' taste for length and how much is quality."
    )


def _pairs_by_model(models: list[Mapping[str, Any]]) -> str:
    rows = [
        (escape(row["chosen"]), escape(row["rejected"]), f"{row['pairs']:,}")
        for row in models[:_MOST_MODELS]
    ]
    return table(["chosen from", "rejected from", "pairs"], rows)


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{share:.1%}"


def _signed(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.2f}"
