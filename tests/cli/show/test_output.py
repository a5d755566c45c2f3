"""What is printed: escaped where it cannot be encoded, and commands that can be pasted."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from judgeforge import cli
from judgeforge.cli.show.output import command_line
from tests.local_server import LocalServer
from tests.support.run_setup import run, write_config


@pytest.fixture
def folder(tmp_path: Path, server: LocalServer) -> Path:
    """A run whose ids, prompts and skips cannot be written in ASCII."""
    rows = [
        {"id": "寿司-1", "prompt": "¿Qué es “sushi”? 🍣"},
        {"id": "寿司-1", "prompt": "Another one."},
        {"id": "-x7Qz", "prompt": "Name a bird…"},
        {"id": "z", "prompt": "Name a fish…"},
    ]
    (tmp_path / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    run(write_config(tmp_path, server, prompts={"path": "prompts.jsonl"}), tmp_path / "out")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "iso-8859-1", "gbk", "shift_jis", "utf-8"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("check", "config.yaml"), 2),
        (("plan", "config.yaml"), 0),
        (("run", "config.yaml", "--out", "out"), 5),
        (("run", "config.yaml", "--out", "out", "--show-pairs", "2"), 5),
        (("status", "out"), 0),
        (("explain", "out", "寿司-1.p0"), 0),
        (("explain", "out", "寿司-2.p0"), 2),
        (("explain", "--", "out", "-x7Qz.p0"), 0),
        (("doctor", "config.yaml"), 2),
        (("cache", "stats", "config.yaml"), 0),
        (("run", "config-\udcff.yaml"), 2),
        (("run", "--help"), 0),
    ],
    ids=str,
)
def test_what_cannot_be_encoded_is_escaped_and_changes_no_exit_code(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    encoding: str,
    arguments: tuple[str, ...],
    code: int,
) -> None:
    monkeypatch.chdir(folder)
    if arguments[0] == "doctor":
        monkeypatch.delenv("TEST_KEY")
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    monkeypatch.setattr(sys, "argv", ["judgeforge", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    for stream in streams:
        stream.flush()
    shown = b"".join(stream.buffer.getvalue() for stream in streams)  # type: ignore[attr-defined]
    assert b"Traceback" not in shown
    assert shown.decode(encoding)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["0", "1", "99999999", "9" * 5000, "\u00b2", "-5", "wide"])
def test_a_size_that_no_terminal_has_is_forgotten(
    folder: Path, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    def shown(columns: str) -> str:
        monkeypatch.setenv("COLUMNS", columns)
        monkeypatch.setenv("LINES", columns)
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
        with pytest.raises(SystemExit):
            cli.main()
        sys.stdout.flush()
        return sys.stdout.buffer.getvalue().decode()  # type: ignore[attr-defined, no-any-return]

    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["judgeforge", "explain", "out", "寿司-1.p0"])
    assert shown(size) == shown("80")
    assert shown("100") != shown("80")


VALUES = ["-x7Qz.p0", "--help", "my row 3.p0", "it's", 'a "b" $HOME', "`id`;rm", "寿司.p0", "p0.p0"]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("out", ["out", "my runs/it's $HERE", "-out"])
def test_a_printed_command_can_be_pasted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str, out: str
) -> None:
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "my env" / "judgeforge")])
    monkeypatch.setenv("PATH", str(tmp_path))
    words = shlex.split(command_line("explain", out, value))
    assert words[0] == sys.argv[0]
    assert words[-2:] == [out, value]
    assert ("--" in words[:-2]) == (out.startswith("-") or value.startswith("-"))


def test_a_module_is_named_as_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/judgeforge/__main__.py"])
    monkeypatch.setenv("PATH", str(tmp_path))
    program = f"{shlex.quote(sys.executable)} -m judgeforge"
    assert command_line("run", "c.yaml") == f"{program} run c.yaml"


def ended(arguments: str, folder: Path) -> tuple[int, str]:
    """Exit code and standard error of a shell's line."""
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {shlex.quote(sys.executable)} -m judgeforge {arguments}"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ("run config.yaml --out out --quiet > /dev/full", 5, ""),
        ("run config.yaml --out out --json > /dev/full", 5, ""),
        ("run config.yaml --out out >&- 2>&- <&-", 5, ""),
        ("status out > /dev/full", 74, "standard output cannot be written: No space left"),
        ("status out --json > /dev/full", 74, "standard output cannot be written"),
        ("explain out z.p0 > /dev/full", 74, "standard output cannot be written"),
        ("--help > /dev/full", 74, "standard output cannot be written"),
        ("check config.yaml | head -c 1 > /dev/null", 2, ""),
        ("explain out z.p0 | head -c 1 > /dev/null", 0, ""),
        ("check nowhere.yaml 2>&-", 2, ""),
        ("status out > /dev/full 2> /dev/full", 74, ""),
    ],
)
def test_output_that_goes_nowhere_is_told_in_a_line_or_changes_nothing(
    folder: Path, arguments: str, code: int, told: str
) -> None:
    found, stderr = ended(arguments, folder)
    assert found == code
    assert told in stderr
    assert "Traceback" not in stderr


@pytest.mark.slow
def test_a_path_that_the_locale_has_no_bytes_for_is_a_mistake_with_advice(folder: Path) -> None:
    config = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(config.replace("prompts.jsonl", "prömpts.jsonl"))
    environment = "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0"
    line = f"{environment} {shlex.quote(sys.executable)} -m judgeforge check config.yaml"
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "set one with UTF-8" in done.stderr
