"""What comes with judgeforge: prompts, configurations, and the files of a new project."""

from __future__ import annotations

import re
from pathlib import Path

from judgeforge.errors import ConfigError, JudgeforgeError, StoreError
from judgeforge.text.wording import did_you_mean, listed

_PACKAGE = Path(__file__).resolve().parents[1]
_CONFIG = "config.yaml"
_ROWS = re.compile(r"(?:\.\./)?prompts/([\w-]+\.jsonl?)")
"""A file of rows, as an example names it."""
_FILES = {
    _CONFIG: _CONFIG,
    "prompts.jsonl": "prompts.jsonl",
    "rubric.yaml": "rubric.yaml",
    "README.md": "README.md",
    # Packaging tools obey a file of the real name instead of shipping it.
    "gitignore.txt": ".gitignore",
}


def shipped_prompts() -> Path:
    """The folder with ``judge/*.j2`` and ``rubrics/*.yaml``."""
    return _shipped("prompts")


def shipped_configs() -> Path:
    """The folder with the example configurations."""
    return _shipped("configs")


def examples() -> list[str]:
    """The names of the example configurations."""
    return sorted(file.stem for file in shipped_configs().glob("*.yaml"))


def init_project(folder: Path, example: str | None = None) -> list[Path]:
    """Write the files of a new project and return them in the order to read them.

    ``example``: the name of an example configuration, which is written with the rows that it reads
    in place of the usual project. Nothing that exists is ever replaced: raises ConfigError that
    names what is in the way, or that there is no such example, before anything is written, and
    StoreError where the folder cannot be written.
    """
    content = _usual() if example is None else _of_example(example)
    files = {folder / name: written for name, written in content.items()}
    taken = [file.name for file in files if file.exists() or file.is_symlink()]
    if taken:
        raise ConfigError(
            f"has {', '.join(taken)} already, and nothing is replaced; give a new folder",
            file=folder,
        )
    if folder.exists() and not folder.is_dir():
        raise ConfigError("is a file; give a new folder", file=folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, written in files.items():
            with file.open("xb") as new:
                new.write(written)
    except OSError as error:
        raise StoreError(f"{folder}: the project cannot be written: {error}") from error
    return list(files)


def _usual() -> dict[str, bytes]:
    shipped = shipped_configs() / "init"
    return {target: (shipped / source).read_bytes() for source, target in _FILES.items()}


def _of_example(name: str) -> dict[str, bytes]:
    """In a project all files are in one folder; an example names those beside its own."""
    known = examples()
    if name not in known:
        raise ConfigError(
            f"there is no example `{name}` (there are {listed(known)}){did_you_mean(name, known)}"
        )
    text = (shipped_configs() / f"{name}.yaml").read_text(encoding="utf-8")
    rows = dict.fromkeys(_ROWS.findall(text))
    text = _ROWS.sub(r"\1", text).replace(f"configs/{name}.yaml", _CONFIG)
    text = text.replace("../.judgeforge/", ".judgeforge/")
    prompts, ignored = shipped_prompts(), "gitignore.txt"
    return {
        _CONFIG: text.encode(),
        **{file: (prompts / file).read_bytes() for file in rows},
        _FILES[ignored]: (shipped_configs() / "init" / ignored).read_bytes(),
    }


def _shipped(name: str) -> Path:
    """A wheel carries the folder inside the package; a checkout has it beside the package."""
    for folder in (_PACKAGE / "_shipped" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise JudgeforgeError(
        f"the folder `{name}` is missing from the installation in {_PACKAGE}; "
        "install judgeforge again"
    )
