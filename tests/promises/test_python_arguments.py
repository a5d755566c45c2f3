"""A wrong argument of the Python API is a mistake in words: which, what it takes, what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge import Calibration, RunConfig
from judgeforge.errors import ConfigError, InputError
from tests.local_server import LocalServer
from tests.support.judgments import scored
from tests.support.run_setup import write_config

PROMPTS = [
    [scored("j", f"{p}.a", 0.9, prompt=p), scored("j", f"{p}.b", 0.2, prompt=p)] for p in "pq"
]
RANKING = judgeforge.rank(PROMPTS[0])


@pytest.fixture
def config(tmp_path: Path, server: LocalServer) -> RunConfig:
    return judgeforge.load_config(write_config(tmp_path, server, prompts=1))


@pytest.mark.parametrize("given", ["config.yaml", {"rubric": "helpfulness"}, None], ids=str)
def test_a_run_takes_a_loaded_configuration(given: dict[str, Any] | str | None) -> None:
    words = r"config must be a RunConfig, not .*; judgeforge\.load_config\(path\) gives one"
    with pytest.raises(TypeError, match=words):
        judgeforge.run(given)
    with pytest.raises(TypeError, match=words):
        asyncio.run(judgeforge.arun(given))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"limit": -1}, ValueError, "limit must be a number of rows from 0, not -1"),
        ({"limit": "3"}, TypeError, "limit must be a whole number of rows, or None, not the text"),
        ({"limit": True}, TypeError, "limit must be a whole number of rows, or None, not True"),
        ({"budget_usd": "3"}, TypeError, "budget_usd must be a number of USD, or None, not"),
        ({"budget_usd": -1}, ConfigError, "must be a number of USD from 0"),
        ({"prompts": "a.jsonl"}, TypeError, "prompts must be rows .*, not the text 'a.jsonl'"),
        ({"prompts": [3]}, InputError, "row 1 of `prompts` is a number"),
        ({"out": 3}, TypeError, "out must be the path of a folder, or None, not 3"),
    ],
    ids=str,
)
def test_a_run_says_which_argument_is_wrong(
    config: RunConfig, tmp_path: Path, arguments: dict[str, Any], error: Any, words: str
) -> None:
    with pytest.raises(error, match=words):
        judgeforge.run(config, **{"out": tmp_path / "out", **arguments})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: judgeforge.load_config({}), "path must be the path of a YAML file, not a value"),
        (lambda: judgeforge.select_pairs(None), r"a Ranking, not None; judgeforge\.rank\("),
        (lambda: judgeforge.select_pairs([0.1]), "ranking must be a Ranking, not a value of type"),
        (
            lambda: judgeforge.select_pairs(RANKING, {"strategy": "adjacent"}),
            'PairingRules, not a value of type dict; .*strategy="adjacent"',
        ),
        (
            lambda: judgeforge.rank(PROMPTS[0], reliability="cal.json"),
            r"reliability must be a Reliability, not the text 'cal\.json'; .*fit_reliability",
        ),
        (
            lambda: judgeforge.calibrate(PROMPTS, ["p.a", "q.a"]),
            r"labels\[0\] must be a judgeforge\.Label, not the text 'p\.a'; a mapping gives",
        ),
        (lambda: judgeforge.calibrate(PROMPTS, {"p": 0}), r"labels\['p'\] must be the id of a"),
        (
            lambda: judgeforge.rank(PROMPTS[0], completion_ids="p.a"),
            "completion_ids must be a list",
        ),
        (lambda: judgeforge.calibrate(PROMPTS, None), "labels must be a mapping or a list"),
        (lambda: judgeforge.calibrate(PROMPTS, {7: "p.a"}), "a key of labels must be the id of a"),
        (
            lambda: judgeforge.select_pairs(RANKING, max_error=0.1, trust=Calibration.trust),
            r"trust must be a Trust, or None, not .*; calibration\.trust\(rules\) gives one",
        ),
        (
            lambda: judgeforge.evaluate(PROMPTS, {"p": "p.a"}, calibration="cal.json"),
            "calibration must be a Calibration, not the text 'cal.json'; judgeforge.calibrate",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda of: judgeforge.calibrate(PROMPTS, {"p": "p.a"}, of=of),
        lambda of: judgeforge.evaluate(PROMPTS, {"p": "p.a"}, of=of),
        lambda of: judgeforge.calibrate_probabilities([0.5] * 40, [1] * 40, of=of),
        lambda of: judgeforge.evaluate_probabilities([0.5], [1], of=of),
    ],
)
def test_another_kind_of_label_is_told_in_a_line(call: Callable[[str], object]) -> None:
    with pytest.raises(ValueError, match=r"^of must be one of best, pair, not the text 'bset'"):
        call("bset")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"strategy": "bst"}, r"one of best_vs_worst, .*the text 'bst'; did you mean `best_vs_w"),
        ({"strategy": "adjacnt"}, "did you mean `adjacent`?"),
        ({"min_confidnce": 0.9}, r"no setting `min_confidnce` \(known: strategy, .*`min_confide"),
        ({"min_confidence": 1.5}, "min_confidence: .*less than or equal to 1, and is 1.5"),
        ({"strategy": "delta"}, "^`strategy: delta` takes chosen from strong writers"),
        ({"stop_below": 0.5}, "^`stop_below` goes by the audit of `strategy: delta`"),
        (
            {"best": {"pair": 3}},
            r"best.pairs: is missing; no setting `best.pair` \(known: pairs",
        ),
        ({"best": {"pairs": 3, "by": "conf"}}, "best.by: must be one of confidence, margin, and"),
        ({"max_token_difference": {"chat": "x"}}, "max_token_difference.chat: .*the text 'x'"),
    ],
    ids=str,
)
def test_a_wrong_setting_of_pairing_names_what_is_allowed_and_the_nearest(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as raised:
        judgeforge.select_pairs(RANKING, **settings)
    assert "\n" not in str(raised.value)


def test_ids_of_which_none_is_judged_are_told_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"they are q\.a, .* judgments are of p\.a, p\.b"):
        judgeforge.rank(PROMPTS[0], completion_ids=["q.a"])
    assert judgeforge.rank(PROMPTS[0], completion_ids=["p.b", "p.c"]).completion_ids == ("p.b",)
