"""How fast the ledger of a day is, and what is left half judged where a budget ends.

    python benchmarks/budget.py

Writes benchmarks/results/budget.md. Takes about a minute; the machine should be idle.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.local_server import LocalServer
from tests.support.run_setup import KEY, KEY_VARIABLE, PRICE, rows, run, write_config

RESULT = Path(__file__).parent / "results" / "budget.md"
SECONDS = 3.0
PROMPTS = 120
_SPENDER = f"""
import sys, time
from pathlib import Path
from judgeforge.calls.money.ledger import Ledger, LedgerBusyError
ledger, calls = Ledger(Path(sys.argv[1]), daily_pico=10**18), 0
end = time.perf_counter() + {SECONDS}
while time.perf_counter() < end:
    try:
        ledger.settle(ledger.take(100), 50)
        calls += 1
    except LedgerBusyError:
        time.sleep(0.001)
ledger.close()
print(calls)
"""


def main() -> None:
    os.environ[KEY_VARIABLE] = KEY
    logging.disable(logging.CRITICAL)
    text = "\n".join(
        [
            "# Budgets",
            "",
            f"`python benchmarks/budget.py` on {os.cpu_count()} cores, Python "
            f"{platform.python_version()}; load average at the start {os.getloadavg()[0]:.1f}.",
            "",
            "## The ledger of a day",
            "",
            "| processes at once | calls a second, all together (reserve and settle) |",
            "|---|---|",
            *(f"| {number} | {ledger_rate(number):,.0f} |" for number in (1, 2, 4)),
            "",
            "## Where a budget ends",
            "",
            f"{PROMPTS} prompts of 8 calls, 16 at once; spent is what the server would bill.",
            "",
            "| budget | finished | half judged | spent | overspent |",
            "|---|---|---|---|---|",
            *budget_ends(),
            "",
        ]
    )
    RESULT.write_text(text)
    print(text)


def ledger_rate(processes: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _SPENDER, f"{folder}/ledger.txt"]
        running = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)
        ]
        return sum(int(process.communicate()[0]) for process in running) / SECONDS


def budget_ends() -> Iterator[str]:
    for usd in (0.02, 0.05, 0.1, 0.2):
        with LocalServer(latency_s=0.02) as server, tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            run(
                write_config(folder, server, prompts=PROMPTS, budget={"usd": usd}),
                folder / "out",
            )
            ended = [*rows(folder / "out" / "pairs.jsonl"), *rows(folder / "out" / "skips.jsonl")]
            finished = {row["prompt_id"] for row in ended}
            begun = {f"p{_number(request.raw)}" for request in server.requests}
            spent = server.billed_usd({"small": PRICE})
        yield (
            f"| ${usd:.2f} | {len(finished)} | {len(begun - finished)} | {spent / usd:.0%} | "
            f"${max(0.0, spent - usd):.2f} |"
        )


def _number(raw: bytes) -> str:
    found = re.search(rb"fact number ([0-9]+)", raw)
    return found[1].decode() if found else "?"


if __name__ == "__main__":
    main()
