"""Which completions come from a judge's own model family: judges tend to prefer those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from judgeforge.config.judges import JudgeConfig
from judgeforge.config.model import ModelConfig
from judgeforge.records import Completion
from judgeforge.text.model_families import families_by_name


def families_of(name: str, model: ModelConfig | None = None) -> frozenset[str]:
    """The families of a model by its name; a model of no known one is a family of its own."""
    is_at_home = model is not None and model.base_url is None
    return families_by_name(name, model.facts.family if model and is_at_home else None)


class OwnFamily:
    """Knows the models of a configuration; a completion may also name one that is not in it."""

    def __init__(
        self, models: Mapping[str, ModelConfig] | None = None, *, exclude: bool = False
    ) -> None:
        self._models = models or {}
        self._exclude = exclude
        self._families: dict[str, frozenset[str]] = {}

    def judged_by(
        self, judge: JudgeConfig, completions: Sequence[Completion]
    ) -> Sequence[Completion]:
        """Those that the judge may judge: all, or all but those of its own family."""
        if not self._exclude:
            return completions
        return [one for one in completions if not self.is_own(judge, one.model)]

    def is_own(self, judge: JudgeConfig, model: str) -> bool:
        """Whether a model, by its name in the configuration or elsewhere, is of its family."""
        return not self._of(judge.model).isdisjoint(self._of(model))

    def _of(self, model: str) -> frozenset[str]:
        if model not in self._families:
            known = self._models.get(model)
            name = model if known is None else known.model
            self._families[model] = families_of(name, known)
        return self._families[model]
