"""What prompts cost that differ in their words alone: as much as others of the same size.

A run asks for the estimate of each prompt before it begins. Where that depends on nothing but
sizes, each size is estimated once.
"""

from __future__ import annotations

from collections.abc import Callable

from judgeforge.records import Prompt
from judgeforge.runs.admission import Estimate
from judgeforge.runs.cost_estimates.frames import shape_of
from judgeforge.runs.preparation.extra_judgments import first_prompts
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.text.wording import byte_count

_MOST_SIZES = 4_096


class EstimatesBySize:
    """``of_prompt`` as that of ``Estimator``, which ``estimate`` is."""

    def __init__(self, estimate: Callable[[Prompt], Estimate], prepared: Preparation) -> None:
        self._estimate = estimate
        self._known: dict[object, Estimate] = {}
        self._is_by_size = _is_by_size(prepared)
        self._first = first_prompts(prepared.config)
        """Prompts that may be asked more, to learn from them."""

    def of_prompt(self, prompt: Prompt) -> Estimate:
        if self._first > 0 or not self._is_by_size:
            self._first -= 1
            return self._estimate(prompt)
        size = _size(prompt)
        found = None if size is None else self._known.get(size)
        if found is None:
            found = self._estimate(prompt)
            if size is not None and len(self._known) < _MOST_SIZES:
                self._known[size] = found
        return found


def _is_by_size(prepared: Preparation) -> bool:
    """Whether no draw, no check and no place in the input decides what a prompt of words costs."""
    config = prepared.config
    draws = config.sampling is None or config.sampling.pool or config.sampling.principles
    by_row = prepared.own_rubrics is not None or prepared.rubric.checked
    return not (draws or by_row or config.pairing.by_design or prepared.batch_prices)


def _size(prompt: Prompt) -> object:
    """Equal for prompts that cost the same; None where it is not only words that are sent."""
    shape = None if prompt.completions else shape_of(prompt)
    if shape is None:
        return None
    asked = sum(byte_count(turn.text) for turn in prompt.messages)
    return shape, asked, byte_count(prompt.reference or "")
