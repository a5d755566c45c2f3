"""What is noticed of completions while a run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge.config.run import SamplingConfig
from judgeforge.records import Completion
from judgeforge.runs.equal_draws import ENOUGH_EQUAL, EqualDraws
from tests.local_server import LocalServer
from tests.support.run_process import Command
from tests.support.run_setup import write_config


def drawn(texts: list[str], *, model: str = "small", finish: Any = "stop") -> list[Completion]:
    return [
        Completion(id=f"c{n}", prompt_id="p", index=n, model=model, text=text, finish=finish)
        for n, text in enumerate(texts)
    ]


EQUAL, DIFFERENT = drawn(["a", "a", "a"]), drawn(["a", "a", "b"])


@pytest.mark.parametrize(
    ("temperature", "prompts", "told"),
    [
        ([0.9], [EQUAL] * 8, 1),
        ([0.9], [EQUAL] * 80, 1),
        ([0.0, 0.7], [EQUAL] * 8, 1),
        ([0.9], [drawn(["a", "a"], finish="length")] * 8, 1),
        ([0.9], [EQUAL + drawn(["b", "b"], model="other")] * 8, 2),
        ([0.9], [EQUAL + drawn(["b", "c"], model="other")] * 8, 1),
        ([0.9], [EQUAL] * 7, 0),
        ([0.0], [EQUAL] * 80, 0),
        ([0.9], [DIFFERENT, *[EQUAL] * 80], 0),
        ([0.9], [*[EQUAL] * 7, DIFFERENT, EQUAL], 0),
        ([0.9], [drawn(["a"])] * 80, 0),
        ([0.9], [drawn(["", ""], finish="empty")] * 80, 0),
        ([0.9], [drawn(["", ""], finish="failed")] * 80, 0),
        ([0.9], [drawn(["I cannot", "I cannot"], finish="refusal")] * 80, 0),
    ],
)
def test_a_model_that_ignores_the_temperature_is_told_of_once(
    temperature: list[float], prompts: list[list[Completion]], told: int
) -> None:
    said: list[str] = []
    draws = EqualDraws(SamplingConfig(models=["small"], temperature=temperature), said.append)
    for completions in prompts:
        draws.look_at(completions)
    assert len(said) == told
    assert all("sampling.temperature is 0." in text for text in said)


def test_a_run_tells_it_meanwhile_and_once(
    tmp_path: Path, server: LocalServer, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgeforge.runs.prompt_work.sample_completions", equal_completions)
    config = write_config(tmp_path, server, prompts=ENOUGH_EQUAL)
    for number, options in enumerate([(), ("--quiet",), ("--json",)]):
        code, _, error = command("run", config, "--out", tmp_path / str(number), *options)
        assert code == 5
        assert error.count("all completions of `small` are equal") == 1


async def equal_completions(prompt: Any, *_: object, **__: object) -> list[Completion]:
    return [one.model_copy(update={"prompt_id": prompt.id}) for one in DUPLICATES]


DUPLICATES = [
    one.model_copy(update={"duplicate_of": "c0" if n else None}) for n, one in enumerate(EQUAL)
]
