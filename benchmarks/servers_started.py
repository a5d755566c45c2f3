"""How each server of `servers.py` is installed, started with the model of `make demo`, ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from judgeforge.calls.providers.local_engine import EMBEDDED_MODEL, find_model

CONTEXT_TOKENS, SLOTS = 2048, 4
INSTALL_S, START_S = 900, 500
_QUIET = {"HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "OMP_WAIT_POLICY": "passive"}


class NotHereError(Exception):
    """The server could not be installed or started on this machine; the message says why."""


@dataclass(frozen=True)
class Place:
    """Where a server is installed: an environment of its own."""

    folder: Path

    def program(self, name: str) -> str:
        return str(self.folder / "bin" / name)

    def python(self, *command: str, timeout: float) -> str:
        done = subprocess.run(
            [self.program("python"), *command],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode:
            raise NotHereError(done.stderr.strip().splitlines()[-1][:300])
        return done.stdout


@dataclass(frozen=True)
class Server:
    name: str
    packages: tuple[str, ...]
    """To be installed, the first one being the server itself; none: it comes with judgeforge."""
    command: Callable[[Place, Path, int], list[str]]
    """From its environment, a folder for its files, and a port."""
    needs_weights: bool = False
    named_by_path: bool = False
    """It knows the model by where its weights are."""
    behind: bool = False
    """It passes requests on to llama.cpp."""


def _llama_cpp(_place: Place, _folder: Path, port: int) -> list[str]:
    return [sys.executable, "-c", _LLAMA_CPP, str(find_model(EMBEDDED_MODEL)), str(port)]


_LLAMA_CPP = f"""
import os, sys, threading
import xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.port = sys.argv[1], int(sys.argv[2])
params.n_parallel, params.n_ctx = {SLOTS}, {CONTEXT_TOKENS * SLOTS}
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = os.cpu_count() or 1
params.verbosity = params.cache_ram_mib = 0
server = xllamacpp.Server(params)
threading.Event().wait()
"""


def _llama_cpp_python(place: Place, _folder: Path, port: int) -> list[str]:
    model = str(find_model(EMBEDDED_MODEL))
    options = ["--model", model, "--n_ctx", str(CONTEXT_TOKENS), "--port", str(port)]
    return [place.program("python"), "-m", "llama_cpp.server", *options]


def _transformers(place: Place, folder: Path, port: int) -> list[str]:
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    return [place.program("transformers"), "serve", str(folder / WEIGHTS), *options]


def _vllm(place: Place, folder: Path, port: int) -> list[str]:
    # Not `vllm serve`: that asks for the version of a package that is not called `vllm-cpu`.
    module = ["-m", "vllm.entrypoints.openai.api_server", "--model", str(folder / WEIGHTS)]
    options = ["--host", "127.0.0.1", "--port", str(port), "--served-model-name", EMBEDDED_MODEL]
    return [
        place.program("python"),
        *module,
        *options,
        "--enforce-eager",
        "--max-model-len",
        str(CONTEXT_TOKENS),
    ]


def _litellm(place: Place, folder: Path, port: int) -> list[str]:
    config = folder / "litellm.yaml"
    options = ["--host", "127.0.0.1", "--port", str(port), "--config", str(config)]
    return [place.program("litellm"), *options]


WEIGHTS = "weights"
SERVERS = (
    Server("llama.cpp (xllamacpp)", (), _llama_cpp),
    Server("transformers serve", ("transformers[serving]", "torch==2.13.0", "gguf", "accelerate"),
           _transformers, needs_weights=True, named_by_path=True),
    Server("LiteLLM proxy, before llama.cpp", ("litellm[proxy]",), _litellm, behind=True),
    Server("llama-cpp-python", ("llama-cpp-python[server]",), _llama_cpp_python),
    Server("vLLM, on the CPU", ("vllm-cpu",), _vllm, needs_weights=True),
)  # fmt: skip

_TO_WEIGHTS = """
import sys
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, name, out = sys.argv[1:4]
loaded = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype="float32")
if hasattr(loaded.config, "quantization_config"):
    del loaded.config.quantization_config
plain = AutoModelForCausalLM.from_config(loaded.config)
plain.load_state_dict(loaded.state_dict())
plain.generation_config = loaded.generation_config
plain.generation_config.do_sample = True
plain.save_pretrained(out)
AutoTokenizer.from_pretrained(folder, gguf_file=name).save_pretrained(out)
"""


def installed(server: Server, folder: Path) -> Place:
    """Its environment, made where it is not there yet. Raises NotHereError."""
    place = Place(folder / server.name.split()[0].strip(","))
    try:
        if not server.packages or (place.folder / "whole").exists():
            return place
        subprocess.run([sys.executable, "-m", "venv", str(place.folder)], check=True)
        begun = time.monotonic()
        place.python("-m", "pip", "install", "-q", *server.packages, timeout=INSTALL_S)
        (place.folder / "whole").write_text(f"{time.monotonic() - begun:.0f} s")
    except subprocess.TimeoutExpired as error:
        raise NotHereError(f"not installed within {INSTALL_S / 60:.0f} minutes") from error
    return place


def version_of(server: Server, place: Place) -> str:
    package = (server.packages or ("xllamacpp",))[0].partition("[")[0]
    where = place if server.packages else Place(Path(sys.prefix))
    asked = f"from importlib.metadata import version; print(version({package!r}))"
    return f"{package} {where.python('-c', asked, timeout=60).strip()}"


def make_weights(folder: Path) -> None:
    """The embedded model as Transformers saves it, by the environment of `transformers serve`."""
    if (folder / WEIGHTS / "config.json").exists():
        return
    model = find_model(EMBEDDED_MODEL)
    place = installed(SERVERS[1], folder)
    paths = (str(model.parent), model.name, str(folder / WEIGHTS))
    place.python("-c", _TO_WEIGHTS, *paths, timeout=INSTALL_S)


@contextmanager
def started(server: Server, place: Place, folder: Path) -> Iterator[str]:
    """Its address, without /v1, once it lists its models. Raises NotHereError."""
    if server.needs_weights:
        make_weights(folder)
    if server.behind:
        with started(SERVERS[0], place, folder) as address:
            (folder / "litellm.yaml").write_text(
                f"model_list:\n- model_name: {EMBEDDED_MODEL}\n  litellm_params:\n"
                f"    model: openai/{EMBEDDED_MODEL}\n    api_base: {address}/v1\n"
                "    api_key: none\ngeneral_settings:\n"
                "  dangerously_permit_weak_or_unset_master_key: true\n"
            )
            with _process(server, place, folder) as own:
                yield own
    else:
        with _process(server, place, folder) as own:
            yield own


@contextmanager
def _process(server: Server, place: Place, folder: Path) -> Iterator[str]:
    port = _free_port()
    said = folder / "server.log"
    with said.open("w") as log:
        process = subprocess.Popen(
            server.command(place, folder, port),
            env=os.environ | _QUIET,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(process, f"http://127.0.0.1:{port}/v1/models", said)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(process: subprocess.Popen[bytes], address: str, said: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with opener.open(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    last = (said.read_text(errors="replace").strip().splitlines() or ["(without a word)"])[-1]
    how = "ended" if process.poll() is not None else f"did not answer within {START_S} s"
    raise NotHereError(f"it {how}: {last[:200]}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
