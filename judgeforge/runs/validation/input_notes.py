"""How the rows of a source were read, as `check` tells it: their shape, what of them is not used,
what else they could be, and what stands out in a preference set of others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from judgeforge.calls.providers.thoughts import split_reasoning
from judgeforge.config.run import PromptsConfig
from judgeforge.inputs.messages_in_text import is_list_of_texts
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.inputs.shapes.transcripts import looks_like_transcript
from judgeforge.inputs.source_columns import SourceColumns
from judgeforge.records import Prompt, ReadyCompletion
from judgeforge.runs.validation.preference_lint import PreferenceLint
from judgeforge.text.messages import Message
from judgeforge.text.wording import counted


class InputNotes:
    """``source`` and ``checks`` are for the reading of rows, ``add`` is told of each prompt."""

    def __init__(
        self,
        config: PromptsConfig,
        checks: RowChecks,
        *,
        own_criteria: bool = False,
        are_written: bool = False,
    ) -> None:
        """``own_criteria``: whether rows' own criteria are read, ``are_written``: whether a model
        writes some where a row has none."""
        self._column, self._are_written = config.fields.criteria, are_written
        self._reads = own_criteria
        self._lint = PreferenceLint()
        self._keep = frozenset(config.keep)
        self.source = SourceColumns.of(config, completions_wanted=checks.needs_completions)
        self.checks = replace(checks, look_at=self._look)
        self._samples_alone = not (checks.needs_completions or checks.adds_completions)
        self._prompts = self._ready = self._transcripts = self._with_criteria = 0
        self._lists = self._thoughts = 0
        self._kept: set[str] = set()

    def add(self, prompt: Prompt) -> None:
        self._prompts += 1
        self._ready += bool(prompt.completions)
        self._with_criteria += prompt.criteria is not None
        first = prompt.messages[0]
        if len(prompt.messages) == 1 and looks_like_transcript(first.content):
            self._transcripts += 1
        asked = first.content if len(prompt.messages) == 1 else None
        texts = (asked, *(one.text for one in prompt.completions))
        self._lists += any(map(is_list_of_texts, texts))
        self._thoughts += any(split_reasoning(one.text)[1] for one in prompt.completions)
        self._kept |= prompt.metadata.keys() & self._keep

    def _look(
        self, line: int, messages: Sequence[Message], ready: Sequence[ReadyCompletion]
    ) -> None:
        self._lint.add(line, messages, ready, self.source.file)

    def shape(self) -> list[str]:
        return [*self.source.files(), *self.source.described()]

    def lint(self) -> list[str]:
        return self._lint.findings()

    def notes(self) -> list[str]:
        found = []
        if self._transcripts:
            prompts = counted(self._transcripts, "prompt")
            found.append(
                f"{prompts} with `Human:` and `Assistant:`, sent as written; "
                "`prompts: {shape: transcript}` reads them as conversations"
            )
        if self._lists:
            found.append(
                f"{counted(self._lists, 'prompt')} or answers are the JSON of a list of texts, and "
                "sent as they are; a path takes one of them: `fields: {prompt: prompt.0}`"
            )
        if self._thoughts:
            found.append(
                f"{counted(self._thoughts, 'prompt')} with answers that hold a thought in tags "
                "(`<think>`): it is kept apart, as that of a sampled answer is (judges see it with "
                "`judging.show_reasoning`, pairs have it with `pairing: {thinking: keep}`)"
            )
        if self._samples_alone and self._ready:
            found.append(
                f"{counted(self._ready, 'prompt')} of {self._prompts} bring the answers that are "
                "judged, so none is sampled for them (`sampling.add_to_ready` samples some beside "
                "them)"
            )
        return [*found, *self._of_criteria()]

    def _of_criteria(self) -> list[str]:
        if not self._reads:
            if self._column not in self.source.used:
                return []
            return [
                f"the column `{self._column}` is not read: `rubric: {{name: …, per_prompt: add}}` "
                "judges each row by its own criteria as well, `only` by nothing else"
            ]
        if self.checks.read_criteria is None:
            return []  # the rubric could not be read, which is told elsewhere
        verb = "brings" if self._with_criteria == 1 else "bring"
        brought = f"{counted(self._with_criteria, 'row')} of {self._prompts} {verb} criteria"
        written = "; those of the others are written by a model" if self._are_written else ""
        return [f"{brought} of their own{written}"] if self._prompts else []

    def warnings(self) -> list[str]:
        nobody = self.checks.read_criteria is not None and not self._are_written
        idle = (
            ["rubric.per_prompt does nothing: no row has `criteria`, and no model writes any"]
            if nobody and self._prompts and not self._with_criteria
            else []
        )
        return idle + [
            f"prompts.keep: `{name}` is neither a column nor a key of the metadata of any row"
            for name in self.source.never_seen()
            if name not in self._kept
        ]
