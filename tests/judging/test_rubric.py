"""Rubrics: what may be written, what is refused and how, and the ones that are shipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from judgeforge.config.shipped import shipped_configs, shipped_prompts
from judgeforge.errors import ConfigError
from judgeforge.judging.checks import CHECKS
from judgeforge.judging.rubric import Rubric, load_rubric

SHIPPED = [
    "code",
    "conciseness",
    "harmlessness",
    "helpfulness",
    "instruction_following",
    "quickstart",
    "tool_use",
    "truthfulness",
    "verified",
]
CRITERIA = """
name: mine
version: 3
guidance: Be fair.
criteria:
  - {name: correct, weight: 2, question: "Is it right?", levels: [no, partly, yes]}
  - {name: safe, yes_no: "Is it safe?"}
  - {name: brief, weight: 0.5, check: {max_words: 40}}
  - {name: asked_for, check: {from_metadata: checks}}
"""


def load(folder: Path, text: str) -> Rubric:
    (folder / "mine.yaml").write_text(text)
    return load_rubric("mine.yaml", folder=folder)


def with_criterion(criterion: str) -> str:
    return f"name: mine\nversion: 1\ncriteria:\n  - {criterion}\n"


def mistake(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    return str(caught.value)


class TestARubricFile:
    def test_has_criteria_for_judges_and_criteria_for_code(self, tmp_path: Path) -> None:
        rubric = load(tmp_path, CRITERIA)
        assert [criterion.name for criterion in rubric.judged] == ["correct", "safe"]
        assert [criterion.name for criterion in rubric.checked] == ["brief", "asked_for"]

    def test_weighs_a_criterion_1_unless_it_says_otherwise(self, tmp_path: Path) -> None:
        weights = load(tmp_path, CRITERIA).weights
        assert weights == {"correct": 2, "safe": 1, "brief": 0.5, "asked_for": 1}

    def test_is_named_by_a_path_relative_to_the_folder(self, tmp_path: Path) -> None:
        (tmp_path / "rubrics").mkdir()
        (tmp_path / "rubrics" / "own.yml").write_text(CRITERIA)
        assert load_rubric("rubrics/own.yml", folder=tmp_path).version == 3

    def test_may_be_named_by_an_absolute_path(self, tmp_path: Path) -> None:
        (tmp_path / "own.yaml").write_text(CRITERIA)
        assert load_rubric(str(tmp_path / "own.yaml"), folder=Path("/nowhere")).name == "mine"

    def test_is_identified_by_its_content_and_not_by_its_layout(self, tmp_path: Path) -> None:
        plain = load(tmp_path, CRITERIA).identity
        commented = load(tmp_path, "# a comment\n" + CRITERIA.replace("{name", "{  name")).identity
        changed = load(tmp_path, CRITERIA.replace("weight: 2", "weight: 3")).identity
        assert commented == plain
        assert changed.sha256 != plain.sha256
        assert (plain.name, plain.version, len(plain.sha256)) == ("mine", 3, 64)

    def test_is_the_same_whatever_the_order_of_its_checks(self, tmp_path: Path) -> None:
        one = load(tmp_path, with_criterion("{name: x, check: {max_words: 3, json: true}}"))
        other = load(tmp_path, with_criterion("{name: x, check: {json: true, max_words: 3}}"))
        assert one.sha256 == other.sha256

    def test_means_scores_by_its_weights(self, tmp_path: Path) -> None:
        rubric = load(tmp_path, CRITERIA)
        assert rubric.weighted_mean({"correct": 1.0, "safe": 0.0}) == pytest.approx(2 / 3)
        assert rubric.weighted_mean({"brief": 1.0, "asked_for": 0.25}) == pytest.approx(0.5)


class TestAMistakeInARubric:
    @pytest.mark.parametrize(
        ("criterion", "expected"),
        [
            ("{name: x}", "exactly one of `question` with `levels`, `yes_no` and `check`"),
            ("{name: x, yes_no: q, check: {max_words: 3}}", "found `yes_no` and `check`"),
            ("{name: x, yes_no: q, required: true}", "which only a `check` can be"),
            ("{name: x, question: q}", "has a `question` but no `levels`"),
            ("{name: x, levels: [a, b]}", "has `levels` but no `question`"),
            ("{name: x, question: q, levels: [a]}", "1 levels; allowed are 2 to 10"),
            (f"{{name: x, question: q, levels: {list(range(100, 111))}}}", "levels"),
            ("{name: x, question: q, levels: [a, 'a ']}", "two levels have the same description"),
            ("{name: x, question: ' ', levels: [a, b]}", "question"),
            ("{name: two words, yes_no: q}", "`two words` is not a name"),
            ("{name: x, yes_no: q, weight: 0}", "above 0, or below"),
            ("{name: x, yes_no: q, weight: '1'}", "number"),
            ("{name: x, check: {}}", "at least one check"),
            ("{name: x, check: {max_word: 3}}", "did you mean `max_words`"),
            ("{name: x, check: {max_words: many}}", "a whole number from 0"),
            ("{name: x, check: {regex: '('}}", "is not a regular expression"),
            ("{name: x, check: {from_metadata: a, json: true}}", "stands alone"),
            ("{name: x, check: {from_metadata: 3}}", "names a key of the metadata"),
        ],
    )
    def test_is_named_with_file_line_and_what_is_allowed(
        self, tmp_path: Path, criterion: str, expected: str
    ) -> None:
        message = mistake(tmp_path, with_criterion(criterion))
        assert expected in message
        assert "mine.yaml:4: criteria[0]" in message

    def test_is_a_name_used_twice(self, tmp_path: Path) -> None:
        text = with_criterion("{name: x, yes_no: a}") + "  - {name: x, yes_no: b}\n"
        assert "two criteria are called `x`" in mistake(tmp_path, text)

    def test_is_an_unknown_key(self, tmp_path: Path) -> None:
        message = mistake(tmp_path, CRITERIA.replace("guidance", "guidence"))
        assert "mine.yaml:4: guidence" in message
        assert "did you mean `guidance`" in message

    def test_is_a_version_in_quotes(self, tmp_path: Path) -> None:
        assert "version" in mistake(tmp_path, CRITERIA.replace("3", "'3'", 1))

    def test_is_a_name_that_is_no_name(self, tmp_path: Path) -> None:
        assert "is not a name" in mistake(tmp_path, CRITERIA.replace("mine", "../mine"))

    def test_is_a_file_that_does_not_exist(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"absent\.yaml"):
            load_rubric("absent.yaml", folder=tmp_path)

    def test_is_a_name_that_is_not_shipped(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError) as caught:
            load_rubric("helpfullness", folder=tmp_path)
        assert "did you mean `helpfulness`" in str(caught.value)
        assert "truthfulness" in str(caught.value)


class TestTheShippedRubrics:
    def test_are_these(self) -> None:
        found = sorted(file.stem for file in (shipped_prompts() / "rubrics").glob("*.yaml"))
        assert found == SHIPPED

    @pytest.mark.parametrize("name", SHIPPED)
    def test_load_by_name_from_anywhere(self, name: str, tmp_path: Path) -> None:
        rubric = load_rubric(name, folder=tmp_path)
        assert rubric.name == name
        assert rubric.guidance.strip()

    @pytest.mark.parametrize("name", SHIPPED)
    def test_describe_at_least_five_levels_for_judges(self, name: str, tmp_path: Path) -> None:
        rubric = load_rubric(name, folder=tmp_path)
        scaled = [criterion for criterion in rubric.judged if criterion.levels is not None]
        assert scaled or not rubric.judged
        assert all(len(criterion.levels or ()) >= 5 for criterion in scaled)

    def test_let_code_decide_most_of_the_quickstart(self, tmp_path: Path) -> None:
        rubric = load_rubric("quickstart", folder=tmp_path)
        assert len(rubric.judged) == 1
        checked = sum(criterion.weight for criterion in rubric.checked)
        assert checked / sum(rubric.weights.values()) >= 0.8

    def test_stand_beside_configurations(self) -> None:
        assert (shipped_configs() / "quickstart.yaml").is_file()


class TestTheDocumentation:
    TEXT = (Path(__file__).parents[2] / "docs" / "rubrics.md").read_text()

    def test_names_every_check(self) -> None:
        rows = "".join(line.split("|")[1] for line in self.TEXT.splitlines() if "|" in line)
        documented = re.findall(r"`(\w+)`", rows)
        assert sorted(documented) == sorted(CHECKS)

    def test_shows_a_rubric_that_loads(self, tmp_path: Path) -> None:
        example = re.findall(r"```yaml\n(name:.*?)```", self.TEXT, re.DOTALL)[0]
        rubric = load(tmp_path, example)
        assert [criterion.name for criterion in rubric.criteria] == ["correct", "polite", "brief"]
