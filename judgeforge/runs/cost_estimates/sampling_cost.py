"""What the completions of a prompt cost that are sampled before it is judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from judgeforge.config.run import RunConfig
from judgeforge.records import UNNAMED, Prompt, ReadyCompletion
from judgeforge.runs.cost_estimates.loads import LOW, Beginning, InputTokens, ModelLoad, Tokens
from judgeforge.sampling.draws import Draw, draws

_SAMPLED_SHARES = (0.2, 0.6, 1.0)
"""Of the output limit that completions use; models differ, so low and high bound it."""


class SamplingCost:
    def __init__(
        self,
        config: RunConfig,
        input_tokens: InputTokens,
        answer_tokens: Callable[[ReadyCompletion], int],
    ) -> None:
        """``answer_tokens``: of an answer that a row brings, as judges see it."""
        self._config = config
        self._input_tokens, self._answer_tokens = input_tokens, answer_tokens

    def add(self, prompt: Prompt, loads: Mapping[str, ModelLoad]) -> tuple[Tokens, tuple[str, ...]]:
        """Tokens of a completion, and the model of each."""
        sampling = self._config.sampling
        longest = max(map(self._answer_tokens, prompt.completions), default=0)
        ready = tuple(one.model or UNNAMED for one in prompt.completions)
        if sampling is None or not sampling.fresh(len(ready)):
            return (longest, longest, longest), ready
        drawn = draws(prompt, sampling)
        for (name, principle), calls in Counter(
            (one.model, one.principle) for one in drawn
        ).items():
            inputs, outputs = self.request_tokens(prompt, Draw(0, name, 0.0, 0, principle))
            loads[name].add(1, inputs, outputs, begins=Beginning(0))
            if calls > 1:
                loads[name].add(calls - 1, inputs, outputs, begins=Beginning(inputs[LOW]))
        low, expected, high = self._output_tokens
        lengths = (max(longest, low), max(longest, expected), max(longest, high))
        return lengths, (*ready, *(one.model for one in drawn))

    def request_tokens(self, prompt: Prompt, draw: Draw) -> tuple[Tokens, Tokens]:
        """Of input and of output."""
        system = self._config.sampling.system if self._config.sampling else None
        beside = draw.principle or system or "", prompt.tools or ""
        return self._input_tokens(draw.model, prompt.messages, *beside), self._output_tokens

    @property
    def _output_tokens(self) -> Tokens:
        limit = self._config.sampling.max_tokens if self._config.sampling else 0
        low, expected, high = (round(share * limit) for share in _SAMPLED_SHARES)
        return low, expected, high
