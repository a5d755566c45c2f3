"""Who gets the next prompt: the worker with the fewest, or the one that has an equal one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from judgeforge.calls.money.claims import Claim
from judgeforge.records import Prompt
from judgeforge.runs.cluster.crew import Crew, UnderWay
from judgeforge.text.messages import Message


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def under_way(loop: asyncio.AbstractEventLoop, number: int, text: str) -> UnderWay:
    messages = (Message(role="user", content=text),)
    prompt = Prompt(id=f"p{number}", line=number + 1, messages=messages, digest="0" * 64)
    return UnderWay(number, prompt, Claim(), (), loop.create_future())


def test_the_worker_with_the_fewest_prompts_takes_the_next(loop: asyncio.AbstractEventLoop) -> None:
    crew = Crew(has_equal=False, busy={"w1": 3, "w2": 1})
    assert crew.hand_out(under_way(loop, 0, "sky"), []) == "w2"
    assert crew.busy == {"w1": 3, "w2": 2}


def test_equal_prompts_go_to_the_same_worker_while_one_is_under_way(
    loop: asyncio.AbstractEventLoop,
) -> None:
    crew = Crew(has_equal=True, busy={"w1": 0, "w2": 0})
    first, other, again = (under_way(loop, n, text) for n, text in enumerate(["sky", "sea", "sky"]))
    crew.hand_out(first, [first])
    crew.busy[first.worker] += 5
    assert crew.hand_out(other, [first, other]) != first.worker
    assert crew.hand_out(again, [first, other, again]) == first.worker


def test_an_equal_one_that_has_ended_or_whose_worker_is_gone_binds_nobody(
    loop: asyncio.AbstractEventLoop,
) -> None:
    crew = Crew(has_equal=True, busy={"w1": 9, "w2": 0})
    ended, lost, one = (under_way(loop, n, "sky") for n in range(3))
    ended.worker, lost.worker = "w1", "w0"
    ended.done.set_result(None)
    assert crew.hand_out(one, [ended, lost, one]) == "w2"
