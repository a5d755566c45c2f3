"""A way of judging, rehearsed on prompts that are drawn from what is known of the judges. Pure.

Nothing is asked: qualities, errors and answers are drawn from the model that ranks judgments
(posterior.py, outcomes.py), pairs are made of them as a run makes them, and how many are wrong is
counted. What is not known of the judges (``Reliability.doubt``) is drawn too, a new value for each
group of prompts, and shows in how far the groups differ.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist, fmean, pstdev

import numpy as np

from judgeforge.ranking.cascade.another import is_about_another
from judgeforge.ranking.cascade.candidates import JudgeOption
from judgeforge.ranking.cascade.choose import Spent, next_bundle
from judgeforge.ranking.cascade.training_value import ForTraining
from judgeforge.ranking.distributions import FREEDOM, Array
from judgeforge.ranking.evidence import Cell, Evidence
from judgeforge.ranking.outcomes import SLIGHT
from judgeforge.ranking.rank import rank_evidence
from judgeforge.ranking.ranking import GapPrior
from judgeforge.ranking.reliability.judges import JudgeReliability, Reliability
from judgeforge.ranking.rules import CascadeRules, first_tier

GROUPS, PROMPTS_A_GROUP = 12, 40
_SAMPLED = ""
"""Where completions sampled in doubt are counted, beside the questions of judges."""


@dataclass(frozen=True, slots=True)
class Way:
    """``cascade``: None where every judge is asked everything as often as it repeats."""

    options: tuple[JudgeOption, ...]
    completions: int
    cascade: CascadeRules | None = None
    training: ForTraining | None = None
    more: int = 0
    """Further completions that may be sampled in doubt, which ``training`` prices."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """Shares of the pairs, 0 to 1."""

    wrong_by_group: tuple[float, ...]
    """Of each group of prompts, whose judges are as good as one of those possible."""
    tied: float
    gap: float
    """Mean difference of the qualities of a pair, in standard deviations of qualities."""
    calls: dict[str, float]
    """Judge -> questions a prompt."""
    more: float = 0.0
    """Completions a prompt that were sampled in doubt."""

    @property
    def wrong(self) -> float:
        return fmean(self.wrong_by_group)

    @property
    def wrong_sd(self) -> float:
        """For what is not known of the judges, and for the number of prompts rehearsed."""
        return _sd_beside_chance(self.wrong_by_group, self.wrong)

    def sd_against(self, other: Rehearsed) -> float:
        """The same of the difference, the judges being as good or bad in both."""
        pairs = zip(self.wrong_by_group, other.wrong_by_group, strict=True)
        apart = [one - another for one, another in pairs]
        return _sd_beside_chance(apart, self.wrong + other.wrong)


def _sd_beside_chance(by_group: Sequence[float], wrong: float) -> float:
    """Of the mean by chance, and of the groups beyond that."""
    wrong = min(max(wrong, 1.0 / (GROUPS * PROMPTS_A_GROUP)), 1.0)  # none seen is not none
    by_chance = wrong * (1.0 - wrong) / PROMPTS_A_GROUP
    beyond = max(pstdev(by_group) ** 2 - by_chance, 0.0)
    return math.sqrt(beyond + by_chance / GROUPS)


def rehearse(way: Way, known: Reliability, *, seed: int = 0) -> Rehearsed:
    """``known``: of judges that give scores; it is what the ranking believes and, but for its
    doubt, what is true."""
    wrong, tied, gaps = list[float](), list[float](), list[float]()
    calls = Counter[str]()
    for group in range(GROUPS):
        draw = np.random.default_rng((seed, group))
        true = _one_of_those_possible(known, draw, group)
        signs = list[float]()
        for _ in range(PROMPTS_A_GROUP):
            gap = _gap_of_pair(way, known, true, draw, calls)
            signs.append(float(np.sign(gap)))
            gaps.append(gap / known.quality_sd)
        wrong.append(fmean(sign < 0 for sign in signs))
        tied.append(fmean(sign == 0 for sign in signs))
    number = GROUPS * PROMPTS_A_GROUP
    return Rehearsed(
        wrong_by_group=tuple(wrong),
        tied=fmean(tied),
        gap=fmean(gaps),
        calls={name: total / number for name, total in calls.items() if name != _SAMPLED},
        more=calls[_SAMPLED] / number,
    )


def _one_of_those_possible(
    known: Reliability, draw: np.random.Generator, group: int
) -> Reliability:
    """Judges whose signal is by a factor larger or smaller, evenly over the doubt."""
    place = (group + 0.5) / GROUPS
    factor = math.exp(known.doubt * NormalDist().inv_cdf(place))
    useless = draw.random() < known.useless
    judges = tuple(_off(judge, known.quality_sd, factor, useless) for judge in known.judges)
    others = _off(known.others, known.quality_sd, factor, useless)
    return known.model_copy(update={"judges": judges, "others": others})


def _off(
    judge: JudgeReliability, quality_sd: float, factor: float, useless: bool
) -> JudgeReliability:
    """The same spread of opinions, of which more or less is error."""
    if useless:
        return judge.model_copy(update={"scale": 1e-6, "own_sd": judge.scale * quality_sd})
    signal = judge.scale * quality_sd
    lasting = signal**2 + judge.own_sd**2
    ratio = factor * signal / judge.own_sd
    own = math.sqrt(lasting / (1.0 + ratio**2))
    scale = math.sqrt(max(lasting - own**2, 1e-12)) / quality_sd
    return judge.model_copy(update={"scale": scale, "own_sd": own})


def _gap_of_pair(
    way: Way,
    known: Reliability,
    true: Reliability,
    draw: np.random.Generator,
    calls: Counter[str],
) -> float:
    """Quality of chosen less that of rejected."""
    prompt = _DrawnPrompt(way, known, true, draw)
    size = way.completions
    if way.cascade is None:
        prompt.ask_everything()
    else:
        size = _ask_in_doubt(prompt, way.cascade)
    calls.update(prompt.calls)
    calls[_SAMPLED] += size - way.completions
    scores = rank_evidence(prompt.evidence(size), known).scores
    return float(prompt.quality[int(np.argmax(scores))] - prompt.quality[int(np.argmin(scores))])


class _DrawnPrompt:
    """Completions, of which those in doubt are the last ones, and what the judges would say."""

    def __init__(
        self, way: Way, known: Reliability, true: Reliability, draw: np.random.Generator
    ) -> None:
        self.way, self.known, self._true, self._draw = way, known, true, draw
        number = way.completions + way.more
        self.quality = _qualities(known, number, draw)
        shared = math.sqrt(known.shared_by_all / (1.0 - known.shared_by_all)) * known.quality_sd
        seen = self.quality + shared * draw.normal(size=number)
        self._opinions = {
            option.name: _opinions(true.of(option.name), seen, draw) for option in way.options
        }
        self._answers: dict[tuple[str, int], list[float]] = {}
        self.calls = Counter[str]()

    def ask(self, judge: str, place: int) -> None:
        noise = self._true.of(judge).repeat_sd * _error(self._draw, 1)[0]
        said = self.known.mean + self._opinions[judge][place] + noise
        self._answers.setdefault((judge, place), []).append(float(np.clip(said, 0.0, 1.0)))
        self.calls[judge] += 1

    def ask_everything(self) -> None:
        for option in self.way.options:
            for place in range(self.way.completions):
                for _ in range(option.repeats):
                    self.ask(option.name, place)

    def ask_first_tier(self) -> None:
        lowest = first_tier(self.way.options)
        for option in self.way.options:
            if option.tier == lowest:
                for place in range(self.way.completions):
                    self.ask(option.name, place)

    def evidence(self, size: int) -> Evidence:
        return _evidence(self._answers, size)


def _ask_in_doubt(prompt: _DrawnPrompt, rules: CascadeRules) -> int:
    """How many completions the prompt has in the end."""
    way, size = prompt.way, prompt.way.completions
    prompt.ask_first_tier()
    while True:
        training = way.training
        if training is not None and size == way.completions + way.more:
            training = replace(training, another=None)
        spent = Spent(prompt.calls.total())
        bundle = next_bundle(
            prompt.evidence(size), way.options, prompt.known, rules, spent, training=training
        )
        if not bundle:
            return size
        for one in bundle:
            for place in one.places:
                prompt.ask(one.judge, place)
        size += is_about_another(bundle, size)


def _qualities(known: Reliability, number: int, draw: np.random.Generator) -> Array:
    """Around 0; some prompts have equal ones only, and some of the others equal pairs."""
    differ = (1.0 - known.close_prompts) * (1.0 - known.close_pairs)
    wide = known.quality_sd / math.sqrt(differ)
    equal = GapPrior(sds=()).equal
    if draw.random() < known.close_prompts:
        narrow = 0.0 if draw.random() < equal else SLIGHT * wide
        return np.asarray(narrow * draw.normal(size=number))
    quality = np.asarray(wide * draw.normal(size=number))
    for place in range(1, number):
        # As many pairs come out close as are asked for, the closeness of more being left aside.
        if draw.random() < known.close_pairs * place / 2.0:
            other = float(quality[draw.integers(place)])
            near = 0.0 if draw.random() < equal else SLIGHT * wide
            quality[place] = other + near * draw.normal()
    return quality


def _opinions(judge: JudgeReliability, seen: Array, draw: np.random.Generator) -> Array:
    about_prompt = judge.prompt_sd * draw.normal()
    own = judge.own_sd * _error(draw, len(seen))
    return np.asarray(judge.offset + judge.scale * seen + about_prompt + own)


def _error(draw: np.random.Generator, number: int) -> Array:
    """Of variance 1, with the tails of the errors of judges."""
    return np.asarray(draw.standard_t(FREEDOM, number) * math.sqrt((FREEDOM - 2.0) / FREEDOM))


def _evidence(answers: dict[tuple[str, int], list[float]], completions: int) -> Evidence:
    cells: Sequence[Cell] = [
        Cell(judge, place, tuple(scores)) for (judge, place), scores in sorted(answers.items())
    ]
    return Evidence(
        prompt_id="rehearsed",
        completion_ids=tuple(f"c{place}" for place in range(completions)),
        cells=tuple(cells),
        comparisons=(),
        checks={},
        judged_weight=1.0,
    )
