"""A judge's prompts in the words of the user: texts with named places, which the house fills.

A text may name places, as ``{{ criteria }}``, and nothing else of a template's language: no
statement, no filter, no attribute. What fills a place is made as in the house's own prompts, tags
and their code included, and no text of a row can name a place: it is filled in, never read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import ConfigError
from judgeforge.text.patterns import late_pattern
from judgeforge.text.wording import did_you_mean, listed

LONGEST_FILE = 100_000
"""Bytes."""
SYSTEM_PLACES: Mapping[str, bool] = {
    "rules": True,
    "criteria": True,
    "reply": True,
    "guidance": False,
    "weights": False,
    "examples": False,
}
"""What the system message may say where, and whether it must."""
USER_PLACES: Mapping[str, bool] = {
    "conversation": True,
    "reference": True,
    "answers": True,
    "own_criteria": False,
    "own_answer": False,
}
_PLACE = late_pattern(r"\{\{[ \t]*([A-Za-z_]\w*)[ \t]*\}\}")
_OPENED = late_pattern(rf"{_PLACE.pattern}|(?P<other>\{{\{{|\{{%|\{{#)")
"""From left to right, as a template is read. What closes without having been opened is text."""


@dataclass(frozen=True, slots=True)
class OwnPrompt:
    """What a judge is asked with in other words than those of the house."""

    system: str | None = None
    """None: as the house has it."""
    user: str | None = None
    examples: str = ""
    """What people have judged, as it stands in the system message."""
    commit_first: bool = False
    """Whether the judge answers the prompt itself before it judges answers to it."""
    shown: frozenset[str] = frozenset()
    """Keys of the prompts in its examples: it is not measured on them."""

    @property
    def names_examples(self) -> bool:
        return self.system is not None and "examples" in places_in(self.system)

    def user_names(self, place: str) -> bool:
        return self.user is not None and place in places_in(self.user)


OF_THE_HOUSE = OwnPrompt()


def read_prompts(judge: JudgeConfig, key: str) -> tuple[str | None, str | None]:
    """The texts of system and user message; None for one that the configuration does not name.

    ``key``: of the judge in the configuration. Raises ConfigError with file and line.
    """
    if judge.prompt is None:
        return None, None
    texts = []
    for name, places in (("system", SYSTEM_PLACES), ("user", USER_PLACES)):
        file = getattr(judge.prompt, name)
        texts.append(file and _read(file, places, f"{key}.prompt.{name}"))
    return texts[0], texts[1]


def places_in(text: str) -> set[str]:
    return set(_PLACE.findall(text))


def _read(file: Path, places: Mapping[str, bool], key: str) -> str:
    try:
        content = file.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", key=key) from error
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not in UTF-8", key=key) from None
    if len(content) > LONGEST_FILE:
        raise ConfigError(f"{file} is longer than {LONGEST_FILE:,} bytes", key=key)
    check_places(text, places, file)
    return text.rstrip("\n")


def check_places(text: str, places: Mapping[str, bool], file: Path) -> None:
    """Raises ConfigError for an unknown place, one that is missing, and anything else that a
    template could say."""
    for number, line in enumerate(text.splitlines(), start=1):
        for name in _PLACE.findall(line):
            if name not in places:
                hint = did_you_mean(name, places)
                allowed = listed((f"{{{{ {one} }}}}" for one in places), len(places))
                raise ConfigError(
                    f"there is no place `{{{{ {name} }}}}`{hint or '.'} There are {allowed}",
                    file=file,
                    line=number,
                )
        opened = (found["other"] for found in _OPENED.finditer(line))
        if other := next(filter(None, opened), None):
            raise ConfigError(
                f"`{other}` is more than a named place: a prompt may only name places, as "
                "`{{ criteria }}`",
                file=file,
                line=number,
            )
    there = places_in(text)
    missing = [f"`{{{{ {name} }}}}`" for name, must in places.items() if must and name not in there]
    if missing:
        raise ConfigError(f"lacks {listed(missing)}", file=file)
