"""The prompts of the demonstration, each with the checks that say whether an answer does as asked.

A topic meets four of the eight forms. No topic is on both sides, so a held-out prompt asks in a
known form about something that no training prompt spoke of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

# fmt: off
TRAIN_TOPICS = (
    "volcanoes", "bicycles", "honey", "libraries", "winter", "bridges", "penguins", "chess",
    "gardens", "rivers", "bread", "robots", "castles", "tea", "kites", "owls", "trains", "soap",
    "islands", "candles", "maps", "dolphins", "cinema", "deserts", "pianos", "apples", "storms",
    "mirrors", "camels", "clocks", "wolves", "tents", "cheese", "planets", "shoes", "bees",
    "painting", "harbours", "rice", "football", "foxes", "lamps", "mountains", "letters",
    "horses", "umbrellas", "salt", "fireworks", "caves", "pottery",
)
HELD_OUT_TOPICS = (
    "lighthouses", "oranges", "dancing", "tigers", "rain", "markets", "violins", "snow",
    "elephants", "coffee", "windmills", "forests", "swimming", "rockets", "spiders", "chocolate",
    "beaches", "museums", "turtles", "thunder", "balloons", "pasta", "eagles", "rainbows",
    "tractors", "gold", "whales", "sailing", "carpets", "lemons",
)
# fmt: on
FORMS_OF_A_TOPIC = 4
SYSTEM = "You are a helpful assistant."


@dataclass(frozen=True, slots=True)
class Form:
    name: str
    request: str
    checks: dict[str, Any]


FORMS = (
    Form("brief", "Tell me about {} in at most 25 words.", {"max_words": 25}),
    Form(
        "sentence",
        "Write exactly one sentence about {}, with at most 30 words.",
        {"max_sentences": 1, "max_words": 30},
    ),
    Form(
        "slogan",
        "Write a slogan for people who love {}, in at most 8 words.",
        {"max_words": 8},
    ),
    Form(
        "start",
        'Say something about {}, in at most 35 words. Begin with "Did you know".',
        {"starts_with": "Did you know", "max_words": 35},
    ),
    Form(
        "question",
        "Ask me one question about {}, in at most 20 words. Write only the question.",
        {"ends_with": "?", "max_sentences": 1, "max_words": 20},
    ),
    Form(
        "list",
        "Give three words that go with {}, as a numbered list with nothing else.",
        {"numbered_items": 3, "max_words": 15},
    ),
    Form(
        "calm",
        "Praise {} in two short sentences, at most 30 words, without an exclamation mark.",
        {"max_sentences": 2, "not_contains": "!", "max_words": 30},
    ),
    Form(
        "word",
        'Describe {} in at most 30 words. Use the word "people".',
        {"contains_word": "people", "max_words": 30},
    ),
)


def training_tasks() -> list[dict[str, Any]]:
    return list(_tasks(TRAIN_TOPICS))


def held_out_tasks() -> list[dict[str, Any]]:
    return list(_tasks(HELD_OUT_TOPICS))


def _tasks(topics: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows as judgeforge reads them: id, prompt, and the checks in the metadata."""
    for number, topic in enumerate(topics):
        for step in range(FORMS_OF_A_TOPIC):
            form = FORMS[(2 * step + number) % len(FORMS)]
            yield {
                "id": f"{topic}.{form.name}",
                "prompt": [
                    {"role": "system", "content": SYSTEM},
                    {"role": "user", "content": form.request.format(topic)},
                ],
                "metadata": {"checks": {"min_words": 3, **form.checks}},
            }
