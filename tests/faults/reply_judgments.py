"""Faults of replies: judges whose reply is not what was asked for."""

from __future__ import annotations

import json
from typing import Any

from tests.faults.scene import Scene, is_judge
from tests.faults.table import fault
from tests.local_server import faults
from tests.local_server.faults import Fault
from tests.support.run_setup import rows

GOOD = {"rationale": "Fine.", "scores": {"quality": 7, "sound": True}}


def _reply(value: object) -> Fault:
    return faults.reply_text(value if isinstance(value, str) else json.dumps(value))


def _scores(**changes: Any) -> Fault:
    return _reply({**GOOD, "scores": {**GOOD["scores"], **changes}})  # type: ignore[dict-item]


def _never_a_score(name: str, done: str, odd: Fault, *, quick: bool = False) -> None:
    @fault(
        name,
        done=f"Every judge's reply {done}",
        promise="Never a score: asked once more with the reason, then missing; the skip is named.",
        quick=quick,
    )
    def show(scene: Scene) -> str:
        scene.server.faults.add(odd, when=is_judge)
        scene.configure(prompts=1, own={"structured": "json_schema"})
        seen = scene.run()
        judgments = rows(scene.out / "judgments.jsonl")
        assert all(row["score"] is None and "unreadable" in row["missing"] for row in judgments)
        assert len(scene.server.calls(kind="judge")) == 2 * len(judgments)
        assert seen.skips == {"p0": "too_few_judged"}
        return f"missing: {judgments[0]['missing'].split(': ', 1)[1][:70]}"


for _name, _done, _odd in (
    ("score-nan", "gives NaN as a score.", faults.not_a_number()),
    ("score-infinity", "gives Infinity as a score.", faults.out_of_range(float("inf"))),
    ("score-1e400", "gives 1e400 as a score.", _reply(json.dumps(GOOD).replace("7", "1e400"))),
    ("score-out-of-range", "gives 99 of 10.", faults.out_of_range(99)),
    ("score-zero", "gives 0 where levels begin at 1.", _scores(quality=0)),
    ("score-fraction", "gives 7.5 where levels are whole.", _scores(quality=7.5)),
    ("score-as-text", 'gives "7 of 10" as a score.', _scores(quality="7 of 10")),
    ("score-true", "gives `true` for a level.", _scores(quality=True)),
    ("score-null", "gives null as a score.", _scores(quality=None)),
    ("yes-as-text", 'gives "rather yes" for true.', _scores(sound="rather yes")),
    ("missing-criterion", "leaves a criterion out.", faults.missing_criterion()),
    ("extra-criterion", "has a criterion that was not asked for.", _scores(style=5)),
    ("two-objects", "is two JSON objects.", faults.two_objects()),
    ("double-key", "gives a criterion twice.", _reply(
        '{"rationale": "a", "scores": {"quality": 2, "quality": 9, "sound": true}}'
    )),
    ("words", "is prose that ends in “9 out of 10”.", _reply("A fine answer, 9 out of 10.")),
    ("other-language", "is prose in another language.", _reply("Bonne réponse : neuf sur dix.")),
    ("other-language-scores", "has scores in another language.", _scores(quality="sieben")),
    ("a-list", "is a JSON list.", _reply([7, True])),
    ("half-json", "is JSON that breaks off.", _reply(json.dumps(GOOD)[:-9])),
    ("deep-json", "is JSON nested 100,000 deep.", _reply("[" * 100_000)),
    ("empty-judgment", "is empty.", faults.empty_text()),
    ("null-judgment", "has null as its content.", faults.null_content()),
):  # fmt: skip
    _never_a_score(f"judge-{_name}", _done, _odd, quick=_name in {"score-nan", "two-objects"})


def _named_at_once(name: str, done: str, odd: Fault, said: str) -> None:
    @fault(
        name,
        done=done,
        promise="Never a score, and not asked again: asking the same would bring the same.",
    )
    def show(scene: Scene) -> str:
        scene.server.faults.add(odd, when=is_judge)
        scene.configure(prompts=1)
        seen = scene.run()
        judgments = rows(scene.out / "judgments.jsonl")
        assert all(row["score"] is None and said in row["missing"] for row in judgments)
        assert len(scene.server.calls(kind="judge")) == len(judgments)
        assert seen.skips == {"p0": "too_few_judged"}
        return f"missing: {judgments[0]['missing'][:70]}"


_named_at_once("judge-refusal", "Every judge refuses.", faults.refusal("I will not."), "refused")
_named_at_once(
    "judge-cut", "Every judge's reply is cut by `max_tokens`.", faults.finish_length(), "max_tokens"
)
_named_at_once(
    "judge-content-filter",
    "The provider's filter withholds every judge's reply.",
    faults.content_filter(),
    "content filter",
)


@fault(
    "judge-repaired",
    done="Every first reply of a judge is not JSON, the second one is.",
    promise="Asked once more with what was wrong; then read as usual.",
)
def _(scene: Scene) -> str:
    def first(record: Any) -> bool:
        return is_judge(record) and len(record.body["messages"]) == 2

    scene.server.faults.add(_reply("Nine!"), when=first)
    scene.configure(prompts=1)
    assert scene.run().pairs == 1
    judgments = rows(scene.out / "judgments.jsonl")
    assert all(row["score"] is not None for row in judgments)
    assert len(scene.server.calls(kind="judge")) == 2 * len(judgments)
    return "all scores read from the second reply, both calls paid and counted"


@fault(
    "judge-fenced-json",
    done="Every judge's reply is JSON inside a Markdown code fence.",
    promise="Read as the JSON that it is: the undisturbed result, nothing asked twice.",
    quick=True,
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.fenced_json(), when=is_judge)
    scene.configure()
    scene.ends_undisturbed()
    assert len(scene.server.requests) == 16
    return "the undisturbed result from 16 requests"


@fault(
    "judge-values-in-quotes",
    done='Every judge\'s reply gives "7" and "yes" in quotes.',
    promise="Read as the level and the answer that they can only be; nothing asked twice.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(_scores(quality="7", sound="yes"), when=is_judge)
    scene.configure(prompts=1)
    scene.run()
    judgments = rows(scene.out / "judgments.jsonl")
    assert all(row["score"] is not None for row in judgments)
    assert len(scene.server.calls(kind="judge")) == len(judgments)
    return "all scores read, one call each"


@fault(
    "judge-lone-surrogates",
    done="A judge's rationale holds halves of surrogate pairs.",
    promise="The scores count; the halves are replaced, so that every file stays readable.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(_reply({**GOOD, "rationale": "half \ud800"}), when=is_judge, nth=1)
    scene.configure(prompts=1)
    scene.exits(0)
    judgments = rows(scene.out / "judgments.jsonl")
    assert any(row["rationale"] and row["rationale"].startswith("half ") for row in judgments)
    assert all(row["score"] is not None for row in judgments)
    return "scores read, all files are UTF-8"


@fault(
    "judge-fails-once",
    done="One judge's call fails for good (HTTP 400).",
    promise="That judgment is missing and says why; the completion is in no pair by a guess.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.status(400), when=is_judge, nth=1)
    scene.configure(prompts=1)
    assert scene.run().pairs == 1
    missing = [row for row in rows(scene.out / "judgments.jsonl") if row["missing"]]
    assert len(missing) == 1
    assert "HTTP 400" in missing[0]["missing"]
    (pair,) = rows(scene.out / "pairs.jsonl")
    sides = {pair["provenance"]["chosen_id"], pair["provenance"]["rejected_id"]}
    assert not sides & set(missing[0]["completion_ids"])
    return "one judgment missing with `HTTP 400`; the pair is made of the other three"


def _stops_soon(name: str, done: str, odd: Fault, said: str) -> None:
    @fault(
        name,
        done=done,
        promise="The run stops (exit 4) before much is sampled, quotes the judge or its server and "
        "names settings; with one of them changed the same command goes on, without --force.",
    )
    def show(scene: Scene) -> str:
        scene.server.faults.add(odd, when=is_judge)
        scene.configure(prompts=40)
        scene.exits(4, said, "`structured`")
        sampled, asked = (len(scene.server.calls(kind=kind)) for kind in ("completion", "judge"))
        assert sampled <= 16
        assert asked <= 32
        scene.server.faults.clear()
        scene.configure(prompts=40, own={"structured": "tool"})
        again = scene.run()
        assert (again.exit_code, again.manifest["totals"]["prompts"]) == (0, 40)
        assert len(scene.server.calls(kind="completion")) == 160
        return f"exit 4 after {sampled} of 160 completions; then 40 of 40 prompts"


_stops_soon(
    "judge-never-readable",
    "Every judge's reply is prose, in a run of 40 prompts.",
    _reply("The second one, I would say."),
    "The second one, I would say.",
)
_stops_soon(
    "judge-refused-every-time",
    "Every judge's request is refused (HTTP 400), in a run of 40 prompts.",
    faults.status(400, body={"error": {"message": "This is unavailable now"}}),
    "This is unavailable now",
)


@fault(
    "judge-schema-ignored",
    done="A server takes a JSON schema and ignores it.",
    promise="The model is asked by a tool or by words from then on; nothing is lost.",
)
def _(scene: Scene) -> str:
    def by_schema(record: Any) -> bool:
        return is_judge(record) and "response_format" in record.body

    scene.server.faults.add(_reply("The second one, I would say."), when=by_schema)
    scene.configure(prompts=8)
    seen = scene.run()
    assert (seen.exit_code, seen.pairs) == (0, 8)
    notes = {row["note"] for row in rows(scene.out / "judgments.jsonl")}
    assert notes == {"asked with structured: tool"}
    return "8 pairs of 8, each judgment says `structured: tool`"
