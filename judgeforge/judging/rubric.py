"""What completions are judged by."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from judgeforge.config.file import load_model
from judgeforge.config.params import LARGEST_INTEGER
from judgeforge.config.shipped import shipped_prompts
from judgeforge.errors import ConfigError
from judgeforge.judging.checks import Check, parse_checks
from judgeforge.records import RubricId
from judgeforge.text.wording import did_you_mean, listed, shortened

FROM_METADATA = "from_metadata"
"""``check: {from_metadata: checks}`` takes the checks from the row's metadata under that key."""

FEWEST_LEVELS, MOST_LEVELS = 2, 10
_CRITERION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_RUBRIC_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

NAMED_WEIGHTS: Mapping[str, float] = {
    "essential": 3.0,
    "important": 2.0,
    "optional": 1.0,
    "pitfall": -3.0,
}
"""The shares of the four classes in *Rubrics as Rewards* (Gunjal et al. 2025: 1, 0.7, 0.3, 0.9),
times three and rounded; a pitfall is worded as the fault and counts against an answer."""


def _weight_of_name(value: object) -> object:
    if not isinstance(value, str) or value not in NAMED_WEIGHTS:
        if isinstance(value, str):
            raise ValueError(f"it takes a number or one of {listed(NAMED_WEIGHTS, mark='`')}")
        return value
    return NAMED_WEIGHTS[value]


Words = Annotated[str, Field(min_length=1, pattern=r"\S")]


class RubricPart(BaseModel):
    model_config = ConfigDict(
        defer_build=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        ignored_types=(cached_property,),
    )


class Criterion(RubricPart):
    """Asked of a judge by ``levels`` or ``yes_no`` (yes is good), or verified by code."""

    name: str
    """A plain word: it is a key in the judges' replies."""
    weight: Annotated[float, BeforeValidator(_weight_of_name)] = Field(default=1.0, strict=True)
    """Below 0 it is a fault: the higher its score, the worse the answer."""
    question: Words | None = None
    levels: list[Words] | None = None
    """2 to 10, lowest first."""
    yes_no: Words | None = None
    check: dict[str, Any] | None = None
    required: bool = Field(default=False, strict=True)
    """Whether an answer that fails the check can never be chosen over one that passes."""
    decides: bool | None = Field(default=None, strict=True)
    """Whether no judge is asked about a prompt whose answers the check could all decide; by default
    where the check runs a program (mathematics, tests, a function)."""

    @field_validator("name")
    @classmethod
    def _plain_word(cls, value: str) -> str:
        return _matching(value, _CRITERION_NAME, "letters, digits and `_`, a letter first")

    @field_validator("weight")
    @classmethod
    def _counts_for_something(cls, value: float) -> float:
        if value == 0:
            raise ValueError("a criterion of weight 0 counts for nothing: above 0, or below")
        return value

    @field_validator("levels")
    @classmethod
    def _levels_differ(cls, value: list[str] | None) -> list[str] | None:
        if value is None:
            return None
        if not FEWEST_LEVELS <= len(value) <= MOST_LEVELS:
            raise ValueError(
                f"there are {len(value)} levels; allowed are {FEWEST_LEVELS} to {MOST_LEVELS}"
            )
        if len({level.strip() for level in value}) < len(value):
            raise ValueError("two levels have the same description")
        return value

    @field_validator("check")
    @classmethod
    def _known_checks(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None and FROM_METADATA not in value:
            parse_checks(value)
        elif value is not None and (len(value) > 1 or not _is_key(value[FROM_METADATA])):
            raise ValueError(f"`{FROM_METADATA}` stands alone and names a key of the metadata")
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> Criterion:
        if self.levels is not None and self.question is None:
            raise ValueError(f"criterion `{self.name}` has `levels` but no `question`")
        if self.question is not None and self.levels is None:
            raise ValueError(f"criterion `{self.name}` has a `question` but no `levels`")
        kinds = [k for k in ("levels", "yes_no", "check") if getattr(self, k) is not None]
        if len(kinds) != 1:
            found = " and ".join(f"`{kind}`" for kind in kinds) or "none"
            raise ValueError(
                f"criterion `{self.name}` must have exactly one of `question` with `levels`, "
                f"`yes_no` and `check`; found {found}"
            )
        if self.required and self.check is None:
            raise ValueError(
                f"criterion `{self.name}` is `required`, which only a `check` can be: "
                "what a judge says is never certain"
            )
        if self.decides is not None and self.check is None:
            raise ValueError(
                f"criterion `{self.name}` has `decides`, which only a `check` can: "
                "what a judge says is never certain"
            )
        if self.required and self.is_fault:
            raise ValueError(
                f"criterion `{self.name}` cannot be `required` and weigh {self.weight:g}: passing "
                "its check would count against the answer"
            )
        return self

    @property
    def decides_alone(self) -> bool:
        if self.decides is not None:
            return self.decides
        return any(check.kind.task is not None for check in self.own_checks)

    @property
    def is_fault(self) -> bool:
        return self.weight < 0

    @property
    def size(self) -> float:
        """How much it counts, for an answer or against it."""
        return abs(self.weight)

    @property
    def asked(self) -> str:
        """In words; "" where code verifies it."""
        return self.question or self.yes_no or ""

    @property
    def metadata_key(self) -> str | None:
        return None if self.check is None else self.check.get(FROM_METADATA)

    @cached_property
    def own_checks(self) -> tuple[Check, ...]:
        """The checks that the rubric itself states, ready to run."""
        return () if self.check is None or self.metadata_key else parse_checks(self.check)


class Rubric(RubricPart):
    name: str
    version: int = Field(ge=1, le=LARGEST_INTEGER, strict=True)
    guidance: str = ""
    criteria: list[Criterion] = Field(min_length=1)

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        return _matching(value, _RUBRIC_NAME, "letters, digits, `_`, `-` and `.`")

    @field_validator("criteria")
    @classmethod
    def _names_differ(cls, value: list[Criterion]) -> list[Criterion]:
        names = [criterion.name for criterion in value]
        double = next((name for name in names if names.count(name) > 1), None)
        if double is not None:
            raise ValueError(f"two criteria are called `{double}`")
        return value

    @cached_property
    def judged(self) -> list[Criterion]:
        """The criteria that judges are asked about."""
        return [criterion for criterion in self.criteria if criterion.check is None]

    @cached_property
    def checked(self) -> list[Criterion]:
        """The criteria that code verifies."""
        return [criterion for criterion in self.criteria if criterion.check is not None]

    @cached_property
    def has_programs(self) -> bool:
        """Whether a check may need a program; what rows state is not known here."""
        return any(
            one.metadata_key or any(check.kind.task is not None for check in one.own_checks)
            for one in self.checked
        )

    def separately(self) -> list[Rubric]:
        """One rubric for each criterion that judges are asked about, to be asked on its own."""
        return [
            Rubric(
                name=self.name,
                version=self.version,
                guidance=self.guidance,
                criteria=[criterion],
            )
            for criterion in self.judged
        ]

    @property
    def shared(self) -> Rubric:
        """What of it is the same for all prompts."""
        return self

    @property
    def own(self) -> Sequence[Criterion]:
        """The criteria of one prompt's own; a rubric of all prompts has none."""
        return ()

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """How much each criterion counts, above 0, whether for an answer or against it."""
        return {criterion.name: criterion.size for criterion in self.criteria}

    @cached_property
    def judged_weight(self) -> float:
        return sum(criterion.size for criterion in self.judged)

    @cached_property
    def sha256(self) -> str:
        """Of the content: comments and layout of the file do not count."""
        content = json.dumps(self._content(), sort_keys=True)
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()

    def _content(self) -> dict[str, Any]:
        """What is newer than some rubrics is named only where it is set."""
        content = self.model_dump(mode="json")
        for criterion in content["criteria"]:
            if criterion["decides"] is None:
                del criterion["decides"]
        return content

    @cached_property
    def identity(self) -> RubricId:
        return RubricId(name=self.name, version=self.version, sha256=self.sha256)

    def weighted_mean(self, scores: Mapping[str, float]) -> float:
        """The mean of some criteria's scores (0 to 1), weighted by the rubric.

        A fault counts as one minus its score. Raises KeyError for a criterion that the rubric does
        not have.
        """
        faults = self.faults
        return self.weighted({k: 1.0 - s if k in faults else s for k, s in scores.items()})

    def weighted(self, values: Mapping[str, float]) -> float:
        """The mean of values that are the higher the better, faults included."""
        weights = self.weights
        total = sum([weights[name] for name in values])
        return sum([weights[name] * value for name, value in values.items()]) / total

    @cached_property
    def faults(self) -> tuple[str, ...]:
        return tuple(criterion.name for criterion in self.criteria if criterion.is_fault)


def load_rubric(name_or_path: str, *, folder: Path) -> Rubric:
    """A shipped rubric by name, or a file relative to ``folder``. Raises ConfigError."""
    return load_model(rubric_file(name_or_path, folder=folder), Rubric)


def rubric_file(name_or_path: str, *, folder: Path) -> Path:
    """Where a rubric is. Raises ConfigError for a name that none has."""
    path = Path(name_or_path)
    if path.suffix in {".yaml", ".yml"} or len(path.parts) > 1:
        return folder / path
    shipped = shipped_prompts() / "rubrics"
    names = sorted(file.stem for file in shipped.glob("*.yaml"))
    if name_or_path in names:
        return shipped / f"{name_or_path}.yaml"
    raise ConfigError(
        f"no rubric is called `{name_or_path}` (shipped: {listed(names)}; a file of your own "
        f"is named by its path, such as rubrics/mine.yaml){did_you_mean(name_or_path, names)}",
        key="rubric",
    )


def _matching(name: str, allowed: re.Pattern[str], words: str) -> str:
    if not allowed.fullmatch(name):
        wanted = f"it takes {words}, at most 64 characters"
        raise ValueError(f"`{shortened(name)}` is not a name; {wanted}")
    return name


def _is_key(value: object) -> bool:
    return isinstance(value, str) and bool(value)
