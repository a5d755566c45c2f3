"""Texts -> sets of hashed pieces: runs of characters, and runs of words. Pure.

A run of numbers is hashed as a polynomial in 64 bits, for all runs of a text at once, and then
mixed with the finalizer of SplitMix64 (Steele, Lea, Flood 2014), which spreads each bit over all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from judgeforge.text.visible import normalized

Hashes = npt.NDArray[np.uint64]
"""Sorted, each once."""
Sketch = npt.NDArray[np.uint32]
"""As ``Hashes``, of a part of them."""

_Number = TypeVar("_Number", np.uint64, np.uint32)

CHARACTERS = 5
"""In a piece of a prompt that is compared with other prompts, in any script."""
_NOTHING = "\x00"
"""Stands for a text without characters, which has a piece as well."""
_FIRST_FIVE_BYTES = np.uint64((1 << 8 * CHARACTERS) - 1)
_BASE = np.uint64(0x9E3779B97F4A7C15)
_WORD = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]|[\p{L}\p{M}\p{N}]+"
"""In scripts that put no blanks between words each character counts as one."""
_WORDS_REMEMBERED = 1 << 17


def character_pieces(text: str, context: str = "") -> Hashes:
    """All runs of five characters, without case and with one blank for each run of white space.

    ``context``: what must be the same for two pieces to be the same. A shorter text is one piece.
    """
    return _distinct(np.sort(_mixed(_character_runs(text) ^ np.uint64(_hash(context)))))


def compared_pieces(texts: Sequence[str]) -> list[Hashes]:
    """The same pieces of texts that are compared with each other and as wholes. They are not mixed,
    which makes no two equal or different, and would take as long as the rest; so a part of them
    shows no share."""
    plain = [folded(text) or _NOTHING for text in texts]
    runs = _ascii_runs if all(one.isascii() for one in plain) else _runs_of
    found = []
    for one in plain:
        pieces = runs(one)
        pieces.sort()
        found.append(_distinct(pieces))
    return found


def _ascii_runs(plain: str) -> Hashes:
    """Five characters of ASCII are five bytes, and so a number by themselves, without a hash."""
    raw = plain.encode()
    if len(raw) < CHARACTERS:  # the length beside it: "a" is not "a\0"
        whole = len(raw) << 8 * CHARACTERS | int.from_bytes(raw, "little")
        return np.array([whole], dtype=np.uint64)
    # A number of eight bytes begins at each character; those after its first five are taken off.
    numbers = np.ndarray(len(raw) - CHARACTERS + 1, "<u8", raw + b"\0\0\0", strides=(1,))
    return numbers & _FIRST_FIVE_BYTES


def _character_runs(text: str) -> Hashes:
    return _runs_of(folded(text) or _NOTHING)


def _runs_of(plain: str) -> Hashes:
    codes = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    runs = _runs(codes.astype(np.uint64), min(CHARACTERS, len(plain)))
    if len(plain) < CHARACTERS:  # leading zeros add nothing to a polynomial
        runs ^= np.uint64((len(plain) - len(plain.lstrip("\0"))) << 56)
    return runs


def word_pieces(words: Sequence[str], number: int) -> Hashes:
    """All runs of this many words; none of fewer."""
    hashes = np.fromiter(map(_word, words), dtype=np.uint64, count=len(words))
    return _distinct(np.sort(_mixed(_runs(hashes, number))))


def whole(words: Sequence[str]) -> int:
    """Of too few words for a run: a hash of all of them."""
    return _hash("\x00".join(words))


def words_of(text: str) -> list[str]:
    """The words of a text in their order, without case and marks of punctuation."""
    import regex

    found: list[str] = regex.findall(_WORD, folded(text))  # which keeps what it has compiled
    return found


def folded(text: str) -> str:
    """One form of the same letters (NFKC), no upper case, one blank for a run of white space."""
    return " ".join(normalized("NFKC", text).casefold().split())


def sketch(pieces: Hashes, most: int) -> Sketch:
    """The ``most`` smallest pieces, in half their bytes."""
    return _distinct((pieces[:most] >> np.uint64(32)).astype(np.uint32))


def shared(one: Hashes | Sketch, other: Hashes | Sketch) -> float:
    """Jaccard's similarity: of the pieces that either has, the share that both have; 0 to 1."""
    together = np.concatenate((one, other))
    together.sort()
    both = int(np.count_nonzero(together[1:] == together[:-1]))
    either = len(together) - both
    return both / either if either else 1.0


def shared_of_sketches(one: Sketch, other: Sketch, most: int) -> float:
    """``shared``, from the ``most`` smallest pieces of each.

    Exact where neither has more; else an estimate without a bias (bottom-k sketches, Broder 1997),
    whose standard error is at most ``0.5 / sqrt(most)``.
    """
    if len(one) < most and len(other) < most:
        return shared(one, other)
    union = np.union1d(one, other)[:most]
    both = np.intersect1d(one, other, assume_unique=True)
    return len(np.intersect1d(union, both, assume_unique=True)) / len(union)


def _runs(values: Hashes, length: int) -> Hashes:
    """Runs of twice the length are made of two, as powers are of squares: fewer passes."""
    if len(values) < length:
        return np.empty(0, dtype=np.uint64)
    found, have = values, 1
    for bit in f"{length:b}"[1:]:
        found, have = found[:-have] * _power_of_base(have) + found[have:], 2 * have
        if bit == "1":
            found, have = found[:-1] * _BASE + values[have:], have + 1
    return found if have > 1 else values.copy()


@cache
def _power_of_base(exponent: int) -> np.uint64:
    return np.uint64(pow(int(_BASE), exponent, 1 << 64))


def _distinct(ordered: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    """A tenth of the time that numpy's ``unique`` takes for what is sorted already."""
    is_new = np.empty(len(ordered), dtype=np.bool_)
    is_new[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    return ordered[is_new]


def _mixed(values: Hashes) -> Hashes:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@lru_cache(maxsize=_WORDS_REMEMBERED)
def _word(word: str) -> int:
    return _hash(word)


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
