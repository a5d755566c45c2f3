"""The table of providers is all that there is to know of them outside their own files."""

from __future__ import annotations

from pkgutil import resolve_name

import pytest

from judgeforge.calls.providers.base import max_tokens_field, open_provider, sends_temperature
from judgeforge.config.model import ModelConfig
from judgeforge.config.providers import PROVIDERS, runs_in_process

OWN_SERVER = "http://127.0.0.1:8000/v1"


def configured(provider: str, **fields: object) -> ModelConfig:
    address = {"base_url": OWN_SERVER} if PROVIDERS[provider].needs_base_url else {}
    return ModelConfig.model_validate({"provider": provider, "model": "m", **address, **fields})


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_line_opens_a_provider_with_an_address_and_an_endpoint(name: str) -> None:
    opened = open_provider(configured(name), None)
    assert opened.base_url
    assert opened.endpoint.startswith("/")


@pytest.mark.parametrize("name", PROVIDERS)
def test_what_runs_in_process_is_free_and_needs_no_key(name: str) -> None:
    facts = PROVIDERS[name]
    assert facts.paid != facts.in_process
    assert not (facts.in_process and facts.key_variable)


@pytest.mark.parametrize("name", [name for name in PROVIDERS if PROVIDERS[name].find_model])
def test_the_finder_of_a_models_file_can_be_imported(name: str) -> None:
    assert callable(resolve_name(PROVIDERS[name].find_model or ""))


def test_what_holds_at_the_own_address_does_not_at_another_one() -> None:
    assert max_tokens_field(configured("openai")) == "max_completion_tokens"
    assert max_tokens_field(configured("openai", base_url=OWN_SERVER)) == "max_tokens"
    assert configured("openai").key_variable == "OPENAI_API_KEY"
    assert configured("openai", base_url=OWN_SERVER).key_variable is None


def test_anthropic_is_sent_no_temperature() -> None:
    assert not sends_temperature(configured("anthropic"))
    assert sends_temperature(configured("anthropic", send_temperature=True))


def test_a_manifest_may_name_a_provider_of_another_version() -> None:
    assert runs_in_process("local")
    assert not runs_in_process("telepathy")
    assert not runs_in_process(None)
