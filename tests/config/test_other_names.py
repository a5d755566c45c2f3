"""Who comes from another tool is told what a setting is called here, and where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from judgeforge.config.document import Location
from judgeforge.config.file import load_config, load_model
from judgeforge.config.other_names import ELSEWHERE, SAME_SECTION, SERVERS
from judgeforge.config.providers import PROVIDERS
from judgeforge.config.run import RunConfig
from judgeforge.config.schema_guide import SchemaGuide
from judgeforge.errors import ConfigError
from judgeforge.judging.rubric import Rubric

PLACES: dict[str, Location] = {
    "models": ("models", "w"),
    "judging.judges": ("judging", "judges", 0),
}
GUIDE = SchemaGuide(RunConfig)


def keys_of(section: str) -> list[str]:
    place = PLACES.get(section, (section,) if section else ())
    return GUIDE.names_at(place)


@pytest.mark.parametrize("section", SAME_SECTION)
def test_each_other_name_means_a_key_of_its_section_and_is_none_itself(section: str) -> None:
    keys = keys_of(section)
    for other, ours in SAME_SECTION[section].items():
        assert ours in keys
        assert other not in keys


@pytest.mark.parametrize("section", ELSEWHERE)
def test_what_is_said_elsewhere_is_no_key_here_and_has_one_meaning(section: str) -> None:
    assert not {*ELSEWHERE[section]} & {*keys_of(section), *SAME_SECTION.get(section, {})}


def test_a_server_that_is_told_of_is_no_provider() -> None:
    assert not {*SERVERS} & {*PROVIDERS}


GOOD = """\
prompts: {path: p.jsonl}
models:
  writer:
    provider: openai
    model: gpt-x
sampling: {models: [writer], completions: 4}
rubric: helpfulness
judging:
  judges:
    - model: writer
budget: {usd: 1.0}
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("completions: 4", "n: 4", "sampling.n: unknown key; here it is called `completions`"),
        ("completions: 4", "completions: 4, n: 4", "here it is called `completions`"),
        ("model: gpt-x", "name: gpt-x", "models.writer.name: unknown key; here it is called `mode"),
        ("model: gpt-x", "model: gpt-x\n    api_base: x", "here it is called `base_url`"),
        ("completions: 4", "top_p: 0.9", "stand in `params` of the model"),
        ("- model: writer", "- {model: writer, n: 3}", "here it is called `repeats`"),
        ("{usd: 1.0}", "{max_usd: 1.0}", "budget.max_usd: unknown key; here it is called `usd`"),
        ("{path: p.jsonl}", "{dataset: a/b}", "`hf: {name: OWNER/NAME, split: train}`"),
        ("{path: p.jsonl}", "{path: p.jsonl, limit: 3}", "`judgeforge run CONFIG --limit N`"),
        ("rubric: helpfulness", "rubric: helpfulness\nout: x", "`judgeforge run CONFIG --out DIR`"),
        (
            "{path: p.jsonl}",
            "p.jsonl",
            '`fields`, …) (write `{path: "p.jsonl"}`)',
        ),
        ("{path: p.jsonl}", "{hf: a/b}", '(write `{name: "a/b"}`)'),
        ("{usd: 1.0}", "2", "(write `{usd: 2}`)"),
        ("- model: writer", "- writer", '(write `{model: "writer"}`)'),
        ("provider: openai", "provider: vLLM", "`provider: openai` with the address of the server"),
    ],
)
def test_a_name_of_another_tool_is_one_line_with_ours(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert GOOD.count(old) == 1
    file = tmp_path / "run.yaml"
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    message = str(caught.value)
    assert told in message
    assert "missing" not in message  # what is there under another name is told once


def test_a_rubric_is_told_nothing_of_a_run(tmp_path: Path) -> None:
    file = tmp_path / "rubric.yaml"
    file.write_text("name: a\nversion: 1\noutput: x\nmodel: y\ncriteria: [{name: b, yes_no: C?}]\n")
    with pytest.raises(ConfigError) as caught:
        load_model(file, Rubric)
    assert "command" not in str(caught.value)
    assert "called" not in str(caught.value)
