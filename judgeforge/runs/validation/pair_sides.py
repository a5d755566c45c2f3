"""Whether pairs can have the sides that are asked for, told before a call."""

from __future__ import annotations

from collections.abc import Iterable
from math import comb
from typing import Literal, get_args

from judgeforge.config.run import RunConfig
from judgeforge.config.sampling import SamplingConfig
from judgeforge.errors import ConfigError
from judgeforge.ranking.pairing import STRATEGIES
from judgeforge.ranking.pairing.delta import is_audited
from judgeforge.ranking.rules import PairingRules
from judgeforge.records import UNNAMED, Prompt
from judgeforge.runs.validation.audit_notes import audit_notes, audit_warnings
from judgeforge.text.wording import counted, did_you_mean, listed

Side = Literal["chosen_from", "rejected_from"]
SIDES: tuple[Side, ...] = get_args(Side)


def check_sides(config: RunConfig) -> None:
    """Raises ConfigError for a name that no completion can have.

    Completions that rows bring may have any name: which ones is known once the rows are read.
    """
    sampling = config.sampling
    if sampling is None or sampling.add_to_ready:
        return
    known = [*_writers(config), *config.pairing.groups]
    for key, name in _named(config.pairing):
        if name not in known:
            raise ConfigError(
                f"no writer is called `{name}`: name writers of `sampling` "
                f"({listed(_writers(config), mark='`')}), or a group of `pairing.groups`"
                f"{did_you_mean(name, known)}",
                key=key,
            )


class SideNotes:
    """Told of every prompt, what stands out of the sides that its pairs can have."""

    def __init__(self, config: RunConfig) -> None:
        self._rules, self._sampling = config.pairing, config.sampling
        self._prompts = self._in_slices = self._audited = 0
        self._unseen = {name for _, name in _named(self._rules)} - {
            *_writers(config),
            *self._rules.groups,
        }

    def add(self, prompt: Prompt) -> None:
        self._prompts += 1
        self._audited += is_audited(self._rules, prompt.id)
        self._in_slices += self._rules.token_difference_by in prompt.metadata
        if self._unseen:
            self._unseen -= {one.model or UNNAMED for one in prompt.completions}

    def warnings(self) -> list[str]:
        unseen = [
            f"{key}: `{name}` writes no completion, neither of a row nor by `sampling`"
            for key, name in _named(self._rules)
            if name in self._unseen
        ]
        few = audit_warnings(self._rules, self._audited, self._prompts)
        return [*unseen, *self._no_slices(), *self._rarely_drawn(), *self._all_are_best(), *few]

    def notes(self) -> list[str]:
        return audit_notes(self._rules, self._audited, self._prompts)

    def _all_are_best(self) -> list[str]:
        most = self._rules.pairs_per_prompt or STRATEGIES[self._rules.strategy].natural_number
        if self._rules.best is None or most is None:
            return []
        made = most * self._prompts
        if self._rules.best.pairs < made:
            return []
        return [
            f"pairing.best keeps {self._rules.best.pairs} pairs, and "
            f"{counted(self._prompts, 'prompt')} make at most {made}, so none is left out"
        ]

    def _no_slices(self) -> list[str]:
        key = self._rules.token_difference_by
        if key is None or self._in_slices or not self._prompts:
            return []
        return [
            f"pairing.token_difference_by: no row has `{key}` in its metadata, so all count as "
            "`default` of max_token_difference"
        ]

    def _rarely_drawn(self) -> list[str]:
        found = []
        for side in SIDES:
            allowed = self._rules.writers(side)
            share = _share_without(self._sampling, allowed) if self._sampling and allowed else 0.0
            if share > 0.0:
                found.append(
                    f"pairing.{side}: for about {share:.0%} of the prompts no writer is drawn "
                    "that it names, and these end as `wrong_writers`; `sampling.always` lets one "
                    "of them write for every prompt"
                )
        return found


def _share_without(sampling: SamplingConfig, allowed: frozenset[str]) -> float:
    """Of the prompts: those for which none of ``allowed`` is drawn, if any of these is in the
    pool."""
    if not sampling.pool or allowed & {*sampling.always} or not allowed & {*sampling.pool}:
        return 0.0
    drawn, pool = sampling.completions - len(sampling.always), len(sampling.pool)
    if drawn >= pool:
        return 0.0
    return comb(pool - len(allowed & {*sampling.pool}), drawn) / comb(pool, drawn)


def _writers(config: RunConfig) -> list[str]:
    sampled = config.sampling.writers if config.sampling else []
    fallbacks = (config.models[name].fallback for name in sampled)
    return list(dict.fromkeys([*sampled, *filter(None, fallbacks)]))


def _named(rules: PairingRules) -> Iterable[tuple[str, str]]:
    """Of every writer or group that is named: the key, and the name."""
    for key in SIDES:
        yield from ((f"pairing.{key}", name) for name in getattr(rules, key))
    for group, members in rules.groups.items():
        yield from ((f"pairing.groups.{group}", name) for name in members)
