"""What a click on the labelling page costs: from the key to the next page, and how a start grows.

``python benchmarks/labelling_page.py`` makes a run folder of so many prompts with two judges,
starts the page's server on it in this process, and labels over HTTP. Each answer is forced to the
disk.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.judging_report import machine
from judgeforge.runs.labelling.label_file import LabelledFile
from judgeforge.runs.labelling.server import LabelServer
from judgeforge.runs.labelling.session import Session, Wanted
from judgeforge.runs.labelling.sources import open_source
from judgeforge.store.folder import RunFolder

SIZES = (100, 1_000, 20_000)
LABELS = 60
RESULTS = Path(__file__).parent / "results" / "labelling-page.md"


METHOD = (
    "One label after the other: the answer is sent, forced to the disk, and the next page read "
    "whole. Processor time is of server and client together. From 20 labels on it has the fit "
    "behind the line at the top, for which a page waits 0.3 s at most."
)
HEAD = (
    "prompts in the folder",
    "start, s (processor)",
    "click to next page, ms: median",
    "95 %",
    "of labels 1 to 19: median",
    "processor, ms a click",
    "page, kB",
)


def main() -> int:
    lines = [
        "# What a click on the labelling page costs",
        "",
        f"`python benchmarks/labelling_page.py`; {_on()}. {LABELS} labels each. {METHOD}",
        "",
        f"| {' | '.join(HEAD)} |",
        f"|{'---|' * len(HEAD)}",
    ]
    for size in SIZES:
        with tempfile.TemporaryDirectory() as place:
            lines.append(asyncio.run(_measured(Path(place), size)))
            print(lines[-1], file=sys.stderr)
    text = "\n".join(lines) + "\n"
    RESULTS.write_text(text, encoding="utf-8")
    print(text)
    return 0


async def _measured(place: Path, size: int) -> str:
    _make_folder(RunFolder(place / "run"), size)
    began, processor_began = time.perf_counter(), time.process_time()
    source = open_source(place / "run", 2)
    with LabelledFile(place / "labels.jsonl") as file:
        session = Session(source, file, Wanted(LABELS, again=0, judge="human:bench"))
        server = LabelServer(session)
        address = await server.start()
        start = time.perf_counter() - began
        start_processor = time.process_time() - processor_began
        try:
            clicks, processor, page = await _clicks(address)
        finally:
            await server.stop()
    early = median(clicks[:19])
    return (
        f"| {size:,} | {start:.2f} ({start_processor:.2f}) | {median(clicks):.0f} "
        f"| {quantiles(clicks, n=20)[-1]:.0f} | {early:.0f} | {processor:.0f} | {page / 1000:.0f} |"
    )


async def _clicks(address: str) -> tuple[list[float], float, int]:
    """Milliseconds of each click, of the processor a click, and bytes of a page."""
    drawn = random.Random(0)
    base = address.partition("/?")[0]
    jar = aiohttp.CookieJar(unsafe=True)  # of an address in numbers
    async with aiohttp.ClientSession(cookie_jar=jar) as client:
        async with client.get(address) as response:
            page = await response.text()
        clicks, size, processor = [], len(page), time.process_time()
        for _ in range(LABELS):
            found = re.search(r'action="/answer".*?value="([0-9a-f]{16})"', page, re.DOTALL)
            look = found[1] if found else ""
            data = {"look": look, "said": str(drawn.randrange(2))}
            began = time.perf_counter()
            headers = {"Origin": base}
            async with client.post(f"{base}/answer", data=data, headers=headers) as response:
                page = await response.text()
            clicks.append(1000.0 * (time.perf_counter() - began))
        return clicks, 1000.0 * (time.process_time() - processor) / LABELS, size


def _make_folder(folder: RunFolder, size: int) -> None:
    """As a run of so many prompts leaves it, without what labelling does not read."""
    folder.create()
    drawn = random.Random(1)
    words = ("river", "stone", "quiet", "morning", "answer", "because", "number", "garden")
    with (
        folder.completions.open("w") as completions,
        folder.judgments.open("w") as judgments,
        folder.pairs.open("w") as pairs,
    ):
        folder.skips.touch()
        for number in range(size):
            name, sure = f"p{number}", 0.5 + drawn.random() / 2
            for index in range(2):
                text = " ".join(drawn.choices(words, k=120))
                score = 0.5 + (0.5 - index) * (sure - 0.5) * 2
                row: dict[str, Any] = {
                    "id": f"{name}.c{index}",
                    "prompt_id": name,
                    "index": index,
                    "model": "w",
                }
                row |= {"text": text, "finish": "stop", "signs": [], "score": score}
                completions.write(json.dumps(row) + "\n")
                for judge in ("one", "other"):
                    said: dict[str, Any] = {"id": f"{name}.c{index}.{judge}.r0", "prompt_id": name}
                    said |= {"completion_ids": [f"{name}.c{index}"], "judge": judge}
                    noisy = min(1.0, max(0.0, score + drawn.gauss(0, 0.1)))
                    said |= {"protocol": "pointwise", "score": noisy}
                    judgments.write(json.dumps(said) + "\n")
            pair: dict[str, Any] = {
                "id": f"{name}.p0",
                "prompt_id": name,
                "confidence": sure,
                "p_tie": 0.0,
            }
            pair["prompt"] = [{"role": "user", "content": f"Question {number}?"}]
            pair["provenance"] = {"chosen_id": f"{name}.c0", "rejected_id": f"{name}.c1"}
            pairs.write(json.dumps(pair) + "\n")


def _on() -> str:
    found = machine()
    return f"{found['date'][:10]}, {found['cpu']}, {found['cores']} cores, load {found['load']}"


if __name__ == "__main__":
    sys.exit(main())
