"""A configuration that a script made of another one is checked before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge import RunConfig, load_config
from judgeforge.config.copies import check_copied
from judgeforge.config.shipped import shipped_configs

MODEL = {"provider": "openai", "model": "m"}
CONFIG = RunConfig.model_validate(
    {
        "prompts": {"path": "p.jsonl"},
        "models": {"w": MODEL},
        "rubric": "helpfulness",
        "sampling": {"models": ["w"]},
        "judging": {"judges": [{"model": "w"}]},
    }
)


def pairing(**changes: Any) -> RunConfig:
    part = CONFIG.pairing.model_copy(update=changes)
    return CONFIG.model_copy(update={"pairing": part})


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            CONFIG.model_copy(update={"pairing": {"min_confidence": 0.7}}),
            r"config\.pairing must be a part of a configuration, not a dictionary; copy the part",
        ),
        (
            CONFIG.model_copy(update={"models": {"w": MODEL}}),
            r"config\.models\['w'\] must be a part",
        ),
        (
            CONFIG.model_copy(
                update={"judging": CONFIG.judging.model_copy(update={"judges": [{"model": "w"}]})}
            ),
            r"config\.judging\.judges\[0\] must be a part",
        ),
        (
            pairing(min_confidnce=0.7),
            r"config\.pairing has no setting `min_confidnce`; did you mean `min_confidence`\?",
        ),
        (CONFIG.model_copy(update={"pairng": 1}), "config has no setting `pairng`"),
    ],
)
def test_what_no_configuration_has_is_told_with_its_place(config: RunConfig, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        check_copied(config)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (pairing(min_confidence=90), r"config\.pairing\.min_confidence: .* to 1, and is 90"),
        (pairing(strategy="al"), r"config\.pairing\.strategy: .*and is the text 'al'"),
        (CONFIG.model_copy(update={"budget": 5}), r"config\.budget: .*BudgetConfig, and is 5"),
    ],
)
def test_a_value_out_of_its_range_is_told_with_its_place(config: RunConfig, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_copied(config)


def test_a_copy_whose_parts_are_copied_is_fine() -> None:
    check_copied(pairing(min_confidence=0.7, strategy="adjacent"))


@pytest.mark.parametrize("file", sorted(shipped_configs().glob("*.yaml")), ids=lambda one: one.stem)
def test_every_configuration_of_a_file_is_fine(file: Path) -> None:
    check_copied(load_config(file))
