"""``judgeforge doctor`` finds what would stop a run, contacts nobody else, and shows no key."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import stat
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest

from judgeforge.config.run import RunConfig
from judgeforge.runs.doctor import doctor
from judgeforge.runs.doctor.doctor import Finding, diagnose
from judgeforge.runs.validation import network

KEY = "sk-live-0123456789abcdef"


@pytest.fixture(autouse=True)
def plain_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(network, "getproxies", dict)


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def config(folder: Path, *, port: int = 9, used: bool = True, **model: object) -> RunConfig:
    served = {"provider": "openai", "model": "m", "base_url": f"http://127.0.0.1:{port}/v1"} | model
    models = {"served": served, "other": {"provider": "local", "model": str(folder / "x.gguf")}}
    return RunConfig.model_validate(
        {
            "prompts": {"path": folder / "prompts.jsonl"},
            "models": models,
            "sampling": {"models": ["served" if used else "other"]},
            "rubric": "helpfulness",
            "source_file": folder / "run.yaml",
        }
    )


def finding(name: str, findings: list[Finding]) -> Finding:
    (one,) = [each for each in findings if each.name == name]
    return one


def test_without_a_configuration_no_host_is_contacted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "create_connection", refuse)
    findings = diagnose(None)
    assert not [each for each in findings if each.name.startswith("host")]
    assert {"python", "packages", "locks", "disk of run folder"} <= {each.name for each in findings}


def test_this_machine_has_the_packages_that_judgeforge_asks_for() -> None:
    assert finding("packages", diagnose()).status == "ok"


def test_a_missing_package_is_named_with_the_version_that_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = doctor.version

    def without_tenacity(package: str) -> str:
        if package == "tenacity":
            raise PackageNotFoundError(package)
        return "0.0.1" if package == "numpy" else real(package)

    monkeypatch.setattr(doctor, "version", without_tenacity)
    findings = diagnose()
    missing, old = finding("package tenacity", findings), finding("package numpy", findings)
    assert missing.status == old.status == "fail"
    assert missing.detail.startswith("not installed; judgeforge needs")
    assert old.detail.startswith("0.0.1; judgeforge needs >=")
    assert 'pip install "tenacity' in missing.advice


def test_running_from_a_folder_without_an_installation_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(package: str) -> list[str]:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(doctor, "requires", unknown)
    assert finding("packages", diagnose()).status == "warn"


@pytest.mark.parametrize(("used", "status"), [(True, "fail"), (False, "warn")])
def test_a_missing_key_stops_only_runs_that_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, used: bool, status: str
) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    found = finding("key MY_KEY", diagnose(config(tmp_path, used=used, api_key_env="MY_KEY")))
    assert (found.status, found.detail) == (status, "not set (for served)")
    assert "export MY_KEY" in found.advice


def test_an_empty_key_is_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", " ")
    found = finding("key MY_KEY", diagnose(config(tmp_path, api_key_env="MY_KEY")))
    assert (found.status, found.detail) == ("fail", "empty (for served)")


@pytest.mark.parametrize(
    ("value", "status"),
    [(KEY, "ok"), (f"{KEY}\n", "warn"), (f"'{KEY}'", "fail"), (f"Bearer {KEY}", "fail")],
)
def test_no_part_of_a_key_is_ever_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, status: str
) -> None:
    monkeypatch.setenv("MY_KEY", value)
    findings = diagnose(config(tmp_path, api_key_env="MY_KEY"))
    assert finding("key MY_KEY", findings).status == status
    shown = repr(findings)
    assert not any(KEY[i : i + 4] in shown for i in range(len(KEY) - 3))


def test_the_usual_keys_are_looked_for_without_a_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    findings = diagnose()
    assert finding("key OPENAI_API_KEY", findings).status == "ok"
    assert finding("key ANTHROPIC_API_KEY", findings).status == "warn"


def test_a_server_that_listens_is_reachable(tmp_path: Path, listener: int) -> None:
    found = finding(f"host 127.0.0.1:{listener}", diagnose(config(tmp_path, port=listener)))
    assert (found.status, found.detail) == ("ok", "reachable (for served)")


@pytest.mark.parametrize(("used", "status"), [(True, "fail"), (False, "warn")])
def test_a_server_that_does_not_listen_is_named(
    tmp_path: Path, closed_port: int, used: bool, status: str
) -> None:
    findings = diagnose(config(tmp_path, port=closed_port, used=used))
    found = finding(f"host 127.0.0.1:{closed_port}", findings)
    assert found.status == status
    assert found.detail == "not reachable: Connection refused (for served)"


def test_a_host_that_never_answers_does_not_hold_up_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = Event()
    monkeypatch.setattr(network, "RESOLVE_TIMEOUT_S", 0.05)

    def hang(*_: object, **__: object) -> None:
        never.wait(20)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", hang)
    try:
        found = finding("host 127.0.0.1:9", diagnose(config(tmp_path)))
    finally:
        never.set()
    assert "no answer within 0.05 s" in found.detail


@pytest.mark.parametrize(
    ("model", "host"),
    [
        ({"base_url": None}, ("api.openai.com", 443)),
        ({"provider": "anthropic", "base_url": None}, ("api.anthropic.com", 443)),
        ({"base_url": "https://gate.example:8443/v1"}, ("gate.example", 8443)),
        ({"base_url": "http://gate.example/v1", "allow_http": True}, ("gate.example", 80)),
    ],
)
def test_each_model_is_looked_for_at_its_own_address(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: dict[str, object],
    host: tuple[str, int],
) -> None:
    asked = []

    def note(address: tuple[str, int], timeout: float) -> SimpleNamespace:
        asked.append(address)
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(socket, "create_connection", note)
    diagnose(config(tmp_path, **model))
    assert asked == [host]


@pytest.mark.parametrize("alive", [True, False])
def test_behind_a_proxy_it_is_the_proxy_that_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listener: int, closed_port: int, alive: bool
) -> None:
    port = listener if alive else closed_port
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    monkeypatch.setattr(network, "getproxies", lambda: {"https": f"127.0.0.1:{port}"})
    findings = diagnose(config(tmp_path, base_url="https://api.example.invalid/v1"))
    found = finding(f"proxy 127.0.0.1:{port} of HTTPS_PROXY", findings)
    assert found.status == ("ok" if alive else "fail")
    assert alive or "NO_PROXY" in found.advice


def test_no_proxy_is_looked_for_on_the_way_to_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listener: int
) -> None:
    monkeypatch.setattr(network, "getproxies", lambda: {"http": "proxy:1", "all": "socks5://x:1"})
    found = finding(f"host 127.0.0.1:{listener}", diagnose(config(tmp_path, port=listener)))
    assert found.status == "ok"


def test_a_model_file_that_is_missing_stops_the_run_that_uses_it(tmp_path: Path) -> None:
    found = finding(f"model {tmp_path / 'x.gguf'}", diagnose(config(tmp_path)))
    assert found.status == "fail"
    assert "there is no model file" in found.detail


def test_the_embedded_model_is_found_or_how_to_install_it_is_said() -> None:
    found = finding("model smollm2-135m", diagnose())
    assert found.status == "ok" or "pip install" in found.detail


@pytest.mark.parametrize(
    ("free", "status"), [(5 << 30, "ok"), (500 << 20, "warn"), (1 << 20, "fail")]
)
def test_a_disk_that_is_nearly_full_is_a_warning_and_a_full_one_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    findings = diagnose(config(tmp_path))
    assert finding("disk of cache", findings).status == status
    assert finding("disk of run folder", findings).status == status


def test_a_cache_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    cache = tmp_path / ".judgeforge" / "cache"
    cache.mkdir(parents=True)
    cache.chmod(0o755)
    assert finding("cache folder", diagnose(config(tmp_path))).status == "warn"
    cache.chmod(0o700)
    assert finding("cache folder", diagnose(config(tmp_path))).status == "ok"


def test_a_cache_that_is_a_file_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / ".judgeforge").mkdir()
    (tmp_path / ".judgeforge" / "cache").write_text("")
    assert finding("cache folder", diagnose(config(tmp_path))).status == "fail"


def test_a_cache_still_to_be_made_needs_a_folder_that_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert finding("cache folder", diagnose(config(tmp_path))).status == "ok"
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert finding("cache folder", diagnose(config(tmp_path))).status == "fail"


def test_locks_work_here_and_leave_nothing_behind(tmp_path: Path) -> None:
    assert finding("locks", diagnose(config(tmp_path))).status == "ok"
    assert list(tmp_path.iterdir()) == []


def test_locks_without_effect_are_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    assert finding("locks", diagnose(config(tmp_path))).status == "warn"


def test_a_file_system_without_locks_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    found = finding("locks", diagnose(config(tmp_path)))
    assert (found.status, found.detail) == ("fail", f"{tmp_path}: Operation not supported")


def test_nothing_is_written_into_folders_that_exist(tmp_path: Path) -> None:
    before = stat.S_IMODE(tmp_path.stat().st_mode)
    diagnose(config(tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert stat.S_IMODE(tmp_path.stat().st_mode) == before
