"""verl's strings: prompt and answer are what the chat template writes, less the end token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import ConfigError
from judgeforge.records import PreferencePair
from judgeforge.results.export.export import export_pairs
from judgeforge.results.export.targets import ExportOptions
from tests.support.hand_made import pair, run_folder
from tests.support.rich_pairs import tool_pair

TOOL_TEMPLATE = (
    "{% if tools %}[tools {{ tools | tojson }}]{% endif %}"
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}"
    "{% for call in m.tool_calls or [] %}{{ call.function.arguments.place }}{% endfor %}<end>"
    "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)


def exported(tmp_path: Path, made: PreferencePair, template: str) -> dict[str, Any]:
    from pyarrow import parquet

    folder, to = run_folder(tmp_path / "run", [made]), tmp_path / "out.parquet"
    export_pairs(folder, target="verl-rm", to=to, options=ExportOptions(template=template))
    row: dict[str, Any]
    (row,) = parquet.read_table(to).to_pylist()
    return row


def tokenizer(tmp_path: Path, template: str) -> str:
    folder = tmp_path / "tokenizer"
    folder.mkdir(exist_ok=True)
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    config = {"eos_token": {"content": "<end>"}, "bos_token": "<begin>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return str(folder)


def test_chatml_is_known_by_its_name(tmp_path: Path) -> None:
    assert exported(tmp_path, pair("p1"), "chatml") == {
        "prompt": "<|im_start|>user\nQuestion p1?<|im_end|>\n<|im_start|>assistant\n",
        "chosen": "A good answer to p1.",
        "rejected": "A poor one.",
    }


def test_the_template_of_a_tokenizer_writes_tools_and_calls(tmp_path: Path) -> None:
    row = exported(tmp_path, tool_pair(), tokenizer(tmp_path, TOOL_TEMPLATE))
    assert row["prompt"].startswith("[tools [{")
    assert row["prompt"].endswith("<tool>21 degrees<end><assistant>")
    assert (row["chosen"], row["rejected"]) == ("Linz", "Graz")


def test_a_template_that_knows_no_tools_is_refused_for_a_pair_with_some(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pair tools\.p0: .*chatml does not write out the tools"):
        exported(tmp_path, tool_pair(), "chatml")


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{{ raise_exception('two users in a row') }}", "two users in a row"),
        ("{% for %}", "not Jinja"),
        ("{{ messages | length }}{% if not add_generation_prompt %}!{% endif %}", "differently"),
        ("{{ messages.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_a_template_that_cannot_be_used_says_why(
    tmp_path: Path, template: str, problem: str
) -> None:
    (tmp_path / "mine.jinja").write_text(template, encoding="utf-8")
    with pytest.raises(ConfigError, match=problem):
        exported(tmp_path, pair("p1"), str(tmp_path / "mine.jinja"))


def test_the_template_must_be_named_and_exist(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", [pair("p1")])
    with pytest.raises(ConfigError, match="needs --template"):
        export_pairs(folder, target="verl-rm", to=tmp_path / "out.parquet")
    with pytest.raises(ConfigError, match=r"no chat template `chatnl`.*did you mean `chatml`"):
        exported(tmp_path, pair("p1"), "chatnl")
    options = ExportOptions(template="chatml")
    with pytest.raises(ConfigError, match="does not take --template, which is for verl-rm:"):
        export_pairs(folder, target="trl", to=tmp_path / "out.jsonl", options=options)


def test_verl_joins_the_strings_to_what_the_template_writes(tmp_path: Path) -> None:
    """As its RMDataset does: prompt, answer, end token."""
    made = pair("p1")
    row = exported(tmp_path, made, tokenizer(tmp_path, TOOL_TEMPLATE))
    whole = "<user>Question p1?<end><assistant>A good answer to p1.<end>"
    assert row["prompt"] + row["chosen"] + "<end>" == whole
