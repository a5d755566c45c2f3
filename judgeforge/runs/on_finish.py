"""Tells a command or a webhook how a run ended; the run's exit code stays what it is.

The JSON summary goes to the command's standard input and is the body of the webhook. Neither gets
a key: the summary contains none, and variables with keys of models are kept from the command,
also those of other providers and those that repeat a key under another name.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from judgeforge.config.providers import PROVIDERS
from judgeforge.config.run import OnFinishConfig, RunConfig
from judgeforge.text.patterns import late_pattern

_STDERR = 2
_KEY_OF_A_MODEL = late_pattern(
    r"API_?KEYS?(_|$)|^(HF|HUGGING_?FACE\w*|REPLICATE|ANTHROPIC|OPENAI|AZURE|AWS|GOOGLE|GEMINI)_"
    r"(\w+_)?(TOKEN|SECRET\w*|HEADERS|CREDENTIALS)(_|$)",
    re.IGNORECASE,
)
"""A variable that the clients of some provider take a key from."""
_SHORTEST_SECRET = 8
"""A shorter text may be a part of anything."""


def tell(config: RunConfig, summary: Mapping[str, Any]) -> list[str]:
    """What went wrong, one line each. Takes at most ``timeout_s`` for each of the two."""
    settings = config.on_finish
    if settings is None:
        return []
    body = json.dumps(summary).encode()
    failures = []
    if settings.command:
        failures.append(_run_command(settings, body, config))
    url = settings.webhook or os.environ.get(settings.webhook_env or "")
    if url:
        failures.append(_call_webhook(url, body, settings.timeout_s))
    elif settings.webhook_env:
        failures.append(f"the environment variable {settings.webhook_env} is not set")
    return [f"on_finish: {failure}" for failure in failures if failure is not None]


def untellable(config: RunConfig) -> list[str]:
    """What cannot work on this machine as it is, one line each; nothing is started or sent."""
    settings = config.on_finish
    if settings is None:
        return []
    found = []
    if settings.command and not _is_program(settings.command[0], config.folder):
        found.append(
            f"on_finish.command: there is no program `{settings.command[0]}` that can be started "
            "(a name is looked up on PATH, a path from the configuration's folder)"
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


def _environment(config: RunConfig, settings: OnFinishConfig) -> dict[str, str]:
    """Of this process, without what is a key by its name or repeats a secret of the run."""
    named = {facts.key_variable for facts in PROVIDERS.values()}
    named |= {model.key_variable for model in config.models.values()} | {settings.webhook_env}
    for model in config.models.values():
        named.update(model.headers_env.values())
    secrets = {os.environ.get(name or "", "").strip() for name in named} | {settings.webhook}
    for model in config.models.values():
        if model.api_key_file is not None:
            with suppress(OSError, UnicodeDecodeError):
                secrets.add(model.api_key_file.read_text(encoding="utf-8").strip())
    long = [secret for secret in secrets if secret and len(secret) >= _SHORTEST_SECRET]
    return {
        name: value
        for name, value in os.environ.items()
        if name not in named
        and not _KEY_OF_A_MODEL.search(name)
        and not any(secret in value for secret in long)
    }


def _run_command(settings: OnFinishConfig, body: bytes, config: RunConfig) -> str | None:
    command = settings.command or []
    try:
        process = subprocess.Popen(  # noqa: S603 (the user's own command, without a shell)
            command,
            stdin=subprocess.PIPE,
            stdout=_STDERR,  # standard output is for the summary
            cwd=config.folder,
            env=_environment(config, settings),
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
    """In a thread: neither looking up a name nor a server that drips has a timeout of its own."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        return "the webhook is not an http:// or https:// address"
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
        return f"{where} answered with something that is not HTTP ({type(error).__name__})"
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
