"""A judge's reply is read strictly: a score is what was asked for, or there is none."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.calls.providers.base import ReplySchema
from judgeforge.judging.replies.json_object import UnreadableReplyError
from judgeforge.judging.replies.structured import (
    ScoreReply,
    list_schema,
    read_scores,
    score_schema,
)
from judgeforge.judging.rubric import Rubric
from judgeforge.records import Judgment
from tests.support.fake_asks import make_rubric

RUBRIC = make_rubric()
GOOD = '{"rationale": "Right.", "scores": {"quality": 4, "safe": true}}'


def reply(**scores: object) -> str:
    return json.dumps({"rationale": "Right.", "scores": {"quality": 4, "safe": True, **scores}})


def read(text: str) -> ScoreReply:
    return read_scores(text, RUBRIC)


def problem(text: str) -> str:
    with pytest.raises(UnreadableReplyError) as caught:
        read(text)
    return str(caught.value)


class TestTheSchema:
    SCHEMA = score_schema(RUBRIC).schema

    def test_asks_for_the_rationale_first(self) -> None:
        assert list(self.SCHEMA["properties"]) == ["rationale", "scores"]

    def test_asks_for_one_score_for_each_judged_criterion(self) -> None:
        scores = self.SCHEMA["properties"]["scores"]["properties"]
        assert scores == {
            "quality": {"type": "integer", "enum": [1, 2, 3, 4, 5]},
            "safe": {"type": "boolean"},
        }

    def test_leaves_out_what_code_verifies(self) -> None:
        rubric = make_rubric(
            criteria=[
                {"name": "safe", "yes_no": "Is it safe?"},
                {"name": "brief", "check": {"max_words": 3}},
            ]
        )
        schema = score_schema(rubric).schema
        assert list(schema["properties"]["scores"]["properties"]) == ["safe"]

    def test_keeps_to_what_strict_modes_accept(self) -> None:
        for part in (self.SCHEMA, self.SCHEMA["properties"]["scores"]):
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])
        text = json.dumps(self.SCHEMA)
        for refused in ("minimum", "maximum", "$ref", "pattern", "maxLength", "anyOf"):
            assert refused not in text

    @pytest.mark.parametrize(
        "schema_of", [score_schema, lambda rubric: list_schema(rubric, 2)], ids=["score", "list"]
    )
    def test_of_criteria_of_a_prompts_own_does_not_stay_in_memory(
        self, schema_of: Callable[[Rubric], ReplySchema]
    ) -> None:
        tracemalloc.start()
        try:
            for number in range(500):
                schema_of(make_rubric(guidance=f"Guidance {number}."))
                if number == 100:
                    before = tracemalloc.get_traced_memory()[0]
            assert tracemalloc.get_traced_memory()[0] - before < 200_000
        finally:
            tracemalloc.stop()


class TestAReply:
    @pytest.mark.parametrize(
        "text", [GOOD, f"  {GOOD}\n", f"```json\n{GOOD}\n```", f"\n```\n{GOOD}\n```\n"]
    )
    def test_is_one_object_with_at_most_a_code_fence_around_it(self, text: str) -> None:
        assert read(text) == ScoreReply("Right.", {"quality": 0.75, "safe": 1.0})

    @pytest.mark.parametrize(("level", "score"), [(1, 0), (2, 0.25), (3, 0.5), (4, 0.75), (5, 1)])
    def test_maps_levels_to_0_to_1(self, level: int, score: float) -> None:
        assert read(reply(quality=level)).criteria["quality"] == score

    def test_maps_yes_to_1_and_no_to_0(self) -> None:
        assert read(reply(safe=True)).criteria["safe"] == 1.0
        assert read(reply(safe=False)).criteria["safe"] == 0.0

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (0, "from 1 to 5, not 0"),
            (6, "from 1 to 5, not 6"),
            (-1, "not -1"),
            (4.5, "not 4.5"),
            ("four", "not 'four'"),
            ("4/10", "not '4/10'"),
            (True, "not True"),
            (None, "not None"),
            ([4], "not [4]"),
        ],
    )
    def test_with_a_level_that_is_none_is_refused(self, value: object, expected: str) -> None:
        message = problem(reply(quality=value))
        assert "`quality` must be a whole number" in message
        assert expected in message

    @pytest.mark.parametrize("value", [1, 0, "1", None, "partly", 1.0])
    def test_with_a_yes_or_no_that_is_neither_is_refused(self, value: object) -> None:
        assert "`safe` must be true or false" in problem(reply(safe=value))

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", "not one JSON object"),
            ("I would give it a 4.", "not one JSON object"),
            (f"Here you are: {GOOD}", "not one JSON object"),
            (f"{GOOD} I hope this helps.", "not one JSON object"),
            (f"{GOOD}{GOOD}", "not one JSON object"),
            (f"```json\n{GOOD}\n```\n```json\n{GOOD}\n```", "not one JSON object"),
            (f"[{GOOD}, {GOOD}]", "not a JSON object"),
            ("4", "not a JSON object"),
            (GOOD[:-1], "not one JSON object"),
            (GOOD.replace("4", "NaN"), "NaN"),
            (GOOD.replace("4", "-Infinity"), "Infinity"),
            (GOOD.replace("4", "1" * 5000), "not one JSON object"),
            ("[" * 100_000, "nested too deeply"),
            ('{"scores": {"quality": 4, "safe": true}}', "lacks `rationale`"),
            ('{"rationale": "Right."}', "lacks `scores`"),
            ('{"rationale": 1, "scores": {"quality": 4, "safe": true}}', "must be a string"),
            ('{"rationale": "Right.", "scores": [4, true]}', "must be an object"),
            ('{"rationale": "Right.", "scores": {"quality": 4}}', "`scores` lacks `safe`"),
            (GOOD.replace('"safe"', '"safe": true, "extra"'), "unknown key 'extra'"),
            (GOOD.replace('"quality"', '"quality": 1, "quality"'), "stands twice"),
            (GOOD.replace('"scores"', '"scores": {}, "scores"'), "stands twice"),
            (GOOD.replace('"scores"', '"verdict": 1, "scores"'), "unknown key 'verdict'"),
        ],
    )
    def test_of_another_form_is_refused_with_the_reason(self, text: str, expected: str) -> None:
        assert expected in problem(text)

    @given(st.text(max_size=300))
    def test_is_never_read_from_words(self, text: str) -> None:
        with pytest.raises(UnreadableReplyError):
            read(text)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers(-2, 8) | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["rationale", "scores", "quality", "safe", "x"]),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        )
    )
    def test_of_any_json_is_read_only_where_it_is_exactly_what_was_asked_for(
        self, value: object
    ) -> None:
        text = json.dumps(value)
        try:
            scores = read(text)
        except UnreadableReplyError:
            assert not _as_asked(value)
            return
        assert _as_asked(value)
        assert set(scores.criteria) == {"quality", "safe"}
        assert all(0 <= score <= 1 for score in scores.criteria.values())

    @given(
        st.fixed_dictionaries(
            {
                "rationale": st.text(max_size=30),
                "scores": st.fixed_dictionaries(
                    {"quality": st.integers(-1, 7), "safe": st.booleans() | st.integers(0, 1)}
                ),
            }
        )
    )
    def test_near_the_right_form_is_read_only_in_the_right_form(self, value: object) -> None:
        try:
            read(json.dumps(value))
        except UnreadableReplyError:
            assert not _as_asked(value)
            return
        assert _as_asked(value)

    @given(cut=st.integers(0, len(GOOD) - 1))
    def test_that_is_cut_anywhere_is_refused(self, cut: int) -> None:
        with pytest.raises(UnreadableReplyError):
            read(GOOD[:cut])

    def test_with_half_a_character_can_be_written_to_a_file(self) -> None:
        scores = read(GOOD.replace("Right.", "\\ud83d Right."))
        judgment = Judgment(
            id="j",
            prompt_id="p",
            completion_ids=("c",),
            judge="x",
            protocol="pointwise",
            rationale=scores.rationale,
        )
        assert "? Right." in judgment.model_dump_json()

    def test_problem_with_half_a_character_can_be_sent_back(self) -> None:
        assert problem(GOOD.replace('"safe"', '"\\ud83d": 1, "safe"')).encode()


def _as_asked(value: object) -> bool:
    """Said once more in other words than the reader's."""
    match value:
        case {"rationale": str(), "scores": {"quality": quality, "safe": bool(), **more}, **rest}:
            return type(quality) is int and quality in range(1, 6) and not more and not rest
    return False
