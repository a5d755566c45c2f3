"""Every number of a configuration is finite and of a size that can be, or exit 2 says where."""

from __future__ import annotations

import datetime
import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from judgeforge.config.file import load_config
from judgeforge.config.model import ModelConfig
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError

LINES = [
    "prompts: {path: p.jsonl}",
    "rubric: r.yaml",
    "models:",
    "  m:",
    "    provider: openai",
    "    model: m",
]
ELSEWHERE = {
    "price": "{input_per_mtok: 1, output_per_mtok: NUMBER}",
    "rpm": "NUMBER",
    "tpm": "NUMBER",
    "timeout_s": "NUMBER",
    "connect_timeout_s": "NUMBER",
    "context_tokens": "NUMBER",
    "concurrency": "NUMBER",
    "hedge_after": "NUMBER",
}
SECTIONS = {
    "budget": ("usd", "daily_usd", "max_calls"),
    "limits": (
        "concurrency", "max_skip_share", "max_attempts", "max_retry_s", "stall_s",
        "breaker_failures", "grace_s", "min_free_mb",
    ),
    "sampling": ("completions", "temperature", "max_tokens"),
    "pairing": (
        "min_confidence", "min_margin", "max_length_ratio", "pairs_per_prompt", "max_error",
        "delta", "min_chosen_score", "max_token_difference",
        "stop_below",
    ),
    "judging": ("fit_prompts",),
}  # fmt: skip
IMPOSSIBLE = (".nan", ".inf", "-.inf", "-1", "1e300", "-1e308", "1" + "0" * 30)


def mistakes(folder: Path, *lines: str) -> str:
    file = folder / "config.yaml"
    file.write_text("\n".join([*LINES, *lines]))
    with pytest.raises(ConfigError) as raised:
        load_config(file)
    return str(raised.value)


@pytest.mark.parametrize("number", IMPOSSIBLE)
@pytest.mark.parametrize("key", ELSEWHERE)
def test_a_number_of_a_model_that_cannot_be_is_named_with_its_line(
    tmp_path: Path, key: str, number: str
) -> None:
    said = mistakes(tmp_path, f"    {key}: {ELSEWHERE[key].replace('NUMBER', number)}")
    assert f"models.m.{key}" in said
    assert "config.yaml:7" in said


@pytest.mark.parametrize("number", IMPOSSIBLE)
@pytest.mark.parametrize(
    ("section", "key"), [(section, key) for section, keys in SECTIONS.items() for key in keys]
)
def test_a_number_of_a_section_that_cannot_be_is_named_with_its_line(
    tmp_path: Path, section: str, key: str, number: str
) -> None:
    more = ["  models: [m]"] if section == "sampling" else []
    said = mistakes(tmp_path, f"{section}:", f"  {key}: {number}", *more)
    assert f"{section}.{key}" in said
    assert "config.yaml:8" in said


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf", "1e999"])
def test_a_parameter_that_is_no_number_is_named_with_its_line(tmp_path: Path, number: str) -> None:
    flat = mistakes(tmp_path, "    params:", f"      top_p: {number}")
    assert "config.yaml:8" in flat
    assert "models.m.params.top_p" in flat
    nested = mistakes(
        tmp_path, "    params:", "      extra_body:", "        a: [1, {b: " + number + "}]"
    )
    assert "config.yaml:9" in nested
    assert "models.m.params.extra_body.a[1].b" in nested


@pytest.mark.parametrize(
    "value", [math.nan, [math.inf], {"a": [-math.inf]}, datetime.date(2024, 1, 2), {1, 2}, b"x"]
)
def test_a_parameter_given_in_python_is_json_too(value: object) -> None:
    with pytest.raises(ValidationError, match=r"params\.x"):
        ModelConfig.model_validate({"provider": "openai", "model": "m", "params": {"x": value}})


def test_a_parameter_is_not_nested_without_end() -> None:
    value: object = 1
    for _ in range(500):
        value = [value]
    with pytest.raises(ValidationError, match="nested deeper"):
        ModelConfig.model_validate({"provider": "openai", "model": "m", "params": {"x": value}})


TOO_LARGE = str(2**63), "-" + "9" * 30, "1" + "0" * 39


@pytest.mark.parametrize("number", TOO_LARGE)
def test_a_whole_number_that_no_server_takes_is_named_with_its_line(
    tmp_path: Path, number: str
) -> None:
    param = mistakes(tmp_path, "    params:", f"      top_k: {number}")
    assert "config.yaml:8" in param
    assert "models.m.params.top_k" in param
    assert "must fit 64 bits" in param
    seed = mistakes(tmp_path, "sampling:", f"  seed: {number}", "  models: [m]")
    assert "config.yaml:8" in seed
    assert "sampling.seed" in seed
    judge = mistakes(
        tmp_path, "judging:", f"  judges: [{{model: m, protocol: listwise, seed: {number}}}]"
    )
    assert "judging.judges[0].seed" in judge


def test_every_seed_of_64_bits_that_completions_can_add_to_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    for seed in (-(2**63) + 1, 0, 2**32, 2**63 - 300):
        more = ["sampling:", f"  seed: {seed}", "  models: [m]"]
        file.write_text("\n".join([*LINES, f"    params: {{top_k: {seed}}}", *more]))
        config = load_config(file)
        assert config.sampling is not None
        assert config.sampling.seed == config.models["m"].params["top_k"] == seed


def test_a_date_is_text_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("\n".join([*LINES, "    params: {day: 2024-01-02}"]))
    assert load_config(file).models["m"].params == {"day": "2024-01-02"}


@pytest.mark.parametrize("amount", [math.nan, math.inf, -1.0, 1e300])
def test_an_amount_given_on_the_command_line_is_checked_too(tmp_path: Path, amount: float) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("\n".join(LINES))
    with pytest.raises(ConfigError, match=r"budget\.usd"):
        load_config(file, {"budget.usd": amount})


def test_the_dearest_price_of_the_most_tokens_is_still_a_number() -> None:
    fields = RunConfig.model_json_schema()["$defs"]
    price = fields["Price"]["properties"]["output_per_mtok"]["maximum"]
    tokens = fields["SamplingConfig"]["properties"]["max_tokens"]["maximum"]
    assert math.isfinite(price * tokens * 10**12)
