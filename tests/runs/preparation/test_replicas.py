"""Which address stands for the servers of a model in a folder that was begun with others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge.config.model import ModelConfig
from judgeforge.config.run import PromptsConfig, RunConfig
from judgeforge.runs.preparation.identity import model_identity
from judgeforge.runs.preparation.replicas import with_known_addresses
from judgeforge.store.manifest import Calls, Manifest, Tokens, Totals

A, B, C, D = (f"http://127.0.0.1:800{number}/v1" for number in range(4))


def model(base_url: Any) -> ModelConfig:
    return ModelConfig.model_validate({"provider": "openai", "model": "m", "base_url": base_url})


def begun(at: str | None, before: Any) -> Manifest:
    totals = Totals(
        prompts=0,
        pairs=0,
        skips={},
        calls=Calls(paid=0, cached=0),
        tokens=Tokens(input=0, output=0),
        cost_usd=0.0,
    )
    return Manifest(
        format_version=1,
        status="complete",
        totals=totals,
        identity={"models": {"own": {"base_url": at}}},
        config={"models": {"own": {"base_url": before}}},
    )


@pytest.mark.parametrize(
    ("at", "before", "now", "known"),
    [
        (A, A, [A, B], None),
        (A, A, [B, A], A),
        (A, [A, B], B, A),
        (A, [A, B], [C, B], A),
        (A, [C, B], [C, D], A),
        (A, A, B, None),
        (A, A, [B, C], None),
        (A, [A, B], [C, D], None),
        (None, None, [A, B], None),
        (A, None, [B, C], None),
    ],
)
def test_a_folder_keeps_the_address_it_was_begun_with_while_a_server_is_left(
    at: str | None, before: Any, now: Any, known: str | None
) -> None:
    config = RunConfig(
        prompts=PromptsConfig(path=Path("p.jsonl")), models={"own": model(now)}, rubric="r"
    )
    found = with_known_addresses(config, begun(at, before))
    assert found.known_addresses == ({"own": known} if known else {})


def test_the_identity_of_a_model_is_that_of_its_first_server_or_of_the_one_it_is_known_as() -> None:
    assert model_identity(model([A, B])) == model_identity(model(A))
    assert model_identity(model([B, C]), A) == model_identity(model(A))
