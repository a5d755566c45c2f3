"""What comes with judgeforge: prompts, configurations, and the files of a new project."""

from __future__ import annotations

from pathlib import Path

from judgeforge.errors import ConfigError, JudgeforgeError, StoreError

_PACKAGE = Path(__file__).resolve().parents[1]
_FILES = {
    "config.yaml": "config.yaml",
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


def init_project(folder: Path) -> list[Path]:
    """Write the files of a new project and return them in the order to read them.

    Nothing that exists is ever replaced: raises ConfigError that names what is in the way, before
    anything is written, and StoreError where the folder cannot be written.
    """
    files = {folder / target: source for source, target in _FILES.items()}
    taken = [file.name for file in files if file.exists() or file.is_symlink()]
    if taken:
        raise ConfigError(
            f"has {', '.join(taken)} already, and nothing is replaced; give a new folder",
            file=folder,
        )
    if folder.exists() and not folder.is_dir():
        raise ConfigError("is a file; give a new folder", file=folder)
    shipped = shipped_configs() / "init"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, source in files.items():
            with file.open("xb") as new:
                new.write((shipped / source).read_bytes())
    except OSError as error:
        raise StoreError(f"{folder}: the project cannot be written: {error}") from error
    return list(files)


def _shipped(name: str) -> Path:
    """A wheel carries the folder inside the package; a checkout has it beside the package."""
    for folder in (_PACKAGE / "_shipped" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise JudgeforgeError(
        f"the folder `{name}` is missing from the installation in {_PACKAGE}; "
        "install judgeforge again"
    )
