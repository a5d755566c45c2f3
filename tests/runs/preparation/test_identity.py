"""What makes a folder's results what they are; newer settings count only where they are set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge.calibration.calibration import Calibration, Instrument
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError
from judgeforge.judging.templates import TEMPLATES_OF_OTHER_MATERIAL
from judgeforge.ranking.confidence_map import ConfidenceMap
from judgeforge.ranking.reliability.judges import PRIOR
from judgeforge.runs.preparation.calibration_file import (
    fingerprint,
    load_calibration,
    write_figures,
)
from judgeforge.runs.preparation.identity import differences, identity
from tests.support.fake_asks import make_rubric

RUBRIC = make_rubric().identity


def config(**parts: Any) -> RunConfig:
    judging = {"judges": [{"model": "judge"}], **parts.pop("judging", {})}
    model = {"provider": "openai", "model": "some"}
    sections = {"prompts": {"path": "/in/prompts.jsonl"}, "models": {"judge": model}, **parts}
    return RunConfig.model_validate({"rubric": "test", "judging": judging, **sections})


@pytest.mark.parametrize(
    ("parts", "differs"),
    [
        ({"judging": {"show_reasoning": False}}, []),
        ({"pairing": {"thinking": "drop"}}, []),
        ({"judging": {"show_reasoning": True}}, ["judging.show_reasoning: was null and is true"]),
        ({"pairing": {"thinking": "keep"}}, ['pairing.thinking: was null and is "keep"']),
    ],
)
def test_thoughts_make_other_results_only_where_they_are_asked_for(
    parts: dict[str, Any], differs: list[str]
) -> None:
    plain = identity(config(), RUBRIC)
    assert "show_reasoning" not in plain["judging"]
    assert "thinking" not in plain["pairing"]
    assert differences(plain, identity(config(**parts), RUBRIC)) == differs


def test_a_folder_of_before_pictures_had_columns_goes_on_with_and_without_them() -> None:
    def of(**fields: Any) -> dict[str, Any]:
        return identity(config(prompts={"path": "/in/prompts.jsonl", "fields": fields}), RUBRIC)

    assert "images" not in of()["prompts"]["fields"]
    assert of() == of(images=None) == of(images="images")
    assert of() != of(images="picture")


def test_prompts_that_are_left_out_count_only_where_they_are_asked_for() -> None:
    def of(**options: Any) -> dict[str, Any]:
        return identity(config(prompts={"path": "/in/prompts.jsonl", **options}), RUBRIC)

    assert not {"near_duplicates", "contamination"} & of()["prompts"].keys()
    assert of() == of(near_duplicates=None, contamination=None)
    assert differences(of(), of(near_duplicates=0.8)) == [
        "prompts.near_duplicates: was null and is 0.8"
    ]
    here, there = (of(contamination={"against": [f"{at}/evals"]}) for at in ("/here", "/there"))
    assert here == there
    assert here["prompts"]["contamination"] == {"against": ["evals"], "ngram": 8, "share": 0.5}
    dataset = of(contamination={"against": [{"name": "openai/gsm8k", "split": "test"}]})
    (named,) = dataset["prompts"]["contamination"]["against"]
    assert (named["name"], named["split"]) == ("openai/gsm8k", "test")


class TestCalibration:
    def made(self, tmp_path: Path, **changes: Any) -> RunConfig:
        """A configuration with a calibration of its judges, of before there were tools."""
        print_ = fingerprint(config(), RUBRIC)
        for name in TEMPLATES_OF_OTHER_MATERIAL:
            del print_["prompts"][name]
        file = tmp_path / "calibration.json"
        known = Instrument(reliability=PRIOR, confidence=ConfidenceMap())
        made = Calibration(of="best", labelled=known, blind=known, results=(), fingerprint=print_)
        write_figures(file, made)
        return config(judging={"calibration": file, **changes})

    def test_made_before_there_were_tools_still_holds(self, tmp_path: Path) -> None:
        assert load_calibration(self.made(tmp_path), RUBRIC) is not None

    def test_made_with_thoughts_hidden_does_not_hold_where_they_are_shown(
        self, tmp_path: Path
    ) -> None:
        shown = self.made(tmp_path, show_reasoning=True)
        with pytest.raises(ConfigError, match="show_reasoning: was null and is true"):
            load_calibration(shown, RUBRIC)


def test_a_chat_template_counts_by_what_it_writes_and_not_by_where_it_is(tmp_path: Path) -> None:
    judges = [{"model": "judge", "protocol": "reward"}]
    server = {"provider": "classify", "model": "some", "base_url": "http://127.0.0.1:1"}

    def of(folder: str, template: str) -> dict[str, Any]:
        place = tmp_path / folder / "template.jinja"
        place.parent.mkdir(exist_ok=True)
        place.write_text(template)
        models = {"judge": {**server, "chat_template": str(place)}}
        return identity(config(models=models, judging={"judges": judges}), RUBRIC)

    assert differences(of("a", "{{ messages }}"), of("b", "{{ messages }}")) == []
    assert differences(of("a", "{{ messages }}"), of("b", "other")) != []


def test_what_is_new_for_reward_models_is_named_only_where_it_is_set() -> None:
    plain = identity(config(), RUBRIC)
    assert "bradley_terry" not in plain["judging"]["judges"][0]
    assert "chat_template" not in plain["models"]["judge"]
