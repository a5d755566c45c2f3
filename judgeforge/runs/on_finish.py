"""Tells a command or a webhook how a run ended; the run's exit code stays what it is.

The JSON summary goes to the command's standard input and is the body of the webhook. Neither gets
a key: the summary holds none, and the variables that do are kept out of the command's environment.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from judgeforge.config.run import OnFinishConfig, RunConfig

_STDERR = 2


def tell(config: RunConfig, summary: Mapping[str, Any]) -> list[str]:
    """What went wrong with it, in a line each; takes ``timeout_s`` for each of the two at most."""
    settings = config.on_finish
    if settings is None:
        return []
    body = json.dumps(summary).encode()
    failures = []
    if settings.command:
        failures.append(_run_command(settings, body, folder=config.folder, hide=_secrets(config)))
    url = settings.webhook or os.environ.get(settings.webhook_env or "")
    if url:
        failures.append(_call_webhook(url, body, settings.timeout_s))
    elif settings.webhook_env:
        failures.append(f"the environment variable {settings.webhook_env} is not set")
    return [f"on_finish: {failure}" for failure in failures if failure is not None]


def untellable(config: RunConfig) -> list[str]:
    """What of it cannot work on this machine as it is, in a line each; nobody is told anything."""
    settings = config.on_finish
    if settings is None:
        return []
    found = []
    if settings.command and not _is_program(settings.command[0], config.folder):
        found.append(
            f"on_finish.command: there is no program `{settings.command[0]}` that can be started "
            "(a name is looked for on PATH, a path from the configuration's folder)"
        )
    variable = settings.webhook_env
    if variable and not settings.webhook and not os.environ.get(variable):
        found.append(
            f"on_finish.webhook_env: the environment variable {variable} is not set. "
            f"Set it to the address of the webhook (export {variable}=…)"
        )
    return found


def _is_program(name: str, folder: Path) -> bool:
    """As a process that is started in ``folder`` finds it."""
    return shutil.which(folder / name if "/" in name else name) is not None


def _secrets(config: RunConfig) -> set[str]:
    variables = {model.key_variable for model in config.models.values()}
    for model in config.models.values():
        variables.update(model.headers_env.values())
    if config.on_finish is not None:
        variables.add(config.on_finish.webhook_env)
    return {variable for variable in variables if variable}


def _run_command(
    settings: OnFinishConfig, body: bytes, *, folder: Path, hide: set[str]
) -> str | None:
    command = settings.command or []
    environment = {name: value for name, value in os.environ.items() if name not in hide}
    try:
        process = subprocess.Popen(  # noqa: S603 (the user's own command, without a shell)
            command,
            stdin=subprocess.PIPE,
            stdout=_STDERR,  # standard output is for the summary
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return f"{command[0]} cannot be started: {error}"
    try:
        process.communicate(body, timeout=settings.timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"{command[0]} was ended after {settings.timeout_s:g} s"
    if process.returncode:
        return f"{command[0]} ended with {process.returncode}"
    return None


def _call_webhook(url: str, body: bytes, timeout_s: float) -> str | None:
    """A thread, since looking up a name and a server that drips have no timeout of their own."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        return "the webhook is no http:// or https:// address"
    where = f"webhook at {parts.hostname}"
    outcome: list[str | None] = []
    thread = threading.Thread(
        target=lambda: outcome.append(_post(url, body, timeout_s, where)), daemon=True
    )
    thread.start()
    thread.join(timeout_s)
    return outcome[0] if outcome else _no_answer(where, timeout_s)


def _post(url: str, body: bytes, timeout_s: float, where: str) -> str | None:
    request = Request(  # noqa: S310 (http and https only, see the configuration)
        url, data=body, headers={"content-type": "application/json"}, method="POST"
    )
    try:
        with build_opener(_NoRedirect).open(request, timeout=timeout_s):
            return None
    except HTTPError as error:
        return f"{where} answered {error.code}"
    except HTTPException as error:
        return f"{where} answered with something that is no HTTP ({type(error).__name__})"
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            return _no_answer(where, timeout_s)
        return f"{where} cannot be reached: {reason}"


def _no_answer(where: str, timeout_s: float) -> str:
    return f"{where} did not answer within {timeout_s:g} s"


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """The address may be a secret, and the summary is meant for that address alone."""
        return
