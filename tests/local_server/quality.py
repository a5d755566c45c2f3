"""What the server answers: completions of a hidden quality, and judgments of that quality.

Everything here is a pure function of the request and the draw, by way of BLAKE2 hashes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

QUALITY_MARKER = re.compile(r"\[quality=(\d+(?:\.\d+)?)\]")
Path = tuple[str | int, ...]

_FILLER = (
    "river stone quiet morning answer because number garden simple reason window market paper "
    "yellow seven castle music winter engine balance corner travel open letter method forest "
    "kitchen bridge signal cloud middle planet"
)
_WORDS = _FILLER.split()


def uniform(*parts: object) -> float:
    """A number in [0, 1) that depends on the parts alone."""
    digest = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def gaussian(*parts: object) -> float:
    """A standard normal number that depends on the parts alone (Box-Muller)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(*parts, "radius")))
    return radius * math.cos(2.0 * math.pi * uniform(*parts, "angle"))


def quality_of(text: str) -> float | None:
    """The last quality marker in a text, None where it has none."""
    found = QUALITY_MARKER.findall(text)
    return float(found[-1]) if found else None


def qualities_of(text: str) -> tuple[float, ...]:
    """All quality markers of a text in order."""
    return tuple(float(found) for found in QUALITY_MARKER.findall(text))


def completion_text(key: str, draw: int, words: tuple[int, int]) -> str:
    """A marker and filler; the length (in words) is independent of the quality."""
    quality = uniform(key, draw, "quality")
    low, high = words
    digest = blake2b(f"{key}:{draw}:words".encode(), digest_size=32).digest()
    count = low + int.from_bytes(digest[:4], "big") % (high - low + 1)
    filler = " ".join(_WORDS[digest[i % 32] % 32] for i in range(4, 4 + count))
    return f"[quality={quality:.4f}] {digest[:4].hex()} {filler}."


def of_skill(text: str, skill: float) -> str:
    """The text as a model writes it whose completions have the mean quality ``skill``: half as
    widely spread as those of a model of which nothing is said."""
    quality = quality_of(text)
    if quality is None:
        return text
    moved = min(1.0, max(0.0, skill + 0.5 * (quality - 0.5)))
    return QUALITY_MARKER.sub(f"[quality={moved:.4f}]", text, count=1)


_NUMBERED = re.compile(r"answer_(\d+)")
WRITTEN = 4
"""Criteria that a model writes: essential, important, optional, and a pitfall."""
TIE_GAP, CLEAR_GAP, STRONG_GAP = 0.02, 0.15, 0.4
"""How far apart two qualities must be for a verdict, a clear and a strong one."""
BELIEF_SD = 0.12
"""How broad a judge's own distribution over levels is, on the scale of the quality."""


def level_beliefs(quality: float, levels: int) -> list[float]:
    """Probabilities of levels from the lowest, around a quality from 0 to 1."""
    distance = [(k / (levels - 1) - quality) / BELIEF_SD for k in range(levels)]
    nearest = min(abs(each) for each in distance)
    raw = [math.exp(-0.5 * (each**2 - nearest**2)) for each in distance]
    return [each / sum(raw) for each in raw]


def yes_belief(quality: float) -> float:
    return 1.0 / (1.0 + math.exp(-(quality - 0.5) / (BELIEF_SD / 2)))


class SchemaFiller:
    """Fills any JSON Schema from the qualities shown, with own noise for every leaf.

    Below a key ``answer_2`` the second quality counts, elsewhere the last; a choice between "A",
    "B" and "tie" compares the first two. ``scored`` are the paths of the leaves that carry a score
    (not text); ``beliefs`` are the probabilities of what a leaf of that name might have been.
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        qualities: Sequence[float],
        noise: Noise,
        position_bias: float = 0.0,
    ) -> None:
        self._root, self._qualities, self._noise = schema, qualities, noise
        self._position_bias = position_bias
        self.scored: list[Path] = []
        self.beliefs: dict[str, dict[str, float]] = {}

    def fill(self) -> Any:
        return self._value(self._root, ())

    def _noisy(self, path: Path) -> float:
        numbers = [int(m.group(1)) for part in path if (m := _NUMBERED.fullmatch(str(part)))]
        shown = self._qualities[numbers[0] - 1 if numbers else -1]
        return min(1.0, max(0.0, shown + self._noise.at(path)))

    def _gap(self) -> float:
        """How much better the first of two seems than the second."""
        first, second = (0.0, *self._qualities)[-2:]
        noise = self._noise.at(("first",)) - self._noise.at(("second",))
        return first - second + self._position_bias + noise

    def _value(self, schema: Mapping[str, Any], path: Path) -> Any:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choice(schema["enum"], path)
        kind = _type_of(schema)
        if kind == "object":
            parts = schema.get("properties", {}).items()
            return {name: self._value(part, (*path, name)) for name, part in parts}
        if kind == "array":
            count = WRITTEN if path[-1:] == ("criteria",) else max(1, schema.get("minItems", 1))
            return [self._value(schema.get("items", {}), (*path, i)) for i in range(count)]
        return self._leaf(schema, kind, path)

    def _leaf(self, schema: Mapping[str, Any], kind: str, path: Path) -> Any:
        if kind in ("integer", "number"):
            return self._number(schema, kind, path)
        if kind == "boolean":
            self.scored.append(path)
            noisy = self._noisy(path)
            yes = yes_belief(noisy)
            self.beliefs[str(path[-1])] = {"true": yes, "false": 1.0 - yes}
            return noisy >= 0.5
        if kind == "null":
            return None
        if path[:1] == ("criteria",):
            return f"written_{path[1]}" if path[-1] == "name" else f"Is point {path[1]} met?"
        return f"Judged {path[-1] if path else 'it'} on what the text shows."

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" in schema:
            target: Any = self._root
            for name in schema["$ref"].lstrip("#/").split("/"):
                target = target[name]
            return self._resolved(target)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                options = [option for option in schema[key] if option.get("type") != "null"]
                return self._resolved(options[0])
        return schema

    def _choice(self, options: list[Any], path: Path) -> Any:
        """Numbers by the nearest level; words in the order given, lowest first."""
        if len(options) > 1:
            self.scored.append(path)
        if set(options) == {"A", "B", "tie"}:
            gap = self._gap()
            return "tie" if abs(gap) < TIE_GAP else "A" if gap > 0 else "B"
        if options == ["slight", "clear", "strong"]:
            gap = abs(self._gap())
            return options[(gap >= CLEAR_GAP) + (gap >= STRONG_GAP)]
        if path[:1] == ("criteria",):
            return options[int(path[1]) % len(options)]
        noisy = self._noisy(path)
        if all(isinstance(option, int | float) for option in options):
            low, high = min(options), max(options)
            if len(options) > 1:
                chances = level_beliefs(noisy, len(options))
                named = zip(sorted(options), chances, strict=True)
                self.beliefs[str(path[-1])] = {str(level): chance for level, chance in named}
            return min(options, key=lambda option: abs(low + noisy * (high - low) - option))
        if {str(option).lower() for option in options} == {"yes", "no"}:
            return next(o for o in options if (str(o).lower() == "yes") == (noisy >= 0.5))
        return options[round(noisy * (len(options) - 1))]

    def _number(self, schema: Mapping[str, Any], kind: str, path: Path) -> int | float:
        self.scored.append(path)
        low, high = schema.get("minimum", 0), schema.get("maximum", 1)
        value = low + self._noisy(path) * (high - low)
        return round(value) if kind == "integer" else round(value, 6)


def _type_of(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return next((k for k in kind if k != "null"), "null")
    if kind is None:
        return "object" if "properties" in schema else "string"
    return str(kind)


class Noise:
    """Gaussian noise of a judgment: one number for each leaf of the reply."""

    def __init__(self, key: str, draw: int, sd: float) -> None:
        self._key, self._draw, self._sd = key, draw, sd

    def at(self, path: Path) -> float:
        return self._sd * gaussian(self._key, self._draw, path) if self._sd else 0.0


def schema_in(text: str) -> Mapping[str, Any] | None:
    """The last JSON Schema of an object that stands in a text."""
    decoder = json.JSONDecoder()
    start, found = text.find("{"), None
    while start != -1:
        try:
            value, end = decoder.raw_decode(text, start)
        except ValueError:
            start = text.find("{", start + 1)
            continue
        if isinstance(value, dict) and isinstance(value.get("properties"), dict):
            found = value
        start = text.find("{", end)
    return found
