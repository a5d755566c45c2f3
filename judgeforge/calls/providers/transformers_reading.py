"""Conversations and questions -> tokens -> rewards, or probabilities of the next token."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from judgeforge.calls.providers.base import Body
from judgeforge.calls.providers.transformers_files import LoadedModel
from judgeforge.errors import ConfigError, UnsuitedRequestError

_YES_NO = ("Yes", "No")
_ASK_YES_NO = "Answer with Yes or No and nothing else."
_ASK_LETTER = "Answer with the letter of one option and nothing else."


@dataclass(frozen=True, slots=True)
class Text:
    ids: tuple[int, ...]
    labels: tuple[tuple[int, ...], ...] = ()
    """Of a question: for each of its answers the tokens that mean it."""
    names: tuple[str, ...] = ()
    """What the answers are called in the reply."""
    kinds: tuple[int, ...] = ()
    """Which of two texts a token is from, for models that read pairs."""


def texts_of(loaded: LoadedModel, body: Body) -> tuple[Text, ...]:
    """Raises UnsuitedRequestError, and ConfigError where the model is asked what it cannot give."""
    if "questions" not in body:
        if not loaded.is_classifier:
            raise ConfigError(f"`{loaded.name}` is a chat model: it gives no reward")
        return (_conversation(loaded, body),)
    if loaded.is_classifier:
        raise ConfigError(f"`{loaded.name}` is a sequence classifier: it cannot decide")
    return tuple(_question(loaded, body, question) for question in body["questions"])


def _conversation(loaded: LoadedModel, body: Body) -> Text:
    tokenizer = loaded.tokenizer
    if "text" in body:
        return Text(_ids(tokenizer, body["text"]))
    turns = body["turns"]
    if tokenizer.chat_template is None:
        if [turn["role"] for turn in turns] != ["user", "assistant"]:
            raise UnsuitedRequestError(
                "the conversation has more than a prompt and an answer, and this model has no chat "
                "template for it",
                model=loaded.name,
            )
        read = tokenizer(turns[0]["content"], turns[1]["content"])
        return Text(tuple(read["input_ids"]), kinds=tuple(read.get("token_type_ids") or ()))
    try:
        text = tokenizer.apply_chat_template(turns, tokenize=False)
    except Exception as error:  # what a template raises is its own
        raise UnsuitedRequestError(
            f"the chat template of `{loaded.name}` cannot write this: {error}", model=loaded.name
        ) from error
    return Text(_ids(tokenizer, text))


def _question(loaded: LoadedModel, body: Body, question: dict[str, Any]) -> Text:
    asked, labels, names = _asked(question)
    turns = [
        {"role": "system", "content": body["system"]},
        {"role": "user", "content": f"{body['state']}\n\n{asked}"},
    ]
    text = _prompt(loaded, turns)
    return Text(_ids(loaded.tokenizer, text), _label_ids(loaded, labels), names)


def _asked(question: dict[str, Any]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The words, the label of each answer and its name in the reply."""
    if question["kind"] == "yes_no":
        return f"{question['instructions']}\n{_ASK_YES_NO}", _YES_NO, ("yes", "no")
    options = question["options"]
    letters = tuple(ascii_uppercase[: len(options)])
    listed = "\n".join(
        f"{letter}: {text or name}" for letter, (name, text) in zip(letters, options, strict=True)
    )
    levels = question["kind"] == "levels"
    names = tuple(str(place) if levels else name for place, (name, _) in enumerate(options))
    return f"{question['instructions']}\n{listed}\n{_ASK_LETTER}", letters, names


def _prompt(loaded: LoadedModel, turns: list[dict[str, str]]) -> str:
    tokenizer = loaded.tokenizer
    if tokenizer.chat_template is None:
        raise ConfigError(
            f"the tokenizer of `{loaded.name}` has no chat template: it cannot decide"
        )
    # A model that thinks first would have nothing to say of the answer in its next token.
    options = {"tokenize": False, "add_generation_prompt": True, "enable_thinking": False}
    try:
        return str(tokenizer.apply_chat_template(turns, **options))
    except Exception:  # noqa: BLE001 (a template without a system role refuses it in words of its own)
        (system, user) = turns
        one = [{"role": "user", "content": f"{system['content']}\n\n{user['content']}"}]
        return str(tokenizer.apply_chat_template(one, **options))


def _ids(tokenizer: Any, text: str) -> tuple[int, ...]:  # noqa: ANN401 (the library's)
    """With the tokens that the tokenizer puts around a text, the beginning once: chat templates
    write it as well."""
    ids = tuple(tokenizer(text)["input_ids"])
    begin = tokenizer.bos_token_id
    return ids[1:] if begin is not None and ids[:2] == (begin, begin) else ids


def _label_ids(loaded: LoadedModel, labels: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """The first tokens of each label, in each way to write it. Raises ConfigError where there are
    none that another label lacks."""
    tokenizer = loaded.tokenizer
    found = []
    for label in labels:
        forms = {label, f" {label}", label.lower() if len(label) > 1 else label}
        ids = (tokenizer(form, add_special_tokens=False)["input_ids"] for form in forms)
        found.append({one[0] for one in ids if one})
    shared = {one for n, ids in enumerate(found) for other in found[:n] for one in ids & other}
    apart = tuple(tuple(sorted(ids - shared)) for ids in found)
    if not all(apart):
        raise ConfigError(f"the tokenizer of `{loaded.name}` cannot tell {', '.join(labels)} apart")
    return apart


def rewards_of(loaded: LoadedModel, texts: Sequence[Text]) -> list[float]:
    """In the order of the texts."""
    import torch

    found = [math.nan] * len(texts)
    for places in _batches(loaded, texts):
        inputs = _padded(loaded, [texts[place] for place in places])
        with torch.inference_mode():
            logits = loaded.model(**inputs).logits
        for place, reward in zip(places, logits[:, 0].float().tolist(), strict=True):
            found[place] = reward
    return found


def next_token_answers(loaded: LoadedModel, texts: Sequence[Text]) -> list[dict[str, Any]]:
    """Of each question the probabilities of its answers, and the ``mass`` that the next token gives
    to all of them together."""
    import torch

    found: list[dict[str, Any]] = [{} for _ in texts]
    for places in _batches(loaded, texts):
        batch = [texts[place] for place in places]
        inputs = _padded(loaded, batch)
        ends = [len(text.ids) - 1 for text in batch]
        kept = sorted(set(ends))
        keep = torch.tensor(kept, device=loaded.device)
        with torch.inference_mode():
            logits = loaded.model(**inputs, use_cache=False, logits_to_keep=keep).logits
        for row, (place, end) in enumerate(zip(places, ends, strict=True)):
            last = logits[row, kept.index(end)].float()
            found[place] = _answer(texts[place], torch.log_softmax(last, -1))
    return found


def _answer(text: Text, logs: Any) -> dict[str, Any]:  # noqa: ANN401 (a tensor)
    masses = [float(logs[list(ids)].exp().sum()) for ids in text.labels]
    total = sum(masses)
    shares = [mass / total if total else 1.0 / len(masses) for mass in masses]
    told = dict(zip(text.names, shares, strict=True))
    if text.names == ("yes", "no"):
        told = {"yes": told["yes"]}
    return {"probabilities": told, "mass": total}


def _batches(loaded: LoadedModel, texts: Sequence[Text]) -> Iterator[list[int]]:
    """Places of texts that are read together: of one length where the model knows no padding."""
    order = sorted(range(len(texts)), key=lambda place: len(texts[place].ids))
    if not loaded.is_classifier or _padding(loaded) is not None:
        yield order
        return
    for place in order:
        yield [place]


def _padding(loaded: LoadedModel) -> int | None:
    """A classifier looks for its last token by it, so that no other may stand in for it."""
    padding: int | None = loaded.model.config.pad_token_id
    return padding


def _padded(loaded: LoadedModel, texts: Sequence[Text]) -> dict[str, Any]:
    """After each text: what a causal model reads before its end stays the same."""
    import torch

    longest = max(len(text.ids) for text in texts)
    padding = _padding(loaded) or 0
    ids = [[*text.ids, *[padding] * (longest - len(text.ids))] for text in texts]
    mask = [[1] * len(text.ids) + [0] * (longest - len(text.ids)) for text in texts]
    inputs = {"input_ids": ids, "attention_mask": mask}
    if all(text.kinds for text in texts):
        inputs["token_type_ids"] = [
            [*text.kinds, *[0] * (longest - len(text.kinds))] for text in texts
        ]
    return {name: torch.tensor(value, device=loaded.device) for name, value in inputs.items()}
