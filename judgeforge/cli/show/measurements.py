"""What `calibrate` and `evaluate` print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.table import Table

from judgeforge.cli.show.output import print_json, say, show, usd
from judgeforge.text.visible import printable

if TYPE_CHECKING:
    from judgeforge.calibration.evaluation.evaluation import Evaluation, JudgeFigures
    from judgeforge.calibration.promise import Promise
    from judgeforge.runs.measurement.calibrating import CalibrationReport
    from judgeforge.runs.measurement.evaluating import EvaluationReport

_UNKNOWN = "-"


def print_calibration(report: CalibrationReport) -> None:
    found = report.calibration
    right = sum(one.right for one in found.results) / found.labels
    blind = sum(one.blind_right for one in found.results) / found.labels
    say(f"{found.labels} labels of the kind `{found.of}` ({report.judged.folder})")
    say(f"right on labels not seen: {right:.1%} with what labels taught, {blind:.1%} without")
    corrections = ", ".join(found.corrections) or "nothing (held-out labels do not support it)"
    say(f"corrected for: {corrections}")
    for promise in report.promises:
        say(f"{promise.guarantee}: {promise.in_words}")
    show(_curve(report.promises))
    for note in report.notes:
        say(f"note: {note}")
    say(f"wrote {report.out}; use it with `judging.calibration: {report.in_config}`")


def _curve(promises: Sequence[Promise]) -> Table:
    table = Table(title=f"pairs kept at max_error {promises[0].max_error:g}, predicted by labels")
    for name in ("labels", "expected", "certified"):
        table.add_column(name, justify="right")
    for point in promises[0].curve:
        table.add_row(str(point.labels), f"{point.expected:.0%}", f"{point.certified:.0%}")
    return table


def print_evaluation(report: EvaluationReport, *, as_json: bool = False) -> None:
    found = report.evaluation
    if as_json:
        figures = found.model_dump(mode="json")
        figures["comparison"] = report.comparison and report.comparison.model_dump(mode="json")
        print_json(figures, indent=1)
        return
    low, high = found.accuracy_ci
    kappa = _UNKNOWN if found.kappa is None else f"{found.kappa:.2f}"
    say(f"{found.n} labels: accuracy {found.accuracy:.1%} ({low:.1%} to {high:.1%})")
    errors = f"ECE {found.ece:.3f}, Brier {found.brier:.3f}"
    say(f"Cohen's kappa with the labels {kappa}, {errors}, cost {usd(found.cost_usd)}")
    show(_reliability(found))
    show(_judges(found))
    if report.comparison is not None:
        say(report.comparison.in_words)
    for note in report.notes:
        say(f"note: {note}")


def _reliability(found: Evaluation) -> Table:
    table = Table(title="reliability: what was said and what was right")
    for name in ("items", "said", "right"):
        table.add_column(name, justify="right")
    for one in found.reliability_table:
        table.add_row(str(one.n), f"{one.probability:.1%}", f"{one.right:.1%}")
    return table


def _judges(found: Evaluation) -> Table:
    table = Table(title="each judge on its own", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("judge")
    names = ("right", "seats", "length", "flips", "ties", "refused", "unread", "cost", "s")
    for name in names:
        table.add_column(name, justify="right")
    for name, one in found.judges.items():
        table.add_row(printable(name), *_cells(one))
    return table


def _cells(one: JudgeFigures) -> Iterator[str]:
    yield _UNKNOWN if one.accuracy is None else f"{one.accuracy:.1%}"
    for bias in (one.position_bias, one.length_bias):
        yield _UNKNOWN if bias is None else f"{bias:+.2f}"
    for share in (one.order_flips, one.ties):
        yield _UNKNOWN if share is None else f"{share:.0%}"
    yield str(one.refusals)
    yield str(one.unread)
    yield usd(one.cost_usd)
    yield _UNKNOWN if one.latency_s is None else f"{one.latency_s:.2f}"
