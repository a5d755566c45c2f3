"""Decision models: both wire formats, answered from the hidden qualities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tests.local_server.quality import TIE_GAP, Noise, level_beliefs, yes_belief
from tests.local_server.record import TokenCount

DECISION_WIRES = ("decisions", "systemone")


@dataclass(frozen=True)
class Decision:
    """One question of a request."""

    name: str
    kind: Literal["yes_no", "choice", "levels"]
    options: tuple[str, ...] = ()
    """Of a choice; or the labels of levels, lowest first."""


@dataclass(frozen=True)
class Decided:
    """The answer to one question: probabilities in the order of its options (yes/no: of yes)."""

    name: str
    kind: Literal["yes_no", "choice", "levels", "refusal"]
    options: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    bare: bool = False


REFUSED = Decided("", "refusal")


def shown_text(wire: str, body: Mapping[str, Any]) -> str:
    """What the questions are about. Raises KeyError or TypeError for what no server would take."""
    if wire == "systemone":
        state = body["state"]
        if not isinstance(state, str):
            raise TypeError("this server takes a string as state")
        return state
    given = body["input"]
    return given if isinstance(given, str) else "\n".join(one["content"] for one in given)


def asked_decisions(wire: str, body: Mapping[str, Any]) -> tuple[Decision, ...]:
    asked = body["questions"]
    if wire == "systemone":
        return tuple(_systemone_question(name, one) for name, one in asked.items())
    if not 1 <= len(asked) <= 400:
        raise ValueError("ask 1 to 400 questions")
    return tuple(_openai_question(one) for one in asked)


def _openai_question(asked: Mapping[str, Any]) -> Decision:
    if not asked["instructions"]:
        raise ValueError("a question needs instructions")
    name, kind = asked.get("name", ""), asked["type"]
    if kind == "predicate":
        return Decision(name, "yes_no")
    if kind == "choice":
        return Decision(name, "choice", tuple(one["value"] for one in asked["choices"]))
    if kind == "score":
        return Decision(name, "levels", tuple(one["label"] for one in asked["levels"]))
    raise ValueError(f"no such type: {kind}")


def _systemone_question(name: str, asked: Mapping[str, Any]) -> Decision:
    if not asked["instructions"]:
        raise ValueError("a question needs instructions")
    kind = asked["type"]
    if kind == "noul":
        return Decision(name, "yes_no")
    if kind == "choice":
        return Decision(name, "choice", tuple(asked["criteria"]))
    if kind == "score":
        return Decision(name, "levels", tuple(asked["criteria"]))
    raise ValueError(f"no such type: {kind}")


def decide(
    asked: Sequence[Decision],
    qualities: Sequence[float],
    noise: Noise,
    position_bias: float,
) -> list[Decided]:
    return [_decided(one, qualities, noise, position_bias) for one in asked]


def _decided(
    asked: Decision, qualities: Sequence[float], noise: Noise, position_bias: float
) -> Decided:
    quality = min(1.0, max(0.0, qualities[-1] + noise.at((asked.name,))))
    if asked.kind == "yes_no":
        return Decided(asked.name, "yes_no", probabilities=(yes_belief(quality),))
    if asked.kind == "levels":
        levels = tuple(level_beliefs(quality, len(asked.options)))
        return Decided(asked.name, "levels", asked.options, levels)
    first, second = (0.0, *qualities)[-2:]
    gap = first - second + position_bias + noise.at((asked.name,))
    better = 1.0 / (1.0 + math.exp(-gap / 0.1))
    tie = math.exp(-abs(gap) / TIE_GAP) / 2 if len(asked.options) > 2 else 0.0
    chances = ((1 - tie) * better, (1 - tie) * (1 - better), tie)
    return Decided(asked.name, "choice", asked.options, chances[: len(asked.options)])


def decision_reply(
    wire: str, model: str, decided: Sequence[Decided], tokens: TokenCount, *, usage: bool
) -> dict[str, Any]:
    if wire == "systemone":
        answers = {d.name: _systemone_answer(d) for d in decided if d.kind != "refusal"}
        used = {"usage": {"input_tokens": tokens.input, "output_tokens": 0}} if usage else {}
        return {"model": model, "answers": answers, **used}
    details = {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.cache_write}
    counted = {
        "input_tokens": tokens.input,
        "input_tokens_details": details,
        "output_tokens": 0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens.input,
    }
    reply = {"model": model, "answers": [_openai_answer(d) for d in decided]}
    return reply | ({"usage": counted} if usage else {})


def _position(decided: Decided) -> float:
    return sum(k * chance for k, chance in enumerate(decided.probabilities))


def _openai_answer(decided: Decided) -> dict[str, Any]:
    name = decided.name or None
    if decided.kind == "refusal":
        return {"type": "refusal", "name": name}
    if decided.kind == "yes_no":
        return {"type": "predicate", "name": name, "probability": decided.probabilities[0]}
    likely = max(range(len(decided.options)), key=decided.probabilities.__getitem__)
    confidence = decided.probabilities[likely]
    pairs = list(zip(decided.options, decided.probabilities, strict=True))
    if decided.kind == "choice":
        return {
            "type": "choice",
            "name": name,
            "choice": decided.options[likely],
            "confidence": confidence,
            "probabilities": [{"value": value, "probability": p} for value, p in pairs],
        }
    levels = [{"label": label, "value": k, "probability": p} for k, (label, p) in enumerate(pairs)]
    return {
        "type": "score",
        "name": name,
        "score": _position(decided),
        "confidence": confidence,
        "probabilities": [] if decided.bare else levels,
    }


def _systemone_answer(decided: Decided) -> dict[str, Any]:
    if decided.kind == "yes_no":
        return {"type": "noul", "noul": decided.probabilities[0]}
    likely = max(range(len(decided.options)), key=decided.probabilities.__getitem__)
    pairs = list(zip(decided.options, decided.probabilities, strict=True))
    answer: dict[str, Any] = {"confidence": decided.probabilities[likely]}
    if decided.kind == "choice":
        answer |= {"type": "choice", "choice": decided.options[likely]}
        return answer | ({} if decided.bare else {"probabilities": dict(pairs)})
    answer |= {"type": "score", "score": _position(decided), "legend": list(decided.options)}
    if decided.bare:
        return answer
    return answer | {"probabilities": {str(k): p for k, (_, p) in enumerate(pairs)}}
