"""Whether a prompt asks what a row of an evaluation set asks: runs of words that both have.

A prompt is contaminated by a row where it has at least ``share`` of the runs of that row (Lambert
et al. 2024, *Tülu 3*, section 3.2, count tokens in place of runs). What else the prompt says does
not count, so a question with instructions around it is found; a row of fewer words than a run has
must be all that the prompt says.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from judgeforge.inputs.cleaning.evaluation_sets import EvaluationRow
from judgeforge.inputs.cleaning.near_duplicates import INSTRUCTIONS
from judgeforge.inputs.cleaning.pieces import Hashes, whole, word_pieces, words_of
from judgeforge.records import Prompt


@dataclass(frozen=True, slots=True)
class Contamination:
    """The row of an evaluation set that a prompt has the most of."""

    place: str
    share: float
    """Of the row's runs of words."""


class EvaluationIndex:
    """All runs of words of evaluation sets: 12 bytes each, and some 150 for a row."""

    def __init__(self, rows: Iterable[EvaluationRow], *, ngram: int, share: float) -> None:
        self._ngram, self._share = ngram, share
        self._names = list[str]()
        self._places = list[tuple[int, str]]()
        self.rows = 0
        """Turns of one row are one."""
        self._whole: dict[int, int] = {}
        hashes, owners, sizes = array("Q"), array("I"), array("I")
        for number, row in enumerate(rows):
            self.rows += row.is_first
            self._remember(row.place)
            words = words_of(row.text)
            if row.is_first and 0 < len(words) < ngram:
                self._whole.setdefault(whole(words), number)
            pieces = word_pieces(words, ngram)
            hashes.frombytes(pieces.tobytes())
            owners.frombytes(np.full(len(pieces), number, dtype=np.uint32).tobytes())
            sizes.append(len(pieces))
        found = np.array(hashes, dtype=np.uint64)
        order = np.argsort(found, kind="stable")
        self._hashes = found[order]
        self._owners = np.array(owners, dtype=np.uint32)[order]
        self._sizes = np.array(sizes, dtype=np.uint32)

    def find(self, prompt: Prompt) -> Contamination | None:
        """The row that the prompt has the largest share of, where that is large enough."""
        turns = [words_of(one.text) for one in prompt.messages if one.role not in INSTRUCTIONS]
        if len(turns) == 1 and (number := self._whole.get(whole(turns[0]))) is not None:
            return Contamination(self._place(number), 1.0)
        pieces = np.concatenate([self._hashes[:0], *(word_pieces(t, self._ngram) for t in turns)])
        owners = self._owners_of(np.unique(pieces))
        if not len(owners):
            return None
        rows, counts = np.unique(owners, return_counts=True)
        shares = counts / self._sizes[rows]
        best = int(np.argmax(shares))
        if shares[best] < self._share:
            return None
        return Contamination(self._place(int(rows[best])), float(shares[best]))

    def _owners_of(self, pieces: Hashes) -> npt.NDArray[np.uint32]:
        """A row for each run that it shares."""
        first = np.searchsorted(self._hashes, pieces, side="left")
        last = np.searchsorted(self._hashes, pieces, side="right")
        hits = np.flatnonzero(last > first)
        return np.concatenate([*self._spans(first[hits], last[hits]), self._owners[:0]])

    def _spans(
        self, first: npt.NDArray[np.intp], last: npt.NDArray[np.intp]
    ) -> Iterator[npt.NDArray[np.uint32]]:
        for begin, end in zip(first.tolist(), last.tolist(), strict=True):
            yield self._owners[begin:end]

    def _remember(self, place: str) -> None:
        """The names of files are kept once."""
        name, _, line = place.rpartition(":")
        if not self._names or self._names[-1] != name:
            self._names.append(name)
        self._places.append((len(self._names) - 1, line))

    def _place(self, number: int) -> str:
        name, line = self._places[number]
        return f"{self._names[name]}:{line}"
