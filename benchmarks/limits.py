"""How much of a provider's limits is used, and how often it has to refuse.

    python benchmarks/limits.py [--phase-s 30] [--parallel 2] [--only openai]

Each scenario is a run of judgeforge, in a process of its own, with more to ask than a local server
in another process admits. judgeforge is told none of the limits. The server halves them in mid-run
and then sets them back; with and without the headers that say what remains; counted in requests
and in tokens; for both APIs. What the server has counted is what is reported: of each phase all but
its first 10 seconds.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limits_report import PhaseResult, measure, write_report
from throughput_report import load_average, machine
from throughput_runs import ROOT, Server, serving

RESULTS = Path(__file__).parent / "results"
RPM = 3000.0
TOKENS_A_REQUEST = 700
LATENCY_MS = 200.0
MANY_PROMPTS = 4000
"""More than any scenario can do."""
RUBRIC = {
    "name": "limits",
    "version": 1,
    "guidance": "Judge what the answer says.",
    "criteria": [{"name": "quality", "question": "How good?", "levels": ["1", "2", "3", "4", "5"]}],
}
CHECKED = {**RUBRIC, "criteria": [{"name": "brief", "check": {"max_words": 40}}]}
"""Nothing for a judge: all calls are those of the writers."""


@dataclass(frozen=True)
class Scenario:
    wire: str
    unit: str
    headers: bool
    models: tuple[str, ...] = ("model-1",)
    shared: bool = False

    @property
    def name(self) -> str:
        several = f", {len(self.models)} models" if len(self.models) > 1 else ""
        sharing = " sharing it" if self.shared else " with one each" if several else ""
        told = "headers" if self.headers else "no headers"
        return f"{self.wire}, {self.unit}, {told}{several}{sharing}"

    def limits(self, share: float) -> dict[str, Any]:
        of_tokens = self.unit == "tokens"
        return {
            "rpm": None if of_tokens else RPM * share,
            "tpm": RPM * TOKENS_A_REQUEST * share if of_tokens else None,
            "headers": self.headers,
            "shared": self.shared,
        }


SCENARIOS = (
    *(
        Scenario(wire, unit, headers)
        for wire in ("openai", "anthropic")
        for unit in ("requests", "tokens")
        for headers in (True, False)
    ),
    Scenario("openai", "requests", True, ("model-1", "model-2")),
    Scenario("openai", "requests", True, ("model-1", "model-2"), shared=True),
    Scenario("anthropic", "requests", False, ("model-1", "model-2")),
    Scenario("anthropic", "requests", False, ("model-1", "model-2"), shared=True),
)
SHARES = (1.0, 0.5, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--phase-s", type=float, default=30.0, help="there are three of them")
    parser.add_argument("--parallel", type=int, default=2, help="scenarios at once")
    parser.add_argument("--only", default="", help="scenarios whose name holds this")
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    chosen = [scenario for scenario in SCENARIOS if asked.only in scenario.name]
    found: dict[str, Any] = {"machine": machine(), "command": " ".join(["python", *sys.argv])}
    with tempfile.TemporaryDirectory(prefix="judgeforge-limits-") as folder:

        def one(numbered: tuple[int, Scenario]) -> dict[str, Any]:
            number, scenario = numbered
            return run_scenario(scenario, Path(folder) / str(number), asked.phase_s)

        with ThreadPoolExecutor(asked.parallel) as pool:
            found["scenarios"] = list(pool.map(one, enumerate(chosen)))
    found["machine"]["load_after"] = load_average()
    if not write_report(found, asked.results):
        sys.exit("targets missed: see the table above")


def run_scenario(scenario: Scenario, folder: Path, phase_s: float) -> dict[str, Any]:
    config = write_project(folder, scenario)
    with serving(LATENCY_MS) as server:
        post(server, "_limits", scenario.limits(SHARES[0]))
        config = with_address(config, server)
        starts = []
        with running(config) as process:
            starts.append(first_request_at(server, process))
            for share in SHARES[1:]:
                time.sleep(phase_s)
                starts.append(post(server, "_limits", scenario.limits(share))["at"])
            time.sleep(phase_s)
        calls = [call for call in get(server, "_calls") if call["model"] in scenario.models]
    edges = [*starts, starts[-1] + phase_s]
    phases: list[PhaseResult] = [
        measure(
            calls,
            scenario.models,
            start=start,
            end=end,
            allowed_per_s=allowed_per_s(scenario, share),
            count="tokens" if scenario.unit == "tokens" else "requests",
        )
        for start, end, share in zip(edges, edges[1:], SHARES, strict=False)
    ]
    print(f"{scenario.name}: {[round(phase['used'], 3) for phase in phases]}", file=sys.stderr)
    return {"name": scenario.name, "shared": scenario.shared, "phases": phases}


def allowed_per_s(scenario: Scenario, share: float) -> float:
    own = 1 if scenario.shared else len(scenario.models)
    unit = TOKENS_A_REQUEST if scenario.unit == "tokens" else 1
    return RPM * share * unit * own / 60


def write_project(folder: Path, scenario: Scenario) -> Path:
    folder.mkdir(parents=True)
    only_one = len(scenario.models) == 1
    config = {
        "prompts": {"path": "prompts.jsonl"},
        "models": {
            name: {
                "provider": scenario.wire,
                "model": name,
                "base_url": "",
                "concurrency": 64,
                "price": {"input_per_mtok": 0.0, "output_per_mtok": 0.0},
            }
            for name in scenario.models
        },
        "sampling": {"models": list(scenario.models), "completions": 4, "max_tokens": 400},
        "rubric": "rubric.yaml",
        "judging": {"judges": [{"model": scenario.models[0]}] if only_one else []},
        "limits": {"concurrency": 256},
        "cache": {"dir": "cache"},
    }
    # JSON is YAML.
    (folder / "config.yaml").write_text(json.dumps(config))
    (folder / "rubric.yaml").write_text(json.dumps(RUBRIC if only_one else CHECKED))
    prompts = (json.dumps({"prompt": f"Question {n}?"}) for n in range(MANY_PROMPTS))
    (folder / "prompts.jsonl").write_text("\n".join(prompts))
    return folder / "config.yaml"


def with_address(config: Path, server: Server) -> Path:
    value = json.loads(config.read_text())
    for model in value["models"].values():
        openai = model["provider"] == "openai"
        model["base_url"] = server.url if openai else server.url.removesuffix("/v1")
    config.write_text(json.dumps(value))
    return config


@contextmanager
def running(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``judgeforge run`` with more to do than there is time; interrupted at the end."""
    command = [sys.executable, "-m", "judgeforge", "run", str(config)]
    command += ["--out", str(config.parent / "run")]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def first_request_at(server: Server, process: subprocess.Popen[bytes]) -> float:
    for _ in range(600):
        if calls := get(server, "_calls"):
            return float(calls[0]["at"])
        if process.poll() is not None:
            raise RuntimeError(f"judgeforge ended with {process.returncode} before any request")
        time.sleep(0.1)
    raise RuntimeError("no request within a minute")


def get(server: Server, path: str) -> Any:  # noqa: ANN401
    return json.loads(_exchange(server, path, None))


def post(server: Server, path: str, value: object) -> Any:  # noqa: ANN401
    return json.loads(_exchange(server, path, json.dumps(value).encode()))


def _exchange(server: Server, path: str, body: bytes | None) -> bytes:
    address = f"http://127.0.0.1:{server.port}/{path}"
    with urllib.request.urlopen(address, data=body) as reply:
        answer: bytes = reply.read()
    return answer


if __name__ == "__main__":
    main()
