"""Faults of the input: the file as a whole."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.scene import Scene
from tests.faults.table import fault
from tests.local_server import faults
from tests.support.run_setup import rows

_NOTHING = faults.slow(0)
"""Of the rules of faults only the condition is used."""


def _lines(number: int, size: int = 0) -> list[str]:
    """Rows of at least ``size`` bytes."""
    return [
        json.dumps({"id": f"p{i}", "prompt": f"Tell me fact number {i}.{' x' * (size // 2)}"})
        + "\n"
        for i in range(number)
    ]


@fault(
    "file-bom",
    done="The file begins with a byte order mark.",
    promise="It does no harm: the undisturbed result.",
)
def _(scene: Scene) -> str:
    (scene.folder / "prompts.jsonl").write_bytes(b"\xef\xbb\xbf" + "".join(_lines(2)).encode())
    scene.configure()
    scene.ends_undisturbed()
    return "the result of the plain file"


@fault(
    "file-crlf",
    done="The file has Windows line ends and blank lines.",
    promise="They do no harm: the undisturbed result.",
)
def _(scene: Scene) -> str:
    scene.configure()
    (scene.folder / "prompts.jsonl").write_bytes(
        "".join(_lines(2)).replace("\n", "\r\n\r\n").encode()
    )
    seen = scene.run()
    assert (seen.exit_code, seen.pairs) == (0, 2)
    texts = [row["text"] for row in rows(scene.out / "completions.jsonl")]
    assert texts == [row["text"] for row in scene.undisturbed()["completions"]]
    return "the same completions and pairs as from the plain file"


@fault(
    "file-mixed-encodings",
    done="One file has lines in UTF-8, Latin-1 and Windows-1252.",
    promise="The lines in UTF-8 are done, each of the others is a named skip.",
)
def _(scene: Scene) -> str:
    texts = [("Größe?", "utf-8"), ("Größe, wirklich?", "latin-1")]
    texts += [("“Zitat”?", "cp1252"), ("日本?", "utf-8")]
    lines = [f'{{"prompt": "{text}"}}\n'.encode(encoding) for text, encoding in texts]
    (scene.folder / "prompts.jsonl").write_bytes(b"".join(lines))
    scene.configure(limits={"max_skip_share": 1})
    seen = scene.run()
    assert seen.skips == {"line-2": "invalid_encoding", "line-3": "invalid_encoding"}
    asked = {call.body["messages"][0]["content"] for call in scene.server.calls(kind="completion")}
    assert asked == {"Größe?", "日本?"}
    return "two prompts done, two skips `invalid_encoding`"


def _refused(name: str, done: str, make: Callable[[Path], object], said: str, **more: Any) -> None:
    @fault(
        name,
        done=done,
        promise="Exit 2 before anything is sent; the message says what to do.",
        quick=name == "file-missing",
        **more,
    )
    def show(scene: Scene) -> str:
        scene.configure()
        (scene.folder / "prompts.jsonl").unlink()
        make(scene.folder / "prompts.jsonl")
        scene.sends_nothing(2, said)
        return f"exit 2: “… {said} …”"


_refused("file-missing", "There is no such file.", lambda file: None, "there is no such file")
_refused("file-is-a-folder", "The path is a folder.", Path.mkdir, "is a folder")
_refused("file-is-a-pipe", "The path is a named pipe.", os.mkfifo, "is not a regular file")
_refused("file-empty", "The file is empty.", Path.touch, "is empty")
_refused(
    "file-only-blank", "The file has blank lines only.", lambda f: f.write_text("\n \n"), "no rows"
)
_refused(
    "file-utf-16",
    "The file is UTF-16.",
    lambda f: f.write_text("".join(_lines(2)), "utf-16"),
    "UTF-16",
)
_refused(
    "file-gz-damaged",
    "The file is gz, damaged from its first block on.",
    lambda file: file.write_bytes(gzip.compress(b"x")[:8] + b"damaged damaged"),
    "damaged gz file",
)


def _of_chance(size: int) -> bytes:
    """Six rows that hardly get smaller when they are packed."""
    prompts = [{"id": f"p{i}", "prompt": os.urandom(size).hex()} for i in range(6)]
    return "".join(json.dumps(row) + "\n" for row in prompts).encode()


def _ends_at_the_cut(scene: Scene, name: str, packed: bytes) -> str:
    (scene.folder / name).write_bytes(packed[: len(packed) // 2])
    scene.configure(prompts={"path": name}, limits={"max_skip_share": 1})
    seen = scene.exits(0)
    assert set(seen.skips.values()) == {"invalid_row"}
    done = seen.manifest["totals"]["prompts"] - 1
    assert 1 <= done < 6
    return "the whole rows done, one skip `invalid_row` at the cut"


@fault(
    "file-gz-cut",
    done="The file is gz and cut short.",
    promise="The rows before the cut are done, the cut is one named skip.",
)
def _(scene: Scene) -> str:
    return _ends_at_the_cut(scene, "prompts.jsonl.gz", gzip.compress(_of_chance(2000)))


@fault(
    "file-zst-cut",
    done="The file is zst and cut short.",
    promise="The rows before the cut are done, the cut is one named skip.",
)
def _(scene: Scene) -> str:
    import pyarrow as pa

    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as stream:
        stream.write(_of_chance(60_000))
    return _ends_at_the_cut(scene, "prompts.jsonl.zst", packed.getvalue().to_pybytes())


@fault(
    "file-json-list-cut",
    done="The file is a list of JSON with a row that is none, and is cut short.",
    promise="Both are named skips; the other rows are done.",
)
def _(scene: Scene) -> str:
    first, second = (line.strip() for line in _lines(2))
    (scene.folder / "prompts.json").write_text(f"[{first}, {{bad}}, {second}, {{")
    scene.configure(prompts={"path": "prompts.json"}, limits={"max_skip_share": 1})
    seen = scene.exits(0)
    assert seen.skips == {"line-2": "invalid_row", "line-4": "invalid_row"}
    return "skips `invalid_row` of rows 2 and 4, the two other prompts done"


@fault(
    "file-two-readings",
    done="The columns of the file can be read in two ways.",
    promise="Nothing is guessed and nothing is sent: the mistake names both, and the setting.",
)
def _(scene: Scene) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    turns = [[{"role": "user", "content": "Why?"}]]
    table = pa.table({"messages": turns, "instruction": ["How?"]})
    pq.write_table(table, scene.folder / "prompts.parquet")
    scene.configure(prompts={"path": "prompts.parquet"})
    ways = "2 ways: rows of messages (`messages`), Alpaca (`alpaca`)"
    scene.sends_nothing(2, ways, "`prompts: {shape: messages}`")
    return "exit 2: “the rows can be read in 2 ways: … say which: `prompts: {shape: …}` …”"


@fault(
    "file-line-of-50-mb",
    done="One line of the file has 50 MB.",
    promise="One named skip; the line is never held in memory, the other rows are done.",
)
def _(scene: Scene) -> str:
    first, last = _lines(2)
    with (scene.folder / "prompts.jsonl").open("w") as file:
        file.write(first + '{"prompt": "')
        for _ in range(50):
            file.write("x" * 1_000_000)
        file.write('"}\n' + last)
    scene.configure(limits={"max_skip_share": 1})
    seen = scene.exits(0)
    assert seen.skips == {"line-2": "too_long"}
    return "skip `too_long` of line 2, the two other prompts done"


@fault(
    "file-parquet-other-types",
    done="A Parquet file has numbers as prompts.",
    promise="Each such row is a named skip; nothing is sent for it and nothing is guessed.",
)
def _(scene: Scene) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"prompt": [1, 2, 3]}), scene.folder / "prompts.parquet")
    scene.configure(prompts={"path": "prompts.parquet"})
    seen = scene.sends_nothing(5)
    assert seen.skips == {f"line-{n}": "invalid_row" for n in (1, 2, 3)}
    return "three skips `invalid_row`, exit 5, nothing sent"


def _while_read(scene: Scene, change: Callable[[Path], object]) -> Path:
    """40 rows of 16 KiB, so that most are read only after the first request changed the file."""
    file = scene.folder / "prompts.jsonl"
    file.write_text("".join(_lines(40, 16_384)))
    begun: list[int] = []

    def first(record: object) -> bool:
        if not begun:
            begun.append(1)
            change(file)
        return False

    scene.server.faults.add(_NOTHING, when=first)
    scene.configure(limits={"concurrency": 2, "max_skip_share": 1})
    return file


@fault(
    "file-changes-while-read",
    done="The last row is changed after the run has begun.",
    promise="That row is a named skip, never a pair of another prompt.",
)
def _(scene: Scene) -> str:
    def change(file: Path) -> None:
        file.write_text(file.read_text().replace("fact number 39.", "joke number 39."))

    _while_read(scene, change)
    seen = scene.exits(0)
    assert seen.skips["p39"] == "changed_during_run"
    assert not any("joke" in record.raw.decode() for record in scene.server.requests)
    return "39 prompts done, one skip `changed_during_run`, the new text was sent nowhere"


@fault(
    "file-grows-while-read",
    done="A row is appended after the run has begun.",
    promise="The run does the rows that it began with; the next start does the new one alone.",
)
def _(scene: Scene) -> str:
    def change(file: Path) -> None:
        with file.open("a") as more:
            more.write('{"id": "new", "prompt": "One more?"}\n')

    _while_read(scene, change)
    seen = scene.exits(0)
    assert seen.manifest["totals"]["prompts"] == 40
    sent = len(scene.server.requests)
    scene.server.faults.clear()
    again = scene.run()
    assert again.manifest["totals"]["prompts"] == 41
    assert len(scene.server.requests) == sent + 8
    return "40 prompts, then one more with 8 calls"


@fault(
    "file-shrinks-while-read",
    done="The second half of the file is cut away after the run has begun.",
    promise="No row vanishes: each one that is gone is a named skip.",
)
def _(scene: Scene) -> str:
    def change(file: Path) -> None:
        os.truncate(file, file.stat().st_size // 2)

    _while_read(scene, change)
    seen = scene.exits(0)
    assert seen.manifest["totals"]["prompts"] == 40
    gone = [reason for reason in seen.skips.values() if reason == "changed_during_run"]
    assert len(gone) >= 10
    return "40 prompts in the totals, those that are gone as skips `changed_during_run`"
