"""Numbers with a unit, as answers write them: which unit, and how many of the basic one. Pure.

``5 cm`` is ``0.05 m`` and no ``5 s``; where one of two answers names no unit, the numbers decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_PREFIXES = {"k": 1e3, "d": 1e-1, "c": 1e-2, "m": 1e-3, "µ": 1e-6, "μ": 1e-6, "u": 1e-6, "n": 1e-9}
_BASIC = {
    "m": "m", "g": "g", "s": "s", "L": "l", "l": "l", "N": "N", "J": "J", "W": "W", "V": "V",
    "A": "A", "Hz": "Hz", "Pa": "Pa", "mol": "mol", "K": "K", "Ω": "Ω", "C": "C", "eV": "eV",
}  # fmt: skip
_OTHERS = {
    "min": ("s", 60.0), "h": ("s", 3600.0), "hr": ("s", 3600.0), "day": ("s", 86400.0),
    "sec": ("s", 1.0), "second": ("s", 1.0), "minute": ("s", 60.0), "hour": ("s", 3600.0),
    "week": ("s", 604800.0), "meter": ("m", 1.0), "metre": ("m", 1.0), "kilometer": ("m", 1e3),
    "kilometre": ("m", 1e3), "centimeter": ("m", 1e-2), "centimetre": ("m", 1e-2),
    "millimeter": ("m", 1e-3), "millimetre": ("m", 1e-3), "in": ("m", 0.0254),
    "inch": ("m", 0.0254), "inches": ("m", 0.0254), "ft": ("m", 0.3048), "foot": ("m", 0.3048),
    "feet": ("m", 0.3048), "yd": ("m", 0.9144), "yard": ("m", 0.9144), "mi": ("m", 1609.344),
    "mile": ("m", 1609.344), "gram": ("g", 1.0), "kilogram": ("g", 1e3), "lb": ("g", 453.59237),
    "pound": ("g", 453.59237), "oz": ("g", 28.349523125), "ton": ("g", 1e6), "liter": ("l", 1.0),
    "litre": ("l", 1.0), "milliliter": ("l", 1e-3), "km/h": ("m/s", 1 / 3.6),
    "kph": ("m/s", 1 / 3.6),
    "m/s": ("m/s", 1.0), "mph": ("m/s", 0.44704), "°": ("°", 1.0), "degree": ("°", 1.0),
    "rad": ("°", 57.29577951308232), "radian": ("°", 57.29577951308232), "%": ("%", 1.0),
    "percent": ("%", 1.0), "$": ("$", 1.0), "dollar": ("$", 1.0), "USD": ("$", 1.0),
    "€": ("€", 1.0), "euro": ("€", 1.0), "EUR": ("€", 1.0), "cent": ("$", 0.01),
    "£": ("£", 1.0),
}  # fmt: skip
_TEXT = re.compile(r"\\(?:text|mathrm|mbox|textrm|operatorname|rm)\s*\{([^{}]*)\}")
_DEGREES = re.compile(r"\^\s*\{?\s*\\circ\s*\}?|\\degree")
_NUMBER = r"-?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
_UNIT = r"[A-Za-zµμΩ°%€£$]+(?:/[A-Za-z]+)?"
_POWER = r"(?:\s*\^?\s*\{?([23²³])\}?)?"
_QUANTITY = re.compile(
    rf"(?P<sign>[$€£])?\s*(?P<number>{_NUMBER})(?:\s*(?P<unit>{_UNIT}){_POWER})?\s*\.?"
)
_FORMULA = re.compile(r"\$+([^$]*)\$+")
_POWERS = {"2": 2, "3": 3, "²": 2, "³": 3}


@dataclass(frozen=True, slots=True)
class Quantity:
    number: float
    """Of ``unit``."""
    unit: str | None
    """The basic one; None where none is named, or one that is not known (`apples`)."""
    digits: str
    """The number as it was written, without the unit."""


def read_quantity(text: str) -> Quantity | None:
    """A whole text that is one number with a unit or without; None for anything else."""
    formula = _FORMULA.fullmatch(text.strip())
    plain = _DEGREES.sub("°", formula[1] if formula else text.strip())
    plain = plain.replace("\\$", "$").replace("\\%", "%")
    plain = _TEXT.sub(r"\1", plain).replace("\\,", " ").replace("\\ ", " ").replace("~", " ")
    found = _QUANTITY.fullmatch(plain.strip())
    if found is None:
        return None
    digits = found["number"].replace(",", "")
    number, digits = float(digits), f"{Decimal(digits):f}"
    known = _known(found["sign"] or found["unit"] or "")
    if known is None:
        return Quantity(number, None, digits)
    basic, factor = known
    power = _POWERS.get(found[4] or "", 1)
    unit = basic if power == 1 else f"{basic}{power}"
    return Quantity(number * factor**power, unit, digits)


def is_unit(word: str) -> bool:
    return _known(word) is not None


def _known(written: str) -> tuple[str, float] | None:
    """The basic unit, and how many of it this one is."""
    if written in _OTHERS:
        return _OTHERS[written]
    if written in _BASIC:
        return _BASIC[written], 1.0
    prefix, rest = written[:1], written[1:]
    if prefix in _PREFIXES and rest in _BASIC:
        return _BASIC[rest], _PREFIXES[prefix]
    singular = written.lower().removesuffix("s")
    return _OTHERS.get(singular)
