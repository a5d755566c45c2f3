"""An explanation on the terminal. What models wrote is data: shown, never interpreted."""

from __future__ import annotations

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from judgeforge.cli.show.output import usd
from judgeforge.records import Judgment, PreferencePair
from judgeforge.results.explain import ExplainedCall, ExplainedSide, Explanation
from judgeforge.results.explain_completion import ExplainedCompletion
from judgeforge.results.own_criteria import criteria_in_words
from judgeforge.store.own_criteria import KeptCriteria
from judgeforge.text.shown_messages import folded_thought, spoken, tool_names, turns_text
from judgeforge.text.visible import one_line, printable
from judgeforge.text.wording import counted


def render_explanation(explanation: Explanation) -> Group:
    pair = explanation.pair
    prompt = turns_text(pair.prompt)
    if pair.tools:
        prompt = f"tools: {', '.join(tool_names(pair.tools))}\n{prompt}"
    kept = "; ".join(f"{key}: {value}" for key, value in pair.metadata.items() if value is not None)
    return Group(
        Text(printable(explanation.reason), style="bold"),
        Panel(
            Text(printable(prompt)),
            title="prompt",
            title_align="left",
            subtitle=Text(one_line(kept)) if kept else None,
            subtitle_align="left",
        ),
        *([_own_criteria(explanation.own_criteria)] if explanation.own_criteria else []),
        _side("chosen", explanation.chosen),
        _judgments(explanation.chosen),
        _side("rejected", explanation.rejected),
        _judgments(explanation.rejected),
        *([_effects(explanation)] if len(explanation.effects) > 1 else []),
        *_records(explanation),
        _calls(explanation.calls),
        Text(f"{_cost(explanation)}; {_rubric(pair)}"),
    )


def render_completion(explained: ExplainedCompletion) -> Group:
    """One completion, whether or not it is in a pair."""
    return Group(
        Text(printable(explained.reason), style="bold"),
        Panel(Text(printable(turns_text(explained.prompt))), title="prompt", title_align="left"),
        _side("completion", explained.side),
        _judgments(explained.side),
        _calls(explained.calls),
    )


def _own_criteria(own: KeptCriteria) -> Table:
    """Of this prompt alone."""
    by = f"written by {one_line(own.written_by)}" if own.written_by else "from its row"
    table = Table("criterion", "weight", title=f"The prompt's own criteria, {by}")
    table.title_justify = "left"
    table.add_column("asks", ratio=1, overflow="fold")
    for one in criteria_in_words(own.criteria):
        table.add_row(one_line(one.name), one.weight, Text(printable(one.asks)))
    return table


def _effects(explanation: Explanation) -> Table:
    table = Table("judge", "judgments", "confidence without it", title_justify="left")
    table.title = f"What moved the confidence of {explanation.pair.confidence:.2f}"
    for effect in explanation.effects:
        without = effect.confidence_without
        rest = "no pair" if without is None else f"{without:.2f}"
        table.add_row(one_line(effect.judge), str(effect.judgments), rest)
    return table


def _records(explanation: Explanation) -> list[Text]:
    found, pair = explanation.records, explanation.pair
    if found is None:
        return []
    without = (
        "no judge ranks both sides"
        if found.confidence_without is None
        else f"without it the confidence is {found.confidence_without:.2f}"
    )
    return [
        Text(
            f"The writers' record: {found.share:.2f} of the evidence "
            f"({one_line(pair.chosen_model)} is {found.gap:+.2f} against "
            f"{one_line(pair.rejected_model)}); {without}"
        )
    ]


def _cost(explanation: Explanation) -> str:
    costs = [call.cost_usd for call in explanation.calls]
    total = None if None in costs else sum(filter(None, costs))
    return f"{counted(len(costs), 'call')}, cost {usd(total, 6)}"


def _rubric(pair: PreferencePair) -> str:
    rubric = pair.provenance.rubric
    return one_line(f"rubric {rubric.name} version {rubric.version} ({rubric.sha256[:12]})")


def _side(name: str, side: ExplainedSide) -> Panel:
    answer = side.completion
    figures = ""
    if side.score is not None and side.score_sd is not None and side.p_best is not None:
        figures = f"  score {side.score:.3f} ± {side.score_sd:.3f}, P(best) {side.p_best:.2f}"
    title = Text(f"{name}: {one_line(answer.id)} by {one_line(answer.model)}{figures}")
    notes = [f"finish: {answer.finish}"] if answer.finish not in {"stop", "given"} else []
    notes += [f"{answer.given} in the set that it comes from"] if answer.given else []
    notes += [f"asked with: {answer.principle}"] if answer.principle else []
    notes += answer.flags
    subtitle = Text(one_line(", ".join(notes))) if notes else None
    thought = folded_thought(answer.reasoning)
    said = "\n".join([*([thought, ""] if thought else []), spoken(answer.message())])
    return Panel(
        Text(printable(said)),
        title=title,
        title_align="left",
        subtitle=subtitle,
        subtitle_align="left",
    )


def _judgments(side: ExplainedSide) -> Table:
    table = Table("judge", "criteria", show_lines=True, expand=True)
    table.add_column("rationale", ratio=1, overflow="fold")
    for one in side.judgments:
        said = one.missing if one.missing is not None else one.rationale or ""
        repeat = f" #{one.repeat + 1}" if one.repeat else ""
        table.add_row(
            Text(one_line(f"{one.judge}{repeat}\n({one.protocol})")),
            Text("\n".join(map(one_line, _evidence(one, side.completion.id))) or "missing"),
            Text(printable(said)),
        )
    return table


def _evidence(judgment: Judgment, completion_id: str) -> list[str]:
    """What a judgment says of one of the completions that it is about."""
    if judgment.verdict is not None:
        return [_verdict(judgment, completion_id)]
    if judgment.scores is not None:
        place = judgment.completion_ids.index(completion_id)
        return [f"{judgment.scores[place]:.2f}, as no. {place + 1} of {len(judgment.scores)}"]
    if judgment.rewards:
        return [f"reward {judgment.rewards[judgment.completion_ids.index(completion_id)]:.4g}"]
    return [f"{name} {score:.2f}" for name, score in judgment.criteria.items()]


def _verdict(judgment: Judgment, completion_id: str) -> str:
    first, second = judgment.completion_ids
    other = second if completion_id == first else first
    if judgment.verdict == "tie":
        return f"level with {other}"
    winner = first if judgment.verdict == "a" else second
    how = "better" if winner == completion_id else "worse"
    strength = "" if judgment.strength is None else f" ({judgment.strength:.2f})"
    return f"{how} than {other}{strength}"


def _calls(calls: tuple[ExplainedCall, ...]) -> Table:
    table = Table("call", "for", "model", "attempts", "seconds", "tokens", "USD")
    for call in calls:
        table.add_row(
            Text(one_line(call.key[:12])),
            Text(one_line(call.purpose)),
            Text(one_line(call.model or "-")),
            Text(_attempts(call)),
            _number(call.latency_s, 2),
            "-" if call.input_tokens is None else f"{call.input_tokens}+{call.output_tokens}",
            _number(call.cost_usd, 6),
        )
    return table


def _attempts(call: ExplainedCall) -> str:
    if not call.attempts:
        return "cached"
    batch = [] if call.batch is None else [f"in batch {one_line(call.batch)}"]
    return "\n".join([str(call.attempts), *batch, *map(one_line, call.failures)])


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
