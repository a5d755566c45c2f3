"""README.md names what exists, and each of its numbers is measured, printed or in the code."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import judgeforge
from examples import cascade_compare
from judgeforge.cli import app
from judgeforge.config.shipped import init_project
from judgeforge.runs.planning.check import check_run

PROJECT = Path(__file__).parents[2]
RESULTS = PROJECT / "benchmarks" / "results"
TEXT = (PROJECT / "README.md").read_text(encoding="utf-8")
FIRST_SCREEN = 60
"""Lines."""
NUMBER = re.compile(r"(?<![\w.\-])\$?\d(?:[\d,]*\d)?(?:\.\d+)?(?![\w-])")
"""One that stands alone: that of a name (`gpt-5.4-mini`, `sky.p0`) is a part of the name."""


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == language]


def test_every_file_that_is_linked_exists() -> None:
    linked = set(re.findall(r"\]\(([^)#]+)", TEXT))
    assert len(linked) > 20
    assert {target for target in linked if not (PROJECT / target).exists()} == set()


def test_every_command_and_option_exists() -> None:
    lines = [line.split("#")[0] for block in blocks("bash") for line in block.splitlines()]
    used = [line.split() for line in lines if line.startswith("judgeforge ")]
    assert {words[1] for words in used} >= {"init", "check", "plan", "run", "explain", "export"}
    for _, command, *words in used:
        shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
        assert shown.exit_code == 0, command
        assert {
            word for word in words if word.startswith("--") and word not in shown.output
        } == set()


def test_the_configuration_is_ready_to_run_in_a_new_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    init_project(tmp_path)
    (tmp_path / "config.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    report = check_run(judgeforge.load_config(tmp_path / "config.yaml"))
    assert report.usable, report.problems


def text_of(name: str) -> str:
    return (RESULTS / name).read_text(encoding="utf-8")


def json_of(name: str) -> Any:
    return json.loads(text_of(name))


def rows_of(name: str) -> Iterator[list[str]]:
    """The cells of each row of the tables in a file of results."""
    for line in text_of(name).splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def row_of(name: str, first: str) -> list[str]:
    (row,) = (row for row in rows_of(name) if row[0] == first)
    return row


def made_up(way: str) -> dict[str, Any]:
    (row,) = (
        row
        for row in json_of("cost.json")
        if row["world"].startswith("made up") and row["way"] == way
    )
    return dict(row)


CHEAP, DEAR = "… and in batches", "four judges on everything"
PARTS = {8: "an eighth", 9: "a ninth", 10: "a tenth"}


def usd_of_pairs(way: str) -> float:
    return 1000 * float(made_up(way)["usd"]) / int(made_up(way)["pairs"])


def right(way: str) -> str:
    return f"{100 * made_up(way)['right'] / made_up(way)['pairs']:.1f}"


def part_of_the_money() -> list[str]:
    return [PARTS[round(usd_of_pairs(DEAR) / usd_of_pairs(CHEAP))]]


def shares_right() -> list[str]:
    assert right(CHEAP) == right(DEAR)
    return [right(CHEAP)]


def errors_allowed_and_found() -> list[str]:
    name = "max_error 0.05, expected"
    _, kept, wrong = row_of("max-error.md", name)
    return ["5", wrong.rstrip("%"), kept.rstrip("%")]


def kills() -> list[str]:
    (fault,) = (one for one in json_of("faults.json")["faults"] if one["name"] == "sigkill-200")
    assert fault["outcome"] == "passed"
    assert "the same bytes in all result files" in fault["seen"]
    return [fault["seen"].split()[0]]


def overspent() -> list[str]:
    found = {row[-1] for row in rows_of("budget.md") if row[0].startswith("$")}
    assert len(found) == 1
    return list(found)


def limits_used_and_refused() -> list[str]:
    used, refused = (
        float(row_of("limits.md", name)[1])
        for name in (
            "share of the allowed rate used, least",
            "share of requests refused, most",
        )
    )
    return [str(math.floor(100 * used)), f"{100 * refused:.2f}"]


def seconds_of_the_demo() -> list[str]:
    return [row_of("demo.md", start)[1] for start in ("first", "second")]


def before_and_after_training() -> list[str]:
    text = (RESULTS / "demo-train.md").read_text(encoding="utf-8")
    found = re.search(r"asked: ([\d.]+) % .*? before, ([\d.]+) % .*? after", text)
    assert found is not None
    return list(found.groups())


def share_of_the_judgments() -> list[str]:
    return [row_of("cascade.md", "a cascade of the five")[4].rstrip("%")]


@dataclass(frozen=True)
class Claim:
    """Words of README with one group for each number, and where the numbers come from."""

    words: str
    found: Callable[[], list[str]]


MEASURED = (
    Claim(r"As right for (an? \w+) of the money", part_of_the_money),
    Claim(
        r"cost (\$[\d.]+) by a cascade in batches and (\$[\d.]+)",
        lambda: [f"${usd_of_pairs(way):.2f}" for way in (CHEAP, DEAR)],
    ),
    Claim(r"everything; ([\d.]+) % are right either way", shares_right),
    Claim(
        r"be wrong in (\d+) % of the cases, ([\d.]+) % are, and ([\d.]+) % of the prompts",
        errors_allowed_and_found,
    ),
    Claim(r"Killed (\d+) times in mid-run", kills),
    Claim(r"end of a budget, (\$[\d.]+) are overspent", overspent),
    Claim(
        r"at least (\d+) % of what they allow is used while at most\s+([\d.]+) % of the requests",
        limits_used_and_refused,
    ),
    Claim(
        r"API key: (\d+) s on two cores including the install, then ([\d.]+) s",
        seconds_of_the_demo,
    ),
    Claim(
        r"([\d.]+) % did what was asked before DPO and ([\d.]+) % afterwards",
        before_and_after_training,
    ),
    Claim(r"with (\d+) % of their judgments", share_of_the_judgments),
    *(
        Claim(
            rf"{name} +([\d.]+)% +([\d.]+)% +(\d+) +(\$[\d.]+)\n",
            lambda name=name: [  # type: ignore[misc]
                *(row_of("cascade.md", name)[place].split("%")[0] for place in (1, 2)),
                row_of("cascade.md", name)[3].replace(",", ""),
                row_of("cascade.md", name)[5],
            ],
        )
        for name in cascade_compare.RUNS
    ),
)


def python_needed() -> list[str]:
    needs = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"]
    return [str(needs).removeprefix(">=")]


def bounded(low: float, high: float, value: str) -> list[str]:
    assert low <= float(value) <= high
    return [value]


CONSTANTS = (
    Claim(r"need Python ([\d.]+) or newer", python_needed),
    Claim(r"--test-share ([\d.]+)", lambda: bounded(0.0, 0.9, "0.05")),
    Claim(r"min_confidence=([\d.]+)\)", lambda: bounded(0.5, 1.0, "0.9")),
)
"""Of settings, versions and options, which the code has."""


def claimed(claim: Claim) -> re.Match[str]:
    found = list(re.finditer(claim.words, TEXT))
    assert len(found) == 1, f"{len(found)} times: {claim.words}"
    return found[0]


@pytest.mark.parametrize("claim", [*MEASURED, *CONSTANTS], ids=lambda claim: claim.words[:40])
def test_a_number_is_the_one_that_was_measured(claim: Claim) -> None:
    assert list(claimed(claim).groups()) == claim.found()


def test_no_number_is_without_a_source() -> None:
    """But for those of the configurations, which are tried as a whole."""
    told = {
        place
        for claim in (*MEASURED, *CONSTANTS)
        for number in range(1, len(claim.found()) + 1)
        for place in range(*claimed(claim).span(number))
    }
    for block in re.finditer(r"^```yaml\n.*?^```$", TEXT, re.DOTALL | re.MULTILINE):
        told.update(range(*block.span()))
    for link in re.finditer(r"\]\([^)]*\)", TEXT):
        told.update(range(*link.span()))
    numbers = list(NUMBER.finditer(TEXT))
    assert len(numbers) > 30
    assert [one[0] for one in numbers if not told.issuperset(range(*one.span()))] == []


def test_the_cascade_that_is_shown_is_the_one_that_was_run() -> None:
    shown = yaml.safe_load(blocks("yaml")[1])["judging"]
    run = cascade_compare.RUNS["a cascade of the five"]
    assert shown == run


def test_the_cascade_is_as_often_right_as_all_judges_with_a_third_of_their_judgments() -> None:
    everything, cascade = (
        row_of("cascade.md", name) for name in ("all five on everything", "a cascade of the five")
    )
    all_right, right_too = (float(row[1].split("%")[0]) for row in (everything, cascade))
    half = float(everything[1].rpartition("±")[2].strip(" %"))
    assert abs(all_right - right_too) < half / 2
    assert float(cascade[4].rstrip("%")) <= 35


def test_the_first_screen_says_what_it_is_what_it_does_and_how_to_try_it() -> None:
    screen = "\n".join(TEXT.splitlines()[:FIRST_SCREEN])
    for needed in ("Preference pairs you can trust", "make demo", "make test", "docs/report.svg"):
        assert needed in screen, needed
    assert len(re.findall(r"^- \*\*", screen, re.MULTILINE)) == 4
    assert len(TEXT) < 12_000, "what is long stands in docs/"


def test_the_picture_of_the_trained_model_is_shown_once_there_is_one() -> None:
    assert (PROJECT / "docs" / "demo-train.svg").exists() == ("docs/demo-train.svg" in TEXT)
