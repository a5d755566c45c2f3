"""What can be counted of the completions, by the model that wrote them. Pure.

Also which model answered, and whether it read its whole prompt: a server may answer any name with
the model that it has, a gateway may fall back to another one, and some cut a prompt that does not
fit, all without a word.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from judgeforge.records import suspicious_flag
from judgeforge.results.figures.calls import together
from judgeforge.results.figures.distribution import Values
from judgeforge.results.figures.length import LengthBias
from judgeforge.store.evidence_rows import completion_facts
from judgeforge.text.patterns import late_pattern
from judgeforge.text.tool_calls import row_said_text

_VERSION = late_pattern(r"(?:[-@:](?:\d{3,}(?:-\d{2}){0,2}|v\d+(?::\d+)?|latest|free))+$")
"""A snapshot of a model: `-2024-08-06`, `-0613`, `@20250514`, `-20241022-v2:0`, `:latest`."""
_LATEST = late_pattern(r"[-@:](?:latest|free)$")
_FILE = late_pattern(r"\.(?:gguf|bin|safetensors)$")
_SHORTEST = 6
"""Characters of a name that may stand after a vendor's, as in `anthropic.claude-…`."""


def add_answer(row: Mapping[str, Any], answered: Counter[str], cut_prompts: list[int]) -> None:
    """Count a row of completions.jsonl or judgments.jsonl; earlier versions say neither."""
    if name := row.get("answered_model"):
        answered[name] += 1
    if (tokens := row.get("input_tokens_read")) is not None:
        cut_prompts.append(tokens)


def others(answered: Mapping[str, int], asked: Iterable[str]) -> Counter[str]:
    """The answers of models that are none of those asked for."""
    names = list(asked)
    return Counter(
        {
            said: count
            for said, count in answered.items()
            if not all(any(is_same_model(n, one) for n in names) for one in said.split(", "))
        }
    )


def is_same_model(asked: str, answered: str) -> bool:
    """Whether a server that is asked for one name may call the same model by the other: without the
    path or vendor before it, and with a snapshot where none was asked for."""
    wanted, said = _plain(asked), _plain(answered)
    if wanted == said:
        return True
    bare_wanted, bare_said = _VERSION.sub("", wanted), _VERSION.sub("", said)
    version = wanted[len(bare_wanted) :]
    if not _LATEST.search(wanted) and not _one_begins(version, said[len(bare_said) :]):
        return False
    return _undotted(bare_wanted) == _undotted(bare_said) or (
        len(bare_said) >= _SHORTEST and bare_wanted.endswith(f".{bare_said}")
    )


def _one_begins(one: str, other: str) -> bool:
    """Two snapshots are two models; one that is not named may be any."""
    return one.startswith(other) or other.startswith(one)


def _plain(name: str) -> str:
    return _FILE.sub("", name.lower().replace("\\", "/").rstrip("/").rpartition("/")[2])


def _undotted(name: str) -> str:
    """Azure writes `gpt-35-turbo`."""
    return name.replace(".", "")


FINISHED = ("stop", "given")
"""How completions end that are whole."""


@dataclass(slots=True)
class Sampled:
    """Completions of one model. Scores and lengths are of those that were judged."""

    completions: int = 0
    finishes: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    """Replies by what the server calls the model, as far as it says."""
    cut_prompts: list[int] = field(default_factory=list)
    """Tokens that the server counted, of each input that it may have cut."""
    cost_usd: float | None = 0.0
    """Of those that came; None where a price is unknown."""
    score: Values = field(default_factory=Values)
    characters: Values = field(default_factory=Values)
    p_best: float = 0.0
    """Sum of the probabilities to be the best of the prompt: prompts that it is expected to win."""

    def add(self, row: Mapping[str, Any], characters: int) -> None:
        self.completions += 1
        add_answer(row, self.answered, self.cut_prompts)
        self.finishes[str(row.get("finish"))] += 1
        if row.get("failure") is None or row.get("call") is not None:
            self.cost_usd = together(self.cost_usd, row.get("cost_usd"))
        if row.get("score") is not None:
            self.score.add(row["score"])
            self.characters.add(characters)
            self.p_best += row.get("p_best") or 0.0

    @property
    def unfinished(self) -> int:
        """Cut, refused, withheld, empty or failed."""
        return self.completions - sum(self.finishes[finish] for finish in FINISHED)


class CompletionFigures:
    def __init__(self) -> None:
        self.models: defaultdict[str, Sampled] = defaultdict(Sampled)
        self.duplicates = 0
        self.suspicious: Counter[str] = Counter()
        """Completions by flag."""
        self.length_bias = LengthBias()

    def add_prompt(self, completions: Sequence[Mapping[str, Any]]) -> None:
        judged: list[tuple[float, int]] = []
        for row in completions:
            told, characters = completion_facts(row), len(row_said_text(row))
            self.models[str(row["model"])].add(row, characters)
            for sign in told["signs"]:
                self.suspicious[suspicious_flag(sign)] += 1
            if told["duplicate_of"] is not None:
                self.duplicates += 1
            elif row.get("score") is not None:
                judged.append((row["score"], characters))
        self.length_bias.add_completions(judged)
