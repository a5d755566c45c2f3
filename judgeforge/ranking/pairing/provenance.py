"""Selected pairs of one prompt -> the records that are written, with their provenance."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from pydantic import JsonValue

from judgeforge import __version__
from judgeforge.ranking.pairing.selection import SelectedPair
from judgeforge.records import Completion, Judgment, PreferencePair, Prompt, Provenance, RubricId

_LEAST_INTEGER, _LARGEST_INTEGER = -(2**63), 2**64 - 1


def make_pairs(  # noqa: PLR0913 (all that a pair tells)
    prompt: Prompt,
    selected: Sequence[SelectedPair],
    *,
    completions: Mapping[str, Completion],
    judgments: Sequence[Judgment],
    rubric: RubricId,
    strategy: str,
    with_reasoning: bool = False,
    keep: Sequence[str] = (),
    own_criteria: str | None = None,
) -> list[PreferencePair]:
    """One record for each selected pair, in their order; ids are the prompt's with ``.p0`` on.

    ``completions``: by id, both sides of every pair. ``judgments``: all of the prompt, of which
    each pair keeps those about its sides. ``with_reasoning``: both sides keep what their models
    thought, as ``reasoning_content``. ``keep``: the keys of the prompt's metadata that go along.
    ``own_criteria``: those of the prompt, as a run keeps them; what writing them cost is part of
    what each pair cost.
    """
    return [
        PreferencePair(
            id=f"{prompt.id}.p{number}",
            prompt_id=prompt.id,
            prompt=prompt.messages,
            tools=prompt.tools,
            metadata=kept_metadata(prompt, keep),
            own_criteria=own_criteria,
            chosen=(completions[pair.chosen_id].message(with_reasoning=with_reasoning),),
            rejected=(completions[pair.rejected_id].message(with_reasoning=with_reasoning),),
            score_chosen=pair.score_chosen,
            score_rejected=pair.score_rejected,
            score_margin=pair.score_margin,
            confidence=pair.confidence,
            p_tie=pair.p_tie,
            chosen_model=completions[pair.chosen_id].model,
            rejected_model=completions[pair.rejected_id].model,
            strategy=strategy,
            provenance=_provenance(pair, completions, judgments, rubric, own_criteria),
        )
        for number, pair in enumerate(selected)
    ]


def kept_metadata(prompt: Prompt, keep: Iterable[str]) -> dict[str, JsonValue]:
    """All of these keys, null where the row has none: a table has a column for all rows or none.

    A whole number of more than 64 bits is the text of its digits: no reader of tables takes one,
    and a single one would keep the whole file from being loaded.
    """
    return {name: _readable(prompt.metadata.get(name)) for name in keep}


def _readable(value: JsonValue) -> JsonValue:
    if isinstance(value, Mapping):
        return {name: _readable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(one) for one in value]
    if isinstance(value, int) and not _LEAST_INTEGER <= value <= _LARGEST_INTEGER:
        return str(value)
    return value


def _provenance(
    pair: SelectedPair,
    completions: Mapping[str, Completion],
    judgments: Sequence[Judgment],
    rubric: RubricId,
    own_criteria: str | None,
) -> Provenance:
    written = json.loads(own_criteria) if own_criteria else {}
    sides = (completions[pair.chosen_id], completions[pair.rejected_id])
    ids = {pair.chosen_id, pair.rejected_id}
    asked = [judgment for judgment in judgments if not ids.isdisjoint(judgment.completion_ids)]
    evidence = [judgment for judgment in asked if not judgment.missing]
    sources: list[Completion | Judgment] = [*sides, *evidence]
    answered = dict(one.own_answer for one in asked if one.own_answer)
    return Provenance(
        chosen_id=pair.chosen_id,
        rejected_id=pair.rejected_id,
        judgment_ids=tuple([judgment.id for judgment in evidence]),
        rubric=rubric,
        judges=_distinct([judgment.judge for judgment in evidence]),
        calls=_distinct(
            [
                *[key for source in sources for key in source.call_keys],
                *written.get("calls", ()),
                *answered,
            ]
        ),
        missing_judges=_distinct([judgment.judge for judgment in asked if judgment.missing]),
        answered_models=_distinct([one.answered_model for one in sources if one.answered_model]),
        cost_usd=_total(
            [
                *[source.cost_usd for source in sources],
                written.get("cost_usd", 0.0),
                *answered.values(),
            ]
        ),
        judgeforge_version=__version__,
    )


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _total(costs: Iterable[float | None]) -> float | None:
    """None as soon as one part is unknown: an unknown cost is never counted as nothing."""
    known = 0.0
    for cost in costs:
        if cost is None:
            return None
        known += cost
    return round(known, 12)
