"""Faults of the machine: programs that verify answers hang, die, or are killed with the run."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.faults.scene import Scene
from tests.faults.table import fault
from tests.support.run_setup import rows

PROMPTS = 6
_FUNCTION = """
import os, time
from pathlib import Path

def is_right(answer, reference):
    folder = Path(__file__).parent
    with (folder / "called").open("a") as file:
        file.write(f"{os.getpid()} {answer}\\n")
    if (folder / "hang").exists() and answer == "4":
        time.sleep(600)
    if (folder / "die").exists() and answer == "4":
        os._exit(1)
    return answer == reference
"""


def _configure(scene: Scene, timeout_s: float) -> None:
    asked = [
        {"id": f"p{n}", "prompt": f"Half of {2 * n}?", "reference": str(n), "completions": both}
        for n in range(PROMPTS)
        for both in [[str(n), str(n + 100)]]
    ]
    scene.write_rows(*asked)
    (scene.folder / "own.py").write_text(_FUNCTION)
    parts = {"sampling": None, "judging": {}}
    scene.configure(prompts={"path": "prompts.jsonl"}, limits={"max_skip_share": 1}, **parts)
    check = f"{{function: {{name: 'own:is_right', timeout_s: {timeout_s}}}}}"
    rubric = f"name: v\nversion: 1\ncriteria:\n  - {{name: right, check: {check}}}\n"
    (scene.folder / "rubric.yaml").write_text(rubric)


def _calls(scene: Scene) -> list[str]:
    file = scene.folder / "called"
    return file.read_text().splitlines() if file.exists() else []


@fault(
    "verifier-hangs",
    done="A function of the user's never returns for one answer, then ends its process for it.",
    promise="That answer stays undecided and says why; all others are decided.",
    quick=True,
)
def _(scene: Scene) -> str:
    said = []
    for what, why in (("hang", "it took longer than 1 s"), ("die", "its process ended")):
        _configure(scene, 1)
        (scene.folder / what).touch()
        out = scene.folder / f"run-{what}"
        seen = scene.run(out=out)
        (scene.folder / what).unlink()
        assert (seen.exit_code, seen.pairs) == (0, PROMPTS - 1)
        assert seen.skips == {"p4": "too_few_judged"}
        told = [row["missing"] for row in rows(out / "judgments.jsonl") if row["missing"]]
        assert len(told) == 1
        assert why in told[0]
        said.append(why)
    return f"one answer undecided ({'; '.join(said)}), five pairs"


@fault(
    "sigkill-verifier",
    done="The run is killed while a program verifies an answer.",
    promise="The program ends with it; the same command goes on, and puts no decided answer to it "
    "again.",
)
def _(scene: Scene) -> str:
    _configure(scene, 300)
    (scene.folder / "hang").touch()
    process = scene.start()
    deadline = time.monotonic() + 60
    while not any(line.endswith(" 4") for line in _calls(scene)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = _calls(scene)
    pids = {int(line.split()[0]) for line in before}
    time.sleep(1)
    assert not [pid for pid in pids if _is_alive(pid)]
    (scene.folder / "hang").unlink()
    seen = scene.run()
    assert (seen.exit_code, seen.pairs) == (0, PROMPTS)
    again = [line.split()[1] for line in _calls(scene)[len(before) :]]
    decided = {line.split()[1] for line in before} - {"4"}
    assert "4" in again
    assert not decided & set(again)
    return f"{len(decided)} answers decided before the kill, {len(again)} after it; no process left"


def _is_alive(pid: int) -> bool:
    """A zombie is dead: its parent has not asked for it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
