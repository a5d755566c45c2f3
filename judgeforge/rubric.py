"""What completions are judged by."""

from __future__ import annotations

import difflib
import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from judgeforge.config_file import load_model
from judgeforge.errors import ConfigError
from judgeforge.judging.check_registry import validate_check
from judgeforge.records import RubricId
from judgeforge.shipped import shipped_prompts


class Criterion(BaseModel):
    """Asked of a judge by ``levels`` or ``yes_no`` (yes is good), or verified by code."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")
    weight: float = Field(default=1.0, gt=0)
    question: str | None = None
    levels: list[str] | None = Field(default=None, min_length=2, max_length=10)
    """Lowest first."""
    yes_no: str | None = None
    check: dict[str, Any] | None = None

    @field_validator("check")
    @classmethod
    def _known_checks(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None:
            validate_check(value)
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> Criterion:
        kinds = [k for k in ("levels", "yes_no", "check") if getattr(self, k) is not None]
        if len(kinds) != 1:
            raise ValueError(
                f"criterion `{self.name}` must have exactly one of `levels`, `yes_no` and `check`"
            )
        if (self.levels is None) != (self.question is None):
            raise ValueError(f"criterion `{self.name}`: `question` and `levels` go together")
        return self


class Rubric(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    name: str = Field(min_length=1)
    version: int = Field(ge=1)
    guidance: str = ""
    criteria: list[Criterion] = Field(min_length=1)

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
        return [criterion for criterion in self.criteria if criterion.check is None]

    @cached_property
    def checked(self) -> list[Criterion]:
        return [criterion for criterion in self.criteria if criterion.check is not None]

    @cached_property
    def identity(self) -> RubricId:
        """Name, version and the SHA-256 of the content (comments and layout do not count)."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        return RubricId(name=self.name, version=self.version, sha256=sha256)


def load_rubric(name_or_path: str, *, folder: Path) -> Rubric:
    """A shipped rubric by name, or a file relative to ``folder``. Raises ConfigError."""
    if Path(name_or_path).suffix in {".yaml", ".yml"} or "/" in name_or_path:
        return load_model(folder / name_or_path, Rubric)
    shipped = shipped_prompts() / "rubrics"
    file = shipped / f"{name_or_path}.yaml"
    if file.is_file():
        return load_model(file, Rubric)
    names = sorted(path.stem for path in shipped.glob("*.yaml"))
    near = difflib.get_close_matches(name_or_path, names, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    raise ConfigError(
        f"no rubric is called `{name_or_path}`.{hint} Shipped are {', '.join(names)}; "
        "a file of your own is named by its path, such as rubrics/mine.yaml.",
        key="rubric",
    )
