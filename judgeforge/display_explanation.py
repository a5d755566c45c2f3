"""An explanation on the terminal. What models wrote is data: shown, never interpreted."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from judgeforge.explain import ExplainedCall, ExplainedSide, Explanation

if TYPE_CHECKING:
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table


def render_explanation(explanation: Explanation) -> Group:
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    pair = explanation.pair
    prompt = "\n".join(f"[{turn.role}] {turn.content}" for turn in pair.prompt)
    rubric = pair.provenance.rubric
    return Group(
        Text(plain(explanation.reason), style="bold"),
        Panel(Text(plain(prompt)), title="prompt", title_align="left"),
        _side("chosen", explanation.chosen),
        _judgments(explanation.chosen),
        _side("rejected", explanation.rejected),
        _judgments(explanation.rejected),
        _calls(explanation.calls),
        Text(f"rubric {plain(rubric.name)} version {rubric.version}, sha256 {rubric.sha256}"),
    )


def plain(text: str) -> str:
    """Without control characters, which a terminal would obey; line breaks and tabs stay."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c)[0] != "C")


def _side(name: str, side: ExplainedSide) -> Panel:
    from rich.panel import Panel
    from rich.text import Text

    figures = ""
    if side.score is not None and side.score_sd is not None and side.p_best is not None:
        figures = f"  score {side.score:.3f} ± {side.score_sd:.3f}, P(best) {side.p_best:.2f}"
    title = Text(f"{name}: {plain(side.completion_id)} by {plain(side.model)}{figures}")
    return Panel(Text(plain(side.text)), title=title, title_align="left")


def _judgments(side: ExplainedSide) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("judge", "criteria", "rationale", "call", show_lines=True)
    for one in side.judgments:
        criteria = "\n".join(f"{name} {score:.2f}" for name, score in one.criteria.items())
        said = one.missing if one.missing is not None else one.rationale or ""
        table.add_row(
            Text(plain(f"{one.judge} ({one.protocol}, {one.repeat})")),
            Text(plain(criteria or "missing")),
            Text(plain(said)),
            Text(one.call[:12] if one.call else "-"),
        )
    return table


def _calls(calls: tuple[ExplainedCall, ...]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("call", "model", "attempts", "seconds", "tokens in/out", "USD", "outcome")
    for call in calls:
        paid = call.attempts > 0
        table.add_row(
            Text(call.key[:12]),
            Text(plain(call.model or "-")),
            str(call.attempts) if paid else "from the cache",
            _number(call.latency_s, 2),
            f"{call.input_tokens}/{call.output_tokens}" if paid else "-",
            _number(call.cost_usd, 6),
            Text(plain(call.outcome or "-")),
        )
    return table


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
