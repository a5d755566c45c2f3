"""How often a run again from the cache does what takes time: counted, so that no machine decides.

What it takes is in decision 0051; `benchmarks/throughput.py --beside` compares it with an earlier
version.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from judgeforge.calls import cache_entry
from judgeforge.calls.providers.encoding import FixedForm
from judgeforge.judging import judge
from judgeforge.ranking import confidence, posterior, rank
from judgeforge.records import PreferencePair
from judgeforge.sampling import sampling, suspicion
from tests.local_server import LocalServer
from tests.support.run_setup import RUBRIC, run, write_config

PROMPTS, COMPLETIONS = 12, 2
CALLS = PROMPTS * COMPLETIONS * 2
GUIDANCE = "reply with"
"""Of the system message of every request of the judge."""


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """Of a run that pays for nothing: how often it did what."""
    folder = tmp_path_factory.mktemp("work")
    found: Counter[str] = Counter()
    with LocalServer() as server, pytest.MonkeyPatch.context() as patch:
        drawn = {"models": ["small"], "completions": COMPLETIONS, "max_tokens": 64}
        config = write_config(folder, server, prompts=PROMPTS, sampling=drawn)
        run(config, folder / "paid")
        posterior._gain.cache_clear()
        rank._spread_of.cache_clear()
        _count(patch, found)
        again = run(config, folder / "again")
    assert again.manifest["last_run"]["calls"] == {"paid": 0, "cached": CALLS}
    return found


def _count(patch: pytest.MonkeyPatch, found: Counter[str]) -> None:
    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def count(*args: Any, **options: Any) -> Any:
            found[name] += 1
            return function(*args, **options)

        return count

    def traced(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)
        connection.set_trace_callback(lambda text: found.update({_statement(text): 1}))
        return connection

    def encode(encoder: json.JSONEncoder, value: Any) -> str:
        text = plain(encoder, value)
        found["forms"] += isinstance(value, FixedForm)
        found["rubrics"] += GUIDANCE in text.lower() and '"role":"system"' in text
        return text

    connect, plain = sqlite3.connect, json.JSONEncoder.encode
    patch.setattr(sqlite3, "connect", traced)
    patch.setattr(json.JSONEncoder, "encode", encode)
    _count_changes_of_step(patch, found)
    patch.setattr(cache_entry, "read_entry", counted("whole entries", cache_entry.read_entry))
    patch.setattr(rank, "own_deviations", counted("deviations", confidence.own_deviations))
    of_lines = PreferencePair.model_validate_json
    patch.setattr(PreferencePair, "model_validate_json", counted("pairs read", of_lines))


def _count_changes_of_step(patch: pytest.MonkeyPatch, found: Counter[str]) -> None:
    """How often another of two steps, each taken once a completion, is begun."""
    last = ""

    def told(step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def tell(*args: Any, **options: Any) -> Any:
            nonlocal last
            found["changes of step"] += step != last
            last = step
            return function(*args, **options)

        return tell

    patch.setattr(sampling, "suspicions", told("sampling", suspicion.suspicions))
    patch.setattr(judge, "judgment_id", told("judging", judge.judgment_id))


def _statement(text: str) -> str:
    return "selects" if "FROM Cache WHERE key" in text else "other statements"


def test_a_stored_call_is_one_statement(counts: Counter[str]) -> None:
    assert counts["selects"] == CALLS


def test_a_stored_entry_is_read_in_one_step(counts: Counter[str]) -> None:
    assert counts["whole entries"] == 0


def test_the_rubric_and_the_form_of_the_reply_are_encoded_once(counts: Counter[str]) -> None:
    assert "criteria" in RUBRIC
    assert counts["forms"] <= 1
    assert counts["rubrics"] <= 1


def test_each_step_is_taken_by_many_prompts_in_a_row(counts: Counter[str]) -> None:
    # Each prompt by itself would change from sampling to judging and back: twice a prompt.
    assert 0 < counts["changes of step"] <= PROMPTS


def test_the_doubt_is_worked_out_once_for_prompts_that_were_asked_alike(
    counts: Counter[str],
) -> None:
    assert counts["deviations"] <= 2


def test_no_pair_is_read_into_a_value_to_be_written_again(counts: Counter[str]) -> None:
    assert counts["pairs read"] == 0
