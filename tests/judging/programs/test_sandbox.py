"""Code of models runs in the sandbox, within its limits, or not at all."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from judgeforge.judging.checks.programs import Verdict
from judgeforge.judging.programs import sandbox as sandboxes
from judgeforge.judging.programs.probe import prove
from judgeforge.judging.programs.sandbox import (
    SandboxFailedError,
    SandboxUnavailableError,
    open_sandbox,
)
from tests.support.sandboxes import needs_sandbox

LIMITS = {"timeout_s": 10.0, "memory_mb": 256}
ADD = "def add(a, b):\n    return a + b\n"
MINUS = "def add(a, b):\n    return a - b\n"


def run(code: str, *tests: Any, **more: Any) -> Verdict:
    return open_sandbox().run({"code": code, "tests": list(tests) or ["pass"], **LIMITS, **more})


@needs_sandbox
class TestTests:
    def test_pass_or_fail_with_the_line_that_failed(self) -> None:
        assert run(ADD, "assert add(1, 2) == 3") == Verdict(1.0, "all tests passed")
        failed = run(MINUS, "assert add(0, 0) == 0", "x = 1\nassert add(1, 2) == 3, 'sum'")
        assert failed == Verdict(
            0.0, "test 2 of 2: `assert add(1, 2) == 3, 'sum'`: AssertionError: sum"
        )

    def test_may_be_functions_and_classes(self) -> None:
        functions = "def test_sum():\n    assert add(1, 2) == 3"
        classes = (
            "import unittest\nclass Sums(unittest.TestCase):\n"
            "    def test_sum(self):\n        self.assertEqual(add(1, 2), 3)"
        )
        for tests in (functions, classes):
            assert run(ADD, tests).score == 1.0
            assert run(MINUS, tests).score == 0.0

    def test_may_check_the_function_that_the_row_names(self) -> None:
        check = "def check(candidate):\n    assert candidate(1, 2) == 3"
        assert run(ADD, check, entry_point="add").score == 1.0
        assert run(MINUS, check, entry_point="add").score == 0.0
        assert "KeyError" in run("x = 1", check, entry_point="add").said

    def test_run_after_what_the_row_sets_up(self) -> None:
        assert run("total = base + 1", "assert total == 3", setup="base = 2").score == 1.0

    def test_may_be_what_a_program_reads_and_must_print(self) -> None:
        code = "import sys\nif __name__ == '__main__':\n    print(sum(map(int, sys.stdin)), ' ')"
        tests = [{"input": "1\n2\n", "output": "3\n"}, {"input": "4\n5", "output": "9"}]
        assert run(code, *tests).score == 1.0
        wrong = run("print(input())", {"input": "a", "output": "b"})
        assert wrong == Verdict(0.0, "test 1: it printed 'a', not 'b'")

    def test_fail_on_code_that_does_not_compile_or_raises(self) -> None:
        assert "SyntaxError" in run("def add(:", "pass").said
        assert run("1 / 0", "pass") == Verdict(0.0, "ZeroDivisionError: division by zero")

    def test_are_not_decided_where_the_code_needs_a_package_that_is_not_there(self) -> None:
        verdict = run("import numpy as np", "pass")
        assert verdict == Verdict(None, "the code imports `numpy`, which the sandbox does not have")
        assert run("import no.such.thing", "pass").score is None
        assert run("def f():\n    import numpy", "assert f()").score is None
        assert run("import numpy", {"input": "", "output": ""}).score is None
        assert run("import os.nothing", "pass").score == 0.0

    def test_are_shown_with_what_the_code_printed(self) -> None:
        assert run("print('seen')", "assert False").said.endswith("it printed: seen")


@needs_sandbox
class TestTheSandbox:
    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("import os; os._exit(0)", "it ended with exit code 0 before its tests"),
            ("import sys; sys.exit(0)", "SystemExit: 0"),
            ("import os; os.fork()", "PermissionError"),
            ("import socket; socket.socket()", "PermissionError"),
            ("x = 'a' * 10**10", "MemoryError"),
            ("while True: print('x' * 10**6)", "it printed more than 1 MB"),
            ("try: import judgeforge\nexcept ImportError as error: raise OSError(error)",
             "No module named 'judgeforge'"),
            ("open('/etc/passwd')", "FileNotFoundError"),
            ("open('/x', 'w')", "Read-only file system"),
            ("import os\nfor n in range(3, 60):\n    try: os.write(n, b'{}')\n"
             "    except OSError: pass\nos._exit(0)", "before its tests"),
        ],
    )  # fmt: skip
    def test_takes_no_hostile_program_for_a_success(self, code: str, said: str) -> None:
        verdict = run(code)
        assert verdict.score == 0.0
        assert said in verdict.said

    def test_shows_nothing_of_this_machine(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("A_SECRET", "s3cret")
        (tmp_path / "file").write_text("s3cret")
        code = f"import os\nseen = os.path.exists({str(tmp_path)!r})\nnames = set(os.environ)"
        tests = ["assert not seen", "assert not {'A_SECRET', 'TEST_KEY', 'USER'} & names"]
        assert run(code, *tests) == Verdict(1.0, "all tests passed")

    def test_ends_what_does_not_end(self) -> None:
        begun = time.monotonic()
        verdict = run("import time; time.sleep(1000)", timeout_s=0.2)
        assert verdict == Verdict(0.0, "it did not end in 0.2 s")
        assert time.monotonic() - begun < 30

    def test_ends_with_the_run_which_says_nothing_of_the_answer(self) -> None:
        own = open_sandbox().another()
        threading.Timer(0.5, own.kill).start()
        begun = time.monotonic()
        with pytest.raises(SandboxFailedError, match="the run is ending"):
            own.run({"code": "import time; time.sleep(60)", "tests": ["pass"], **LIMITS})
        assert time.monotonic() - begun < 15
        with pytest.raises(SandboxFailedError, match="the run is ending"):
            own.run({"code": "", "tests": ["pass"], **LIMITS})

    def test_that_lets_something_through_is_found_out(self) -> None:
        """One whose options show the whole machine is no sandbox."""
        whole = [*open_sandbox().options, "--ro-bind", "/", "/"]
        open_one = sandboxes.Sandbox(open_sandbox().bwrap, whole, open_sandbox().filter)
        with pytest.raises(SandboxUnavailableError):
            prove(open_one)


class TestWithoutASandbox:
    @pytest.fixture(autouse=True)
    def anew(self) -> Any:
        open_sandbox.cache_clear()
        yield
        open_sandbox.cache_clear()

    def test_nothing_is_run_and_the_advice_says_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(SandboxUnavailableError, match="apt-get install bubblewrap"):
            open_sandbox()

    def test_that_works_the_advice_names_the_setting_of_the_machine(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """As in a container that forbids namespaces."""
        bwrap = tmp_path / "bwrap"
        message = "bwrap: No permissions to create new namespace"
        bwrap.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] || echo '{message}' >&2\nexit 1\n")
        bwrap.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin:/bin")
        with pytest.raises(SandboxUnavailableError, match="security-opt seccomp=unconfined"):
            open_sandbox()

    def test_a_bwrap_that_isolates_nothing_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        bwrap = tmp_path / "bwrap"
        program = sandboxes.PROGRAM
        bwrap.write_text(
            '#!/bin/sh\nwhile [ "$1" != -- ]; do [ $# -gt 0 ] || exit 0; shift; done\nshift\n'
            f'python=$1; shift 5; exec "$python" -B {program} "$2"\n'
        )
        bwrap.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin:/bin")
        with pytest.raises(SandboxUnavailableError, match="does not hold here"):
            open_sandbox()
