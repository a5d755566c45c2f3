"""Where the prompts and configurations that come with judgeforge are."""

from __future__ import annotations

from pathlib import Path

from judgeforge.errors import JudgeforgeError

_PACKAGE = Path(__file__).resolve().parent


def shipped_prompts() -> Path:
    """The folder with ``judge/*.j2`` and ``rubrics/*.yaml``."""
    return _shipped("prompts")


def shipped_configs() -> Path:
    """The folder with the example configurations."""
    return _shipped("configs")


def _shipped(name: str) -> Path:
    """A wheel carries the folder inside the package; a checkout has it beside the package."""
    for folder in (_PACKAGE / "_shipped" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise JudgeforgeError(
        f"the folder `{name}` is missing from the installation in {_PACKAGE}; "
        "install judgeforge again"
    )
