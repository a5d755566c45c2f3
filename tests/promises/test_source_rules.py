"""Rules that hold for the whole source: nothing that arrives as data can be run."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache

import pytest
from packaging.requirements import Requirement

from judgeforge.results.export.known_targets import TARGETS
from tests.support.sources import PACKAGE, all_nodes, name_of

SOURCES = sorted(PACKAGE.rglob("*.py"))

RUNS_DATA = frozenset({"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"})
"""Modules whose loading runs what is loaded."""
BETWEEN_OWN_PROCESSES = "runs/cluster/frames.py"
"""What the processes of one run tell each other, over a socket pair that nobody else can open."""
INSIDE_THE_SANDBOX = "judging/programs/sandboxed_tests.py"
"""The program that is started in the sandbox, and nowhere else."""
EVALUATES = frozenset({"eval", "exec", "compile", "__import__"})
MOVED = {"openai", "anthropic", "datasets", "pydantic", "diskcache", "tenacity", "asyncio-throttle",
         "typer", "jinja2", "rich", "structlog", "genai-prices"}  # fmt: skip
"""Dependencies whose interface has moved between versions, so that the next one may break us."""


def nodes(kind: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for place, node in all_nodes():
        if isinstance(node, kind):
            yield f"{place}:{getattr(node, 'lineno', 0)}", node


def imported() -> Iterator[tuple[str, str]]:
    for place, node in nodes(ast.Import):
        assert isinstance(node, ast.Import)
        yield from ((place, alias.name) for alias in node.names)
    for place, node in nodes(ast.ImportFrom):
        assert isinstance(node, ast.ImportFrom)
        yield place, node.module or ""


@cache
def calls() -> list[tuple[str, str, ast.Call]]:
    return [
        (place, name_of(node.func), node)
        for place, node in nodes(ast.Call)
        if isinstance(node, ast.Call)
    ]


def test_there_is_source_to_look_at() -> None:
    assert len(SOURCES) > 100


@pytest.mark.slow
def test_no_module_that_runs_what_it_loads_is_imported() -> None:
    found = [(place, name) for place, name in imported() if name.split(".")[0] in RUNS_DATA]
    assert [each for each in found if each[0].split(":")[0] != BETWEEN_OWN_PROCESSES] == []


def test_nothing_is_evaluated_but_inside_the_sandbox() -> None:
    found = [(place.split(":")[0], name) for place, name, _ in calls() if name in EVALUATES]
    assert [each for each in found if each[0] != INSIDE_THE_SANDBOX] == []


def test_what_runs_inside_the_sandbox_knows_nothing_of_the_package() -> None:
    tree = ast.parse((PACKAGE / INSIDE_THE_SANDBOX).read_text(encoding="utf-8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert [name for name in modules if (name or "").startswith("judgeforge")] == []


def test_nothing_is_unpickled_by_a_library() -> None:
    risky = [
        (place, name)
        for place, name, call in calls()
        if name.endswith((".read_pickle", "torch.load"))
        or any(word.arg == "allow_pickle" for word in call.keywords)
    ]
    assert risky == []


def test_yaml_is_read_by_safe_loaders_only() -> None:
    """``yaml.load`` and its relations take a loader; here only those that build no objects."""
    allowed = {"yaml.parse", "yaml.compose", "yaml.safe_dump", "yaml.safe_load"}
    used = {name for _, name, _ in calls() if name.startswith("yaml.")}
    assert used <= allowed
    text = (PACKAGE / "config/document.py").read_text(encoding="utf-8")
    assert 'getattr(yaml, "CSafeLoader", yaml.SafeLoader)' in text


def test_no_shell_reads_a_command() -> None:
    through_a_shell = [
        (place, name)
        for place, name, call in calls()
        if name in {"os.system", "os.popen", "asyncio.create_subprocess_shell"}
        or any(word.arg == "shell" and ast.unparse(word.value) != "False" for word in call.keywords)
    ]
    assert through_a_shell == []


def test_templates_come_from_sandboxes() -> None:
    makers = {(place.split(":")[0], name) for place, name, _ in calls() if "Environment" in name}
    assert makers <= {
        ("judging/templates.py", "ImmutableSandboxedEnvironment"),
        ("judging/templates.py", "environment"),
        ("results/report/html.py", "ImmutableSandboxedEnvironment"),
        ("config/chat_template.py", "ImmutableSandboxedEnvironment"),
        ("results/report/html.py", "_environment"),
    }
    texts = {place.split(":")[0] for place, name, _ in calls() if name.endswith(".from_string")}
    # The chat template that the command line names, which stands in a file of a tokenizer, and a
    # judge's prompt in the user's words, which may only name places (judging/own_prompts.py).
    assert texts == {"config/chat_template.py", "judging/templates.py"}


def test_no_target_writes_formulas_into_a_spreadsheet() -> None:
    """A target for CSV would have to escape cells that begin with ``=``, ``+``, ``-`` or ``@``."""
    assert {target.suffix for target in TARGETS.values()} <= {".jsonl", ".json", ".parquet"}


@pytest.mark.parametrize("name", sorted(MOVED))
def test_a_dependency_whose_interface_moved_has_an_upper_bound(name: str) -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = map(Requirement, project["project"]["dependencies"])
    (found,) = [each for each in wanted if each.name == name]
    operators = {each.operator for each in found.specifier}
    assert operators & {"<", "<=", "==", "~="}, found
    assert operators & {">", ">=", "==", "~="}, found
