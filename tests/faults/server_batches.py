"""Faults of a server of batches: what expires, is refused, is lost, or ends in another way."""

from __future__ import annotations

import pytest

from tests.faults.scene import Scene, results
from tests.faults.table import fault
from tests.local_server import RequestRecord, faults
from tests.support.batch_setup import BATCH_PRICE, answered, creations, in_batches

_PROMPTS = 4
_CALLS = _PROMPTS * 8


def is_line(record: RequestRecord) -> bool:
    return record.in_batch


def _configure(scene: Scene, provider: str = "openai") -> None:
    scene.configure(prompts=_PROMPTS, provider=provider, own=in_batches())


def _exits_at_its_cost(scene: Scene, code: int, *said: str) -> None:
    seen = scene.exits(code, *said)
    assert seen.cost_usd == pytest.approx(scene.billed_usd(), abs=1e-12)


def _undisturbed_at_its_cost(scene: Scene, provider: str = "openai") -> None:
    _exits_at_its_cost(scene, 0)
    if provider == "openai":
        assert results(scene.out) == scene.undisturbed(_PROMPTS)


def _one_failed_at_its_cost(scene: Scene) -> None:
    _exits_at_its_cost(scene, 0)
    failed = [row for row in results(scene.out)["completions"] if row["finish"] == "failed"]
    assert len(failed) == 1


def _expires(provider: str, how: str) -> None:
    @fault(
        f"batch-expired-{provider}",
        done=f"Each batch expires after ten answers ({how}).",
        promise="What was answered is kept and paid, the rest is released and asked again.",
        quick=provider == "openai",
    )
    def show(scene: Scene) -> str:
        scene.server.behaviour.batches.answered_before_expiry = 10
        _configure(scene, provider)
        _undisturbed_at_its_cost(scene, provider)
        assert answered(scene.server) == _CALLS
        return f"{creations(scene.server)} batches for {_CALLS} requests, exact cost"


_expires("openai", "OpenAI: two files, `batch_expired`")
_expires("anthropic", "Anthropic: results of type `expired`")


@fault(
    "batch-line-500",
    done="One line of a batch ends with status 500.",
    promise="It costs nothing and is asked again; the undisturbed result.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.status(500), nth=3, when=is_line)
    _configure(scene)
    _undisturbed_at_its_cost(scene)
    assert len(scene.server.calls()) == _CALLS + 1
    return f"{_CALLS + 1} lines for {_CALLS} requests, exact cost, the undisturbed result"


@fault(
    "batch-line-of-success-with-an-error",
    done="One line of a batch has status 200, and an error of code 502 for its body.",
    promise="That error: it costs nothing and is asked again; the undisturbed result.",
    quick=True,
)
def _(scene: Scene) -> str:
    error = {"error": {"code": 502, "message": "upstream went away"}}
    scene.server.faults.add(faults.whole_reply(error), nth=3, when=is_line)
    _configure(scene)
    seen = scene.ends_undisturbed(_PROMPTS)
    asked = [
        record.raw for record in scene.server.requests if record.kind in {"completion", "judge"}
    ]
    assert (len(asked), len(set(asked))) == (_CALLS + 1, _CALLS)
    scene.billing = False  # The server counts the reply that it meant to send.
    assert seen.cost_usd < scene.billed_usd()
    return f"{_CALLS + 1} lines for {_CALLS} requests, the refused one unbilled"


@fault(
    "batch-line-400",
    done="One line of a batch, a completion, is refused with status 400.",
    promise="It fails by name and costs nothing; its prompt goes on without it.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.status(400), nth=3, when=is_line)
    _configure(scene)
    _one_failed_at_its_cost(scene)
    return "one completion `failed` with the server's words, exact cost"


@fault(
    "batch-line-status-0",
    done="One line of each batch has the status 0, though the batch is said to be completed.",
    promise="Only status 200 is an answer: it counts as spent whole and is asked again.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.batches.line_status = {2: 0}
    _configure(scene)
    seen = scene.exits(0)
    assert seen.cost_usd > scene.billed_usd()
    assert results(scene.out) == scene.undisturbed(_PROMPTS)
    return "asked again in the next batch, counted whole, the undisturbed result"


@fault(
    "batch-result-missing",
    done="The results of each batch lack a line, which was answered and billed.",
    promise="It counts as spent whole and is asked again; the stated cost covers the bill.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.batches.without_result = frozenset({2})
    _configure(scene)
    seen = scene.exits(0)
    assert seen.cost_usd >= scene.billed_usd()
    return "asked again in the next batch, counted whole"


def _reply_lost(api: str, found_by: str) -> None:
    provider = api.lower()

    @fault(
        f"batch-created-without-reply-{provider}",
        done=f"Batches are created and no reply tells so; they are listed only later ({api}).",
        promise=f"Each is found again by {found_by}, and none is created twice.",
    )
    def show(scene: Scene) -> str:
        behaviour = scene.server.behaviour.batches
        behaviour.creations_without_reply, behaviour.listed_after_s = 2, 1.5
        _configure(scene, provider)
        _undisturbed_at_its_cost(scene, provider)
        assert creations(scene.server) == 2
        assert answered(scene.server) == _CALLS
        return "2 creations without a reply, 2 batches found again, nothing bought twice"


_reply_lost("OpenAI", "our mark in it")
_reply_lost("Anthropic", "time, number and results")


@fault(
    "batch-creation-refused",
    done="The creation of a batch is refused, twice with 429 and once with 503.",
    promise="It is tried again, after 503 only once it is known not to exist; one batch.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.batches.creations_refused = [429, 429, 503]
    _configure(scene)
    _undisturbed_at_its_cost(scene)
    assert answered(scene.server) == _CALLS
    return "2 batches after 3 refusals, exact cost, the undisturbed result"


@fault(
    "batch-too-large",
    done="The server takes no more than ten requests in a batch (413, Anthropic).",
    promise="Nothing is billed for what is refused; smaller batches are sent.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.batches.most_requests = 10
    _configure(scene, "anthropic")
    _undisturbed_at_its_cost(scene, "anthropic")
    assert answered(scene.server) == _CALLS
    return f"{creations(scene.server)} creations until all fitted, exact cost"


@fault(
    "batch-enqueued-tokens",
    done="The server takes few tokens at a time, and refuses files that are larger.",
    promise="Nothing is billed for them; smaller batches are sent, one after another.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.batches.enqueued_tokens = 3_000
    _configure(scene)
    _undisturbed_at_its_cost(scene)
    assert answered(scene.server) == _CALLS
    return f"{creations(scene.server)} creations until all fitted, exact cost"


@fault(
    "batch-file-refused",
    done="The server refuses a whole file, for a reason that is not one line's.",
    promise="Exit 4 with its words and nothing billed; the same command goes on.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.batches.failed_with = ("model_not_batchable", None)
    _configure(scene)
    _exits_at_its_cost(scene, 4, "model_not_batchable")
    _undisturbed_at_its_cost(scene)
    return "exit 4, `model_not_batchable` in the message, exact cost; then the undisturbed result"


@fault(
    "batch-not-offered",
    done="A server that speaks chat completions has no files and no batches (404).",
    promise="Exit 4 after the first prompt; the message says to take `batch` out; then it runs.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.status(404), when=lambda one: one.path.endswith("/files"))
    _configure(scene)
    scene.exits(4, "take `batch` out of model `small`")
    scene.configure(prompts=_PROMPTS, own={"price": BATCH_PRICE})
    scene.exits(0)
    assert answered(scene.server) == _CALLS
    return "exit 4 with that advice; without `batch` the run went on, nothing asked twice"


@fault(
    "batch-created-and-not-found",
    done="A batch is created without a reply, and the server lists none (404), for some time.",
    promise="Exit 4: nothing of it is sent anew until it could be looked for; then it is found.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.batches.creations_without_reply = 1

    def is_a_list(record: RequestRecord) -> bool:
        return record.method == "GET" and record.path.endswith("/batches")

    scene.server.faults.add(faults.status(404), when=is_a_list)
    _configure(scene)
    scene.exits(4, "may have been created")
    scene.exits(4)
    scene.server.faults.clear()
    _undisturbed_at_its_cost(scene)
    assert creations(scene.server) == 2
    assert answered(scene.server) == _CALLS
    return "exit 4 twice; then the batch was found, nothing bought twice, exact cost"


@fault(
    "batch-line-refused-with-file",
    done="The server refuses a whole file and names one line of it.",
    promise="That one fails by name, the others are sent again without it.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.batches.failed_with = ("invalid_request", 3)
    _configure(scene)
    _one_failed_at_its_cost(scene)
    return "one completion failed by name, the others by the next batch, exact cost"


@fault(
    "batch-daily-budget",
    done="Two runs in batches, one after the other, share a day's budget that pays for one.",
    promise="The whole of a batch is reserved before it is created: the day's limit holds.",
)
def _(scene: Scene) -> str:
    budget = {"daily_usd": 0.018, "ledger": "ledger.txt"}
    scene.configure(prompts=_PROMPTS, own=in_batches(), budget=budget, cache={"dir": "c1"})
    first = scene.run()
    scene.configure(prompts=_PROMPTS, own=in_batches(), budget=budget, cache={"dir": "c2"})
    second = scene.run(out=scene.folder / "second")
    assert (first.exit_code, second.exit_code) == (0, 3)
    assert scene.billed_usd() <= first.cost_usd + second.cost_usd + 1e-12
    assert first.cost_usd + second.cost_usd <= 0.018
    scene.billing = False  # checked for both folders together
    return f"exit 0 and 3, ${scene.billed_usd():.4f} billed of $0.018"


@fault(
    "batch-outage",
    done="The server is out of order while a batch is waited for (`limits.stall_s` is 2).",
    promise="Exit 4, resumable; the same command collects the same batch.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.batches.delay_s = 1
    scene.configure(prompts=_PROMPTS, own=in_batches(), limits={"stall_s": 2})

    def is_a_look(record: RequestRecord) -> bool:
        return record.method == "GET"

    scene.server.faults.add(faults.status(503), when=is_a_look)
    scene.exits(4, "limits.stall_s")
    scene.goes_on()
    assert creations(scene.server) == 2
    assert answered(scene.server) == _CALLS
    return "exit 4 with the last refusal; the same command went on, nothing asked twice"


@fault(
    "batch-stragglers",
    done="`direct_below: 12`: one round of the judges is smaller than that.",
    promise="A few requests are sent directly, at the usual price; the undisturbed result.",
    quick=True,
)
def _(scene: Scene) -> str:
    scene.server.behaviour.batches.answered_before_expiry = 10
    scene.configure(prompts=_PROMPTS, own=in_batches(direct_below=12))
    _undisturbed_at_its_cost(scene)
    direct = [one for one in scene.server.calls() if not one.in_batch]
    assert 0 < len(direct) <= _CALLS - 10, "one batch brought ten"
    assert answered(scene.server) == _CALLS
    return f"{_CALLS - len(direct)} requests in batches, {len(direct)} directly, exact cost"
