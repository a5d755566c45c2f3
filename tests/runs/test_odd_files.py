"""What no run has written is named in words: devices, pipes and folders in the place of files, and
a library that does not fit into memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from judgeforge.store.folder import RunFolder
from tests.local_server import LocalServer
from tests.support.run_process import Command
from tests.support.run_setup import KEY, run, write_config

FILES = [
    "manifest.json",
    "pairs.jsonl",
    "completions.jsonl",
    "judgments.jsonl",
    "skips.jsonl",
    "log.jsonl",
    "report.html",
    "README.md",
    "state/lock",
    "state/spending.jsonl",
    "state/journal.bin",
    "state/prompt-costs",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("finished")
    with LocalServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_KEY", KEY)
        run(write_config(place, server, prompts=1), place / "out")
    return place


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *((kind, name) for kind in ("device", "pipe", "folder") for name in FILES),
        *(("link", name) for name in ("manifest.json", "pairs.jsonl", "state/journal.bin")),
    ],
)
def test_what_is_no_regular_file_is_refused_by_name(
    finished: Path, command: Command, kind: str, name: str
) -> None:
    file = finished / "out" / name
    kept = file.read_bytes()
    file.unlink()
    try:
        _put(kind, file)
        for arguments in (
            ("run", finished / "config.yaml", "--out", finished / "out"),
            ("status", finished / "out"),
            ("report", finished / "out"),
            ("explain", finished / "out", "p0.p0"),
        ):
            code, _, error = command(*arguments)
            assert code in {2, 74}, arguments
            said = ("is not a regular file", "has no pairs.jsonl", "(Is a directory)")
            assert any(words in error for words in said)
            assert str(file.name) in error
    finally:
        file.rmdir() if kind == "folder" else file.unlink()
        file.write_bytes(kept)


def _put(kind: str, file: Path) -> None:
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        device = Path("/dev/zero")
        link = file.with_name("link-to-a-device")
        if kind == "link" and not link.is_symlink():
            link.symlink_to(device)
        file.symlink_to(link if kind == "link" else device)


def test_a_link_to_a_regular_file_is_one(finished: Path, tmp_path: Path) -> None:
    moved = tmp_path / "manifest.json"
    manifest = finished / "out" / "manifest.json"
    moved.write_bytes(manifest.read_bytes())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").symlink_to(moved)
    assert RunFolder(tmp_path / "out").read_manifest() is not None


@pytest.mark.parametrize("error", ["MemoryError", "ImportError('no\\n\\nroom')"])
@pytest.mark.parametrize("at", ["judgeforge.cli.app", "judgeforge.runs.planning.check", "jinja2"])
def test_what_cannot_be_loaded_is_a_line_and_not_a_traceback(
    finished: Path, error: str, at: str
) -> None:
    program = (
        "import sys, builtins; real = builtins.__import__\n"
        "def load(name, *rest, **more):\n"
        f"    if name == {at!r}: raise {error}\n"
        "    return real(name, *rest, **more)\n"
        "builtins.__import__ = load\n"
        f"sys.argv = ['judgeforge', 'check', {str(finished / 'config.yaml')!r}]\n"
        "from judgeforge.__main__ import main\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 74
    assert done.stderr.count("\n") == 1
    assert "cannot be loaded or used" in done.stderr
    assert "too little memory" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -v")
def test_too_little_memory_is_told_in_words(finished: Path) -> None:
    def little() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (40 << 20, 40 << 20))

    command = [sys.executable, "-m", "judgeforge", "check", str(finished / "config.yaml")]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=little,
    )
    assert done.returncode == 74
    assert "Traceback" not in done.stderr
