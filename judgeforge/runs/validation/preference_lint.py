"""What stands out in a preference set of others, told without a call: each kind is counted, with
the lines of its worst cases.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from judgeforge.inputs.duplicates import KeySet
from judgeforge.records import Given, ReadyCompletion
from judgeforge.text.messages import Message
from judgeforge.text.prompt_keys import prompt_key
from judgeforge.text.same_reading import text_as_read
from judgeforge.text.wording import counted

_EXAMPLES = 5
_NEARLY_EQUAL = 0.9
"""Share of words in common."""
_SHORTEST_ECHO = 20
"""Characters of a prompt; an answer may well begin with a shorter one."""
_LONG_ENOUGH_TO_BE_CUT = 200
_LAST_LINE = 60
"""Characters of a last line that a writer ends with a sign; a heading or an item is shorter."""
_ENDS = re.compile(r"""[.!?:;)\]}>"'`*_~|…。！？」』”’%\d]\s*$""")  # noqa: RUF001
_FENCE = re.compile(r"^\s*```", re.MULTILINE)
_CERTAIN = 3.0
"""Standard errors from one half."""
_ENOUGH = 30
_LEAN = 0.6
_MOST_MODELS = 5
_Place = tuple[str | None, int]
"""The file, where there are several, and the line."""


@dataclass(slots=True)
class _Cases:
    rows: int = 0
    worst: list[tuple[float, int, _Place]] = field(default_factory=list)
    """How bad, and minus the number of the case: the worst first."""

    def add(self, place: _Place, badness: float = 0.0) -> None:
        self.rows += 1
        found = (*self.worst, (badness, -self.rows, place))
        self.worst = sorted(found, reverse=True)[:_EXAMPLES]

    def __str__(self) -> str:
        places = [place for _, _, place in self.worst]
        lines = "" if any(file for file, _ in places) else f"line{'s' * (len(places) > 1)} "
        where = lines + ", ".join(f"{file}:{line}" if file else str(line) for file, line in places)
        more = " and more" if self.rows > len(places) else ""
        return f"{counted(self.rows, 'row')} ({where}{more})"


class PreferenceLint:
    def __init__(self) -> None:
        self.rows = 0
        """With both sides."""
        self._cases: defaultdict[str, _Cases] = defaultdict(_Cases)
        self._longer = self._same_length = 0
        self._ratio = 0.0
        """Sum of the logarithms of chosen's length over rejected's."""
        self._wins: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()
        """Models by how often they wrote a side, where another wrote the other one."""
        self._prompts, self._pairs, self._swapped = KeySet(), KeySet(), KeySet()

    def add(
        self,
        line: int,
        messages: Sequence[Message],
        ready: Sequence[ReadyCompletion],
        file: str | None = None,
    ) -> None:
        """A row; one without two sides is passed over. ``file``: where there are several."""
        sides = {one.given: one for one in ready if one.given is not None}
        if len(sides) < 2:
            return
        self.rows += 1
        place = file, line
        texts: dict[Given, str] = {side: _said(one) for side, one in sides.items()}
        self._compare(place, texts["chosen"], texts["rejected"])
        self._look_up(place, _asked(messages), texts)
        asked = text_as_read(messages[-1].text)
        for side, text in texts.items():
            if not text.strip():
                self._cases[f"an empty answer in `{side}`"].add(place)
            elif len(asked) >= _SHORTEST_ECHO and text_as_read(text).startswith(asked):
                self._cases[f"the prompt repeated in `{side}`"].add(place, len(asked))
            if looks_cut(text):
                self._cases[f"an answer that looks cut off in `{side}`"].add(place, len(text))
        self._count_models(sides)

    def findings(self) -> list[str]:
        """Nothing for a set that has no sides."""
        if not self.rows:
            return []
        found = [f"{kind}: {cases}" for kind, cases in sorted(self._cases.items())]
        head = f"{counted(self.rows, 'row')} with `chosen` and `rejected`"
        return [head, *found, *self._length_bias(), *self._model_bias()]

    def _compare(self, place: _Place, chosen: str, rejected: str) -> None:
        longest = max(len(chosen), len(rejected), 1)
        ratio = math.log(max(1, len(chosen)) / max(1, len(rejected)))
        self._longer += len(chosen) > len(rejected)
        self._same_length += len(chosen) == len(rejected)
        self._ratio += ratio
        if chosen == rejected:
            self._cases["identical sides"].add(place, longest)
        elif text_as_read(chosen) == text_as_read(rejected):
            self._cases["sides that differ in white space only"].add(place, longest)
        elif (share := words_in_common(chosen, rejected)) >= _NEARLY_EQUAL:
            self._cases["nearly identical sides"].add(place, share)

    def _look_up(self, place: _Place, asked: str, texts: Mapping[Given, str]) -> None:
        chosen, rejected = texts["chosen"], texts["rejected"]
        pair = _key(asked, chosen, rejected)
        if pair in self._pairs:
            self._cases["the same row again"].add(place)
        elif pair in self._swapped:
            self._cases["the reverse of an earlier row"].add(place)
        elif _key(asked) in self._prompts:
            self._cases["a prompt that an earlier row has, with other answers"].add(place)
        self._pairs.add(pair)
        self._swapped.add(_key(asked, rejected, chosen))
        self._prompts.add(_key(asked))

    def _count_models(self, sides: Mapping[Given, ReadyCompletion]) -> None:
        chosen, rejected = sides["chosen"].model, sides["rejected"].model
        if chosen and rejected and chosen != rejected:
            self._wins[chosen] += 1
            self._seen.update((chosen, rejected))

    def _length_bias(self) -> list[str]:
        differ = self.rows - self._same_length
        if not differ:
            return []
        share = self._longer / differ
        times = math.exp(self._ratio / self.rows)
        what = f"chosen is the longer side in {share:.0%} of {counted(differ, 'row')}"
        lean = " (no more than chance would give)"
        if abs(share - 0.5) * 2 * math.sqrt(differ) > _CERTAIN:
            lean = ": these labels lean to length" if share > 0.5 else ": they lean to brevity"
        return [f"{what} of different length, {times:.2f} times as long on average{lean}"]

    def _model_bias(self) -> list[str]:
        """Models that the old labels prefer, or never do."""
        found = []
        for model, rows in self._seen.most_common(_MOST_MODELS):
            share = self._wins[model] / rows
            if rows >= _ENOUGH and max(share, 1 - share) >= _LEAN:
                what = f"`{model}` is chosen in {share:.0%} of its {counted(rows, 'row')}"
                found.append(f"{what} against other models")
        return found


def words_in_common(one: str, other: str) -> float:
    """Of all words of two texts, counted with their repeats: 0 to 1."""
    first, second = Counter(one.split()), Counter(other.split())
    every = (first | second).total()
    return (first & second).total() / every if every else 1.0


def looks_cut(text: str) -> bool:
    """Whether a text stops in the middle: a code block is open, or a long last line has no end."""
    if len(_FENCE.findall(text)) % 2:
        return True
    if len(text) < _LONG_ENOUGH_TO_BE_CUT or _ENDS.search(text):
        return False
    last = text.rstrip().rpartition("\n")[2]
    return len(last) >= _LAST_LINE and last[-1].isalnum() | (last[-1] in ",-")


def _said(one: ReadyCompletion) -> str:
    calls = (f"{call.name} {call.arguments}" for call in one.tool_calls)
    return "\n".join(filter(None, (one.text, *calls)))


def _asked(messages: Iterable[Message]) -> str:
    return "\n".join(f"{turn.role}: {turn.text}" for turn in messages)


def _key(*parts: str) -> int:
    return prompt_key("\x00".join(text_as_read(part) for part in parts))
