"""The table of protocols is all that there is to know of them outside the judges themselves."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from pkgutil import resolve_name

import pytest

from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.judge import make_judge
from judgeforge.ranking.protocols import PROTOCOLS, is_by_code
from judgeforge.ranking.validation import judgments_of_prompt
from judgeforge.records import Judgment
from tests.support.fake_asks import FakeAsks, make_rubric, says
from tests.support.judgments import scored

ASKED = sorted(name for name, facts in PROTOCOLS.items() if not facts.by_code)
IDS = ["p.c0", "p.c1", "p.c2", "p.c3"]


def questions_asked(judge: JudgeConfig) -> list[tuple[str, ...]]:
    rubric = make_rubric(criteria=[{"name": "safe", "yes_no": "Is it safe?"}])
    made = make_judge(judge, rubric, FakeAsks(lambda _: says("")))
    return [question.completion_ids for question in made.questions(IDS, 0)]


def test_only_checks_are_made_by_code() -> None:
    assert [name for name in PROTOCOLS if is_by_code(name)] == ["checks"]


def test_a_protocol_of_another_version_counts_as_asked_of_a_model() -> None:
    assert not is_by_code("telepathy")


@pytest.mark.parametrize("name", ASKED)
def test_a_line_names_a_judge_that_can_be_imported(name: str) -> None:
    assert callable(resolve_name(PROTOCOLS[name].judge or ""))


@pytest.mark.parametrize("name", ASKED)
def test_the_settings_of_a_line_are_keys_of_a_judge(name: str) -> None:
    assert PROTOCOLS[name].settings <= JudgeConfig.model_fields.keys()


@pytest.mark.parametrize(
    "judge",
    [
        *(JudgeConfig(model="m", protocol=name) for name in ASKED),
        JudgeConfig(model="m", protocol="pairwise", orders="one"),
        JudgeConfig(model="m", protocol="pairwise", orders="random", seed=3),
        JudgeConfig(model="m", protocol="decisions", pairs=True),
        JudgeConfig(model="m", protocol="decisions", pairs=True, orders="one"),
    ],
    ids=lambda judge: f"{judge.protocol}-{judge.pairs}-{judge.orders}",
)
def test_a_judge_asks_as_many_questions_about_as_many_completions_as_its_facts_say(
    judge: JudgeConfig,
) -> None:
    asked = questions_asked(judge)
    assert len(asked) == judge.questions(len(IDS))
    shown = {"one": 1, "two": 2, "all": len(IDS)}[judge.shows]
    assert {len(ids) for ids in asked} == {shown}
    if judge.shows == "two":
        assert {tuple(sorted(ids)) for ids in asked} == set(combinations(IDS, 2))


def test_the_table_can_be_read_without_anything_heavy() -> None:
    code = "import sys, judgeforge.ranking.protocols\nprint(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pydantic", "judgeforge.judging"} & set(shown.stdout.split())


@pytest.mark.parametrize("missing", [None, "the judge slept"])
def test_a_script_is_told_of_a_protocol_that_does_not_exist(missing: str | None) -> None:
    lost = scored("j", "p.c0", 0.5).model_copy(update={"protocol": "pairwize", "missing": missing})
    with pytest.raises(ValueError, match=r"unknown protocol `pairwize`.*mean `pairwise`\?"):
        judgments_of_prompt([lost])


def test_a_stored_judgment_of_another_version_can_be_read() -> None:
    stored = scored("j", "p.c0", 0.5).model_dump() | {"protocol": "telepathy"}
    assert Judgment.model_validate(stored).protocol == "telepathy"
