"""Publishing a run folder: what is sent, who may see it, and what each refusal says."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.run_process import Command

_NAME = "me/pairs"
_HOME = ("HF_HOME", "HF_TOKEN_PATH")


class Hub:
    """The stub in a process of its own, and the command against it in another."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        port = self.address.rsplit(":", 1)[1]
        self._process = subprocess.Popen([sys.executable, "-m", "tests.support.hub_stub", port])
        self._home = folder
        end = time.monotonic() + 60
        while True:
            try:
                self.told()
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.05)

    def told(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.address}/_stub") as reply:  # noqa: S310 (the stub)
            return json.loads(reply.read())

    def repository(self) -> dict[str, Any]:
        return self.told()["repositories"][_NAME]

    def set(self, **behaviour: Any) -> None:
        body = json.dumps(behaviour).encode()
        urllib.request.urlopen(f"{self.address}/_stub", data=body).close()  # noqa: S310

    def push(self, folder: Path, *options: str, **environment: str) -> tuple[int, str]:
        """Exit code and all that was said."""
        given = {"HF_ENDPOINT": self.address, "HF_TOKEN": "hf_good", "HF_HUB_DISABLE_XET": "1"}
        home = {name: str(self._home / name) for name in _HOME}
        command = [sys.executable, "-m", "judgeforge", "push", str(folder), *options]
        ended = subprocess.run(
            command,
            check=False,
            env={**os.environ, **given, **home, **environment},
            capture_output=True,
            text=True,
        )
        return ended.returncode, " ".join((ended.stdout + ended.stderr).split())

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def copied(folder: Path, to: Path, *, status: str, rows: int) -> Path:
    """As a run of ``rows`` prompts leaves it that stopped after those of ``folder``."""
    shutil.copytree(folder, to)
    manifest = json.loads((to / "manifest.json").read_text())
    manifest |= {"status": status, "input": manifest["input"] | {"rows": rows}}
    (to / "manifest.json").write_text(json.dumps(manifest))
    return to


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    running = Hub(tmp_path)
    yield running
    running.close()


@pytest.mark.slow
def test_a_new_data_set_is_private_and_has_the_pairs_and_a_card_with_its_license(
    hub: Hub, finished: Path, tmp_path: Path
) -> None:
    code, said = hub.push(finished, _NAME, "--license", "cc-by-4.0")
    assert (code, f"{hub.address}/datasets/{_NAME}" in said) == (0, True), said
    assert "private: only you" in said
    held = hub.repository()
    assert held["private"] is True
    assert held["commits"] == [f"{finished.name}: preference pairs by judgeforge"]
    assert held["files"].keys() == {"README.md", "pairs.jsonl", "pairs.parquet"}
    assert held["files"]["pairs.jsonl"].encode("latin-1") == (finished / "pairs.jsonl").read_bytes()
    _, header, body = held["files"]["README.md"].encode("latin-1").decode().split("---\n", 2)
    card = yaml.safe_load(header)
    assert card["license"] == "cc-by-4.0"
    assert card["configs"][0]["data_files"] == [{"split": "train", "path": "pairs.jsonl"}]
    assert {"dpo", "preference", "synthetic", "trl"} <= set(card["tags"])
    assert body.endswith("## License\n\ncc-by-4.0\n")
    assert body.count(f'load_dataset("{_NAME}", split="train")') == 2
    assert "path/to/this/folder" not in body

    rows = json.loads((finished / "manifest.json").read_text())["totals"]["prompts"]
    assert "to go" not in said

    stopped = copied(finished, tmp_path / finished.name, status="budget", rows=rows + 12)
    code, said = hub.push(stopped, _NAME, "--license", "cc-by-4.0")
    assert (code, "has these files already" in said) == (0, True), said
    assert f"{stopped.name} is not complete (status: budget), with 12 of its {rows + 12} p" in said
    assert len(hub.repository()["commits"]) == 1

    code, said = hub.push(finished, _NAME, "--license", "cc-by-4.0", "--everything", "--public")
    assert (code, "(private: only you" in said) == (0, True)
    more = {"completions.jsonl", "judgments.jsonl", "skips.jsonl"}
    assert hub.repository()["files"].keys() == {"README.md", "pairs.jsonl", "pairs.parquet", *more}


@pytest.mark.slow
def test_pairs_become_public_only_where_that_was_said(hub: Hub, finished: Path) -> None:
    hub.set(repositories={_NAME: False})
    code, said = hub.push(finished, _NAME, "--license", "other")
    assert (code, "is public" in said, "--public" in said) == (2, True, True)
    assert hub.repository()["files"] == {}
    code, said = hub.push(finished, _NAME, "--license", "other", "--public")
    assert (code, "(public)" in said) == (0, True), said
    hub.set(makes_public=True)
    code, said = hub.push(finished, "me/other", "--license", "other")
    assert (code, "the Hub made it public; nothing was sent" in said) == (2, True)
    assert hub.told()["repositories"]["me/other"]["files"] == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "environment", "code", "says"),
    [
        ([_NAME], {}, 2, "say --license"),
        (["pairs", "--license", "other"], {}, 2, "write OWNER/NAME"),
        (["me/a b", "--license", "other"], {}, 2, "write OWNER/NAME"),
        ([_NAME, "--license", "nonsense"], {}, 2, '"license" must be one of the list'),
        ([_NAME, "--license", "other"], {"HF_TOKEN": "hf_bad"}, 2, "does not know who you are"),
        (
            [_NAME, "--license", "other"],
            {"HF_TOKEN": "", "HF_ENDPOINT": "http://127.0.0.1:9"},
            2,
            "there is no token to publish with. Log in",
        ),
        (["elsewhere/pairs", "--license", "other"], {}, 2, "your token may not write there"),
        ([_NAME, "--license", "other"], {"HF_HUB_OFFLINE": "1"}, 2, "HF_HUB_OFFLINE is set"),
        ([_NAME, "--license", "other"], {"HF_ENDPOINT": "http://127.0.0.1:9"}, 4, "cannot be rea"),
    ],
    ids=[
        *("license", "name", "blank", "unknown", "token", "no token"),
        *("owner", "offline", "unreachable"),
    ],
)
def test_what_cannot_be_published_says_why_without_a_traceback(
    hub: Hub,
    finished: Path,
    options: list[str],
    environment: dict[str, str],
    code: int,
    says: str,
) -> None:
    ended, said = hub.push(finished, *options, **environment)
    assert (ended, says in said, "Traceback" in said) == (code, True, False), said


@pytest.mark.slow
def test_a_commit_that_failed_is_done_by_the_same_command_which_sends_no_large_file_again(
    hub: Hub, finished: Path
) -> None:
    hub.set(fails_with=[503, 503, 503, 503, 503, 503, 503, 503])
    code, said = hub.push(finished, _NAME, "--license", "other")
    assert (code, "the Hub answered 503" in said, "Traceback" in said) == (4, True, False), said
    assert (hub.repository()["files"], hub.repository()["commits"]) == ({}, [])
    hub.set(fails_with=[])
    assert hub.push(finished, _NAME, "--license", "other")[0] == 0
    assert len(hub.repository()["commits"]) == 1
    sent = hub.repository()["files"]["pairs.parquet"].encode("latin-1")
    assert sent == (finished / "pairs.parquet").read_bytes()
    assert sum(one.startswith("PUT /large/") for one in hub.told()["requests"]) == 1


def test_a_dry_run_shows_what_would_be_there_and_asks_no_hub(
    finished: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgeforge.results.push._hub", None)
    options = ("--license", "cc-by-4.0", "--everything", "--dry-run")
    code, said, _ = command("push", finished, _NAME, *options)
    assert (code, said.splitlines()[0].startswith(f"nothing was sent; {_NAME}")) == (0, True)
    for name in ("pairs.jsonl", "pairs.parquet", "completions.jsonl"):
        assert f"  {name}: {(finished / name).stat().st_size:,} bytes" in said
    card = said[said.index("README.md:\n") + len("README.md:\n") :]
    assert f"  README.md: {len(card.rstrip().encode()) + 1:,} bytes" in said
    assert f'load_dataset("{_NAME}", split="train")' in card
    assert yaml.safe_load(card.split("---\n")[1])["license"] == "cc-by-4.0"
    code, _, error = command("push", finished, _NAME, "--dry-run")
    assert (code, "say --license" in error) == (2, True)


def test_a_folder_without_pairs_is_not_published(tmp_path: Path, finished: Path) -> None:
    from judgeforge.errors import ConfigError
    from judgeforge.results.push import push

    with pytest.raises(ConfigError, match="is not a run folder"):
        push(tmp_path, _NAME)
    empty = tmp_path / "empty"
    shutil.copytree(finished, empty)
    (empty / "pairs.jsonl").write_text("")
    with pytest.raises(ConfigError, match="has no pairs, so there is nothing to publish"):
        push(empty, _NAME, license="other")
