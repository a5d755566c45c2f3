"""Looks at what a run needs on this machine: packages, models, keys, hosts, disk, locks.

No request is sent. Only hosts of the given configuration are tried, and they only see a TCP
connection open and close. Keys are never shown, not even in part. What only a configuration needs
is imported where it is used.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Literal

from judgeforge import __version__
from judgeforge.config.keys import header_problem, key_file_problem, key_problem
from judgeforge.config.providers import PROVIDERS
from judgeforge.errors import ConfigError
from judgeforge.judging.programs.sandbox import SandboxUnavailableError, open_sandbox
from judgeforge.runs.folders import default_folder
from judgeforge.text.shell import shell_word

if TYPE_CHECKING:
    from judgeforge.config.model import ModelConfig
    from judgeforge.config.run import RunConfig
    from judgeforge.runs.validation.network import Host

Status = Literal["ok", "warn", "fail"]
_SOUND_SQLITE = (3, 51, 3)
LITTLE_DISK, TOO_LITTLE_DISK = 1 << 30, 100 << 20
"""Free bytes below which a run is doubtful, or bound to fail."""


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    status: Status
    detail: str
    advice: str = ""


def diagnose(config: RunConfig | None = None) -> list[Finding]:
    """All findings, the fundamental ones first. Without a configuration no host is contacted."""
    run_folder = Path.cwd() if config is None else default_folder(config.source_file).absolute()
    findings = [_python(), *_packages(), *_local_models(config), *_keys(config)]
    if config is not None:
        findings += [
            *_certificates(),
            *_hosts(config),
            _free_disk("cache", config.cache_dir),
            _cache_access(config),
            _sqlite(config),
        ]
        findings += _on_finish(config)
    return [*findings, _sandbox(), _free_disk("run folder", run_folder), _locks(run_folder)]


def _python() -> Finding:
    where = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("python", "ok", f"{where}; judgeforge {__version__}")


def _packages() -> list[Finding]:
    """What the installed judgeforge needs against what is installed."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(line) for line in requires("judgeforge") or ()]
    except PackageNotFoundError:
        advice = "Install it in a checkout: pip install . (--editable, to change it)."
        return [Finding("packages", "warn", "judgeforge itself is not installed", advice)]
    needed = [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    found = {each.name: _version(each.name) for each in needed}
    wrong = [
        Finding(
            f"package {each.name}",
            "fail",
            f"{found[each.name] or 'not installed'}; judgeforge needs {each.specifier}",
            f'Install it: pip install "{each.name}{each.specifier}".',
        )
        for each in needed
        if not each.specifier.contains(found[each.name] or "", prereleases=True)
    ]
    listed = ", ".join(f"{name} {found[name]}" for name in sorted(found))
    return wrong or [Finding("packages", "ok", listed)]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _local_models(config: RunConfig | None) -> list[Finding]:
    from judgeforge.calls.providers.local_engine import EMBEDDED_MODEL, find_model

    asked = {
        model.model: resolve_name(model.facts.find_model)
        for model in (config.models.values() if config else ())
        if model.facts.find_model
    }
    findings = []
    for name, find in sorted({EMBEDDED_MODEL: find_model, **asked}.items()):
        try:
            file = find(name)
            found = Finding(f"model {name}", "ok", f"{_size(file.stat().st_size)}, {file}")
        except ConfigError as error:
            found = Finding(f"model {name}", "fail" if name in asked else "warn", str(error))
        findings.append(found)
    return findings


def _keys(config: RunConfig | None) -> list[Finding]:
    if config is None:
        variables = {facts.key_variable for facts in PROVIDERS.values() if facts.key_variable}
        return [_key(name, {}, "warn") for name in sorted(variables)]
    from judgeforge.runs.validation.model_settings import called_models

    used = set(called_models(config))
    models_of: dict[str, dict[str, ModelConfig]] = {}
    for name, model in config.models.items():
        if model.key_variable is not None:
            models_of.setdefault(model.key_variable, {})[name] = model
    return [
        _key(variable, models, "fail" if used & models.keys() else "warn")
        for variable, models in models_of.items()
    ] + [
        _key_file(name, model.api_key_file, "fail" if name in used else "warn")
        for name, model in config.models.items()
        if model.api_key_file is not None
    ]


def _key_file(model: str, path: Path, if_wrong: Status) -> Finding:
    problem, fine = key_file_problem(path), f"in {path}, which only its owner may use"
    return Finding(f"key of {model}", if_wrong if problem else "ok", problem or fine)


def _key(variable: str, models: Mapping[str, ModelConfig], if_missing: Status) -> Finding:
    name, value = f"key {variable}", os.environ.get(variable, "")
    users = f" (for {', '.join(models)})" if models else ""
    if not value.strip():
        detail = f"not set{users}" if variable not in os.environ else f"empty{users}"
        advice = f"Set it: export {variable}=…, or name another variable with `api_key_env`."
        return Finding(
            name, if_missing, detail, advice if models else "Needed for paid models only."
        )
    if problem := header_problem(value.strip()) or key_problem(value.strip()):
        return Finding(name, if_missing, f"set, but it {problem}{users}")
    if value.strip("'\" \t\r\n") != value:
        advice = "Set it again without them: they become a part of the key."
        return Finding(name, "warn", f"set, but with spaces or quotes around it{users}", advice)
    return Finding(name, "ok", f"set{users}")


def _certificates() -> list[Finding]:
    from judgeforge.runs.validation.network import certificate_problem

    problem = certificate_problem()
    return [] if problem is None else [Finding("certificates", "fail", problem)]


def _hosts(config: RunConfig) -> list[Finding]:
    from judgeforge.runs.validation.model_settings import called_models
    from judgeforge.runs.validation.network import address_of, connect_all, entrance_of, proxy_of

    used = set(called_models(config))
    models_at: dict[tuple[Host, str], list[str]] = {}
    findings = []
    for name, model in config.models.items():
        if model.facts.in_process:
            continue
        for replica in model.replicas:
            if (proxy := proxy_of(address_of(replica))) is not None and proxy.problem is not None:
                status: Status = "fail" if name in used else "warn"
                findings.append(Finding(f"proxy of {name}", status, proxy.problem))
            else:
                models_at.setdefault(entrance_of(replica), []).append(name)
    problems = connect_all(host for host, _ in models_at)
    for (host, called), models in models_at.items():
        users, problem = f"(for {', '.join(models)})", problems[host]
        if problem is None:
            findings.append(Finding(called, "ok", f"reachable {users}"))
            continue
        status = "fail" if used & set(models) else "warn"
        advice = (
            "Check the variable and the proxy, or name hosts that need none in NO_PROXY."
            if called.startswith("proxy")
            else "Check `base_url`, that the server runs, and the way there (firewall, VPN)."
        )
        findings.append(Finding(called, status, f"not reachable: {problem} {users}", advice))
    return findings


def _sandbox() -> Finding:
    """Only `python_tests` needs it; where a rubric has them, a run without it is refused."""
    try:
        sandbox = open_sandbox()
    except SandboxUnavailableError as error:
        return Finding("sandbox", "warn", str(error), "Needed for checks by `python_tests` only.")
    return Finding("sandbox", "ok", f"{sandbox.bwrap}; it holds here")


def _free_disk(name: str, folder: Path) -> Finding:
    existing = _nearest_folder(folder)
    try:
        free = shutil.disk_usage(existing).free
    except OSError as error:
        return Finding(f"disk of {name}", "fail", f"{existing}: {error.strerror}")
    detail = f"{_size(free)} free at {existing}"
    if free >= LITTLE_DISK:
        return Finding(f"disk of {name}", "ok", detail)
    status: Status = "fail" if free < TOO_LITTLE_DISK else "warn"
    return Finding(f"disk of {name}", status, detail, "Free some, or choose another place.")


def _cache_access(config: RunConfig) -> Finding:
    folder = config.cache_dir
    if not folder.exists():
        parent = _nearest_folder(folder)
        if os.access(parent, os.W_OK | os.X_OK):
            return Finding("cache folder", "ok", f"{folder} will be made")
        advice = "Make the folder writable, or set `cache.dir`."
        return Finding("cache folder", "fail", f"{parent} cannot be written", advice)
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        advice = f"Make it a folder of yours, or set `cache.dir` (now {folder})."
        return Finding("cache folder", "fail", "not a folder that can be read and written", advice)
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        detail = f"other users of this machine can read {folder}"
        return Finding(
            "cache folder", "warn", detail, f"Close it: chmod 700 -- {shell_word(str(folder))}"
        )
    return Finding("cache folder", "ok", f"{folder}, yours alone")


def _sqlite(config: RunConfig) -> Finding:
    """Before 3.51.3, two processes that write to one database at the same moment can damage it
    (the WAL-reset bug, https://www.sqlite.org/wal.html)."""
    found = f"SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info >= _SOUND_SQLITE or not _is_shared(config):
        return Finding("database", "ok", found)
    sound = ".".join(map(str, _SOUND_SQLITE))
    return Finding(
        "database",
        "warn",
        f"{found}: before {sound}, processes that share a cache can, very rarely, damage it",
        "Use a Python with a newer SQLite, or give each run a `cache.dir` of its own; "
        "judgeforge cache verify finds what was damaged.",
    )


def _is_shared(config: RunConfig) -> bool:
    """Whether several runs may use the cache at a time: it was put somewhere, or is a team's."""
    folder = config.cache_dir
    is_of_team = folder.exists() and bool(folder.stat().st_mode & stat.S_IWGRP)
    return config.cache.dir is not None or is_of_team


def _locks(folder: Path) -> Finding:
    """Whether a lock keeps a second run out; some network file systems only pretend to."""
    existing = _nearest_folder(folder)
    try:
        with tempfile.NamedTemporaryFile(dir=existing, prefix=".judgeforge-") as first:
            fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with Path(first.name).open("rb") as second:
                fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return Finding("locks", "ok", f"a second run on the same folder is kept out at {existing}")
    except OSError as error:
        advice = "Choose a folder that can be written, on a local file system, with --out."
        return Finding("locks", "fail", f"{existing}: {error.strerror}", advice)
    advice = "Never start two runs on one folder here, or choose a local file system with --out."
    return Finding("locks", "warn", f"locks have no effect at {existing}", advice)


def _on_finish(config: RunConfig) -> list[Finding]:
    """Only a warning: the run itself does not depend on it."""
    if config.on_finish is None:
        return []
    from judgeforge.runs.on_finish import untellable

    findings = [Finding("on_finish", "warn", detail) for detail in untellable(config)]
    return findings or [Finding("on_finish", "ok", "can be started from here (it was not)")]


def _nearest_folder(path: Path) -> Path:
    """The folder itself, or the deepest one above it that exists."""
    return next((each for each in (path, *path.parents) if each.is_dir()), Path("/"))


def _size(number: int) -> str:
    return f"{number / (1 << 30):.1f} GiB" if number >= 1 << 30 else f"{number / (1 << 20):.0f} MiB"
