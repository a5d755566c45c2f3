"""``check`` and ``doctor --ask`` tell before a run what a reward model's server does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.runs.doctor.doctor import Finding
from judgeforge.runs.doctor.trial import try_models
from judgeforge.runs.planning.check import check_run
from tests.local_server import LocalServer, faults
from tests.support.run_setup import model, write_config

TOOLS = [{"type": "function", "function": {"name": "w", "parameters": {"type": "object"}}}]


def configured(folder: Path, server: LocalServer, provider: str = "classify", **parts: Any) -> Path:
    rewards = {"provider": provider, "model": "skywork", "base_url": server.openai_url}
    judges = [{"model": "rm", "protocol": "reward"}]
    return write_config(
        folder,
        server,
        models={"small": model(server), "rm": rewards},
        **{"judging": {"judges": judges}, **parts},
    )


def tried(folder: Path, server: LocalServer, provider: str = "classify") -> dict[str, Finding]:
    found = try_models(judgeforge.load_config(configured(folder, server, provider)))
    return {one.name.removeprefix("rm: "): one for one in found if one.name.startswith("rm: ")}


class TestAsking:
    @pytest.mark.parametrize("provider", ["classify", "tei"])
    def test_a_server_that_gives_raw_rewards_is_fine(
        self, tmp_path: Path, server: LocalServer, provider: str
    ) -> None:
        server.behaviour.noise_sd = 0.0
        found = tried(tmp_path, server, provider)
        assert {one.status for one in found.values()} == {"ok"}
        assert "for a right, a silly and a wrong answer" in found["rewards"].detail
        assert found["scale"].detail == "raw, and the right answer has the highest"
        assert found["judgment"].detail == "could be read (reward)"
        assert "temperature" not in found

    @pytest.mark.parametrize(
        ("provider", "reply"),
        [
            ("classify", {"data": [{"index": 0, "probs": [1.0]}]}),
            ("tei", [[{"score": 1.0, "label": "L"}]]),
        ],
    )
    def test_a_sigmoid_is_seen_where_all_answers_get_the_same(
        self, tmp_path: Path, server: LocalServer, provider: str, reply: object
    ) -> None:
        server.faults.add(faults.whole_reply(reply), when=lambda r: r.model != "small")
        found = tried(tmp_path, server, provider)["scale"]
        assert (found.status, found.detail) == (
            "warn",
            "three different answers got the same reward, 1",
        )
        assert "use_activation" in found.advice

    def test_a_sigmoid_is_seen_where_all_rewards_are_between_0_and_1(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        for n in range(3):
            reply = {"data": [{"index": 0, "probs": [0.9 - 0.1 * n]}]}
            server.faults.add(
                faults.whole_reply(reply), when=lambda r: r.model == "skywork", times=1
            )
        found = tried(tmp_path, server)["scale"]
        assert (found.status, found.detail) == ("warn", "all rewards are between 0 and 1")

    @pytest.mark.parametrize(
        ("reply", "said"),
        [
            ({"data": [{"probs": [0.1, 0.9]}]}, "2 numbers instead of one"),
            ({"data": []}, "the reply has no number"),
            ({"data": [{"probs": [None]}]}, "not a finite number"),
        ],
    )
    def test_a_model_of_another_kind_is_named(
        self, tmp_path: Path, server: LocalServer, reply: object, said: str
    ) -> None:
        server.faults.add(faults.whole_reply(reply), when=lambda r: r.model == "skywork")
        found = tried(tmp_path, server)["rewards"]
        assert found.status == "fail"
        assert said in found.detail

    def test_a_server_that_does_not_have_the_path_is_told_how_to_be_started(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        server.faults.add(faults.status(404), when=lambda r: r.model == "skywork")
        found = tried(tmp_path, server)["answers"]
        assert found.status == "fail"
        assert "--runner pooling" in found.detail


class TestChecking:
    def checked(self, folder: Path, server: LocalServer, **parts: Any) -> Mapping[str, str]:
        report = check_run(judgeforge.load_config(configured(folder, server, **parts)))
        assert report.usable
        return {"notes": " | ".join(report.notes), "warnings": " | ".join(report.warnings)}

    def test_says_what_a_reward_model_never_sees(self, tmp_path: Path, server: LocalServer) -> None:
        notes = self.checked(tmp_path, server)["notes"]
        assert "never sees the rubric with its 2 criteria" in notes
        assert "`reference`" in notes
        assert "before that a reward promises nothing" in notes
        assert "its lasting error is assumed, not measured" in notes
        assert not server.requests

    def test_says_that_a_cascade_asks_more_about_the_first_prompts(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        judges = [{"model": "rm", "protocol": "reward"}, {"model": "small", "tier": 2}]
        notes = self.checked(tmp_path, server, judging={"judges": judges, "cascade": {}})["notes"]
        assert "so the cascade asks its other judges about these prompts" in notes

    def test_says_which_prompts_it_is_not_asked_about(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        lines = [{"prompt": "Why?"}, {"prompt": "Weather?", "tools": TOOLS}]
        (tmp_path / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
        said = self.checked(tmp_path, server, prompts={"path": "rows.jsonl"})
        assert "is not asked about 1 prompt with tools" in said["warnings"]

    def test_is_silent_without_one(self, tmp_path: Path, server: LocalServer) -> None:
        said = self.checked(tmp_path, server, judging={"judges": [{"model": "small"}]})
        assert "reward" not in said["notes"] + said["warnings"]
