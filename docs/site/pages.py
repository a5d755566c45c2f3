"""Hooks of the site: pages that are made while it is built, and links that leave it.

configuration.py  every key of a configuration, from its models
commands.py       every command and option, from what the command line declares
examples.py       examples in docstrings as code

A link in `docs/` is written for readers of the repository. Where it leaves the folder, it leads to
the same text as a page here (results of benchmarks, configurations, the notes for contributors), or
becomes plain text (source files).
"""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))  # this file is run by its path

import commands
import configuration

ROOT = Path(__file__).parent.parent.parent
LINK = re.compile(r"(?P<words>(?<!!)\[(?:[^\[\]]|\[[^\]]*\])*\])\((?P<target>[^)\s]+)\)")
STARTS = re.compile(r"(?:[-*] |\d+\. |\|)")
ALONE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
"""Files of the top folder that are pages here; of README the start page tells the same."""


def on_files(files: Files, config: Any) -> Files:
    for place, text in _made().items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    source = _repository_path(page.file.src_uri)
    mended = LINK.sub(lambda found: _mended(found, source, page.file.src_uri), markdown)
    return _apart(mended)


def _apart(markdown: str) -> str:
    """A blank line before each list and table, which this Markdown needs and GitHub's does not."""
    lines: list[str] = []
    in_code = False
    for line in markdown.split("\n"):
        above = lines[-1] if lines else ""
        starts = STARTS.match(line)
        if starts and not in_code and above.strip() and not STARTS.match(above) and above[0] != " ":
            lines.append("")
        in_code ^= line.lstrip().startswith("```")
        lines.append(line)
    return "\n".join(lines)


def _made() -> dict[str, str]:
    made = {
        "reference/configuration.md": configuration.page(),
        "reference/commands.md": commands.page(),
        "reference/python.md": _python(),
        "decisions/index.md": _list_of_decisions(),
        "results/index.md": _list_of("Results", "benchmarks/results", "*.md"),
        "configs/index.md": _list_of("Configurations to begin with", "configs", "*.yaml"),
    }
    made |= {page: _text(name) for name, page in ALONE.items() if name != "README.md"}
    for path in sorted((ROOT / "benchmarks" / "results").glob("*.md")):
        made[f"results/{path.name}"] = path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        made[f"configs/{path.stem}.md"] = f"# configs/{path.name}\n\n```yaml\n{text}```\n"
    return made


def _python() -> str:
    import judgeforge

    names = [name for name in judgeforge.__all__ if not name.startswith("__")]
    functions = [name for name in names if name[0].islower()]
    classes = [name for name in names if name[0].isupper()]
    parts = ["# The Python API\n", "::: judgeforge\n    options:\n      members: false\n"]
    parts += ["## Functions\n", *(f"::: judgeforge.{name}\n" for name in functions)]
    parts += ["## Values\n", *(f"::: judgeforge.{name}\n" for name in classes)]
    return "\n".join(parts)


def _list_of_decisions() -> str:
    lines = [
        "# Decisions\n",
        "Each is a page: what was the question, what was decided, what follows.\n",
    ]
    for path in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        title = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        lines.append(f"- [{title}]({path.name})")
    return "\n".join(lines) + "\n"


def _list_of(title: str, where: str, pattern: str) -> str:
    lines = [f"# {title}\n"]
    lines += [f"- [{path.name}]({path.stem}.md)" for path in sorted((ROOT / where).glob(pattern))]
    return "\n".join(lines) + f"\n\nThey are in `{where}` of the repository.\n"


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _repository_path(page: str) -> str:
    """Of the file that a page was made of: its links are relative to that file's folder."""
    for name, made in ALONE.items():
        if page == made and name != "README.md":
            return name
    if page.startswith("results/"):
        return f"benchmarks/{page}"
    return f"docs/{page}"


def _mended(found: re.Match[str], source: str, page: str) -> str:
    words, target = found["words"], found["target"]
    if re.match(r"[a-z]+:|#", target):
        return found[0]
    path, _, place = target.partition("#")
    meant = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    here = _page_of(meant)
    if here is None:
        return words[1:-1]
    relative = posixpath.relpath(here, posixpath.dirname(page) or ".")
    # Headings of README are not those of the start page.
    return f"{words}({relative}{f'#{place}' if place and meant != 'README.md' else ''})"


def _page_of(meant: str) -> str | None:
    """What of the site stands for a path of the repository; None where nothing does."""
    if meant in ALONE:
        return ALONE[meant]
    if meant.startswith("docs/"):
        return f"{meant.removeprefix('docs/')}/index.md" if meant == "docs/decisions" else meant[5:]
    if meant.startswith("benchmarks/results/") and meant.endswith(".md"):
        return meant.removeprefix("benchmarks/")
    if meant in {"benchmarks/results", "configs"}:
        return f"{posixpath.basename(meant)}/index.md"
    if re.fullmatch(r"configs/[^/]+\.yaml", meant):
        return meant.removesuffix(".yaml") + ".md"
    return None
