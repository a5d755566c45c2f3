"""The pairs that the page shows whole, with all that was said of them, within a bounded size."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judgeforge.results.figures.criteria import criteria_of_sides
from judgeforge.results.figures.judges import Preferences, preferences_by_judge
from judgeforge.results.figures.marks import Mark, marks_of
from judgeforge.results.figures.run import group_at
from judgeforge.results.figures.shortlist import Picked
from judgeforge.results.own_criteria import criteria_in_words
from judgeforge.results.report.html import LONGEST_NAME, seen
from judgeforge.results.report.shown_turns import (
    MOST_TEXT,
    Text,
    Turn,
    cut,
    shown_turn,
    shown_turns,
)
from judgeforge.store.folder import RunFolder
from judgeforge.store.own_criteria import FIELD, kept_criteria
from judgeforge.text.shell import shell_word
from judgeforge.text.shown_messages import row_message, tools_text
from judgeforge.text.tool_calls import said_text

MOST_PAIRS = 70
MOST_BYTES = 1_800_000
"""Of all texts together, as they stand in the page."""
_MOST_RATIONALE, _MOST_JUDGMENTS, _MOST_TURNS = 800, 24, 12


@dataclass(frozen=True, slots=True)
class Said:
    """One judgment on one of the sides."""

    judge: str
    protocol: str
    evidence: tuple[str, ...]
    rationale: Text
    missing: bool


@dataclass(frozen=True, slots=True)
class Side:
    name: str
    completion_id: str
    model: str
    turns: tuple[Turn, ...]
    characters: int
    """Of what it says and does, tool calls included."""
    score: float
    score_sd: float | None
    p_best: float | None
    notes: tuple[str, ...]
    said: tuple[Said, ...]
    judgments_left_out: int


@dataclass(frozen=True, slots=True)
class ShownPair:
    id: str
    reasons: tuple[str, ...]
    confidence: float
    margin: float
    tools: Text | None
    """Those that the prompt offers, one a line."""
    own_criteria: Text | None
    """Those that only this prompt was judged by, one a line."""
    turns: tuple[Turn, ...]
    turns_left_out: int
    sides: tuple[Side, Side]
    marks: frozenset[Mark] = frozenset()
    """What is so of it that a finding may speak of."""

    @property
    def command_id(self) -> str:
        return as_argument(self.id)

    @property
    def beginning(self) -> str:
        """Of the last turn, on one line."""
        return " ".join(self.turns[-1].text.text[:120].split()) if self.turns else ""


def as_argument(pair_id: str) -> str:
    """For a shell; an id that begins with a hyphen is not an option."""
    return f"{'-- ' if pair_id.startswith('-') else ''}{shell_word(pair_id)}"


@dataclass(frozen=True, slots=True)
class ShownPairs:
    pairs: tuple[ShownPair, ...]
    left_out: int
    """Picked pairs for which the page has no room."""

    @property
    def draws_pictures(self) -> bool:
        turns = (turn for pair in self.pairs for turn in pair.turns)
        return any(picture.data for turn in turns for picture in turn.pictures)


def shown_pairs(
    folder: RunFolder, picked: Sequence[Picked], *, most_bytes: int = MOST_BYTES
) -> ShownPairs:
    """Raises StoreError where a file cannot be read any more."""
    shown: list[ShownPair] = []
    for one in picked[:MOST_PAIRS]:
        pair = _shown(folder, one)
        most_bytes -= _size(pair)
        if most_bytes < 0:
            break
        shown.append(pair)
    return ShownPairs(tuple(shown), len(picked) - len(shown))


def _shown(folder: RunFolder, picked: Picked) -> ShownPair:
    place = picked.place
    pair = group_at(folder.pairs, place.pairs).rows[place.number]
    completions = {row["id"]: row for row in group_at(folder.completions, place.completions).rows}
    judgments = group_at(folder.judgments, place.judgments).rows
    turns = shown_turns([row_message(each) for each in pair["prompt"]], _MOST_TURNS)
    tools = pair.get("tools")
    return ShownPair(
        id=place.pair_id,
        reasons=picked.reasons,
        confidence=pair["confidence"],
        margin=pair["score_margin"],
        tools=cut(tools_text(tools), MOST_TEXT) if tools else None,
        own_criteria=_own_criteria(pair.get(FIELD)),
        turns=turns,
        turns_left_out=len(pair["prompt"]) - len(turns),
        sides=(
            _side("chosen", pair, completions, judgments),
            _side("rejected", pair, completions, judgments),
        ),
        marks=_marks(pair, completions, judgments),
    )


def _marks(
    pair: Mapping[str, Any],
    completions: Mapping[str, Mapping[str, Any]],
    judgments: Sequence[Mapping[str, Any]],
) -> frozenset[Mark]:
    told: Mapping[str, Preferences] = {}
    if len({row["judge"] for row in judgments}) > 1:
        sides = (pair["provenance"]["chosen_id"], pair["provenance"]["rejected_id"])
        told = preferences_by_judge(judgments, sides)
    (criteria,) = criteria_of_sides([pair], judgments)
    return frozenset(marks_of(pair, completions.values(), judgments, told, criteria))


def _own_criteria(text: str | None) -> Text | None:
    own = kept_criteria(text)
    if own is None:
        return None
    by = f"written by {own.written_by}" if own.written_by else "from its row"
    shown = criteria_in_words(own.criteria)
    lines = [f"{one.name} (weight {one.weight}): {one.asks}" for one in shown]
    return cut("\n".join([f"({by})", *lines]), MOST_TEXT)


def _side(
    name: str,
    pair: Mapping[str, Any],
    completions: Mapping[str, Mapping[str, Any]],
    judgments: Sequence[Mapping[str, Any]],
) -> Side:
    completion_id = pair["provenance"][f"{name}_id"]
    row = completions.get(completion_id, {})
    messages = [row_message(each) for each in pair[name]]
    thought = row.get("reasoning")  # also where pairs were asked to drop it
    other = pair["provenance"]["rejected_id" if name == "chosen" else "chosen_id"]
    about = sorted(
        (one for one in judgments if completion_id in one["completion_ids"]),
        # Comparisons of the two sides with each other say more than those with others.
        key=lambda one: len(one["completion_ids"]) > 1 and other not in one["completion_ids"],
    )
    finish = row.get("finish", "stop")
    notes = [f"finish: {finish}"] if finish not in {"stop", "given"} else []
    return Side(
        name=name,
        completion_id=completion_id,
        model=pair[f"{name}_model"],
        turns=tuple(shown_turn(each, thought=thought) for each in messages),
        characters=sum(len(said_text(each.text, each.tool_calls)) for each in messages),
        score=pair[f"score_{name}"],
        score_sd=row.get("score_sd"),
        p_best=row.get("p_best"),
        notes=(*notes, *row.get("flags", ())),
        said=tuple(_said(one, completion_id) for one in about[:_MOST_JUDGMENTS]),
        judgments_left_out=max(0, len(about) - _MOST_JUDGMENTS),
    )


def _said(judgment: Mapping[str, Any], completion_id: str) -> Said:
    missing = judgment.get("missing")
    repeat = judgment.get("repeat") or 0
    return Said(
        judge=f"{judgment['judge']} #{repeat + 1}" if repeat else judgment["judge"],
        protocol=judgment["protocol"],
        evidence=("no judgment",) if missing else tuple(_evidence(judgment, completion_id)),
        rationale=cut(missing or judgment.get("rationale") or "", _MOST_RATIONALE),
        missing=bool(missing),
    )


def _evidence(judgment: Mapping[str, Any], completion_id: str) -> Iterator[str]:
    """What a judgment says of one of the completions that it is about."""
    shown = judgment["completion_ids"]
    if judgment.get("verdict") is not None:
        yield _verdict(judgment, completion_id)
    elif judgment.get("scores") is not None:
        place = shown.index(completion_id)
        yield f"{judgment['scores'][place]:.2f}, as no. {place + 1} of {len(shown)}"
    elif judgment.get("rewards"):
        yield f"reward {judgment['rewards'][shown.index(completion_id)]:.4g}"
    else:
        score, criteria = judgment.get("score"), judgment.get("criteria") or {}
        yield "no score" if score is None else f"score {score:.2f}"
        if len(criteria) > 1:
            yield from (f"{name} {score:.2f}" for name, score in criteria.items())


def _verdict(judgment: Mapping[str, Any], completion_id: str) -> str:
    first, second = judgment["completion_ids"]
    other, place = (second, "first") if completion_id == first else (first, "second")
    if judgment["verdict"] == "tie":
        return f"level with {other}, shown {place}"
    winner = first if judgment["verdict"] == "a" else second
    how = "better" if winner == completion_id else "worse"
    strength = judgment.get("strength")
    degree = "" if strength is None else f" (strength {strength:.2f})"
    return f"{how} than {other}{degree}, shown {place}"


def _size(pair: ShownPair) -> int:
    """Bytes of its texts in the page; names are short there."""
    texts = [one.text for one in (pair.tools, pair.own_criteria) if one]
    names: list[str] = [pair.id]
    turns = sum(turn.size for turn in pair.turns)
    for side in pair.sides:
        turns += sum(turn.size for turn in side.turns)
        names += [side.model, *side.notes]
        for one in side.said:
            texts.append(one.rationale.text)
            names += [one.judge, *one.evidence]
    texts += [name[:LONGEST_NAME] for name in names]
    return turns + sum(len(html.escape(seen(text)).encode()) for text in texts)
