"""One person's labelling: what comes next, what an answer does, and how far it has come.

Knows no page and no network. An answer to what has one already changes nothing, so that a second
click, a second tab and an old page are harmless.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from judgeforge.calibration.labels import LabelKind
from judgeforge.calibration.weights import Labelled
from judgeforge.errors import ConfigError
from judgeforge.ranking.rules import PairingRules
from judgeforge.runs.labelling.choosing import Look, looks, spread
from judgeforge.runs.labelling.label_file import LabelledFile
from judgeforge.runs.labelling.label_line import Given, can_be_said, label_line
from judgeforge.runs.labelling.material import Material
from judgeforge.runs.labelling.opinion import Opinion, opinion
from judgeforge.runs.labelling.people import OwnAgreement, own_agreement
from judgeforge.runs.labelling.sources import Source
from judgeforge.runs.labelling.standing import Standing, labelled, standing
from judgeforge.runs.measurement.label_rows import SIDES

_LONGEST_S = 3600.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a session is to do."""

    number: int
    show: int = 2
    again: float = 0.1
    seed: int = 0
    judge: str = "human:me"
    rules: PairingRules = field(default_factory=lambda: PairingRules(max_error=0.05))


class Session:
    """Raises ConfigError for a file of another person or another kind of labels."""

    def __init__(
        self,
        source: Source,
        file: LabelledFile,
        wanted: Wanted,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source, self.file, self.wanted = source, file, wanted
        _check_file(file, wanted)
        order = spread(source.candidates, wanted.seed)
        self.looks = looks(order, wanted.number, again=wanted.again, seed=wanted.seed)
        labelled_ids = {given.prompt_id for given in file.given}
        before = [one for one in order if one.prompt_id in labelled_ids]
        known = {look.id: look for look in looks(before, len(before), again=1.0, seed=wanted.seed)}
        self._known = {given.look_id: known.get(given.look_id) for given in file.given}
        wanted_looks = [*self.looks, *(one for one in self._known.values() if one)]
        source.expect(wanted_looks)
        self._clock, self._shown_at = clock, dict[str, float]()
        self._labelled: dict[str, Labelled | None] = {}
        self._stock: tuple[tuple[str, str], ...] | None = None
        self.standing: Standing | None = None
        """What some of the labels have shown: see ``take_stock``."""

    @property
    def answered(self) -> set[str]:
        """Ids of the looks that have an answer."""
        return {given.look_id for given in self.file.given}

    @property
    def done(self) -> int:
        """Of ``looks``."""
        answered = self.answered
        return sum(look.id in answered for look in self.looks)

    def current(self) -> Look | None:
        """What is asked now; None where all is answered."""
        answered = self.answered
        found = next((look for look in self.looks if look.id not in answered), None)
        if found is not None:
            self._shown_at.setdefault(found.id, self._clock())
        return found

    def material(self, look: Look) -> Material:
        """Without what this person has said in the run itself: that would predict the labels."""
        found = self.source.material(look)
        others = tuple(one for one in found.judgments if one.judge != self.wanted.judge)
        return replace(found, judgments=others)

    def answer(self, look_id: str, said: str) -> bool:
        """Whether it was taken: False where it has an answer already. It is on the disk then.

        Raises ValueError for what is not asked or cannot be said, StoreError where the disk fails.
        """
        look = next((one for one in self.looks if one.id == look_id), None)
        if look is None or not can_be_said(said, len(look.shown)):
            raise ValueError("there is no such question, or no such answer to it")
        if look_id in self.answered:
            return False
        now = self._clock()
        seconds = min(_LONGEST_S, max(0.0, now - self._shown_at.pop(look_id, now)))
        given = Given(
            look_id, look.candidate.prompt_id, look.shown, said, self.wanted.judge, look.repeat
        )
        line = label_line(
            look,
            self.material(look),
            said,
            judge=self.wanted.judge,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=seconds,
        )
        self.file.append(given, line)
        self._known[look_id] = look
        return True

    def take_back(self, look_id: str) -> bool:
        """Whether the last answer was taken back: only if it is still that of this look.

        Raises StoreError where the disk fails.
        """
        last = self.file.last
        if last is None or last.look_id != look_id:
            return False
        self.file.take_back()
        return True

    def last_opinion(self) -> tuple[Given, Opinion | None] | None:
        """The last answer, and what the judges say of it; they stay unknown where the same is still
        to be looked at again."""
        last = self.file.last
        if last is None:
            return None
        look = self._known.get(last.look_id)
        if look is None or self._comes_again(look):
            return last, None
        return last, opinion(look, self.material(look), self.source.reliability)

    def take_stock(self) -> None:
        """Bring ``standing`` up to date, which takes some tenths of a second where labels changed.

        May run beside everything else. Raises StoreError where a file of the run fails.
        """
        labels = [given for given in tuple(self.file.given) if given.is_label]
        key = tuple((one.look_id, one.said) for one in labels)
        if key == self._stock:
            return
        judged = [found for one in labels if (found := self._judged(one)) is not None]
        kind: LabelKind = "pair" if self.wanted.show == len(SIDES) else "best"
        self.standing = standing(len(labels), judged, self.wanted.rules, kind)
        self._stock = key

    def own_agreement(self) -> OwnAgreement | None:
        return own_agreement(self.file.given)

    def _judged(self, given: Given) -> Labelled | None:
        key = f"{given.look_id} {given.said}"
        if key not in self._labelled:
            look = self._known.get(given.look_id)
            material = None if look is None else self.material(look)
            self._labelled[key] = (
                None
                if material is None
                else labelled(given, material.judgments, material.all_texts)
            )
        return self._labelled[key]

    def _comes_again(self, look: Look) -> bool:
        answered = self.answered
        same = look.candidate.prompt_id
        return any(one.candidate.prompt_id == same and one.id not in answered for one in self.looks)


def _check_file(file: LabelledFile, wanted: Wanted) -> None:
    given: Sequence[Given] = file.given
    other = next((one.judge for one in given if one.judge != wanted.judge), None)
    if other is not None:
        raise ConfigError(
            f"{file.path}: has labels by {other}, and each person has a file. Go on as that one "
            f"with --name {other.partition(':')[2]}, or choose another --to."
        )
    of_two = {len(one.shown) == 2 for one in given}
    if of_two and of_two != {wanted.show == 2}:
        raise ConfigError(
            f"{file.path}: has labels of {'two answers' if True in of_two else 'several answers'}, "
            "and each kind needs a file of its own (--show); choose another --to"
        )
