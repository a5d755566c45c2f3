"""Reasoning that a model writes into its answer is taken out of it and kept apart."""

from __future__ import annotations

_OPEN, _CLOSE = "<think>", "</think>"


def split_reasoning(text: str) -> tuple[str, str | None]:
    """Split ``<think>…</think>answer`` into answer and reasoning.

    Some chat templates open the tag in the prompt, so that only the closing one is in the reply.
    Without a closing tag everything after the opening one is reasoning: the answer never came.
    """
    stripped = text.lstrip()
    opened = stripped.startswith(_OPEN)
    inner = stripped[len(_OPEN) :] if opened else text
    if _CLOSE in inner and (opened or _OPEN not in inner.split(_CLOSE, 1)[0]):
        reasoning, answer = inner.split(_CLOSE, 1)
        return answer.lstrip(), reasoning.strip()
    if opened:
        return "", inner.strip()
    return text, None


def clean(text: str) -> str:
    """Replace lone surrogates, which no file and no API can carry."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
