"""Whether an answer comes to the same as a reference, by mathematics: math-verify compares.

What counts of an answer is its last `\\boxed{…}`, or all of them where the reference is a set; else
what follows `####`, else what the library finds in the text (`the answer is …`, formulas, the last
number). Signs that keyboards lack (`π`, `√`, `½`, `≤`) are read as LaTeX, and units as in
``quantities``. Where either of the two is no mathematics, nothing is decided.
"""

from __future__ import annotations

import logging
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from judgeforge.judging.programs.quantities import Quantity, is_unit, read_quantity

_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_FINAL = re.compile(r"^####\s*(.+?)\s*$", re.MULTILINE)
_STATED = re.compile(
    r"(?:\b(?:is|equals)\b|\b(?:answer|result|value|total|sum|solution)\s*[=:])"
    r"\s*:?\s*(?:\*\*)?"
    r"(?P<said>[^\n]{1,80}?)(?:\*\*)?\s*(?:[.;!](?=\s|$)|\n|$)",
    re.IGNORECASE,
)
_FORMULA = re.compile(r"(?<![\\$])\$([^$\n]+)(?<!\\)\$(?!\$)|\\\((.+?)\\\)")
_ONE_LINE = 200
_WORD = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{3,}")
_FUNCTIONS = frozenset({"sin", "cos", "tan", "log", "exp", "sqrt", "inf", "min", "max", "pi"})
_LATEX = {
    "\u2212": "-", "\u2013": "-", "\u00d7": r" \times ", "·": r" \cdot ", "÷": r" \div ",
    "π": r" \pi ", "∞": r" \infty ", "≤": r" \le ", "≥": r" \ge ", "≠": r" \ne ",
    "\u222a": r" \cup ", "∩": r" \cap ", "\u2208": r" \in ", "±": r" \pm ",
    "½": r" \frac{1}{2} ", "¼": r" \frac{1}{4} ", "¾": r" \frac{3}{4} ", "⅓": r" \frac{1}{3} ",
    "⅔": r" \frac{2}{3} ", "∅": r" \emptyset ", "²": "^2 ", "³": "^3 ", "⁰": "^0 ", "¹": "^1 ",
    "⁴": "^4 ", "⁵": "^5 ", "θ": r" \theta ", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
}  # fmt: skip
_ROOT = re.compile(r"√\s*(?:\(([^()]*)\)|\{([^{}]*)\}|([A-Za-z0-9.]+))")
_MEMBER = re.compile(r"^\s*[A-Za-z]\s*(?:\\in\b|\bin\b)\s*")
_DIGITS = 1e-9


def compare(given: Mapping[str, Any]) -> dict[str, Any]:
    """``given``: `answer`, `reference`, `decimals`. Score 1, 0 or None, and what was compared."""
    logging.disable(logging.CRITICAL)  # the library warns of time limits, which are kept elsewhere
    reference = _result_of(as_latex(given["reference"]).strip())
    answer, wanted = as_latex(given["answer"]), _parsed_alone(reference)
    if not wanted:
        return _undecided(f"the reference {_short(reference)} is no mathematics")
    boxes = boxed(answer)
    if len(boxes) > 1 and _same(wanted, _parsed(answer), given["decimals"]):
        return {"score": 1.0, "said": f"{_short(', '.join(boxes))} is {_short(reference)}"}
    for written, found in _finals(answer, boxes):
        if found:
            same = _same_quantity(read_quantity(reference), read_quantity(written))
            if same is None:
                same = any(
                    _same(one, other, given["decimals"])
                    for one in _with_share(reference, wanted)
                    for other in _with_share(written, found)
                )
            verb = "is" if same else "is not"
            return {"score": float(same), "said": f"{_short(written)} {verb} {_short(reference)}"}
    return _undecided("no mathematics was found in the answer")


def as_latex(text: str) -> str:
    """Signs of Unicode as LaTeX has them, digits and letters of any script and width as plain."""
    text = text.translate(dict(_plain_signs(text)))
    text = _ROOT.sub(lambda found: rf"\sqrt{{{found[1] or found[2] or found[3]}}}", text)
    return text.translate({ord(sign): written for sign, written in _LATEX.items()})


def _plain_signs(text: str) -> Iterator[tuple[int, str]]:
    for sign in set(text):
        digit = unicodedata.decimal(sign, None)
        if not sign.isascii() and digit is not None:
            yield ord(sign), str(digit)
        elif unicodedata.decomposition(sign).startswith(("<wide>", "<font>")):
            yield ord(sign), unicodedata.normalize("NFKC", sign)
        elif unicodedata.category(sign) == "Cf":
            yield ord(sign), ""


def boxed(text: str) -> list[str]:
    """What stands in each `\\boxed{…}`, in order; braces are counted."""
    found = []
    for begin in _BOXED.finditer(text):
        depth, at = 1, begin.end()
        while at < len(text) and depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0) if text[at - 1] != "\\" else 0
            at += 1
        if not depth:
            found.append(text[begin.end() : at - 1])
    return found


def _result_of(reference: str) -> str:
    """Of a worked solution, as sets of problems have them, what it comes to; else all of it."""
    results = boxed(reference) or _FINAL.findall(reference)
    return results[-1] if results else reference


def _finals(answer: str, boxes: Sequence[str]) -> Iterator[tuple[str, list[Any]]]:
    """What may be the result that the answer states, the surest place first."""
    if boxes:
        yield boxes[-1], _parsed_alone(boxes[-1])
        return
    for pattern in (_FINAL, _STATED):
        stated = [found[1] for found in pattern.finditer(answer)]
        if stated and not _is_prose(stated[-1]):
            yield stated[-1], _parsed_alone(stated[-1])
    formulas = [one or other for one, other in _FORMULA.findall(answer)]
    if len(formulas) == 1:
        yield formulas[0], _parsed_alone(formulas[0])
    line = answer.strip()
    if "\n" not in line and len(line) <= _ONE_LINE and not _is_prose(line):
        yield line, _parsed_alone(line)
    found = _parsed(answer)
    written = str(found[-1]) if found else ""
    yield _with_unit(answer, written), found


def _with_unit(answer: str, written: str) -> str:
    """The last place of a number in the answer with the word behind it, if that is a unit."""
    places = list(re.finditer(rf"(?<![\d.]){re.escape(written)}\s*[A-Za-z%°Ωµ/]+", answer))
    quantity = read_quantity(places[-1].group()) if written and places else None
    return places[-1].group() if quantity is not None and quantity.unit else written


def _is_prose(text: str) -> bool:
    """Words of three letters and more that are no functions of mathematics and no units."""
    words = _WORD.findall(re.sub(r"\\[A-Za-z]+(?:\{[^{}]*\})?", " ", text))
    return any(word not in _FUNCTIONS and not is_unit(word) for word in words)


def _parsed_alone(text: str) -> list[Any]:
    """Of a text that is one expression as a whole."""
    text = _MEMBER.sub("", text.strip().strip("$").rstrip(".").strip())
    quantity = read_quantity(text)
    if quantity is not None:
        text = quantity.digits
    if not text or _is_prose(text):
        return []
    return _parsed(f"${text}$") or _parsed(text)


def _parsed(text: str) -> list[Any]:
    from math_verify import parse

    found: list[Any] = parse(text, parsing_timeout=None)
    # What is only text to the library, and no expression, says nothing.
    return found if any(not isinstance(one, str) for one in found) else []


def _same(wanted: list[Any], found: list[Any], decimals: int) -> bool:
    from math_verify import verify

    settings = {"float_rounding": decimals, "timeout_seconds": None, "strict": True}
    return bool(verify(wanted, found, allow_set_relation_comp=True, **settings))


def _same_quantity(wanted: Quantity | None, found: Quantity | None) -> bool | None:
    """None where one of the two is none, or names no unit; 10 % is 0.1 and 10."""
    if wanted is None or found is None:
        return None
    if {wanted.unit, found.unit} == {"%", None}:
        share, plain = (wanted, found) if wanted.unit else (found, wanted)
        return any(math.isclose(share.number, plain.number * n, rel_tol=_DIGITS) for n in (1, 100))
    if wanted.unit is None or found.unit is None:
        return None
    close = math.isclose(wanted.number, found.number, rel_tol=_DIGITS)
    return wanted.unit == found.unit and close


def _with_share(written: str, parsed: list[Any]) -> Iterator[list[Any]]:
    """Of a percentage the number as well as the hundredth of it."""
    yield parsed
    quantity = read_quantity(written)
    if quantity is not None and quantity.unit == "%":
        yield _parsed(rf"$\frac{{{quantity.digits}}}{{100}}$")


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return f"`{one_line}`" if len(one_line) <= 80 else f"`{one_line[:80]}…`"


def _undecided(why: str) -> dict[str, Any]:
    return {"score": None, "said": why}
