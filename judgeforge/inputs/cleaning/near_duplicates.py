"""Prompts that are nearly the same as an earlier one: MinHash finds them, their pieces decide.

Two prompts are as near as the share of their pieces that both have (Jaccard's similarity of runs of
five characters). Sketches (Broder 1997) are cut into bands, and rows with an equal band are
candidates (Leskovec, Rajaraman, Ullman, *Mining of Massive Datasets*, ch. 3). In memory are only
the bands; the pieces that verify a candidate wait in a temporary file.
"""

from __future__ import annotations

import json
import math
import struct
import weakref
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile, gettempdir

import numpy as np

from judgeforge.errors import ConfigError, StoreError
from judgeforge.inputs.cleaning.band_table import BandTable
from judgeforge.inputs.cleaning.pieces import (
    Hashes,
    Sketch,
    character_pieces,
    shared_of_sketches,
    sketch,
)
from judgeforge.inputs.rows import place_of
from judgeforge.records import Prompt

MOST_PIECES = 1024
"""Of a prompt, that are kept to verify it: texts of up to some 1,000 characters are compared
exactly, longer ones with a standard error of 0.016 at most."""
_RECALL = 0.95
"""Of two prompts that are just near enough; nearer ones are found more surely."""
_MOST_IN_A_BAND = 12
_PIECES_AT_ONCE = 8192
"""Each takes some 400 bytes while it is sketched."""
INSTRUCTIONS = frozenset({"system", "developer"})
_HEAD = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class Near:
    """The earlier prompt that a prompt is nearest to."""

    prompt_id: str
    place: str
    """In words: its line, and its file where there are several."""
    similarity: float


def bands(least: float) -> tuple[int, int]:
    """How many bands of how many values find prompts that are ``least`` alike.

    The longest bands of which not more than 128 values are needed: they let the fewest others in.
    """
    for values in range(_MOST_IN_A_BAND, 0, -1):
        missed = 1 - least**values
        number = 1 if missed <= 0 else math.ceil(math.log(1 - _RECALL) / math.log(missed))
        if number * values <= 128:
            return max(number, 2), values
    raise ValueError(f"nothing finds what is {least} alike")


class NearDuplicates:
    """Prompts that were added, each of which is far from all the others.

    Takes 200 to 300 bytes of memory and at most 4 kB of a temporary file for each.
    """

    def __init__(self, least: float) -> None:
        """``least``: 0.5 to 1. Raises ConfigError where the library is not installed."""
        try:
            from datasketch import MinHash
        except ImportError as error:
            raise ConfigError(
                'needs a package that is not installed: run `pip install "judgeforge[clean]"`',
                key="prompts.near_duplicates",
            ) from error
        self._least = least
        self._number, self._values = bands(least)
        self._empty = MinHash(num_perm=self._number * self._values, seed=1, hashfunc=int)
        self._table, self._places = BandTable(), array("Q")
        self._file = TemporaryFile()  # noqa: SIM115 (closed when the object goes)
        weakref.finalize(self, self._file.close)
        self._end = 0

    def __len__(self) -> int:
        return len(self._places)

    def find_or_add(self, prompt: Prompt) -> Near | None:
        """What the prompt is near to; where that is nothing, it is added."""
        pieces = character_pieces(asked(prompt), context(prompt))
        kept = sketch(pieces, MOST_PIECES)
        tags = self._tags(pieces)
        candidates = dict.fromkeys(row for tag in tags for row in self._table.rows(tag))
        nearest: tuple[float, int] | None = None
        for row in candidates:
            similarity = shared_of_sketches(kept, self._pieces(row)[2], MOST_PIECES)
            if similarity >= self._least and (nearest is None or similarity > nearest[0]):
                nearest = similarity, row
        if nearest is not None:
            prompt_id, place, _ = self._pieces(nearest[1])
            return Near(prompt_id, place, nearest[0])
        self._add(prompt, kept, tags)
        return None

    def _tags(self, pieces: Hashes) -> Sequence[int]:
        """One for each band, from its values and its number."""
        minima = self._empty.copy()
        for first in range(0, len(pieces), _PIECES_AT_ONCE):
            part = pieces[first : first + _PIECES_AT_ONCE] & np.uint64(0xFFFFFFFF)
            minima.update_batch(part.tolist())
        values = minima.hashvalues.reshape(self._number, self._values).astype(np.uint64)
        mixed = np.arange(1, self._number + 1, dtype=np.uint64)
        for column in values.T:
            mixed = (mixed ^ column) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(32)
        tags: list[int] = (mixed & np.uint64(0xFFFFFFFF)).tolist()
        return tags

    def _add(self, prompt: Prompt, kept: Sketch, tags: Sequence[int]) -> None:
        row, name = len(self._places), json.dumps([prompt.id, place_of(prompt)]).encode()
        head = _HEAD.pack(len(name), len(kept))
        try:
            self._file.seek(self._end)
            self._end += self._file.write(head + name + kept.tobytes())
        except OSError as error:
            raise StoreError(f"no room for temporary files in {gettempdir()}: {error}") from error
        self._places.append(self._end - len(head) - len(name) - kept.nbytes)
        for tag in tags:
            self._table.add(tag, row)

    def _pieces(self, row: int) -> tuple[str, str, Sketch]:
        """Id, place and pieces of a row."""
        self._file.seek(self._places[row])
        named, number = _HEAD.unpack(self._file.read(_HEAD.size))
        prompt_id, place = json.loads(self._file.read(named))
        return prompt_id, place, np.frombuffer(self._file.read(4 * number), dtype=np.uint32)


def asked(prompt: Prompt) -> str:
    """All turns but those of the system, which many prompts have alike."""
    return "\n".join(turn.text for turn in prompt.messages if turn.role not in INSTRUCTIONS)


def context(prompt: Prompt) -> str:
    """What must be equal up to white space for two prompts to be near: instructions of the system,
    tools, pictures, and the answers that are to be judged."""
    said = [
        *(turn.text for turn in prompt.messages if turn.role in INSTRUCTIONS),
        prompt.tools or "",
        *(picture.identity for turn in prompt.messages for picture in turn.pictures),
        *(one.text for one in prompt.completions),
    ]
    return json.dumps([" ".join(each.split()) for each in said])
