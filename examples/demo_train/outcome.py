"""Whether answers do as asked, the shares before and after with intervals, and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgeforge.judging.checks import failed_checks, parse_checks_of_row
from judgeforge.judging.checks.subject import Subject

DRAWS = 10_000
WIDTH, LINE, LEFT, TOP = 720, 34, 210, 74
BEFORE, AFTER = "#8a94a6", "#1f7a4d"

Passed = NDArray[np.float64]
"""(prompts, answers), 1 where an answer passes all checks of its prompt."""


@dataclass(frozen=True, slots=True)
class Share:
    """Percent, with the bounds of its interval (95 %)."""

    percent: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.percent:.1f} % [{self.low:.1f}, {self.high:.1f}]"


@dataclass(frozen=True, slots=True)
class Outcome:
    before: Share
    after: Share
    gain: Share
    """Of the same prompts, in points."""
    forms: Mapping[str, tuple[float, float]]
    """Percent before and after, by the form of the prompt."""
    prompts: int
    answers: int
    """Before, and as many after."""


def passed(tasks: Sequence[Mapping[str, Any]], answers: Sequence[Sequence[str]]) -> Passed:
    """``answers``: those to each task."""
    checks = [parse_checks_of_row(task["metadata"]["checks"]) for task in tasks]
    return np.array(
        [
            [not failed_checks(of_task, Subject(text)) for text in texts]
            for of_task, texts in zip(checks, answers, strict=True)
        ],
        dtype=float,
    )


def compare(tasks: Sequence[Mapping[str, Any]], before: Passed, after: Passed) -> Outcome:
    """Intervals by the bootstrap over prompts (percentiles), the same draws for all three."""
    draw = np.random.default_rng(0)
    places = draw.integers(0, len(tasks), (DRAWS, len(tasks)))

    def share(of_prompts: NDArray[np.float64]) -> Share:
        low, high = np.percentile(of_prompts[places].mean(axis=1), [2.5, 97.5])
        return Share(*(round(100 * float(one), 1) for one in (of_prompts.mean(), low, high)))

    each = [before.mean(axis=1), after.mean(axis=1)]
    names = [str(task["id"]).partition(".")[2] for task in tasks]
    forms = {
        name: tuple(round(100 * float(one[[n == name for n in names]].mean()), 1) for one in each)
        for name in dict.fromkeys(names)
    }
    return Outcome(
        share(each[0]),
        share(each[1]),
        share(each[1] - each[0]),
        {name: (old, new) for name, (old, new) in forms.items()},
        len(tasks),
        before.size,
    )


def in_a_line(outcome: Outcome) -> str:
    return (
        f"held-out prompts answered as asked: {outcome.before} before, {outcome.after} after, "
        f"{outcome.gain.percent:+.1f} points [{outcome.gain.low:+.1f}, {outcome.gain.high:+.1f}] "
        f"({outcome.prompts} prompts, {outcome.answers} answers each time)"
    )


def what_it_took(found: Mapping[str, Any]) -> str:
    return (
        f"{found['seconds']} s on {found['cores']} cores (load {found['load']}), "
        f"{found['processor_seconds']} s of processor time, for {found['pairs']} pairs and "
        f"{found['epochs']:g} epochs"
    )


def as_page(found: Mapping[str, Any]) -> str:
    rows = [f"| {name} | {old:.0f} | {new:.0f} |" for name, (old, new) in found["forms"].items()]
    lines = [
        "# What training on the pairs brought: `make demo-train`",
        "",
        f"`python -m examples.demo_train --results FILE`, {found['date']}: {what_it_took(found)}.",
        "",
        f"{found['line'][0].upper()}{found['line'][1:]}. The intervals (95 %) are of the bootstrap "
        "over prompts; what another seed of the training would bring is not in them.",
        "",
        "| form of the prompt | before, % | after, % |",
        "|---|---:|---:|",
        *rows,
    ]
    return "\n".join(lines) + "\n"


def picture(outcome: Outcome, title: str) -> str:
    """An SVG: all prompts with their intervals, then each form of prompt."""
    lines = [("all held-out prompts", outcome.before, outcome.after)]
    lines += [
        (name, Share(old, old, old), Share(new, new, new))
        for name, (old, new) in outcome.forms.items()
    ]
    height = TOP + LINE * len(lines) + 46
    scale = (WIDTH - LEFT - 30) / 100
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="26" font-size="16" font-weight="600" fill="#1b2330">{title}</text>',
        f'<circle cx="22" cy="46" r="5" fill="{BEFORE}"/><text x="32" y="50" fill="#4a5568">'
        "before training</text>",
        f'<circle cx="152" cy="46" r="5" fill="{AFTER}"/><text x="162" y="50" fill="#4a5568">'
        "after; the bar is the 95 % interval</text>",
    ]
    bottom = TOP + LINE * len(lines)
    for percent in range(0, 101, 20):
        x = LEFT + scale * percent
        parts += [
            f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" stroke="#e3e7ee"/>',
            f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" fill="#4a5568">'
            f"{percent} %</text>",
        ]
    for number, (name, old, new) in enumerate(lines):
        y = TOP + LINE * number + LINE / 2 - 4
        weight = ' font-weight="600"' if number == 0 else ""
        parts.append(
            f'<text x="{LEFT - 12}" y="{y + 5:.1f}" text-anchor="end" fill="#1b2330"{weight}>'
            f"{name}</text>"
        )
        parts.append(
            f'<line x1="{LEFT + scale * old.percent:.1f}" y1="{y:.1f}" '
            f'x2="{LEFT + scale * new.percent:.1f}" y2="{y:.1f}" stroke="#c6ccd8" '
            'stroke-width="2"/>'
        )
        for share, colour in ((old, BEFORE), (new, AFTER)):
            parts += _mark(share, colour, scale, y)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _mark(share: Share, colour: str, scale: float, y: float) -> list[str]:
    low, middle, high = (LEFT + scale * one for one in (share.low, share.percent, share.high))
    bar = (
        f'<line x1="{low:.1f}" y1="{y:.1f}" x2="{high:.1f}" y2="{y:.1f}" stroke="{colour}" '
        'stroke-width="6" stroke-opacity="0.35" stroke-linecap="round"/>'
    )
    dot = f'<circle cx="{middle:.1f}" cy="{y:.1f}" r="6" fill="{colour}"/>'
    return [bar, dot] if high > low else [dot]
