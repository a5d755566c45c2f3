"""Every mistake in a configuration file is one line: where, what was found, what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from judgeforge.config.file import load_config, load_model
from judgeforge.config.price import Price
from judgeforge.config.run import Fields, HuggingFaceSource, RunConfig
from judgeforge.errors import ConfigError
from judgeforge.text.redaction import redact

GOOD = """\
prompts: {path: data/prompts.jsonl}
models:
  writer:
    provider: openai
    model: gpt-x
    rpm: 60
sampling: {models: [writer], completions: 4}
rubric: helpfulness
judging:
  judges:
    - model: writer
"""


def write(folder: Path, text: str | bytes, name: str = "run.yaml") -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def refusal(folder: Path, text: str | bytes) -> str:
    """The message without the folder; a line for each mistake, up to ten and how many more."""
    with pytest.raises(ConfigError) as caught:
        load_config(write(folder, text))
    message = str(caught.value)
    assert message.count("\n") == min(len(caught.value.mistakes), 11) - 1
    return message.replace(f"{folder}/", "")


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


PROVIDERS = (
    "one of `openai`, `anthropic`, `local`, `openai_decisions`, `systemone`, `classify`, `tei`, "
    "`transformers`"
)
MISTAKES = {
    "a number out of range": (
        changed("rpm: 60", "rpm: -3"),
        "run.yaml:6: models.writer.rpm: found `-3`; it takes a number above 0",
    ),
    "a number outside two limits": (
        changed("completions: 4", "completions: 1"),
        "run.yaml:7: sampling.completions: found `1`; it takes a whole number from 2 to 256",
    ),
    "text for a number": (
        changed("rpm: 60", "rpm: fast"),
        "run.yaml:6: models.writer.rpm: found the text `fast`; it takes a number above 0",
    ),
    "a quoted number": (
        changed("completions: 4", "completions: '4'"),
        "run.yaml:7: sampling.completions: found the text `4`; "
        "it takes a whole number from 2 to 256",
    ),
    "a fraction for a whole number": (
        changed("completions: 4", "completions: 4.5"),
        "run.yaml:7: sampling.completions: found `4.5`; it takes a whole number from 2 to 256",
    ),
    "an infinite number": (
        changed("rpm: 60", "timeout_s: .inf"),
        "run.yaml:6: models.writer.timeout_s: found `Infinity`; "
        "it takes a number above 0 and at most 3600",
    ),
    "a truth value for a number": (
        changed("completions: 4", "temperature: true"),
        "run.yaml:7: sampling.temperature: found `true`; it takes a number",
    ),
    "a number for text": (
        changed("rubric: helpfulness", "rubric: 3"),
        "run.yaml:8: rubric: found `3`; it takes text (write it in quotes)",
    ),
    "text for a mapping": (
        changed("{path: data/prompts.jsonl}", "p.jsonl"),
        "run.yaml:1: prompts: found the text `p.jsonl`; "
        'it takes a mapping (`path`, `hf`, `format`, `fields`, …) (write `{path: "p.jsonl"}`)',
    ),
    "an item of a list": (
        changed("- model: writer", "- writer"),
        "run.yaml:11: judging.judges[0]: found the text `writer`; "
        "it takes a mapping (`model`, `name`, `protocol`, `repeats`, …) "
        '(write `{model: "writer"}`)',
    ),
    "an empty list": (
        changed("[writer]", "[]"),
        "run.yaml:7: sampling.models: found an empty list; "
        "it takes a list of at least 1 (each text)",
    ),
    "a key without a value": (
        changed("rubric: helpfulness", "rubric:"),
        "run.yaml:8: rubric: found nothing; it takes text (give a value, or remove the key)",
    ),
    "a choice that is none": (
        changed("provider: openai", "provider: opena"),
        f"run.yaml:4: models.writer.provider: found the text `opena`; it takes {PROVIDERS}; "
        "did you mean `openai`?",
    ),
    "a missing key": (
        changed("    provider: openai\n", ""),
        f"run.yaml:3: models.writer.provider: missing; it takes {PROVIDERS}",
    ),
    "a misspelled key": (
        changed("rpm: 60", "rpn: 60"),
        "run.yaml:6: models.writer.rpn: unknown key; did you mean `rpm`?",
    ),
    "a misspelled key that is required is not missing too": (
        changed("rubric:", "rubrik:"),
        "run.yaml:8: rubrik: unknown key; did you mean `rubric`?",
    ),
    "a key that belongs elsewhere": (
        changed("rpm: 60", "temperature: 1"),
        "run.yaml:6: models.writer.temperature: unknown key here; "
        "`temperature` belongs to `sampling` or `judging.judges[]`",
    ),
    "a key that means nothing": (
        changed("[writer], completions: 4", "[writer], zzz: 4"),
        "run.yaml:7: sampling.zzz: unknown key; allowed are models, completions, temperature, "
        "max_tokens, system, seed, keep_cut, keep_unsure, "
        "pool, always, principles, add_to_ready, …",
    ),
    "a field that no file may set": (
        f"{GOOD}source_file: other.yaml\n",
        "run.yaml:12: source_file: unknown key; allowed are prompts, models, sampling, rubric, "
        "judging, pairing, budget, limits, cache, on_finish",
    ),
    "a value refused with a reason of its own": (
        changed("rpm: 60", "base_url: ftp://host"),
        "run.yaml:6: models.writer.base_url: must be an http:// or https:// address, "
        "found the text `ftp://host`",
    ),
    "a mapping refused with a reason of its own": (
        changed("{path: data/prompts.jsonl}", "{}"),
        "run.yaml:1: prompts: give exactly one of `path` (a file) and `hf` (a dataset)",
    ),
    "a list refused with a reason of its own": (
        f"{GOOD}    - model: writer\n",
        "run.yaml:10: judging.judges: two judges are called `writer`: give one of them a `name`",
    ),
    "an environment variable in a value": (
        changed("rpm: 60", "rpm: ${RPM}"),
        "run.yaml:6: models.writer.rpm: found the text `${RPM}`; it takes a number above 0 "
        "(environment variables are not filled in)",
    ),
    "several mistakes: each on its own line, in file order": (
        changed("rpm: 60", "rpm: 0\nlimits: {concurency: 3}\npairing: {min_margin: 3}"),
        "run.yaml:6: models.writer.rpm: found `0`; it takes a number above 0\n"
        "run.yaml:7: limits.concurency: unknown key; did you mean `concurrency`?\n"
        "run.yaml:8: pairing.min_margin: found `3`; it takes a number from 0 to 1",
    ),
    "several models that are not there": (
        changed("[writer]", "[writr]").replace("model: writer", "model: wrter"),
        "run.yaml:7: sampling.models[0]: there is no model `writr`; "
        "defined under `models` are `writer`; did you mean `writer`?\n"
        "run.yaml:11: judging.judges[0].model: there is no model `wrter`; "
        "defined under `models` are `writer`; did you mean `writer`?",
    ),
    "a name with a dot in it": (
        changed("  writer:", "  gpt-4.1:").replace("rpm: 60", "rpm: 0"),
        'run.yaml:6: models."gpt-4.1".rpm: found `0`; it takes a number above 0',
    ),
    "a model to sample from that is not there": (
        changed("[writer]", "[writer, writr]"),
        "run.yaml:7: sampling.models[1]: there is no model `writr`; "
        "defined under `models` are `writer`; did you mean `writer`?",
    ),
    "one name in place of a list": (
        changed("[writer]", "writr"),
        "run.yaml:7: sampling.models: there is no model `writr`; "
        "defined under `models` are `writer`; did you mean `writer`?",
    ),
    "a judge's model that is not there": (
        changed("- model: writer", "- model: gpt"),
        "run.yaml:11: judging.judges[0].model: there is no model `gpt`; "
        "defined under `models` are `writer`",
    ),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_names_its_place_and_what_is_allowed(
    tmp_path: Path, text: str, message: str
) -> None:
    assert refusal(tmp_path, text) == message


NOT_YAML = {
    "tab": ("a:\n\t- b\n", "2: not valid YAML at column 1: a tab is used to indent; use spaces"),
    "colon in text": (
        "a: b: c\n",
        "1: not valid YAML at column 5: a `:` where no key can be; quote text that contains `: `, "
        "or check the indentation",
    ),
    "open quote": (
        "a: 1\nb: 'x\nc: 2",
        "2: not valid YAML at column 4: a quote that is never closed",
    ),
    "open list": (
        "a: [1, 2\nb: 3",
        "1: not valid YAML at column 4: a `[` that is not closed, or lacks a `,`",
    ),
    "open mapping": (
        "a: {b: 1",
        "1: not valid YAML at column 4: a `{` that is not closed, or lacks a `,`",
    ),
    "no key": ("a: 1\nfoo\nb: 2", "2: not valid YAML at column 1: a line that is not `key: value`"),
    "indentation": (
        "a:\n  - x\n b: 2",
        "3: not valid YAML at column 2: indentation that fits none of the lines above, "
        "or text after a closing quote",
    ),
    "text before a mapping": (
        "  a: 1\nb: 2",
        "2: not valid YAML at column 1: text that is not indented like the mapping above it",
    ),
    "unquoted @": (
        "a: @x",
        "1: not valid YAML at column 4: text that begins with `@` needs quotes around it",
    ),
    "unknown alias": (
        "a: *x",
        "1: not valid YAML at column 4: an alias (`*name`) without its anchor (`&name`); "
        "quote text with `*`",
    ),
    "escape": (
        'a: "\\q"',
        "1: not valid YAML at column 5: an unknown escape in a quoted text; "
        "write `\\\\` for a backslash",
    ),
    "two documents": (
        "a: 1\n---\nb: 2",
        "2: not valid YAML at column 1: a second document (`---`); a file takes only one",
    ),
    "control character": (
        "a: 1\nb: \x01",
        "2: the control character U+0001 is not allowed; remove it",
    ),
    "not UTF-8": (b"a: 1\nb: \xff\n", "2: byte 0xff is not UTF-8; save the file as UTF-8"),
    "empty": ("# only a comment\n", " the file is empty; it takes `key: value` lines"),
    "list": ("- a", "1: found a list; the file takes `key: value` lines"),
    "value": ("a", "1: found a single value; the file takes `key: value` lines"),
    "duplicate key": (
        "a: {b: 1}\nc:\n  d: 1\n  e: 2\n  d: 3",
        "5: c.d: written twice, first in line 3",
    ),
    "key that is a list": (
        "? [a]\n: 1",
        "1: a key must be plain text; found a list or mapping (text with `{` or `[` needs quotes)",
    ),
    "tag": (
        "a: !!python/name:os.system x",
        "1: the tag `tag:yaml.org,2002:python/name:os.system` is not allowed; remove it",
    ),
    "merge of text": ("a: {<<: b}", "1: a: `<<` takes a mapping or an alias of one"),
}


@pytest.mark.parametrize(("text", "message"), NOT_YAML.values(), ids=NOT_YAML.keys())
def test_what_is_no_yaml_mapping_is_said_in_plain_words(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    assert refusal(tmp_path, text) == f"run.yaml:{message}"


def test_deep_nesting_is_refused_before_it_can_crash_the_parser(tmp_path: Path) -> None:
    assert refusal(tmp_path, "[" * 200_000) == "run.yaml:1: nested deeper than 32 levels"


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "aliases expand to more than 100000 values" in refusal(tmp_path, "\n".join(lines))


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: *a}", "a: &a {<<: *a}"])
def test_an_anchor_within_itself_is_refused(tmp_path: Path, text: str) -> None:
    assert "an anchor must not contain an alias of itself" in refusal(tmp_path, text)


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    assert "larger than 1 MiB" in refusal(tmp_path, "# filler\n" * 200_000)


def test_a_missing_file_points_to_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "quickstart.yaml")
    with pytest.raises(ConfigError, match=r"no such file; did you mean `quickstart\.yaml`\?"):
        load_config(tmp_path / "quickstrt.yml")


def test_a_missing_folder_and_a_folder_in_place_of_a_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file, and no folder"):
        load_config(tmp_path / "nowhere" / "run.yaml")
    with pytest.raises(ConfigError, match="is a folder; give the YAML file in it"):
        load_config(tmp_path)


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    with pytest.raises(ConfigError, match=r"cannot be read: .*symbolic links"):
        load_config(loop)


SECRETS = {
    "api_key": "api_key: hunter2secret",
    "any value that looks like a key": "model_name: sk-ant-hunter2secret",
    "a header": "params: {extra_headers: {Authorization: Bearer hunter2secret}}",
    "api_key_env that is a key": "api_key_env: sk-hunter2secret",
    "api_key_env that is no name": "api_key_env: hunter2-secret",
    "a key as a key": "params: {sk-hunter2secret: 1}",
}


@pytest.mark.parametrize("line", SECRETS.values(), ids=SECRETS.keys())
def test_a_key_in_the_file_is_refused_and_not_repeated(tmp_path: Path, line: str) -> None:
    message = refusal(tmp_path, changed("rpm: 60", line))
    assert message.startswith("run.yaml:6: models.writer")
    assert "hunter2" not in message
    assert "environment variable" in message
    assert redact(message) == message  # or the terminal would show half a sentence


def test_every_key_in_the_file_is_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, changed("rpm: 60", "api_key: hunter2\n    password: hunter2"))
    assert [line.split(" must")[0] for line in message.splitlines()] == [
        "run.yaml:6: models.writer: `api_key`",
        "run.yaml:7: models.writer: `password`",
    ]


def test_of_many_mistakes_the_first_ten_are_shown(tmp_path: Path) -> None:
    unknown = "".join(f"zzz{i}: 1\n" for i in range(12))
    *shown, last = refusal(tmp_path, GOOD + unknown).splitlines()
    assert [line.split(": ")[1] for line in shown] == [f"zzz{i}" for i in range(10)]
    assert last == "… and 2 more mistakes"


def test_a_password_in_a_wrong_address_is_not_repeated(tmp_path: Path) -> None:
    message = refusal(tmp_path, changed("rpm: 60", "base_url: https://me:hunter2@host/v1"))
    assert "must contain no user, password or query" in message
    assert "hunter2" not in message


def test_a_variable_reference_is_turned_into_the_bare_name(tmp_path: Path) -> None:
    message = refusal(tmp_path, changed("rpm: 60", "api_key_env: ${MY_KEY}"))
    assert message.endswith("takes the bare name of an environment variable: `MY_KEY`")


def test_words_that_only_resemble_a_key_are_fine(tmp_path: Path) -> None:
    text = changed("completions: 4", "system: a task-oriented-assistant asks for a password")
    assert load_config(write(tmp_path, text)).sampling is not None


def test_paths_are_taken_from_the_folder_of_the_file(tmp_path: Path) -> None:
    text = (changed("helpfulness", "rubrics/own.yaml") + "cache: {dir: ../cache}\n").replace(
        "    rpm: 60", "  tiny: {provider: local, model: models/tiny.gguf}"
    )
    config = load_config(write(tmp_path, text))
    assert config.prompts.path == tmp_path / "data" / "prompts.jsonl"
    assert config.rubric == str(tmp_path / "rubrics" / "own.yaml")
    assert config.cache.dir == tmp_path.parent / "cache"
    assert config.models["tiny"].model == str(tmp_path / "models" / "tiny.gguf")
    assert config.source_file == tmp_path / "run.yaml"


def test_a_relative_path_to_the_file_gives_the_same_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = load_config(write(tmp_path, GOOD))
    monkeypatch.chdir(tmp_path)
    assert load_config("run.yaml") == whole


def test_a_section_that_the_file_does_not_have_is_not_set(tmp_path: Path) -> None:
    """Without `judging` a run only samples."""
    config = load_config(write(tmp_path, "prompts: {path: p.jsonl}\nrubric: helpfulness\n"))
    assert not {"judging", "cache", "budget"} & config.model_fields_set
    judged = "prompts: {path: p.jsonl}\nrubric: helpfulness\njudging: {judgments: a.jsonl}\n"
    assert load_config(write(tmp_path, judged)).judging.judgments == tmp_path / "a.jsonl"


def test_names_stay_names(tmp_path: Path) -> None:
    text = changed("{path: data/prompts.jsonl}", "{hf: {name: org/set}}")
    config = load_config(write(tmp_path, text))
    assert (config.rubric, config.models["writer"].model) == ("helpfulness", "gpt-x")
    assert config.prompts.hf is not None
    assert config.prompts.hf.name == "org/set"


def test_a_dataset_in_a_folder_beside_the_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "org" / "set").mkdir(parents=True)
    text = changed("{path: data/prompts.jsonl}", "{hf: {name: org/set}}")
    config = load_config(write(tmp_path, text))
    assert config.prompts.hf is not None
    assert config.prompts.hf.name == str(tmp_path / "org" / "set")


def test_evaluation_sets_are_found_from_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "org" / "set").mkdir(parents=True)
    against = "[eval.jsonl, ../sets, {name: org/set, split: test}, {name: org/other}]"
    text = changed(
        "{path: data/prompts.jsonl}",
        f"{{path: data/prompts.jsonl, contamination: {{against: {against}}}}}",
    )
    found = load_config(write(tmp_path, text)).prompts.contamination
    assert found is not None
    assert found.against[:2] == [tmp_path / "eval.jsonl", tmp_path.parent / "sets"]
    names = [one.name for one in found.against[2:] if isinstance(one, HuggingFaceSource)]
    assert names == [str(tmp_path / "org" / "set"), "org/other"]
    assert (found.ngram, found.share) == (8, 0.5)
    alone = load_config(write(tmp_path, text.replace(against, "eval.jsonl"))).prompts.contamination
    assert alone is not None
    assert alone.against == [tmp_path / "eval.jsonl"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("near_duplicates: 0.4", r"prompts\.near_duplicates"),
        ("near_duplicates: 80", r"prompts\.near_duplicates"),
        ("near_duplicates: 0.8, duplicate_prompts: keep", "an equal prompt is a near one"),
        ("contamination: {against: []}", r"prompts\.contamination\.against"),
        ("contamination: {against: [e.jsonl], ngram: 1}", r"prompts\.contamination\.ngram"),
        ("contamination: {against: [e.jsonl], share: 0}", r"prompts\.contamination\.share"),
        ("contamination: {against: [{split: test}]}", r"prompts\.contamination\.against"),
        ("contamination: {against: [3]}", r"prompts\.contamination\.against"),
    ],
)
def test_what_leaves_prompts_out_is_checked(tmp_path: Path, options: str, said: str) -> None:
    text = changed("{path: data/prompts.jsonl}", f"{{path: p.jsonl, {options}}}")
    with pytest.raises(ConfigError, match=said):
        load_config(write(tmp_path, text))


def test_two_paths_of_one_section_are_both_found(tmp_path: Path) -> None:
    text = changed("judging:\n", "judging:\n  calibration: c.json\n  judgments: j.jsonl\n")
    judging = load_config(write(tmp_path, text)).judging
    assert (judging.calibration, judging.judgments) == (tmp_path / "c.json", tmp_path / "j.jsonl")


def test_a_home_folder_is_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    text = changed("data/prompts.jsonl", "~/prompts.jsonl")
    assert load_config(write(tmp_path, text)).prompts.path == tmp_path / "home/prompts.jsonl"


def test_plain_values_follow_yaml_1_2(tmp_path: Path) -> None:
    params = "params: {a: no, b: on, c: 1e-3, d: 2024-01-02, e: 1_000, f: 0o17, g: ~, h: 'true'}"
    config = load_config(write(tmp_path, changed("rpm: 60", params)))
    assert config.models["writer"].params == {
        "a": "no", "b": "on", "c": 0.001, "d": "2024-01-02",
        "e": 1000, "f": "0o17", "g": None, "h": "true",
    }  # fmt: skip


def test_models_may_share_settings_by_a_merge(tmp_path: Path) -> None:
    text = changed("  writer:\n", "  writer: &writer\n").replace(
        "    rpm: 60\n", "    rpm: 60\n  other: {<<: *writer, rpm: 5}\n"
    )
    models = load_config(write(tmp_path, text)).models
    assert (models["other"].provider, models["other"].rpm) == ("openai", 5)
    assert models["writer"].rpm == 60


def test_of_several_merged_mappings_the_first_wins(tmp_path: Path) -> None:
    text = changed("rpm: 60", "params: {a: &a {x: 1}, b: &b {x: 2, y: 2}, c: {<<: [*a, *b]}}")
    params = load_config(write(tmp_path, text)).models["writer"].params
    assert params["c"] == {"x": 1, "y": 2}


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, b"\xef\xbb\xbf" + GOOD.encode()))
    assert config.rubric == "helpfulness"


def test_overrides_replace_values_before_they_are_checked(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD)
    config = load_config(file, {"budget.usd": 5.0, "sampling.completions": 2})
    assert config.budget.usd == 5.0
    assert config.sampling is not None
    assert config.sampling.completions == 2


def test_an_override_may_be_a_path_and_what_yaml_has_no_form_for_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD)
    given: dict[str, object] = {"prompts.path": Path("more") / "mine.jsonl"}
    assert load_config(file, given).prompts.path == tmp_path / "more" / "mine.jsonl"
    with pytest.raises(TypeError, match=r"overrides: `budget.usd` must be .*of type object"):
        load_config(file, {"budget.usd": object()})


def test_a_wrong_override_names_the_key_but_no_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, GOOD), {"budget.usd": -1})
    assert str(caught.value) == "budget.usd: found `-1`; it takes a number of at least 0"


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"budgt.usd": 1}, "budgt: unknown key; did you mean `budget`?"),
        ({"budget.us": 1}, "budget.us: unknown key; did you mean `usd`?"),
        ({"budget": {"us": 1}}, "budget.us: unknown key; did you mean `usd`?"),
        ({"budget": {"usd": -1}}, "budget.usd: found `-1`; it takes a number of at least 0"),
    ],
)
def test_an_override_of_a_misspelt_key_is_told_of_itself_and_what_is_meant(
    tmp_path: Path, overrides: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, GOOD), overrides)
    assert str(caught.value) == told


def test_sampling_may_be_left_out(tmp_path: Path) -> None:
    text = changed("sampling: {models: [writer], completions: 4}\n", "")
    assert load_config(write(tmp_path, text)).sampling is None


class Choice(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern="^[a-z]+$")
    size: int | list[float] = 1
    parts: list[str] = Field(default=["x"], min_length=1, max_length=3)
    part: Price | Fields | None = None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: A-1", "1: name: found the text `A-1`; it takes text like `^[a-z]+$`"),
        (
            "name: a\nsize: big",
            "2: size: found the text `big`; it takes a whole number or a list (each a number)",
        ),
        (
            "name: a\nparts: [a, b, c, d]",
            "2: parts: found a list; it takes a list of 1 to 3 (each text)",
        ),
        ("name: a\npart: {promt: b}", "2: part.promt: unknown key; did you mean `prompt`?"),
    ],
)
def test_patterns_unions_and_lengths_are_told_in_words(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_model(write(tmp_path, text), Choice)
    assert str(caught.value).removeprefix(f"{tmp_path}/run.yaml:").split("\n")[0] == message


def test_any_model_can_be_loaded(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD)
    config = load_model(file, RunConfig)
    assert config.prompts.path == Path("data/prompts.jsonl")
    assert config.source_file is None


YAML_PIECES = st.sampled_from(
    ["a", "models", "prompts", "path", "rubric", "<<", ": ", ":", "\n", "  ", "- ", "[", "]", "{",
     "}", ", ", "&x ", "*x", "'", '"', "|", ">", "#", "1", "-1", "1e999", ".nan", "~", "true",
     "!", "!!int ", "%", "@", "\t", "---\n", "\\ud800", "\0", "é", "\ufeff", "? ", "${X}", "~no",
     "sk-ant-aaaaaaaaaaaa", "api_key_env", "9" * 5000]
)  # fmt: skip
NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def one_line_each(error: ConfigError) -> bool:
    return not any("\n" in str(mistake) for mistake in error.mistakes)


def outcome(file: Path, overrides: dict[str, object] | None = None) -> RunConfig | ConfigError:
    """Whatever else is raised fails the test."""
    try:
        return load_config(file, overrides)
    except ConfigError as error:
        return error


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text() | st.lists(YAML_PIECES, max_size=25).map("".join) | st.binary(max_size=200))
@example('a: "\\ud800"')
@example('a: "\\0"')
@example(GOOD)
def test_arbitrary_text_is_a_configuration_or_a_config_error(
    tmp_path: Path, text: str | bytes
) -> None:
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    result = outcome(write(tmp_path, raw))
    assert isinstance(result, RunConfig) or one_line_each(result)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    key=st.sampled_from([*RunConfig.model_fields, "models.writer", "models.writer.params",
                         "prompts.path", "prompts.hf.name", "cache.dir", "rubric"]),
    value=NESTED,
)  # fmt: skip
@example("rubric", "/" + "x" * 5000)
@example("cache.dir", "~nobody/" + "x" * 5000)
@example("prompts.hf.name", "x" * 5000)
def test_arbitrary_values_are_a_configuration_or_a_config_error(
    tmp_path: Path, key: str, value: object
) -> None:
    result = outcome(write(tmp_path, GOOD), {key: value})
    assert isinstance(result, RunConfig) or one_line_each(result)


@pytest.mark.parametrize(
    ("rubric", "told"),
    [
        ("{name: helpfulness, per_promt: add}", "rubric.per_promt: unknown key; did you mean"),
        ("{name: helpfulness, per_prompt: both}", "rubric.per_prompt: found the text `both`"),
        ("{per_prompt: add}", "rubric: needs a `name`, such as helpfulness"),
        ("{name: helpfulness, write: {model: writer}}", "`write` needs `per_prompt: add`"),
        (
            "{name: helpfulness, per_prompt: add, write: {model: nobody}}",
            "rubric.write.model: there is no model `nobody`",
        ),
    ],
)
def test_a_rubric_with_settings_is_told_what_is_wrong_with_these(
    tmp_path: Path, rubric: str, told: str
) -> None:
    said = refusal(tmp_path, changed("rubric: helpfulness", f"rubric: {rubric}"))
    assert told in said
    assert said.count("run.yaml:8") == 1


def test_a_rubric_that_is_only_named_and_one_with_settings_say_the_same_by_their_parts(
    tmp_path: Path,
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(changed("rubric: helpfulness", "rubric: {name: own/r.yaml, per_prompt: only}"))
    parts = load_config(file).rubric_parts
    assert (parts.name, parts.per_prompt) == (str(tmp_path / "own" / "r.yaml"), "only")
    file.write_text(changed("rubric: helpfulness", "rubric: helpfulness"))
    assert load_config(file).rubric_parts.name == "helpfulness"
