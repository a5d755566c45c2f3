"""Faults of the machine: what an earlier start left behind is damaged, gone or of another age."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

from judgeforge.results.status import read_status
from tests.faults.scene import Scene, results
from tests.faults.table import fault
from tests.local_server import RequestRecord, faults


def _finished(scene: Scene, prompts: int = 4) -> dict[str, bytes]:
    scene.configure(prompts=prompts)
    scene.exits(0)
    return _bytes(scene.out)


def _bytes(out: Path) -> dict[str, bytes]:
    return {f.name: f.read_bytes() for f in out.iterdir() if f.suffix in {".jsonl", ".parquet"}
            and f.name != "log.jsonl"}  # fmt: skip


def _goes_on_for_nothing(scene: Scene, before: dict[str, bytes]) -> str:
    """The same command restores the same bytes from what was paid for already."""
    scene.sends_nothing(0)
    assert _bytes(scene.out) == before
    return "exit 0, the same bytes, nothing sent"


def _one_more(scene: Scene) -> None:
    """A prompt that is still to be done."""
    with (scene.folder / "prompts.jsonl").open("a") as file:
        file.write('{"prompt": "One more?"}\n')


def _refuses(scene: Scene, said: str) -> str:
    scene.sends_nothing(74, said)
    return f"exit 74: “… {said} …”, nothing sent"


@fault(
    "journal-cut",
    done="The journal ends in the middle of a line.",
    promise="The torn record is cut away and its prompt done again from the cache, for nothing.",
    quick=True,
)
def _(scene: Scene) -> str:
    before = _finished(scene)
    journal = scene.out / "state" / "journal.bin"
    journal.write_bytes(journal.read_bytes()[:-500])
    return _goes_on_for_nothing(scene, before)


@fault(
    "journal-missing",
    done="The journal is gone.",
    promise="All prompts are done again from the cache: the same bytes, for nothing.",
)
def _(scene: Scene) -> str:
    before = _finished(scene)
    (scene.out / "state" / "journal.bin").unlink()
    return _goes_on_for_nothing(scene, before)


@fault(
    "journal-damaged",
    done="Bytes in the middle of the journal are overwritten.",
    promise="Nothing is overwritten or guessed: exit 74 and what to do.",
)
def _(scene: Scene) -> str:
    before = _finished(scene)
    journal = scene.out / "state" / "journal.bin"
    raw = bytearray(journal.read_bytes())
    raw[0:40] = b"x" * 40
    journal.write_bytes(raw)
    seen = _refuses(scene, "damaged at byte 0")
    assert journal.read_bytes() == bytes(raw)
    assert _bytes(scene.out) == before
    return seen


@fault(
    "spending-cut",
    done="The spending file ends in the middle of a line.",
    promise="A line comes before its call, so that call was not sent: the run goes on.",
)
def _(scene: Scene) -> str:
    before = _finished(scene)
    spending = scene.out / "state" / "spending.jsonl"
    with spending.open("a") as file:
        file.write('["reserved",99')
    return _goes_on_for_nothing(scene, before)


@fault(
    "spending-damaged",
    done="A line of the spending file is not JSON.",
    promise="What was spent cannot be known, so nothing is sent: exit 74.",
)
def _(scene: Scene) -> str:
    _finished(scene)
    spending = scene.out / "state" / "spending.jsonl"
    spending.write_text("garbage\n" + spending.read_text())
    _one_more(scene)
    return _refuses(scene, "nothing is sent")


def _lost_spending(name: str, done: str, *, keep: int | None) -> None:
    @fault(
        name,
        done=done,
        promise="Other files show more paid calls, so under a limit nothing is sent: exit 74.",
    )
    def show(scene: Scene) -> str:
        scene.configure(prompts=4, budget={"usd": 1.0})
        scene.exits(0)
        spending = scene.out / "state" / "spending.jsonl"
        rows = spending.read_bytes().splitlines(keepends=True)
        spending.unlink()
        if keep is not None:
            spending.write_bytes(b"".join(rows[:keep]))
        _one_more(scene)
        return _refuses(scene, "Rows are missing")


_lost_spending("spending-lost", "The spending file is deleted between two starts.", keep=None)
_lost_spending("spending-empty", "The spending file is emptied between two starts.", keep=0)
_lost_spending("spending-cut-short", "The spending file loses its last 40 lines.", keep=24)


@fault(
    "spending-lost-without-a-limit",
    done="The spending file is deleted between two starts, and no limit is set.",
    promise="The run goes on and says that what the folder has cost in all is not known.",
)
def _(scene: Scene) -> str:
    scene.configure(prompts=4)
    scene.exits(0, limit=2)
    (scene.out / "state" / "spending.jsonl").unlink()
    seen = scene.run()
    totals = seen.manifest["totals"]
    assert (seen.exit_code, totals["cost_usd"], totals["calls"]["paid"]) == (0, None, 32)
    assert seen.manifest["last_run"]["cost_usd"] > 0
    scene.billing = False  # No cost is stated.
    return "exit 0; `cost_usd` null, 32 paid calls, that of the second start is counted"


@fault(
    "lock-deleted",
    done="Someone deletes `state/lock` while a run lives.",
    promise="A second run may begin, so this one sends nothing more and stops (exit 74); the "
    "folder goes on.",
)
def _(scene: Scene) -> str:
    def at_the_20th(_: RequestRecord) -> bool:
        if len(scene.server.requests) == 20:
            (scene.out / "state" / "lock").unlink(missing_ok=True)
        return False

    scene.server.faults.add(faults.status(500), when=at_the_20th)
    scene.configure(prompts=12, budget={"usd": 1.0}, limits={"concurrency": 4})
    scene.exits(74, "the lock was removed or replaced")
    sent = len(scene.server.requests)
    assert sent <= 20 + 4
    scene.exits(0)
    return f"exit 74 after {sent} of 96 requests; then the same command went on to the end"


@fault(
    "manifest-missing",
    done="The manifest is gone.",
    promise="Made anew from the journal: the same bytes, for nothing.",
)
def _(scene: Scene) -> str:
    before = _finished(scene)
    (scene.out / "manifest.json").unlink()
    return _goes_on_for_nothing(scene, before)


@fault(
    "manifest-damaged",
    done="The manifest is not JSON.",
    promise="Exit 74 and what to do; nothing is sent and nothing overwritten.",
)
def _(scene: Scene) -> str:
    _finished(scene)
    (scene.out / "manifest.json").write_text("{")
    seen = _refuses(scene, "Delete it to have it made again")
    (scene.out / "manifest.json").unlink()
    return seen


@fault(
    "result-missing",
    done="Someone deleted `pairs.jsonl` of a finished run.",
    promise="The same command writes it again, for nothing.",
)
def _(scene: Scene) -> str:
    before = _finished(scene)
    (scene.out / "pairs.jsonl").unlink()
    return _goes_on_for_nothing(scene, before)


def _cut(name: str, kept: int) -> None:
    what = "emptied" if kept == 0 else "cut in the middle of"

    @fault(
        f"result-{'emptied' if kept == 0 else 'cut'}",
        done=f"Someone {what} `{name}` of a finished run.",
        promise="`status`, and whatever reads it, says so; the same command writes it again, for "
        "nothing.",
    )
    def show(scene: Scene) -> str:
        before = _finished(scene)
        file = scene.out / name
        file.write_bytes(file.read_bytes()[:kept])
        told = read_status(scene.out).changed
        assert told is not None
        assert f"{name} ({kept} bytes" in told
        seen = _goes_on_for_nothing(scene, before)
        assert read_status(scene.out).changed is None
        return seen


_cut("pairs.jsonl", 0)
_cut("judgments.jsonl", 500)


@fault(
    "folder-of-a-newer-version",
    done="The folder was written by a newer judgeforge.",
    promise="Refused with advice (exit 74); nothing is touched.",
)
def _(scene: Scene) -> str:
    _finished(scene)
    file = scene.out / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format_version": 99}))
    return _refuses(scene, "Upgrade judgeforge")


@fault(
    "folder-of-an-older-version",
    done="The folder is as the first version left it: journal, spending file and lock only.",
    promise="It stays readable: the same command goes on with what is there, for nothing.",
)
def _(scene: Scene) -> str:
    before = _finished(scene)
    kept = {"journal.bin", "spending.jsonl", "lock"}
    for file in (scene.out / "state").iterdir():
        if file.name not in kept:
            file.unlink()
    manifest = json.loads((scene.out / "manifest.json").read_text())
    known = {"format_version", "status", "message", "updated_at", "created_at", "totals"}
    known |= {"last_run", "config", "identity", "rubric", "versions", "input", "prices"}
    kept_keys = {key: value for key, value in manifest.items() if key in known}
    (scene.out / "manifest.json").write_text(json.dumps(kept_keys))
    return _goes_on_for_nothing(scene, before)


def _filled_cache(scene: Scene, prompts: int = 4) -> Path:
    """Its database, with all the replies of a new folder."""
    scene.configure(prompts=prompts)
    scene.exits(0, out=scene.folder / "first")
    scene.billing = False  # What the first folder paid is in its own manifest.
    return scene.folder / ".judgeforge" / "cache" / "cache.db"


def _damaged_cache(scene: Scene, damage: bytes, at: int) -> str:
    database = _filled_cache(scene)
    for extra in database.parent.glob("cache.db-*"):
        extra.unlink()
    raw = bytearray(database.read_bytes())
    raw[at : at + len(damage)] = damage
    database.write_bytes(raw)
    seen = scene.run()
    if seen.exit_code == 74:
        assert "cache" in seen.message
        shutil.rmtree(database.parent)
        scene.exits(0)
        first = "exit 74 and which folder to repair; without the cache all was asked anew"
    else:
        assert seen.exit_code == 0
        first = f"exit 0, {len(scene.server.requests) - 32} calls asked again"
    assert results(scene.out) == results(scene.folder / "first")
    return f"{first}; the undisturbed result"


@fault(
    "cache-header-damaged",
    done="The first bytes of the cache's database are overwritten.",
    promise="Exit 74 and what to do; never a wrong reply.",
)
def _(scene: Scene) -> str:
    return _damaged_cache(scene, b"not a database at all", 0)


@fault(
    "cache-page-damaged",
    done="Pages in the middle of the cache's database are overwritten.",
    promise="Damaged rows are asked again, or exit 74 and what to do; never a wrong reply.",
)
def _(scene: Scene) -> str:
    return _damaged_cache(scene, b"\xff" * 8192, 40_000)


@fault(
    "cache-bits-flipped",
    done="Single letters of stored replies are changed.",
    promise="Each reply has a checksum: changed ones are asked again, never used.",
    quick=True,
)
def _(scene: Scene) -> str:
    with sqlite3.connect(_filled_cache(scene)) as database:
        change = "UPDATE Cache SET value = replace(value, 'completion', 'complation')"
        changed = database.execute(f"{change} WHERE rowid % 3 = 0").rowcount
    sent = len(scene.server.requests)
    scene.exits(0)
    assert len(scene.server.requests) - sent == changed
    assert results(scene.out) == results(scene.folder / "first")
    return f"{changed} of 32 replies changed, {changed} asked again, the undisturbed result"


@fault(
    "cache-planted-pickle",
    done="Someone plants rows in the cache that would run code when unpickled.",
    promise="Nothing of it is run; such rows are reported and asked again.",
)
def _(scene: Scene) -> str:
    bomb = f"cos\nsystem\n(S'touch {scene.folder / 'pwned'}'\ntR.".encode()
    with sqlite3.connect(_filled_cache(scene, prompts=1)) as database:
        database.execute("UPDATE Cache SET value = ?, mode = 4", (bomb,))
    scene.exits(0)
    assert not (scene.folder / "pwned").exists()
    assert len(scene.server.requests) == 16
    assert "cache_row_refused" in (scene.out / "log.jsonl").read_text()
    return "8 planted rows refused and logged, 8 calls asked again, nothing run"


@fault(
    "cache-is-a-file",
    done="A file stands where the cache would be.",
    promise="Exit 74 before anything is sent; the message names the setting.",
)
def _(scene: Scene) -> str:
    scene.configure()
    (scene.folder / ".judgeforge").mkdir()
    (scene.folder / ".judgeforge" / "cache").write_text("mine")
    return _refuses(scene, "cache.dir")


@fault(
    "cache-lost",
    done="The cache is deleted between two starts.",
    promise="Finished prompts are in the run folder: only unfinished ones are asked again.",
)
def _(scene: Scene) -> str:
    scene.configure(prompts=6)
    scene.exits(0, limit=4)
    shutil.rmtree(scene.folder / ".judgeforge")
    scene.exits(0)
    assert len(scene.server.requests) == 6 * 8
    return "6 prompts with 48 calls in all, nothing asked twice"


@fault(
    "ledger-damaged",
    done="The ledger that counts the day's money for many runs is overwritten.",
    promise="What was spent today cannot be known, so nothing is sent: exit 74 and what to do.",
)
def _(scene: Scene) -> str:
    scene.configure(budget={"daily_usd": 5.0, "ledger": "ledger.txt"})
    scene.exits(0, out=scene.folder / "first")
    ledger = scene.folder / "ledger.txt"
    ledger.write_bytes(b"garbage" + ledger.read_bytes()[7:])
    return _refuses(scene, "ledger.txt")


@fault(
    "on-finish-hangs",
    done="The command that is told how the run ended never ends itself.",
    promise="It is given up after its timeout; the run's own exit code stays what it is.",
)
def _(scene: Scene) -> str:
    scene.configure(on_finish={"command": ["sleep", "3600"], "timeout_s": 1})
    scene.command_exits(0, scene.start(), timeout=60)
    return "exit 0, the command was ended after its second"
