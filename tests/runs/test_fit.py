"""Judges learnt from the first prompts, also where a start ends before all of them are judged."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import InterruptedRunError, StoreError
from judgeforge.ranking.reliability.judges import PRIOR
from judgeforge.records import UNNAMED, Completion, JudgedPrompt, Prompt
from judgeforge.runs.fit import RunFit, share_of_same_writer
from judgeforge.runs.record import RunRecord
from judgeforge.store.finished_prompt import FinishedPrompt
from judgeforge.store.fit import FrozenFit, read_fit
from judgeforge.store.journal import Journal
from judgeforge.text.messages import Message
from tests.local_server import LocalServer, faults
from tests.support.judgments import scored
from tests.support.run_setup import model, rows, run, write_config, write_prompts

PROMPTS, FIT_PROMPTS = 16, 10
RESULTS = ("pairs.jsonl", "completions.jsonl", "judgments.jsonl", "skips.jsonl")


@pytest.fixture
def server() -> Iterator[LocalServer]:
    """Judges disagree enough for the fit to matter."""
    with LocalServer(noise_sd=0.25) as noisy:
        yield noisy


def config_of(server: LocalServer, folder: Path, **judging: Any) -> Path:
    dear = model(server, model="big", price={"input_per_mtok": 10.0, "output_per_mtok": 40.0})
    panel = {"judges": [{"model": "small"}, {"model": "big", "tier": 2}]}
    return write_config(
        folder,
        server,
        prompts=PROMPTS,
        models={"small": model(server), "big": dear},
        judging={**panel, "fit_prompts": FIT_PROMPTS, **judging},
        limits={"concurrency": 4, "grace_s": 2},
    )


def results(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in RESULTS]


def forget_replies(folder: Path) -> None:
    shutil.rmtree(folder / ".judgeforge")


CASCADE = {"cascade": {"target_confidence": 0.9, "min_gain": 0.001}}


@pytest.mark.slow
@pytest.mark.parametrize("judging", [CASCADE, {}], ids=["cascade", "everybody"])
@pytest.mark.parametrize("stop", ["budget", "limit"])
def test_a_run_that_stops_and_goes_on_gives_the_pairs_of_an_undisturbed_one(
    tmp_path: Path, server: LocalServer, stop: str, judging: dict[str, Any]
) -> None:
    config, out = config_of(server, tmp_path, **judging), tmp_path / "out"
    cost = run(config, tmp_path / "whole").manifest["totals"]["cost_usd"]
    forget_replies(tmp_path)
    sent = len(server.requests)
    first = (
        run(config, out, limit=5) if stop == "limit" else run(config, out, budget_usd=0.65 * cost)
    )
    done = first.manifest["totals"]["prompts"]
    assert first.exit_code == (0 if stop == "limit" else 3)
    assert 0 < done < FIT_PROMPTS
    assert first.manifest["reliability"]["prompts"] == done
    assert rows(out / "pairs.jsonl")
    if stop == "limit":
        forget_replies(tmp_path)  # what was judged is in the journal
    again = run(config, out, budget_usd=10 * cost)
    assert again.manifest["reliability"]["prompts"] == FIT_PROMPTS
    assert again.manifest["last_run"]["prompts"] == PROMPTS - done
    assert results(out) == results(tmp_path / "whole")
    assert len(server.requests) == 2 * sent


@pytest.mark.slow
def test_ranking_again_is_gone_on_with_where_it_was_interrupted(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, out = config_of(server, tmp_path), tmp_path / "out"
    run(config, tmp_path / "whole")
    run(config, out, limit=5)
    finish, left = RunRecord.finish, [2]

    def full_disk(record: RunRecord, position: int, outcome: FinishedPrompt) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise StoreError("the disk is full")
        finish(record, position, outcome)

    with monkeypatch.context() as disk:
        disk.setattr(RunRecord, "finish", full_disk)
        assert run(config, out).exit_code == 74
    fit = read_fit(out / "state" / "reliability.json")
    assert fit is not None
    assert not fit.provisional
    assert run(config, out).exit_code == 0
    assert results(out) == results(tmp_path / "whole")


def test_a_start_that_learns_nothing_leaves_what_there_is(
    tmp_path: Path, server: LocalServer
) -> None:
    config, out = config_of(server, tmp_path), tmp_path / "out"
    first = run(config, out, limit=5)
    before, journal = results(out), (out / "state" / "journal.bin").read_bytes()
    forget_replies(tmp_path)
    assert run(config, out, budget_usd=0).exit_code == 3
    server.faults.add(faults.status(401))
    stopped = run(config, out)
    assert stopped.exit_code == 4
    assert stopped.manifest["reliability"] == first.manifest["reliability"]
    assert results(out) == before
    assert (out / "state" / "journal.bin").read_bytes() == journal


@pytest.mark.slow
def test_prompts_left_out_before_finished_ones_are_learnt_from_later(
    tmp_path: Path, server: LocalServer
) -> None:
    config, out = config_of(server, tmp_path), tmp_path / "out"
    file = tmp_path / "prompts.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    new = FIT_PROMPTS - 5
    file.write_text("".join(lines[new:]))
    run(config, out, limit=5)
    file.write_text("".join(lines))
    assert run(config, out, limit=1).manifest["totals"]["prompts"] == 6
    assert run(config, out).manifest["reliability"]["prompts"] == FIT_PROMPTS
    run(config, tmp_path / "whole")
    assert results(out) == results(tmp_path / "whole")


@pytest.mark.slow
def test_a_short_input_that_was_done_whole_keeps_its_fit_when_it_grows(
    tmp_path: Path, server: LocalServer
) -> None:
    config, out = config_of(server, tmp_path), tmp_path / "out"
    write_prompts(tmp_path, 4)
    first = run(config, out)
    pairs = (out / "pairs.jsonl").read_bytes()
    write_prompts(tmp_path, PROMPTS)
    assert run(config, out).manifest["reliability"] == first.manifest["reliability"]
    assert (out / "pairs.jsonl").read_bytes().startswith(pairs)


def test_records_say_whether_they_are_to_be_ranked_again(
    tmp_path: Path, server: LocalServer
) -> None:
    config, out = config_of(server, tmp_path), tmp_path / "out"
    run(config, out, limit=5)
    run(config, out)
    journal = Journal(out / "state" / "journal.bin", read_only=True)
    records = [(entry.provisional, entry.again) for _, entry in journal.entries()]
    journal.close()
    assert records[:5] == [(True, False)] * 5
    assert sorted(records[5:]) == [(False, False)] * (PROMPTS - 5) + [(False, True)] * 5


def judged(number: int) -> JudgedPrompt:
    turns = (Message(role="user", content="?"),)
    prompt = Prompt(id=f"p{number}", messages=turns, line=1, digest="00")
    scores = (scored("one", f"p{number}.c{index}", 0.2 + 0.6 * index) for index in range(2))
    return JudgedPrompt(prompt, (), list(scores))


def test_what_is_asked_does_not_hang_on_a_fit_that_does_not_last() -> None:
    kept: list[FrozenFit] = []

    async def main() -> None:
        fit = RunFit(2, None, keep=kept.append)
        assert [fit.begin(position, f"p{position}") for position in range(3)] == [True, True, False]
        fit.ended(0, judged(0))
        fit.ended(1, None)
        assert (await fit.to_rank_with()).prompts == 1
        with pytest.raises(InterruptedRunError):
            await fit.to_ask_with("p2")

    asyncio.run(main())
    assert [fit.provisional for fit in kept] == [True]


def test_prompts_to_learn_from_are_asked_with_the_prior_and_held_in_input_order() -> None:
    async def main() -> None:
        fit = RunFit(2, None, keep=lambda _: None)
        for position in range(2):
            fit.begin(position, f"p{position}")
        fit.ended(1, judged(1))
        waiting = [asyncio.create_task(fit.to_ask_with("p2")) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[0].cancel()  # who gives up waiting takes nothing from the other
        assert await fit.to_ask_with("p0") == PRIOR
        fit.ended(0, judged(0))
        assert (await waiting[1]).prompts == 2
        assert [position for position, _ in fit.take_held()] == [0, 1]

    asyncio.run(main())


def test_a_run_that_is_stopping_makes_no_fit_of_what_is_there() -> None:
    kept: list[FrozenFit] = []

    async def main() -> None:
        fit = RunFit(2, None, keep=kept.append)
        fit.begin(0, "p0")
        fit.give_up()
        fit.ended(0, judged(0))
        fit.close()
        for waited in (fit.to_rank_with(), fit.to_ask_with("p2")):
            with pytest.raises(InterruptedRunError):
                await waited

    asyncio.run(main())
    assert kept == []


@pytest.mark.parametrize(
    ("writers", "share"),
    [
        ([["a", "a", "a"]], 1.0),
        ([["a", "b"], ["b", "c"]], 0.0),
        ([["a", "a"], ["a", "b", "c"]], 0.25),
        ([["a", "a", UNNAMED]], 1.0),
        ([[UNNAMED, UNNAMED]], None),
        ([["a"]], None),
    ],
)
def test_the_share_of_two_completions_that_one_writer_wrote(
    writers: list[list[str]], share: float | None
) -> None:
    prompts = [
        JudgedPrompt(
            judged(0).prompt,
            [
                Completion(id=f"c{n}", prompt_id="p0", index=n, model=name, text="x", finish="stop")
                for n, name in enumerate(names)
            ],
            [],
        )
        for names in writers
    ]
    assert share_of_same_writer(prompts) == share
