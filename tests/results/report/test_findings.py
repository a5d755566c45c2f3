"""What the page says of figures that are far from usual."""

from __future__ import annotations

from typing import Any

import pytest

from judgeforge.results.figures.run import RunFigures
from judgeforge.results.report.findings import ENOUGH, findings
from tests.support.hand_made import MANIFEST
from tests.support.hand_made import manifest as manifest_of
from tests.support.result_rows import figures_of, judgment, scored


class TestFindings:
    def said(self, figures: RunFigures, **manifest: Any) -> str:
        found = findings(manifest_of(calibration={}, **manifest), figures)
        return " ".join(one.text for one in found if one.level == "look")

    def test_a_run_in_which_nothing_is_odd_says_nothing(self) -> None:
        assert self.said(figures_of(ENOUGH, pairs={"confidence": 0.97, "chosen_model": "b"})) == ""

    def test_labels_that_the_judges_reverse_are_told_where_there_are_enough(self) -> None:
        figures = RunFigures()
        wrong = {"prompt_id": "p", "model": "m", "text": "x"}
        for n in range(ENOUGH):
            assert "of the set's own labels" not in self.said(figures), n
            figures.given_labels.add_prompt(
                [
                    {**wrong, "given": "chosen", "score": 0.1, "p_best": 0.02},
                    {**wrong, "given": "rejected", "score": 0.9, "p_best": 0.98},
                ]
            )
        assert "100% of the set's own labels are wrong by the judges" in self.said(figures)

    @pytest.mark.parametrize(
        ("figures", "words"),
        [
            (lambda n: figures_of(n, pairs={"confidence": 0.7}), "30.0% of the pairs are expected"),
            (lambda n: figures_of(n, pairs={"chosen": 30}), "Chosen is the longer side in 100%"),
            (lambda n: figures_of(n, pairs={"chosen": 5}), "Chosen is the shorter side in 100%"),
            (figures_of, "a is chosen in 100% of its pairs"),
            (lambda n: figures_of(n, finish="length"), "100% of the completions of a did not end"),
            (lambda n: figures_of(n, flags=["duplicate:x"]), "100% of the completions repeat"),
            (
                lambda n: figures_of(
                    n,
                    judgments=lambda i: [
                        scored("x", i, place, 0.5, criteria={"brief": float(place)})
                        for place in (0, 1)
                    ],
                ),
                f"Criterion brief speaks for rejected more often than for chosen ({ENOUGH} to 0",
            ),
            (
                lambda n: figures_of(
                    n, judgments=lambda i: [scored("x", i, 0, 0.5, missing="no verdict")]
                ),
                "Judge x gave no judgment in 100%",
            ),
            (
                lambda n: figures_of(
                    n,
                    judgments=lambda i: [
                        judgment("x", (f"p{i}.c0", f"p{i}.c1"), verdict="a", strength=1.0)
                    ],
                ),
                "Judge x prefers the answer that is shown first in 100%",
            ),
            (
                lambda n: figures_of(
                    n,
                    judgments=lambda i: [
                        scored(judge, i, place, float(place == best))
                        for judge, best in (("x", 0), ("y", 1))
                        for place in (0, 1)
                    ],
                ),
                "Judges x and y order the same two answers alike in 0%",
            ),
        ],
    )
    def test_what_is_far_from_usual_is_said_once_there_are_enough_cases(
        self, figures: Any, words: str
    ) -> None:
        assert words in self.said(figures(ENOUGH))
        if "expected" not in words:
            assert words not in self.said(figures(ENOUGH // 4))

    def test_one_sign_of_a_completion_for_the_judge_is_enough(self) -> None:
        figures = figures_of(1, flags=["suspicious:verdict"])
        assert "2 signs of completions that were written for the judge" in self.said(figures)

    def test_failed_prompts_and_ties(self) -> None:
        skips = {"call_failed": 6, "tie": 30, "below_margin": 9}
        totals = {**MANIFEST["totals"], "prompts": 100, "skips": skips}
        said = self.said(RunFigures(), totals=totals)
        assert "6 of 100 prompts failed (6%)" in said
        assert "In 30% of the prompts the judges cannot tell" in said

    def test_requests_without_a_reply(self) -> None:
        figures = RunFigures()
        for _ in range(ENOUGH):
            figures.calls.add(
                {"event": "call", "model": "m", "attempt": 1, "outcome": "E", "status": 429}
            )
        assert "100% of the requests to m brought no reply (most often HTTP 429" in self.said(
            figures
        )


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("cut", "raise max_tokens of the judge"),
        ("input_cut", "a longer context of the server (Ollama: num_ctx), or context_tokens"),
        ("unread", "a model that keeps to a schema"),
        ("refused", "another judge for such prompts"),
        ("withheld", "another judge for such prompts"),
        ("too_long", "a judge with a longer context"),
        ("failed", "log.jsonl has each error"),
        ("reading_failed", "a bug in judgeforge, please report it"),
        ("undecided", "make the check one that every answer can be put to"),
        ("of_a_later_version", ""),
    ],
)
def test_advice_on_missing_judgments_is_for_the_kinds_that_there_are(
    kind: str, advice: str
) -> None:
    figures = figures_of(
        ENOUGH,
        judgments=lambda i: [scored("x", i, 0, 0.5, missing="said", missing_kind=kind)],
    )
    found = next(one for one in findings(manifest_of(), figures) if one.text.startswith("Judge x"))
    assert f"({kind} {ENOUGH})" in found.text
    assert found.advice == (f"{kind}: {advice}" if advice else "")


def test_a_cut_reply_of_a_judge_is_cut_in_folders_of_every_version() -> None:
    said = "the judge's reply was cut at max_tokens = 8; raise `max_tokens` of judge `x`"
    figures = figures_of(ENOUGH, judgments=lambda i: [scored("x", i, 0, 0.5, missing=said)])
    found = next(one for one in findings(manifest_of(), figures) if one.text.startswith("Judge x"))
    assert found.advice == "cut: raise max_tokens of the judge"


MODELS = {
    "writer": {"provider": "openai", "model": "gpt-4o", "fallback": "spare"},
    "spare": {"provider": "openai", "model": "qwen3"},
}
ASKED = {"models": MODELS, "judging": {"judges": [{"model": "writer", "name": "x"}]}}


def replies(**fields: Any) -> RunFigures:
    """Of a writer and of a judge that asked the same model."""
    return figures_of(
        ENOUGH,
        judgments=lambda i: [scored("x", i, 0, 0.5, **fields)],
        model="writer",
        **fields,
    )


@pytest.mark.parametrize("answered", [None, "gpt-4o-2024-08-06", "Qwen3"])
def test_the_model_that_was_asked_for_or_its_fallback_is_no_finding(answered: str | None) -> None:
    found = findings(manifest_of(config=ASKED), replies(answered_model=answered))
    assert not [one for one in found if "another model" in one.text]


def test_a_model_that_was_not_asked_for_is_one_of_the_writer_and_of_the_judge() -> None:
    found = findings(manifest_of(config=ASKED), replies(answered_model="gpt-4o-mini"))
    told = [one.text for one in found if "another model" in one.text]
    assert told == [
        f"Model writer asked for gpt-4o, but {2 * ENOUGH} of {2 * ENOUGH} replies say that another "
        f"model answered: gpt-4o-mini ({2 * ENOUGH}).",
        f"Judge x asked for gpt-4o, but {ENOUGH} of {ENOUGH} replies say that another model "
        f"answered: gpt-4o-mini ({ENOUGH}).",
    ]


def test_prompts_that_a_server_may_have_cut_are_a_finding() -> None:
    found = findings(manifest_of(config=ASKED), replies(input_tokens_read=2048))
    told = [one for one in found if "without a word" in one.text]
    assert [one.text.partition(":")[0] for one in told] == ["Model writer", "Judge x"]
    assert all("at most 2,048 tokens" in one.text and "num_ctx" in one.advice for one in told)
