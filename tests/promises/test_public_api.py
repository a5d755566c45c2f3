"""What `dir(judgeforge)` and `help(judgeforge)` show is what there is, on a fresh import too."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from doctest import DocTestFinder, DocTestRunner
from importlib import import_module
from pathlib import Path

import pytest

import judgeforge
from judgeforge.ranking.confidence import probability_better
from judgeforge.ranking.pairing import STRATEGIES
from tests.local_server import LocalServer
from tests.support.judgments import scored
from tests.support.run_setup import write_config

FUNCTIONS = {
    name: value
    for name in judgeforge.__all__
    if inspect.isfunction(value := getattr(judgeforge, name))
}
CLASSES = [
    value for name in judgeforge.__all__ if inspect.isclass(value := getattr(judgeforge, name))
]
KNOWN_TO_ALL = {"None", "Any", "Path", "Mapping", "Sequence", "Iterable", "Callable"}
SAID_IN_WORDS = {
    "LabelKind": (judgeforge.calibrate, '"best"'),
    "AsAsked": (judgeforge.calibrate, "judgeforge.ranking.evidence.Evidence"),
    "YamlValue": (judgeforge.load_config, '{"budget.usd": 5.0}'),
}
"""Aliases, and the function whose docstring says what they stand for."""
EXPLAINED_ELSEWHERE = {
    *STRATEGIES,
    *(
        field
        for name in judgeforge.__all__
        for field in getattr(getattr(judgeforge, name), "__annotations__", {})
    ),
}
"""What a docstring may name besides functions and arguments: strategies, and fields of results."""


def fresh(statement: str) -> str:
    command = [sys.executable, "-c", f"import judgeforge\n{statement}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_fresh_import_shows_the_public_names_and_no_others() -> None:
    assert fresh("print(*dir(judgeforge))").split() == sorted(judgeforge.__all__)


def test_type_checkers_see_the_names_that_a_program_gets() -> None:
    (imports,) = [
        [each for each in node.body if isinstance(each, ast.ImportFrom)]
        for node in ast.parse(inspect.getsource(judgeforge)).body
        if isinstance(node, ast.If)
    ]
    seen = {alias.asname: (each.module, alias.name) for each in imports for alias in each.names}
    assert seen.keys() == set(judgeforge.__all__) - {"__version__"}
    for public, (module, name) in seen.items():
        assert public == name  # only then do they take it for public
        assert getattr(judgeforge, public) is getattr(import_module(module or ""), name)


@pytest.mark.slow
def test_help_opens_with_what_it_is_and_the_functions() -> None:
    shown = fresh("help(judgeforge)")
    opening, _, rest = shown.partition("PACKAGE CONTENTS")
    assert "Preference pairs that can be trusted" in opening
    missing = [name for name in FUNCTIONS if not re.search(rf"\b{name}\b", opening)]
    assert missing == []
    assert "rank(judgments" in rest


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_the_types_in_a_signature_can_be_had(function: Callable[..., object]) -> None:
    signature = inspect.signature(function)
    annotations = [one.annotation for one in signature.parameters.values()]
    text = " ".join(map(str, [*annotations, signature.return_annotation]))
    named = set(re.findall(r"\b[A-Z]\w+", text)) - KNOWN_TO_ALL - SAID_IN_WORDS.keys()
    assert named <= set(judgeforge.__all__)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_the_docstring_of_a_function_names_what_exists(function: Callable[..., object]) -> None:
    text = inspect.getdoc(function)
    assert text
    for path in re.findall(r"judgeforge(?:\.\w+)+", text):
        module, _, name = path.rpartition(".")
        assert hasattr(import_module(module), name), path
    parameters = inspect.signature(function).parameters
    for name in re.findall(r"``(\w+)``", text):
        assert name in parameters or hasattr(judgeforge, name) or name in EXPLAINED_ELSEWHERE


@pytest.mark.parametrize("name", ["calibrate", "evaluate", "rank", "run", "select_pairs"])
def test_the_example_in_a_docstring_gives_what_it_shows(
    name: str, server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path, server, prompts=3)
    monkeypatch.chdir(tmp_path)
    (example,) = DocTestFinder().find(FUNCTIONS[name], name, globs={"judgeforge": judgeforge})
    said: list[str] = []
    result = DocTestRunner().run(example, out=said.append)
    assert result.attempted > 1
    assert result.failed == 0, "".join(said)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_class_says_what_it_is(kind: type) -> None:
    text = vars(kind).get("__doc__") or ""
    assert text
    assert not text.startswith(f"{kind.__name__}(")


def test_aliases_in_a_signature_are_said_in_words() -> None:
    for function, words in SAID_IN_WORDS.values():
        assert words in (inspect.getdoc(function) or "")


def test_the_reliability_of_a_scripts_own_judges_goes_into_rank() -> None:
    prompts = [
        [scored("j", f"{p}.{c}", 0.3 + 0.1 * i, prompt=p) for i, c in enumerate("abc")]
        for p in map(str, range(30))
    ]
    reliability = judgeforge.fit_reliability(iter(prompt) for prompt in prompts)
    assert reliability.prompts == 30
    one, other = prompts[0][0].completion_ids[0], prompts[0][1].completion_ids[0]
    ranking = judgeforge.rank(prompts[0], reliability=reliability)
    assert probability_better(ranking, other, one) > probability_better(ranking, one, other)
    with pytest.raises(TypeError, match="one list of judgments for each prompt"):
        judgeforge.fit_reliability(prompts[0])
