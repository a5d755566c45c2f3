"""Keys: where they may come from, and that they are nowhere afterwards."""

from __future__ import annotations

import importlib
import os
import stat
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

import judgeforge
from judgeforge.errors import ConfigError, StatusError
from judgeforge.runs.doctor.doctor import diagnose
from judgeforge.text.redaction import MASK, remember_secret
from tests.local_server import LocalServer, faults
from tests.support.run_setup import KEY_VARIABLE, model, run, write_config
from tests.support.waiting import wait_for_requests

SECRET = "zebra7-quince9+walnut/42"
"""Looks like no key of any provider, so that only its value can give it away."""


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, SECRET)


def key_file(folder: Path, content: str | bytes = SECRET + "\n", mode: int = 0o600) -> Path:
    file = folder / "key"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    file.chmod(mode)
    return file


def with_key_file(folder: Path, server: LocalServer, **parts: object) -> Path:
    own = model(server, api_key_env=None, api_key_file="key")
    return write_config(folder, server, prompts=2, models={"small": own}, **parts)


def nowhere_in(folder: Path, *texts: str) -> None:
    for file in folder.rglob("*"):
        if file.is_file() and file.name != "key":
            assert SECRET.encode() not in file.read_bytes(), file
    assert not [text for text in texts if SECRET in text]


class TestAKeyIsNowhere:
    @pytest.mark.slow
    @pytest.mark.parametrize("source", ["variable", "file"])
    def test_after_a_run_that_a_server_makes_as_leaky_as_it_can(
        self, tmp_path: Path, server: LocalServer, source: str
    ) -> None:
        server.behaviour.latency_s = 0.1
        echo = {"error": {"message": f"no: Bearer {SECRET}", "type": SECRET, "code": SECRET}}
        location = f"http://127.0.0.1:9/?key={SECRET}"
        server.faults.add(faults.status(500, body=echo), nth=2)
        server.faults.add(faults.status(400, body=SECRET.encode()), nth=3)
        server.faults.add(faults.redirect(location), nth=4)
        server.faults.add(faults.wrong_shape({"choices": SECRET}), nth=5)
        server.faults.add(faults.reply_text(f"The key is {SECRET}."), nth=6)
        if source == "file":
            key_file(tmp_path)
            config = with_key_file(tmp_path, server)
        else:
            config = write_config(tmp_path, server, prompts=2)
        environment = {k: v for k, v in os.environ.items() if k != KEY_VARIABLE}
        if source == "variable":
            environment[KEY_VARIABLE] = SECRET
        process = subprocess.Popen(
            [sys.executable, "-m", "judgeforge", "run", str(config), "--verbose"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        wait_for_requests(server, 1, process)
        listed = Path(f"/proc/{process.pid}/cmdline")
        command = listed.read_text() if listed.exists() else ""
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr
        assert {500, 400, 307} <= {request.status for request in server.requests}
        nowhere_in(tmp_path, command, stdout, stderr)

    def test_in_the_traceback_of_a_call_that_stopped_the_run(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        server.faults.add(faults.status(401, body={"error": {"message": f"wrong: {SECRET}"}}))
        result = run(write_config(tmp_path, server, prompts=1), tmp_path / "out")
        assert isinstance(result.stopped_by, StatusError)
        shown = "".join(traceback.format_exception(result.stopped_by))
        assert f"wrong: {MASK}" in shown
        nowhere_in(tmp_path, shown)

    def test_in_what_an_error_carries_along(self, tmp_path: Path, server: LocalServer) -> None:
        """An SDK's error holds the request, and the request the key."""
        server.faults.add(faults.status(401))
        result = run(write_config(tmp_path, server, prompts=1), tmp_path / "out")
        error: BaseException | None = result.stopped_by
        while error is not None:
            assert type(error).__module__.split(".")[0] not in {"openai", "anthropic", "httpx2"}
            error = error.__cause__ or error.__context__

    def test_in_the_traceback_of_a_bug(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        def fails(*_: object, **__: object) -> None:
            raise RuntimeError(f"unexpected {SECRET}")

        command_line = importlib.import_module("judgeforge.cli.app")
        remember_secret(SECRET)
        monkeypatch.setattr(command_line, "app", fails)
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        shown = capfd.readouterr().err
        assert ended.value.code == 1
        assert f"RuntimeError: unexpected {MASK}" in shown
        assert SECRET not in shown


class TestAKeyFile:
    def test_gives_the_key_that_is_sent(self, tmp_path: Path, server: LocalServer) -> None:
        server.behaviour.key = SECRET
        key_file(tmp_path)
        assert run(with_key_file(tmp_path, server), tmp_path / "out").exit_code == 0

    def test_may_be_a_link_as_clusters_mount_them(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        server.behaviour.key = SECRET
        key_file(tmp_path, mode=0o400).rename(tmp_path / "mounted")
        (tmp_path / "key").symlink_to("mounted")
        assert run(with_key_file(tmp_path, server), tmp_path / "out").exit_code == 0

    @pytest.mark.parametrize(
        ("content", "mode", "said"),
        [
            (SECRET, 0o644, "chmod 600"),
            (SECRET, 0o640, "chmod 600"),
            ("", 0o600, "the key and nothing else"),
            (f"KEY={SECRET} # mine", 0o600, "the key and nothing else"),
            (f"{SECRET}\n{SECRET}\n", 0o600, "the key and nothing else"),
            ("ключ", 0o600, "is not a key"),
            (SECRET * 1000, 0o600, "longer than any key"),
        ],
        ids=["for all", "for the group", "empty", "a line of shell", "two", "no ASCII", "huge"],
    )
    def test_of_the_wrong_kind_is_refused_without_repeating_it(
        self, tmp_path: Path, server: LocalServer, content: str, mode: int, said: str
    ) -> None:
        key_file(tmp_path, content, mode)
        config = with_key_file(tmp_path, server)
        with pytest.raises(ConfigError) as refused:
            run(config, tmp_path / "out")
        assert said in str(refused.value)
        assert "models.small.api_key_file" in str(refused.value)
        assert SECRET not in str(refused.value)
        assert server.requests == []
        (finding,) = [f for f in diagnose(judgeforge.load_config(config)) if "key of" in f.name]
        assert finding.status == "fail"

    def test_that_is_missing_or_a_folder_is_refused(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        config = with_key_file(tmp_path, server)
        with pytest.raises(ConfigError, match="cannot be read: No such file"):
            run(config, tmp_path / "out")
        (tmp_path / "key").mkdir()
        with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
            run(config, tmp_path / "out")

    def test_beside_a_variable_is_one_too_many(self, tmp_path: Path, server: LocalServer) -> None:
        own = model(server, api_key_file="key")
        config = write_config(tmp_path, server, models={"small": own})
        with pytest.raises(ConfigError, match="not both"):
            judgeforge.load_config(config)


class TestHttp:
    @pytest.mark.parametrize(
        "url", ["http://192.0.2.1/v1", "http://models.example/v1", "http://[2001:db8::1]/v1"]
    )
    def test_to_another_machine_is_refused_unless_it_is_allowed(
        self, tmp_path: Path, server: LocalServer, url: str
    ) -> None:
        config = write_config(tmp_path, server, models={"small": model(server, base_url=url)})
        with pytest.raises(ConfigError, match="allow_http: true"):
            judgeforge.load_config(config)
        own = model(server, base_url=url, allow_http=True)
        write_config(tmp_path, server, models={"small": own})
        assert judgeforge.load_config(config).models["small"].allow_http

    @pytest.mark.parametrize(
        "url",
        ["http://localhost:1/v1", "http://127.8.9.1/v1", "http://[::1]:1/v1", "https://x.example"],
    )
    def test_to_this_machine_and_https_are_not(
        self, tmp_path: Path, server: LocalServer, url: str
    ) -> None:
        own = model(server, base_url=url)
        judgeforge.load_config(write_config(tmp_path, server, models={"small": own}))


def test_prompts_and_replies_are_for_their_owner_alone(tmp_path: Path, server: LocalServer) -> None:
    """Whatever the umask: files 0600 and folders 0700, in the run folder and in the cache."""
    before = os.umask(0)
    try:
        assert run(write_config(tmp_path, server, prompts=2), tmp_path / "out").exit_code == 0
    finally:
        os.umask(before)
    for folder in (tmp_path / "out", tmp_path / ".judgeforge" / "cache"):
        for place in (folder, *folder.rglob("*")):
            wanted = 0o700 if place.is_dir() else 0o600
            assert stat.S_IMODE(place.stat().st_mode) == wanted, place


def test_a_folder_that_is_there_keeps_its_mode_and_its_files_are_closed(
    tmp_path: Path, server: LocalServer
) -> None:
    out = tmp_path / "out"
    out.mkdir(mode=0o755)
    run(write_config(tmp_path, server, prompts=1), out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o755
    assert {stat.S_IMODE(f.stat().st_mode) for f in out.iterdir() if f.is_file()} == {0o600}
    assert stat.S_IMODE((out / "state").stat().st_mode) == 0o700
