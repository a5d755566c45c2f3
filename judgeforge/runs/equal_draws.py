"""Notices a model whose completions are all alike, although it is sampled at a temperature."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from judgeforge.config.sampling import SamplingConfig
from judgeforge.records import Completion
from judgeforge.text.tool_calls import said_text

ENOUGH_EQUAL = 8
"""Prompts without a single difference after which a person is told."""


class EqualDraws:
    """Notices a model that answers every prompt with the same text again and again, although it is
    sampled at a temperature above 0: each such prompt is paid and gives no pair."""

    def __init__(self, sampling: SamplingConfig | None, say: Callable[[str], None]) -> None:
        self._say = say
        self._highest = max(sampling.temperature) if sampling else 0.0
        self._equal: Counter[str] = Counter()
        self._differs: set[str] = set()

    def look_at(self, completions: Sequence[Completion]) -> None:
        """Of one prompt, as they were sampled."""
        texts = defaultdict[str, list[str]](list)
        for one in completions:
            if one.model in self._differs:
                continue
            if one.finish in {"stop", "length"} and not one.is_empty:
                texts[one.model].append(said_text(one.text, one.tool_calls))
        for model, drawn in texts.items():
            if len(drawn) < 2 or self._highest == 0:
                continue
            if len(set(drawn)) > 1:
                self._differs.add(model)
                continue
            self._equal[model] += 1
            if self._equal[model] == ENOUGH_EQUAL:
                self._say(
                    f"all completions of `{model}` are equal in each of the first {ENOUGH_EQUAL} "
                    f"prompts, although sampling.temperature is {self._highest:g}: its server "
                    "seems to ignore the temperature, and such prompts are paid and give no pair. "
                    "Look whether `send_temperature` or `params` of the model keep it away, or "
                    "switch sampling on in the server (`transformers serve` samples only where "
                    "the model's generation_config.json has `do_sample: true`), or sample several "
                    "models."
                )
