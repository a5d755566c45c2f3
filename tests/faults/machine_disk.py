"""Faults of the machine: disks that are full, folders and files that may not be used."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scene import Scene, results
from tests.faults.table import fault
from tests.support.run_setup import KEY

NO_FREE_SPACE_CHECK = {"min_free_mb": 0}
_MOUNT = """
mount -t tmpfs -o size="$1" tmpfs "$2" || exit 99
[ "$1" = 4k ] && cat /dev/zero > "$2/filler" 2> /dev/null
disk=$2 copy=$3; shift 3
"$@"; code=$?
cp -a "$disk/." "$copy/"
umount "$disk"
exit $code
"""
"""Runs a command with a small disk that only it and its children see; one of 4k is full at once."""


def _small_disk(size: str, disk: Path, copy: Path) -> list[str]:
    return ["unshare", "-rm", "sh", "-c", _MOUNT, "sh", size, str(disk), str(copy)]


_ELSEWHERE = """
import runpy, sys
from pathlib import Path
from judgeforge.store import atomic_files as files
name, disk = sys.argv[1:3]
beside = files._new_part
files._new_part = lambda path: beside(Path(disk, name) if path.name == name else path)
sys.argv = sys.argv[5:]
runpy.run_module("judgeforge", run_name="__main__", alter_sys=True)
"""
"""Runs the command that follows; what is to take the place of one file is written to the disk."""


def _full(
    scene: Scene, kind: str, links: dict[str, str], size: str, replaced: str, **parts: Any
) -> str:
    """``links``: places in the run folder -> names on the small disk, empty before the run;
    ``replaced``: a file that is written there before it takes its place.
    """
    if shutil.which("unshare") is None:
        pytest.skip("needs the program `unshare`")
    disk, copy = scene.folder / "disk", scene.folder / "copy"
    for folder in (disk, copy, scene.out / "state"):
        folder.mkdir(parents=True)
    scene.configure(prompts=12, limits=NO_FREE_SPACE_CHECK, **parts)
    for place, name in links.items():
        (scene.out / place).symlink_to(disk / name)
    wrap = _small_disk(size, disk, copy)
    if replaced:
        wrap += [sys.executable, "-c", _ELSEWHERE, replaced, str(disk)]
    exit_code, shown = scene.end(scene.start(wrap=wrap))
    if exit_code == 99 or "unshare failed" in shown:
        pytest.skip("this machine lets nobody mount a small disk")
    assert exit_code == 74, shown
    for place, name in links.items():
        (scene.out / place).unlink(missing_ok=True)
        if (copy / name).exists():
            shutil.copy(copy / name, scene.out / place)
    if kind == "cache":
        shutil.copytree(copy / "cache", disk / "cache")
    again = scene.run()
    assert again.exit_code == 0
    assert results(scene.out) == scene.undisturbed(prompts=12)
    return "exit 74; with room, the same command went on to the undisturbed result"


def _full_disk(
    kind: str, links: dict[str, str] | None = None, size: str = "4k", *, replaced: str = ""
) -> None:
    @fault(
        f"disk-full-{kind.lower().replace(' ', '-')}",
        done=f"The disk is full while writing the {kind}.",
        promise="Exit 74, nothing torn; with room again the same command continues.",
    )
    def show(scene: Scene) -> str:
        own = {"cache": {"dir": str(scene.folder / "disk" / "cache")}} if kind == "cache" else {}
        return _full(scene, kind, links or {}, size, replaced, **own)


_full_disk("journal", {"state/journal.bin": "journal"}, "16k")
_full_disk("spending file", {"state/spending.jsonl": "spending"})
_full_disk("log", {"log.jsonl": "log"}, "16k")
_full_disk("cache", size="200k")
_full_disk("pairs", replaced="pairs.jsonl")
_full_disk("completions", replaced="completions.jsonl")
_full_disk("judgments", replaced="judgments.jsonl")
_full_disk("Parquet file", replaced="pairs.parquet")
_full_disk("manifest", replaced="manifest.json")
_full_disk("dataset card", replaced="README.md")


def _limited(limit: int, most: int) -> Any:
    return lambda: resource.setrlimit(limit, (most, most))


@fault(
    "file-size-limit",
    done="No file may grow beyond 60 kB (a quota).",
    promise="Met like a full disk: exit 74, and the same command goes on without the limit.",
)
def _(scene: Scene) -> str:
    scene.configure(prompts=40)
    scene.command_exits(74, scene.start(preexec_fn=_limited(resource.RLIMIT_FSIZE, 60_000)))
    scene.ends_undisturbed(prompts=40)
    return "exit 74; then the undisturbed result"


@fault(
    "no-file-descriptors",
    done="The process may open 40 files, with 64 calls in flight.",
    promise="No hang, no traceback; a later start does the rest.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.latency_s = 0.2
    few = {"concurrency": 64, "max_attempts": 2, "max_skip_share": 1}
    scene.configure(prompts=20, limits=few)
    process = scene.start(preexec_fn=_limited(resource.RLIMIT_NOFILE, 40))
    exit_code, _ = scene.end(process)
    assert exit_code in {0, 4, 5, 74}
    again = scene.run(retry_skipped=True)
    assert again.exit_code == 0
    assert again.manifest["totals"]["prompts"] == 20
    return f"exit {exit_code}; the next start did all 20 prompts"


def _without_root_powers() -> None:
    """Root may write anywhere; without two of its powers it is a user like any other."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@fault(
    "read-only-folder",
    done="The run folder may not be written.",
    promise="Exit 74 before anything is sent; the message names the folder.",
)
def _(scene: Scene) -> str:
    scene.configure()
    scene.out.mkdir()
    scene.out.chmod(0o500)
    exit_code, shown = scene.end(scene.start(preexec_fn=_without_root_powers))
    scene.out.chmod(0o700)
    assert exit_code == 74
    assert str(scene.out) in shown
    assert scene.server.requests == []
    return "exit 74, nothing sent"


@fault(
    "folder-is-a-file",
    done="A file stands where the run folder would be.",
    promise="Exit 2 before anything is sent; the file is left alone.",
)
def _(scene: Scene) -> str:
    scene.configure()
    scene.out.write_text("mine")
    scene.sends_nothing(2)
    assert scene.out.read_text() == "mine"
    return "exit 2, nothing sent, the file as it was"


@fault(
    "input-without-permission",
    done="The file of prompts may not be read.",
    promise="Exit 2 before anything is sent; the message says why.",
)
def _(scene: Scene) -> str:
    scene.configure()
    (scene.folder / "prompts.jsonl").chmod(0)
    shown = scene.command_exits(2, scene.start(preexec_fn=_without_root_powers))
    assert "Permission denied" in shown
    assert scene.server.requests == []
    return "exit 2, `Permission denied`"


@fault(
    "key-file-for-all",
    done="The key is in a file that every user may read (mode 0644).",
    promise="Refused before anything is sent (exit 2); the message says `chmod 600`.",
    quick=True,
)
def _(scene: Scene) -> str:
    secret = scene.folder / "key"
    secret.write_text("another-secret-key")
    secret.chmod(0o644)
    scene.configure(own={"api_key_env": None, "api_key_file": "key"})
    scene.sends_nothing(2, "chmod 600")
    secret.chmod(0o600)
    scene.exits(0)
    return "exit 2; with mode 0600 the run is done"


@fault(
    "key-in-yaml",
    done="A key is in the configuration itself.",
    promise="Refused before anything is sent (exit 2); the key is not repeated in the message.",
    quick=True,
)
def _(scene: Scene) -> str:
    scene.configure(own={"api_key": KEY})
    scene.sends_nothing(2, "api_key_env")
    (scene.folder / "config.yaml").unlink()  # It holds the key, and the folder is searched.
    return "exit 2, the message names `api_key_env` and `api_key_file`"
