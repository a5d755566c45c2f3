"""What `base_url` may be: an address, or several of servers that serve one model."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from judgeforge.config.addresses import is_readable_on_the_way, is_this_machine
from judgeforge.config.model import ModelConfig

HERE = "http://127.0.0.1:8000/v1"
THERE = "http://127.0.0.1:8001/v1"


def model(base_url: Any, **own: Any) -> ModelConfig:
    asked = {"provider": "openai", "model": "m", "base_url": base_url, **own}
    return ModelConfig.model_validate(asked)


def test_a_list_of_one_is_that_one() -> None:
    assert model([HERE]) == model(HERE)


def test_a_model_is_the_same_on_each_of_its_servers() -> None:
    several = model([HERE, f"{THERE}/"], rpm=60)
    assert several.addresses == (HERE, THERE)
    assert several.replicas == (model(HERE, rpm=60), model(THERE, rpm=60))


def test_without_an_address_there_is_one_server_and_no_address() -> None:
    own = ModelConfig(provider="openai", model="m")
    assert own.addresses == ()
    assert own.replicas == (own,)


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ([], "names no server"),
        ([HERE, HERE], "is there twice"),
        ([HERE, f"{HERE}/"], "is there twice"),
        (["http://a.localhost/v1", "http://A.localhost/v1"], "is there twice"),
        ([HERE, "127.0.0.1:8001"], "`127.0.0.1:8001` must be an http:// or https:// address"),
        ([HERE, "http://user:pass@127.0.0.1/v1"], "must contain no user, password or query"),
        ([HERE, "http://0.0.0.0:8001/v1"], "`0.0.0.0` is where a server listens"),
        (f"{HERE}\n", "contains a line break"),
        ([HERE, f"{THERE}\u00a0"], "contains a line break or another character"),
        ([HERE, 8001], "must be an http:// or https:// address, or a list of them"),
        ({"a": HERE}, "must be an http:// or https:// address, or a list of them"),
        ([HERE, "http://gpu2:8000/v1"], "http:// to another machine"),
        ([HERE, f"{THERE}/chat/completions"], "ends in /chat/completions"),
        ([f"http://127.0.0.1:{port}/v1" for port in range(8000, 8100)], "64 is the most"),
    ],
)
def test_each_address_of_a_list_is_checked(base_url: Any, said: str) -> None:
    with pytest.raises(ValidationError) as raised:
        model(base_url)
    assert said in str(raised.value)


def test_a_batch_lives_on_one_server() -> None:
    with pytest.raises(ValidationError, match="a batch lives on one server"):
        model([HERE, THERE], batch=True)


def test_a_model_inside_the_process_has_no_servers() -> None:
    with pytest.raises(ValidationError, match="runs inside this process"):
        model([HERE, THERE], provider="local")


@pytest.mark.parametrize(
    ("url", "this_machine"),
    [
        ("http://127.0.0.1:1/v1", True),
        ("http://[::1]/v1", True),
        ("http://localhost/v1", True),
        ("http://gpu.localhost/v1", True),
        ("http://gpu/v1", False),
        ("https://gpu/v1", False),
    ],
)
def test_what_is_another_machine_and_what_can_be_read_on_the_way(
    url: str, this_machine: bool
) -> None:
    assert is_this_machine(url) is this_machine
    assert is_readable_on_the_way(url) is (not this_machine and url.startswith("http://"))
