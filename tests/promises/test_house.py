"""How the package is built: few rooms, files of one duty, and names of a kind in its table only."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from statistics import median

from judgeforge.config.providers import PROVIDERS
from judgeforge.ranking.protocols import PROTOCOLS
from judgeforge.store.folder import RunFolder
from tests.support.sources import PACKAGE, all_nodes

TESTS = Path(__file__).parents[1]
BESIDE_THE_ROOMS = {"promises", "support", "faults", "local_server", "train", "benchmarks"}
OF_SEVERAL_FILES = {
    "calls/providers/test_stops_of_params.py": "one setting, in every provider",
    "calls/providers/test_marks.py": "one duty of two providers: marks on what caches keep",
    "calls/providers/test_way_to_a_server.py": "one promise of two files, with real sockets",
    "judging/replies/test_one_reading.py": "one promise of all readers of JSON",
    "runs/test_in_a_notebook.py": "a run, its result and its page, by a real kernel",
    "runs/test_odd_files.py": "what a run does with files that are not what they should be",
    "runs/test_best_pairs.py": "one rule, from the pairs of a prompt to the files of a run",
    "runs/test_drawn_writers.py": "draws that hold from the plan to the card",
    "runs/test_judged_elsewhere.py": "one promise of starts, fits and prompts: ranked again",
    "results/export/test_several_folders.py": "what the real library loads of all formats",
    "results/report/test_in_a_browser.py": "what templates and style sheet do, in a real browser",
    "results/figures/test_answers.py": "which model answered, in completions and judgments alike",
    "calls/limits/test_control_laws.py": "how the laws of all files work together, simulated",
    "config/test_numbers.py": "one rule for the numbers of all sections",
    "inputs/test_bounds.py": "one promise of all formats",
    "inputs/test_columns_left_out.py": "one setting, in every format",
    "inputs/test_gz.py": "every format, packed",
    "inputs/test_rows_read_before.py": "one promise of all formats and shapes",
    "judging/checks/test_bounds.py": "one promise of all checks",
    "judging/checks/test_unicode_forms.py": "one promise of all checks",
    "judging/test_judge_contexts.py": "one setting, which planning, asking and judging heed",
    "ranking/test_veto.py": "one rule, which ranks and strategies keep",
    "results/figures/test_figures.py": "the four files that only count",
    "results/figures/test_quality.py": "one figure, as manifest and card say it",
    "runs/labelling/test_labels_in_use.py": "one promise of all readers of labels",
    "runs/planning/test_plan_warnings.py": "plan and check warn alike",
    "store/test_appended_files.py": "half of durable_files, with a disk and kills of its own",
    "store/test_fixed_files.py": "half of durable_files, with a disk and kills of its own",
    "store/test_recognition.py": "what any command does with a place that is no run folder",
}
MOST_ENTRIES = 15
LONGEST_FILE, LONGEST_FUNCTION = 350, 60
SHORT_FILE, MOST_SHORT, LEAST_MEDIAN = 40, 0.10, 100
TABLES = {"ranking/protocols.py", "config/providers.py"}
OWNER_OF_NAMES = "store/folder.py"
RESULT_NAMES = RunFolder(Path("run")).result_names - {"README.md"}
"""Any folder may have a README."""


@cache
def lengths() -> dict[str, int]:
    """Lines of each file, by its place in the package."""
    return {
        str(file.relative_to(PACKAGE)): len(file.read_text(encoding="utf-8").splitlines())
        for file in sorted(PACKAGE.rglob("*.py"))
    }


def functions() -> Iterator[tuple[str, int]]:
    for place, node in all_nodes():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{place}: {node.name}", (node.end_lineno or 0) - node.lineno + 1


def compared() -> Iterator[tuple[str, object]]:
    """Every constant that something is compared with, by an operator or by ``match``."""
    for place, node in all_nodes():
        if place in TABLES:
            continue
        sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        sides += [node.value] if isinstance(node, ast.MatchValue) else []
        for side in sides:
            for inner in ast.walk(side):
                if isinstance(inner, ast.Constant):
                    yield f"{place}:{inner.lineno}", inner.value


def spelled() -> Iterator[tuple[str, str]]:
    """Every constant that names a result file, alone or at the end of a path; prose may do so."""
    for place, node in all_nodes():
        if place != OWNER_OF_NAMES and isinstance(node, ast.Constant):
            words = str(node.value).split()
            if len(words) == 1 and Path(words[0]).name in RESULT_NAMES:
                yield f"{place}:{node.lineno}", words[0]


def comparisons_with(names: Collection[str]) -> list[tuple[str, object]]:
    return [(place, value) for place, value in compared() if value in names]


def test_there_is_something_to_measure() -> None:
    assert len(lengths()) > 100
    assert len(list(compared())) > 100


def test_the_package_has_few_rooms() -> None:
    entries = [entry.name for entry in PACKAGE.iterdir() if not entry.name.startswith("__")]
    assert len(entries) <= MOST_ENTRIES, sorted(entries)


def test_a_file_is_short() -> None:
    assert {place: n for place, n in lengths().items() if n > LONGEST_FILE} == {}


def test_a_function_is_short() -> None:
    assert [each for each in functions() if each[1] > LONGEST_FUNCTION] == []


def test_hardly_a_file_is_tiny() -> None:
    tiny = [place for place, n in lengths().items() if n < SHORT_FILE]
    assert len(tiny) <= MOST_SHORT * len(lengths()), tiny


def test_half_of_the_files_hold_a_whole_duty() -> None:
    assert median(lengths().values()) >= LEAST_MEDIAN


def test_no_protocol_is_told_apart_by_its_name_outside_the_table() -> None:
    assert comparisons_with(PROTOCOLS.keys()) == []


def test_no_provider_is_told_apart_by_its_name_outside_the_table() -> None:
    assert comparisons_with(PROVIDERS.keys()) == []


def test_only_the_run_folder_spells_the_names_of_its_files() -> None:
    assert list(spelled()) == []


def files_of_rooms() -> list[Path]:
    files = (file.relative_to(TESTS) for file in sorted(TESTS.rglob("test_*.py")))
    return [file for file in files if file.parts[0] not in BESIDE_THE_ROOMS]


def test_the_tests_stand_in_the_rooms_of_the_package() -> None:
    assert len(files_of_rooms()) > 60
    assert [str(file) for file in files_of_rooms() if not (PACKAGE / file.parent).is_dir()] == []


def test_a_test_file_is_named_after_the_file_that_it_tests() -> None:
    others = {
        str(file)
        for file in files_of_rooms()
        for tested in [PACKAGE / file.parent / file.stem.removeprefix("test_")]
        if not (tested.with_suffix(".py").is_file() or tested.is_dir())
    }
    assert others == OF_SEVERAL_FILES.keys()
