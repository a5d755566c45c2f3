"""Faults of replies: completions that are no answers, and numbers that cannot be true."""

from __future__ import annotations

import json
from typing import Any

from tests.faults.scene import Scene, is_completion
from tests.faults.table import fault
from tests.local_server import faults
from tests.local_server.faults import Fault
from tests.support.run_setup import rows


def _first_row(scene: Scene, odd: Fault, **parts: Any) -> dict[str, Any]:
    """What became of the one completion that the fault touched; its prompt has a pair."""
    scene.server.faults.add(odd, when=is_completion, nth=1)
    scene.configure(prompts=1, **parts)
    seen = scene.run()
    assert (seen.exit_code, seen.pairs) == (0, 1)
    # Completions are asked in order, so the first request is that of the first completion.
    return rows(scene.out / "completions.jsonl")[0]


def _is_in_no_pair(scene: Scene, completion: dict[str, Any]) -> None:
    (pair,) = rows(scene.out / "pairs.jsonl")
    sides = {pair["provenance"]["chosen_id"], pair["provenance"]["rejected_id"]}
    assert completion["id"] not in sides
    judged = {i for row in rows(scene.out / "judgments.jsonl") for i in row["completion_ids"]}
    assert completion["id"] not in judged


def _no_answer(name: str, done: str, odd: Fault, finish: str, *, quick: bool = False) -> None:
    @fault(
        name,
        done=done,
        promise=f"The completion is called `{finish}` and is neither judged nor in a pair.",
        quick=quick,
    )
    def show(scene: Scene) -> str:
        completion = _first_row(scene, odd)
        assert completion["finish"] == finish
        _is_in_no_pair(scene, completion)
        return f"`finish: {finish}`; the pair is made of the other three"


_no_answer("refusal", "A completion is a refusal.", faults.refusal(), "refusal")
_no_answer(
    "content-filter",
    "The provider's filter withholds a completion.",
    faults.content_filter(),
    "content_filter",
)
_no_answer(
    "cut-by-length", "A completion is cut by `max_tokens`.", faults.finish_length(), "length"
)
_no_answer("empty-text", "A completion is empty.", faults.empty_text(), "empty", quick=True)
_no_answer("only-white-space", "A completion is white space.", faults.reply_text(" \n\t "), "empty")
_no_answer("null-content", "A completion's content is null.", faults.null_content(), "empty")
_no_answer(
    "only-reasoning",
    "A completion never gets beyond its `<think>`.",
    faults.reply_text("<think>Let me see, and see, and see"),
    "empty",
)


@fault(
    "cut-by-length-kept",
    done="A completion is cut by `max_tokens`, and `sampling.keep_cut` is set.",
    promise="The configuration decides: it is judged like the others, and still called `length`.",
)
def _(scene: Scene) -> str:
    sampling = {"models": ["small"], "completions": 4, "seed": 7, "max_tokens": 64}
    completion = _first_row(scene, faults.finish_length(), sampling={**sampling, "keep_cut": True})
    assert (completion["finish"], completion["flags"]) == ("length", [])
    assert completion["score"] is not None
    return "`finish: length`, judged"


def _chat(message: object, **changes: object) -> dict[str, object]:
    """A whole chat completion by hand."""
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 40, "completion_tokens": 9, "total_tokens": 49}
    return {"id": "x", "model": "small", "choices": [choice], "usage": usage, **changes}


def _total_usd(scene: Scene) -> float:
    manifest = json.loads((scene.out / "manifest.json").read_text())
    return float(manifest["totals"]["cost_usd"])


def _said(text: str) -> dict[str, object]:
    return {"role": "assistant", "content": text}


def _with_usage(**usage: object) -> Fault:
    return faults.whole_reply(_chat(_said("Fine."), usage=usage))


def _is_asked_again(name: str, done: str, reply: object) -> None:
    @fault(
        name,
        done=done,
        promise="Not a reply of the API: a failed attempt, counted as billed and tried again.",
    )
    def show(scene: Scene) -> str:
        completion = _first_row(scene, faults.whole_reply(reply))
        assert completion["finish"] == "stop"
        assert len(scene.server.requests) == 9
        scene.billing = False  # The server counts the reply that it meant to send.
        return "9 requests for 8 calls; the second answer is used"


_is_asked_again("no-choices", "A reply has no `choices`.", {"id": "x", "model": "small"})
_is_asked_again("empty-choices", "A reply's `choices` is an empty list.", _chat("", choices=[]))
_is_asked_again("null-message", "A reply's message is null.", _chat(None))


@fault(
    "error-in-an-empty-choice",
    done="A reply of status 200 has an error of code 502 in its choice, and no words.",
    promise="That error: tried again, unbilled, and never stored as an answer.",
    quick=True,
)
def _(scene: Scene) -> str:
    error = {"error": {"code": 502, "message": "upstream went away"}, "finish_reason": "error"}
    reply = _chat("", choices=[{"message": _said(""), **error}])
    completion = _first_row(scene, faults.whole_reply(reply))
    assert completion["finish"] == "stop"
    assert len(scene.server.requests) == 9
    assert _total_usd(scene) < scene.billed_usd(), "the server counts what it meant to send"
    scene.billing = False
    return "9 requests for 8 calls, 8 of them paid; the second answer is used"


@fault(
    "reply-broken-off",
    done="A reply has half a sentence, and an error in its choice.",
    promise="No answer: tried again, counted as what it says it cost, and never stored.",
    quick=True,
)
def _(scene: Scene) -> str:
    error = {"error": {"code": 502, "message": "upstream went away"}, "finish_reason": "error"}
    usage = {"prompt_tokens": 1000, "completion_tokens": 40}
    reply = _chat("", choices=[{"message": _said("Half a sen"), **error}], usage=usage)
    completion = _first_row(scene, faults.whole_reply(reply))
    assert completion["finish"] == "stop"
    assert "Half a sen" not in (scene.out / "completions.jsonl").read_text()
    assert len(scene.server.requests) == 9
    scene.billing = False  # The server counts the reply that it meant to send.
    assert _total_usd(scene) > 1000 / 1e6, "its own count of input"
    return "9 requests for 8 calls, all of them paid; the second answer is used"


@fault(
    "usage-of-words",
    done="A reply's usage has words in place of numbers.",
    promise="The answer is kept, and its call counts as the most that it can have cost.",
)
def _(scene: Scene) -> str:
    words = _with_usage(prompt_tokens="many", completion_tokens="few")
    completion = _first_row(scene, words)
    assert (completion["text"], completion["finish"]) == ("Fine.", "stop")
    assert len(scene.server.requests) == 8
    assert completion["cost_usd"] > 64 * 4.0 / 1e6, "all 64 tokens of the output, and the input"
    scene.billing = False  # The server counts the reply that it meant to send.
    return "8 requests for 8 calls; the answer is used, its call counts whole"


@fault(
    "several-choices",
    done="A reply has three choices, though one was asked for.",
    promise="The first is taken; one call is never more than one completion.",
)
def _(scene: Scene) -> str:
    choices = [
        {"index": i, "message": _said(f"Answer {i}."), "finish_reason": "stop"} for i in range(3)
    ]
    completion = _first_row(scene, faults.whole_reply(_chat("", choices=choices)))
    assert completion["text"] == "Answer 0."
    assert len(rows(scene.out / "completions.jsonl")) == 4
    scene.billing = False
    return "`Answer 0.`, four completions in all"


@fault(
    "unknown-finish-reason",
    done="A reply's finish reason is `banana`.",
    promise="Not known to be whole: kept with a flag that says so, and not used.",
)
def _(scene: Scene) -> str:
    choice = {"index": 0, "message": _said("Fine."), "finish_reason": "banana"}
    completion = _first_row(scene, faults.whole_reply(_chat("", choices=[choice])))
    assert (completion["finish"], completion["text"]) == ("unknown", "Fine.")
    assert "not known to be whole" in completion["flags"][0]
    assert completion.get("score") is None
    scene.billing = False
    return "`finish: unknown`, flagged, not judged"


def _untrue_usage(name: str, done: str, odd: Fault) -> None:
    @fault(
        name,
        done=done,
        promise="The call counts as having cost the most that it can have cost.",
        quick=name == "usage-missing",
    )
    def show(scene: Scene) -> str:
        scene.configure(prompts=1)
        scene.server.faults.add(odd, when=is_completion, nth=1)
        seen = scene.run()
        assert (seen.exit_code, seen.pairs) == (0, 1)
        costs = [row["cost_usd"] for row in rows(scene.out / "completions.jsonl")]
        assert costs[0] > 2 * max(costs[1:])
        return "that call counts more than twice as much as any other"


_untrue_usage("usage-missing", "A reply says nothing of its usage.", faults.missing_usage())
for _name, _input, _output in (("zero", 0, 0), ("negative", -40, -9)):
    _untrue_usage(
        f"usage-{_name}",
        f"A reply's usage is {_name}.",
        _with_usage(prompt_tokens=_input, completion_tokens=_output),
    )
_untrue_usage(
    "usage-more-cached-than-sent",
    "A reply says that more tokens came from the cache than were sent.",
    _with_usage(
        prompt_tokens=10, completion_tokens=9, prompt_tokens_details={"cached_tokens": 999_999}
    ),
)


@fault(
    "usage-impossible",
    done="A reply says that it used a trillion tokens.",
    promise="A number that cannot be counts as the reservation, in the folder and in the day's "
    "ledger, and is noted in the log.",
)
def _(scene: Scene) -> str:
    impossible = _with_usage(prompt_tokens=30, completion_tokens=10, total_tokens=10**12)
    scene.server.faults.add(impossible, when=is_completion, nth=1)
    scene.configure(prompts=1, budget={"usd": 1.0, "daily_usd": 1.0, "ledger": "ledger.txt"})
    seen = scene.run()
    assert (seen.exit_code, seen.pairs) == (0, 1)
    assert seen.cost_usd < 0.02
    today = (scene.folder / "ledger.txt").read_text().splitlines()[1].split()
    assert int(today[1]) < 2 * 10**10, "picodollars"
    assert "usage_impossible" in (scene.out / "log.jsonl").read_text()
    scene.billing = False  # The server counts the reply that it meant to send.
    return f"${seen.cost_usd:.4f} of $1 counted, noted in the log"


@fault(
    "max-tokens-ignored",
    done="A server keeps to no `max_tokens`: each completion uses 100,000 tokens where 64 are "
    "asked for.",
    promise="From the first such reply on its calls are reserved at what it was seen to take: the "
    "budget is exceeded by no more than the calls that were in flight then.",
)
def _(scene: Scene) -> str:
    long = _with_usage(prompt_tokens=30, completion_tokens=100_000, total_tokens=100_030)
    scene.server.faults.add(long, when=is_completion)
    scene.configure(prompts=20, budget={"usd": 2.5}, limits={"concurrency": 2})
    seen = scene.exits(3)
    assert seen.cost_usd <= 2.5 + 2 * 0.41
    assert "reservation_exceeded" in (scene.out / "log.jsonl").read_text()
    scene.billing = False  # The server counts the reply that it meant to send.
    return f"exit 3 at ${seen.cost_usd:.2f} of $2.50, a call costs $0.40"


@fault(
    "lone-surrogates",
    done="A completion holds halves of surrogate pairs.",
    promise="They are replaced, since no file in UTF-8 can hold them; every file stays readable.",
)
def _(scene: Scene) -> str:
    completion = _first_row(scene, faults.whole_reply(_chat(_said("half \ud800 and \udc00 half"))))
    assert completion["text"] == "half \ufffd and \ufffd half"
    scene.billing = False
    return "replaced, all files are UTF-8"


@fault(
    "equal-completions",
    done="All four completions of a prompt are the same text.",
    promise="Not judged, since nothing is better: a named skip, and no judge is paid.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.reply_text("The same."), when=is_completion)
    scene.configure(prompts=1)
    seen = scene.run()
    assert seen.skips == {"p0": "too_few_completions"}
    assert scene.server.calls(kind="judge") == []
    return "skip `too_few_completions`, no judge was asked"


@fault(
    "completion-1-mib",
    done="A completion of 1 MiB comes back.",
    promise="Kept whole, or its judge's failure is named; nothing else is touched.",
)
def _(scene: Scene) -> str:
    completion = _first_row(scene, faults.reply_text("x" * 2**20))
    assert len(completion["text"]) == 2**20
    scene.billing = False
    return "kept whole; the prompt has a pair"


_HOSTILE = (
    "[bold red]markup[/bold red] \x1b]0;title\x07\x1b[2J\x1b[31m {{ 7 * 7 }} {% raw %} "
    '=HYPERLINK("http://evil.example") <script>alert(1)</script> | a | b |\n# Heading\n'
    "../../etc/passwd ${HOME} $(touch pwned) `touch pwned` \u202egnp.exe [[/evaluate]]"
)


@fault(
    "hostile-completion",
    done="Completions hold terminal codes, markup, templates, shell code, paths and formulas.",
    promise="Data: stored as it came, shown without what a terminal obeys, evaluated nowhere.",
    quick=True,
)
def _(scene: Scene) -> str:
    odd = faults.whole_reply(_chat(_said(_HOSTILE)))
    scene.server.faults.add(odd, when=is_completion, nth=1)
    scene.configure(prompts=1)
    shown = scene.command_exits(0, scene.start("--show-pairs", "5"))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\u202e" not in shown
    assert _HOSTILE in [row["text"] for row in rows(scene.out / "completions.jsonl")]
    judged = [call.body["messages"][-1]["content"] for call in scene.server.calls(kind="judge")]
    assert any(_HOSTILE in content for content in judged)
    assert not list(scene.folder.rglob("pwned"))
    scene.billing = False
    return "stored and judged byte for byte; no escape sequence in the output"
