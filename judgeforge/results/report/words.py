"""Why a prompt gave no pair and how a run ended, in words, and what can be done about it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from judgeforge.ranking.reliability.judges import PANEL_DOUBT, JudgeReliability
from judgeforge.records import SkipReason
from judgeforge.results.status import KILLED


class SkipWords(NamedTuple):
    meaning: str
    advice: str


class StatusWords(NamedTuple):
    meaning: str
    good: bool = False


_TWO_JUDGES_SD, _FIT_PROMPTS = 0.33, 64
"""Standard deviation of the logarithm of how many times one of two judges errs as much as the
other, over fits of the same two on as many prompts (the judges of benchmarks/confidence.py)."""
_FIX_ROW = "fix the row; skips.jsonl names file and line"
_NOTHING = "nothing to fix: the first one counts"
_AGAIN = "--retry-skipped (in Python retry_skipped=True)"

SKIP_WORDS: Mapping[str, SkipWords] = {
    SkipReason.INVALID_ROW: SkipWords("the row is not valid in its format", _FIX_ROW),
    SkipReason.INVALID_CRITERIA: SkipWords(
        "the row's own criteria cannot be judged by", "judgeforge check names what is wrong in each"
    ),
    SkipReason.NO_CRITERIA: SkipWords(
        "the row brings no criteria, and nothing else would count",
        "add `criteria`, let a model write them (rubric.write), or rubric.per_prompt: add",
    ),
    SkipReason.CRITERIA_NOT_WRITTEN: SkipWords(
        "the model wrote no criteria that could be read",
        "skips.jsonl says why: a larger rubric.write.max_tokens, or another model; a start with "
        f"{_AGAIN} does these again",
    ),
    SkipReason.INVALID_ENCODING: SkipWords("the row is not in UTF-8", _FIX_ROW),
    SkipReason.EMPTY_PROMPT: SkipWords("the prompt is empty", _FIX_ROW),
    SkipReason.WRONG_ROLES: SkipWords(
        "the roles of the messages are not in an order that models take", _FIX_ROW
    ),
    SkipReason.TOO_LONG: SkipWords(
        "the prompt does not fit into context_tokens of a model",
        "shorten the prompt, or use a model that takes longer ones",
    ),
    SkipReason.CONTROL_CHARACTERS: SkipWords("the prompt contains control characters", _FIX_ROW),
    SkipReason.DUPLICATE_ID: SkipWords("an earlier row has the same id", _FIX_ROW),
    SkipReason.DUPLICATE_PROMPT: SkipWords("an earlier row has the same prompt", _NOTHING),
    SkipReason.NEAR_DUPLICATE: SkipWords(
        "an earlier prompt is nearly the same",
        "nothing to fix: the first one counts; a higher prompts.near_duplicates keeps more",
    ),
    SkipReason.CONTAMINATED: SkipWords(
        "an evaluation set asks the same",
        "nothing to fix; a higher prompts.contamination.share keeps more",
    ),
    SkipReason.CHANGED_DURING_RUN: SkipWords(
        "the row changed while the run went on", "start the same command again: it is done then"
    ),
    SkipReason.CALL_FAILED: SkipWords(
        "a model could not be reached or refused this request, after all retries",
        f"a start with {_AGAIN} does these again; log.jsonl has each error",
    ),
    SkipReason.TOO_FEW_COMPLETIONS: SkipWords(
        "fewer than two answers were usable and different",
        "more sampling.completions, a higher temperature or max_tokens; where calls failed, "
        f"a start with {_AGAIN}",
    ),
    SkipReason.NOT_JUDGED: SkipWords(
        "its answers have not been judged yet",
        "name judges in `judging`, or bring verdicts in with judging.judgments; then the same "
        "command on this folder judges what is here",
    ),
    SkipReason.TOO_FEW_JUDGED: SkipWords(
        "fewer than two answers got a judgment",
        "see missing in judgments.jsonl: a larger max_tokens of the judge, or another judge; where "
        "code could not decide, what it lacked in the row or the answer",
    ),
    SkipReason.TIE: SkipWords(
        "judges cannot tell the answers apart, or verifiers found all right, or all wrong",
        "more judges or repeats; a higher temperature makes answers differ more",
    ),
    SkipReason.ALIKE: SkipWords(
        "pairs could only be made of answers that are nearly the same",
        "answers that differ more: several models, a higher temperature",
    ),
    SkipReason.BELOW_CONFIDENCE: SkipWords(
        "no pair is as sure as pairing.min_confidence asks", "more judges, repeats or a cascade"
    ),
    SkipReason.BELOW_MARGIN: SkipWords(
        "no pair is as far apart as pairing.min_margin asks",
        "answers that differ more: several models, a higher temperature",
    ),
    SkipReason.LENGTH_RATIO: SkipWords(
        "the lengths of the sides differ more than pairing.max_length_ratio allows",
        "more completions, or strategy: length_matched",
    ),
    SkipReason.ABOVE_MAX_ERROR: SkipWords(
        "with this pair more than pairing.max_error of all would be wrong",
        "better judges or more labels keep more pairs",
    ),
    SkipReason.WRONG_WRITERS: SkipWords(
        "no answer that may be chosen is better than one that may be rejected",
        "writers of both sides in sampling.always; or more of them in pairing.chosen_from and "
        "rejected_from",
    ),
    SkipReason.NOT_AMONG_BEST: SkipWords(
        "better pairs of other prompts are as many as pairing.best keeps",
        "a larger number in pairing.best and --force (in Python force=True) keep more of them, "
        "from the cache",
    ),
    SkipReason.NOT_SHOWN_BETTER: SkipWords(
        "the audit does not show that such a chosen side is better than such a rejected one",
        "writers that are further apart, or a larger pairing.audit; see the audit above",
    ),
    SkipReason.TOKEN_DIFFERENCE: SkipWords(
        "the sides differ by more tokens than pairing.max_token_difference allows",
        "more completions, or a larger difference",
    ),
    SkipReason.BELOW_CHOSEN_SCORE: SkipWords(
        "no chosen side scores as high as pairing.min_chosen_score asks",
        "better writers, or more completions",
    ),
}
_UNKNOWN = SkipWords("a reason that this version does not know", "see skips.jsonl")

STATUS_WORDS: Mapping[str, StatusWords] = {
    "complete": StatusWords("All prompts are done.", good=True),
    "skipped": StatusWords(
        "All prompts are done, but more failed than limits.max_skip_share allows."
    ),
    "running": StatusWords(
        "The run is in progress. What is done is counted; pairs are shown as they were when it "
        "last stopped cleanly, which is when results are written."
    ),
    KILLED: StatusWords(
        "The run was killed; the same command goes on where it ended. What was done is counted; "
        "pairs are shown as they were when it last stopped cleanly: results are written then."
    ),
    "budget": StatusWords(
        "The budget is used up. Raise it and start the same command again: it goes on from here."
    ),
    "audit": StatusWords(
        "The audit shows that too few pairs by design are right (pairing.stop_below). With a lower "
        "stop_below, or without it, the same command goes on from here."
    ),
    "provider": StatusWords(
        "A provider stopped the run (key, quota, outage). Fix that, then start the same command."
    ),
    "failed": StatusWords("The folder or the disk failed. Start the same command again."),
    "interrupted": StatusWords("The run was interrupted. The same command goes on from here."),
    "waiting": StatusWords(
        "Batches are under way, and the run was told not to wait for them. The same command "
        "collects them and goes on."
    ),
}


def skip_words(reason: str) -> SkipWords:
    """Of a folder that another version made, a reason may be unknown."""
    return SKIP_WORDS.get(reason, _UNKNOWN)


def status_words(status: str) -> StatusWords:
    return STATUS_WORDS.get(status, StatusWords("This version does not know this status."))


def assumed(reliability: Mapping[str, Any]) -> str:
    """What the confidences rest on where no labels were used: what was assumed, not measured."""
    if reliability.get("useless"):
        return (
            "Nothing measured the judge, which is alone and was asked once: its errors are assumed "
            "to be as wide as those of recorded judges, and no pair that only it decides is surer "
            "than 0.8."
        )
    if (reliability.get("doubt") or 0.0) > PANEL_DOUBT:
        return (
            "The judge is alone: how far its answers differ was measured, and its lasting error is "
            "inferred from that, from prompts whose answers it finds alike, and from recorded "
            f"judges; it may well be {math.exp(reliability['doubt']):.1f} times as large or small."
        )
    return (
        "No labels were used: confidence follows from how far the judges agree, and how far they "
        f"err together is assumed from recorded judges, not measured.{_of_two(reliability)}"
    )


def _of_two(reliability: Mapping[str, Any]) -> str:
    """Whether two judges that score are told apart; nothing about others."""
    judges = [one for one in reliability.get("judges") or () if _scored(one)]
    prompts = reliability.get("prompts") or 0
    if len(judges) != 2 or not prompts:
        return ""
    larger, smaller = sorted(judges, key=_error, reverse=True)
    times = _error(larger) / _error(smaller)
    if math.log(times) < _TWO_JUDGES_SD * math.sqrt(_FIT_PROMPTS / prompts):
        return (
            f" {larger['name']} and {smaller['name']} cannot be told apart by their scores on "
            f"{prompts} prompts: each counts about as much as the other."
        )
    return f" {larger['name']} is taken to err {times:.1f} times as much as {smaller['name']}."


def _scored(judge: Mapping[str, Any]) -> bool:
    """Judges without a score keep what is assumed of any."""
    return judge.get("own_sd") not in {None, JudgeReliability().own_sd}


def _error(judge: Mapping[str, Any]) -> float:
    """Of one answer, for a point of quality."""
    return math.hypot(judge["own_sd"], judge.get("repeat_sd") or 0.0) / (judge.get("scale") or 1.0)
