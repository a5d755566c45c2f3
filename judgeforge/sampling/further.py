"""The completions of a prompt that are sampled while it is judged, because its pair is in doubt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from judgeforge.calls.call import Asks
from judgeforge.config.sampling import SamplingConfig
from judgeforge.records import Completion, Prompt
from judgeforge.sampling.draws import Draw, draws
from judgeforge.sampling.sampling import sample_another

May = Callable[[Completion], bool]
"""Whether a completion may be judged."""


class FurtherCompletions:
    """Of one prompt; there are none where it brings its completions and none is added to them."""

    def __init__(
        self,
        prompt: Prompt,
        config: SamplingConfig | None,
        gateway: Asks,
        completions: Sequence[Completion],
        may_be_judged: May,
        *,
        thoughts_shown: bool = False,
    ) -> None:
        """``completions``: all of the prompt so far, usable or not."""
        self._prompt, self._config, self._gateway = prompt, config, gateway
        self._first, self.may_be_judged = completions, may_be_judged
        self._thoughts_shown = thoughts_shown
        self._draws = further_draws(prompt, config) if config else []
        self.taken = 0
        """How many were sampled or passed over."""
        self.added: list[Completion] = []
        """In the order in which they were sampled, usable or not."""

    @property
    def completions(self) -> list[Completion]:
        """All of the prompt, usable or not."""
        return [*self._first, *self.added]

    @property
    def writer(self) -> str | None:
        """Of the next one; None where no more may be sampled."""
        return self._draws[self.taken].model if self.taken < len(self._draws) else None

    def pass_over(self) -> None:
        """Leave the next one out."""
        self.taken += 1

    async def sample(self) -> Completion:
        """The next one, usable or not. Raises CallError only where it stops the run, and IndexError
        where ``writer`` is None."""
        if self._config is None:
            raise IndexError("nothing is sampled")
        draw = self._draws[self.taken]
        self.taken += 1
        one = await sample_another(
            self._prompt,
            self._config,
            self._gateway,
            self.completions,
            draw,
            thoughts_shown=self._thoughts_shown,
        )
        self.added.append(one)
        return one


def further_draws(prompt: Prompt, config: SamplingConfig) -> list[Draw]:
    """What may be sampled behind the first completions of the prompt, in order."""
    wanted = config.fresh(len(prompt.completions))
    if not wanted or not config.more_in_doubt:
        return []
    return draws(prompt, config, more=config.more_in_doubt)[wanted:]
