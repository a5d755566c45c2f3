"""Runs whose completions others judge: sampled first, judged later, ranked again, nothing paid
twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from judgeforge.config.file import load_config
from judgeforge.errors import ConfigError, StoreError
from judgeforge.results.explain import explain
from judgeforge.results.questions import write_questions
from judgeforge.runs.planning.check import check_run
from judgeforge.runs.planning.plan import plan_run
from judgeforge.runs.result import RunResult
from judgeforge.store.finished_prompt import FinishedPrompt
from judgeforge.store.journal import Entry, Journal
from tests.local_server import LocalServer
from tests.support.run_setup import rows, run, write_config

NUMBER = 4


class Project:
    """A folder with a configuration that only samples, and its run folder."""

    def __init__(self, place: Path, server: LocalServer) -> None:
        self.server, self.place, self.out = server, place, place / "out"
        self.quality: dict[str, float] = {}
        """What the server's judge goes by."""
        self.config = write_config(place, server, prompts=NUMBER)
        self.settings = yaml.safe_load(self.config.read_text())
        self.settings.pop("judging")

    def run(self, judging: dict[str, Any] | None = None, **options: Any) -> RunResult:
        settings = dict(self.settings) if judging is None else {**self.settings, "judging": judging}
        self.config.write_text(yaml.safe_dump(settings, sort_keys=False))
        return run(self.config, self.out, **options)

    @property
    def sent(self) -> int:
        """Calls that the server has taken."""
        return len(self.server.calls())

    def judged(
        self, *, best_first: bool = True, leave: int = 0, by_quality: bool = False
    ) -> dict[str, Any]:
        """Scores of all completions by `tests` and a verdict by a person, but for the last
        ``leave`` prompts; the first completion is the best or the worst."""
        by_prompt: dict[str, list[str]] = {}
        for row in rows(self.out / "completions.jsonl"):
            self.quality[row["id"]] = float(row["text"].partition("quality=")[2][:6])
            by_prompt.setdefault(row["prompt_id"], []).append(row["id"])
        lines = []
        for prompt_id, ids in list(by_prompt.items())[: NUMBER - leave]:
            for place, name in enumerate(ids):
                score = self.quality[name] if by_quality else place / 4
                score = 1 - score if best_first and not by_quality else score
                lines.append({"completions": [name], "score": score, "judge": "tests"})
                lines[-1]["prompt_id"] = prompt_id
            verdict = "a" if best_first else "b"
            if by_quality:
                verdict = "a" if self.quality[ids[0]] > self.quality[ids[1]] else "b"
            pair = {"completions": ids[:2], "verdict": verdict, "judge": "human:ana"}
            lines.append({**pair, "prompt_id": prompt_id})
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (self.place / "judged.jsonl").write_text(text)
        return {"judgments": "judged.jsonl"}


@pytest.fixture
def project(tmp_path: Path) -> Any:
    with LocalServer() as server:
        yield Project(tmp_path, server)


def chosen(project: Project) -> list[str]:
    return [row["provenance"]["chosen_id"] for row in rows(project.out / "pairs.jsonl")]


def test_a_run_without_judges_samples_and_says_so(project: Project) -> None:
    result = project.run()
    assert (result.exit_code, result.manifest["status"]) == (0, "complete")
    assert result.manifest["totals"]["skips"] == {"not_judged": NUMBER}
    assert result.manifest["message"].startswith("sampled only")
    assert len(rows(project.out / "completions.jsonl")) == 4 * NUMBER
    skip = rows(project.out / "skips.jsonl")[0]
    assert skip["prompt"] == [{"role": "user", "content": "Tell me fact number 0."}]
    assert not rows(project.out / "judgments.jsonl")
    assert "have not been judged yet" in (project.out / "README.md").read_text(encoding="utf-8")
    assert project.run().did_nothing


def test_the_same_folder_is_judged_later_without_a_second_completion(project: Project) -> None:
    project.run()
    before = rows(project.out / "completions.jsonl")
    shutil.rmtree(project.place / ".judgeforge")  # not even the cache is needed
    sampled = project.sent
    result = project.run({"judges": [{"model": "small"}]})
    assert result.exit_code == 0
    assert project.sent - sampled == 4 * NUMBER  # a judgment for each completion
    after = rows(project.out / "completions.jsonl")
    assert [row["text"] for row in after] == [row["text"] for row in before]
    assert result.manifest["totals"]["pairs"] == NUMBER


def test_judging_later_gives_the_pairs_of_one_go(project: Project) -> None:
    judging = {"judges": [{"model": "small"}]}
    project.run()
    project.run(judging)
    later = (project.out / "pairs.jsonl").read_bytes()
    shutil.rmtree(project.out)
    project.run(judging)
    assert (project.out / "pairs.jsonl").read_bytes() == later


def test_another_way_of_sampling_is_still_a_changed_run(project: Project) -> None:
    project.run()
    project.settings["sampling"]["seed"] = 8
    with pytest.raises(ConfigError, match=r"another configuration \(sampling\.seed"):
        project.run({"judges": [{"model": "small"}]})


def test_verdicts_make_pairs_with_their_judges_and_without_a_call(project: Project) -> None:
    project.run()
    calls = project.sent
    result = project.run(project.judged(leave=1))
    assert project.sent == calls
    assert result.manifest["totals"]["skips"] == {"not_judged": 1}
    assert chosen(project) == ["p0.c0", "p1.c0", "p2.c0"]
    source = rows(project.out / "pairs.jsonl")[0]["provenance"]
    assert source["judges"] == ["tests", "human:ana"]
    assert source["judgment_ids"][0] == "p0.c0.tests.r0"
    fitted = {judge["name"] for judge in result.manifest["reliability"]["judges"]}
    assert fitted == {"tests", "human:ana"}
    assert result.manifest["judgments"]["by_judge"] == {"human:ana": 3, "tests": 12}
    assert project.run(project.judged(leave=1)).did_nothing


def test_a_changed_file_ranks_again_and_asks_nothing(project: Project) -> None:
    project.run()
    project.run(project.judged(leave=1))
    calls = project.sent
    result = project.run(project.judged(best_first=False))
    assert project.sent == calls
    assert result.manifest["totals"]["pairs"] == NUMBER
    assert chosen(project) == [f"p{n}.c3" for n in range(NUMBER)]
    assert result.manifest["last_run"]["prompts"] == 1  # the others were ranked again


def test_verdicts_stand_beside_the_judges_of_the_run(project: Project) -> None:
    judges = {"judges": [{"model": "small"}]}
    project.run(judges)
    calls, before = project.sent, rows(project.out / "pairs.jsonl")
    result = project.run({**judges, **project.judged()})
    assert project.sent == calls
    after = rows(project.out / "pairs.jsonl")
    assert after[0]["provenance"]["judges"] == ["small", "tests", "human:ana"]
    assert result.manifest["judging"]["by_judge"]["small"] == 4 * NUMBER
    project.run(judges)  # taken back
    assert rows(project.out / "pairs.jsonl") == before


def test_ranking_again_gives_what_one_start_with_all_verdicts_gives(project: Project) -> None:
    judging = {"judges": [{"model": "small"}, {"model": "small", "name": "twice"}]}
    judging["fit_prompts"] = 2  # type: ignore[assignment]
    project.run(judging)
    project.run({**judging, **project.judged()})
    again = (project.out / "pairs.jsonl").read_bytes()
    shutil.rmtree(project.out)
    project.run({**judging, "judgments": "judged.jsonl"})
    assert (project.out / "pairs.jsonl").read_bytes() == again


def test_a_cascade_takes_verdicts_as_evidence_and_asks_less(project: Project) -> None:
    judging: dict[str, Any] = {
        "judges": [{"model": "small"}, {"model": "small", "name": "second", "tier": 2}],
        "cascade": {"target_confidence": 0.99, "min_gain": 0.0},
        "fit_prompts": 0,
    }
    project.run()
    verdicts = project.judged(by_quality=True)
    project.run({**judging, **verdicts})
    by_tier = json.loads((project.out / "manifest.json").read_text())["judging"]["by_tier"]
    shutil.rmtree(project.out)
    project.run(judging)
    alone = json.loads((project.out / "manifest.json").read_text())["judging"]["by_tier"]
    assert by_tier["2"] < alone["2"]


def test_what_cannot_count_is_said_and_stops_nothing(project: Project) -> None:
    project.run()
    judging = project.judged()
    with (project.place / "judged.jsonl").open("a") as lines:
        for prompt_id in ("p1", "p99"):
            row = {"judge": "ana", "prompt_id": prompt_id, "completions": [f"{prompt_id}.c9"]}
            lines.write(json.dumps({**row, "score": 1}) + "\n")
    with pytest.warns(UserWarning, match=r"judged\.jsonl"):
        result = project.run(judging)
    assert result.exit_code == 0
    assert "1 prompt that the input does not have (`p99`)" in result.notes[0]
    assert "no completion `p1.c9`" in result.notes[1]


def test_a_start_that_is_cut_short_ranks_the_rest_again_later(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full after two prompts: the next start goes on with the others."""
    judging = {"judges": [{"model": "small"}], "fit_prompts": 0}
    project.run(judging)
    append, done = Journal.append, list[str]()

    def failing(self: Journal, finished: FinishedPrompt, **marks: Any) -> Entry:
        if len(done) == 2:
            raise StoreError("the disk is full")
        done.append(finished.prompt_id)
        return append(self, finished, **marks)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", failing)
        result = project.run({**judging, **project.judged(best_first=False)})
    assert result.exit_code == StoreError.exit_code
    assert project.run({**judging, "judgments": "judged.jsonl"}).exit_code == 0
    for row in rows(project.out / "pairs.jsonl"):
        assert "tests" in row["provenance"]["judges"]
    offsets = [entry for _, entry in Journal(project.out / "state" / "journal.bin").entries()]
    assert len(offsets) == 2 * NUMBER  # each was ranked again once


def test_check_and_plan_say_who_judges(project: Project) -> None:
    project.run()
    judging = project.judged(leave=1)
    with (project.place / "judged.jsonl").open("a") as lines:
        row = {"judge": "ana", "prompt_id": "p99", "completions": ["p99.c0"], "score": 1}
        lines.write(json.dumps(row) + "\n")
    project.config.write_text(yaml.safe_dump(project.settings))
    alone = load_config(project.config)
    assert any("the run samples completions" in note for note in check_run(alone).notes)
    assert any("the run samples completions" in note for note in plan_run(alone).notes)
    project.config.write_text(yaml.safe_dump({**project.settings, "judging": judging}))
    report = check_run(load_config(project.config))
    told = "judged.jsonl: 16 judgments by ana (1), human:ana (3), tests (12) of 4 prompts"
    assert told in report.notes
    assert any("`p99`" in warning for warning in report.warnings)
    assert report.usable


def test_explain_and_the_report_show_judges_that_the_configuration_does_not_name(
    project: Project,
) -> None:
    project.run()
    project.run(project.judged())
    found = explain(project.out, "p0.p0")
    effects = {effect.judge: effect.judgments for effect in found.effects}
    assert effects == {"tests": 4, "human:ana": 1}
    notes = {one.note for one in found.chosen.judgments}
    assert notes == {"made elsewhere: judged.jsonl:1", "made elsewhere: judged.jsonl:5"}
    assert "human:ana" in (project.out / "report.html").read_text(encoding="utf-8")


def test_what_the_folder_asks_comes_back_as_an_answer(project: Project) -> None:
    project.run()
    write_questions(project.out, to=project.place / "questions.jsonl", force=False)
    asked = rows(project.place / "questions.jsonl")
    assert len(asked) == NUMBER
    answers = [{**one, "judge": "human:bo", "best": 0} for one in asked]
    text = "".join(json.dumps(one) + "\n" for one in answers)
    (project.place / "answers.jsonl").write_text(text)
    result = project.run({"judgments": "answers.jsonl"})
    assert result.manifest["totals"]["pairs"] > 0
    best = {one["prompt_id"]: one["completions"][0]["id"] for one in asked}
    assert set(chosen(project)) <= set(best.values())
