"""What judges are asked with in the user's own words: their prompts and examples, read and checked
before anything is sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgeforge.config.judges import ExamplesConfig, JudgeConfig
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError, InputError, as_one
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.judging.judge_prompts import Example, examples_text
from judgeforge.judging.material import ShownAnswer
from judgeforge.judging.own_prompts import OF_THE_HOUSE, OwnPrompt, read_prompts
from judgeforge.records import Prompt

if TYPE_CHECKING:
    from judgeforge.calibration.labels import Label
    from judgeforge.runs.measurement.label_rows import LabelledPrompt

_UNREADABLE = "unreadable"


def own_prompts(config: RunConfig, checks: RowChecks) -> dict[str, OwnPrompt]:
    """By the judge's label, of those that are not asked in the words of the house alone.

    ``checks``: of label rows. Raises ConfigError for all mistakes that are found.
    """
    found, mistakes = dict[str, OwnPrompt](), list[ConfigError]()
    for number, judge in enumerate(config.judging.judges):
        try:
            own = _own_prompt(judge, f"judging.judges[{number}]", checks)
        except ConfigError as error:
            mistakes += error.mistakes
            continue
        if own != OF_THE_HOUSE:
            found[judge.label] = own
    if mistakes:
        raise as_one(mistakes)
    return found


def _own_prompt(judge: JudgeConfig, key: str, checks: RowChecks) -> OwnPrompt:
    system, user = read_prompts(judge, key)
    text, shown = "", frozenset[str]()
    if judge.examples is not None:
        chosen = _chosen(judge.examples, key, checks)
        text = examples_text([_example(row) for row in chosen])
        shown = frozenset(asked_key(row.prompt) for row in chosen)
    return OwnPrompt(system, user, text, commit_first=judge.commit_first, shown=shown)


def asked_key(prompt: Prompt) -> str:
    """Equal for rows that ask the same."""
    asked = [message.model_dump(mode="json") for message in prompt.messages]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _chosen(config: ExamplesConfig, key: str, checks: RowChecks) -> Sequence[LabelledPrompt]:
    """The same of the same file: drawn by ids, with each place in turn as the better one, so that
    the examples teach no seat."""
    from judgeforge.runs.measurement.label_rows import read_labels

    try:
        rows = read_labels(config.labels, checks).rows
    except InputError as error:
        raise ConfigError(str(error), key=f"{key}.examples.labels") from None
    drawn = sorted(rows, key=lambda row: hashlib.sha256(row.prompt.id.encode()).digest())
    places: dict[str, list[LabelledPrompt]] = {}
    for row in drawn:
        if not row.label.is_tie:
            place = row.label.preferred[0].removeprefix(f"{row.prompt.id}.")
            places.setdefault(place, []).append(row)
    if not places:
        raise ConfigError(
            f"{config.labels}: has no label with a preference, so nothing could be shown",
            key=f"{key}.examples.labels",
        )
    return list(_in_turn(list(places.values())))[: config.number]


def _in_turn(groups: Sequence[list[LabelledPrompt]]) -> Iterator[LabelledPrompt]:
    for number in range(max(map(len, groups), default=0)):
        yield from (group[number] for group in groups if number < len(group))


def _example(row: LabelledPrompt) -> Example:
    answers = [ShownAnswer(one.text, one.tool_calls) for one in row.prompt.completions]
    return Example(row.prompt, tuple(answers), _place(row.prompt.id, row.label, len(answers)))


def _place(prompt_id: str, label: Label, answers: int) -> int:
    from judgeforge.runs.measurement.label_rows import completion_id

    ids = [completion_id(prompt_id, number) for number in range(answers)]
    return ids.index(label.preferred[0])


def with_digests(judge: JudgeConfig, dumped: Mapping[str, Any]) -> dict[str, Any]:
    """A judge as a mapping, with what its files say in the place of where they are: moving a
    project changes no result, and another text does."""
    found = dict(dumped)
    if judge.prompt is not None:
        files = {name: file for name, file in judge.prompt if file is not None}
        found["prompt"] = {name: _digest(file) for name, file in files.items()}
    if judge.examples is not None:
        labels = _digest(judge.examples.labels)
        found["examples"] = {"labels": labels, "number": judge.examples.number}
    return found


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return _UNREADABLE  # told where it is read
