"""Faults of the input: one bad row among good ones."""

from __future__ import annotations

import json

from tests.faults.scene import Scene
from tests.faults.table import fault
from tests.support.run_setup import rows

USER = {"role": "user", "content": "Why?"}
ASSISTANT = {"role": "assistant", "content": "Because."}
SYSTEM = {"role": "system", "content": "Be brief."}
BEFORE, AFTER = (
    {"id": "before", "prompt": "Tell me a fact."},
    {"id": "after", "prompt": "And one more."},
)

_COMPLETIONS_NO_LIST = {"prompt": "Why?", "completions": "a"}
_CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
_CALLS = {"role": "assistant", "content": None, "tool_calls": [_CALL]}
_ANSWERS = {"role": "tool", "tool_call_id": "a", "content": "1"}
_NO_JSON = {**_CALL, "function": {"name": "f", "arguments": "{"}}
_OTHER_TOOL = [{"type": "function", "function": {"name": "g"}}]


def _seen(url: str) -> dict[str, object]:
    part = {"type": "image_url", "image_url": {"url": url}}
    return {"prompt": [{"role": "user", "content": [part]}]}


def _one_skip(name: str, done: str, row: object, reason: str, *, quick: bool = False) -> None:
    @fault(
        f"row-{name}",
        done=f"A row {done}",
        promise="One named skip with file and line, nothing sent for it; the other rows are done.",
        quick=quick,
    )
    def show(scene: Scene) -> str:
        line = row if isinstance(row, bytes) else json.dumps(row).encode()
        whole = b"\n".join([json.dumps(BEFORE).encode(), line, json.dumps(AFTER).encode()])
        (scene.folder / "prompts.jsonl").write_bytes(whole + b"\n")
        small = {"context_tokens": 20_000} if reason == "too_long" else {}
        scene.configure(limits={"max_skip_share": 1}, own=small)
        seen = scene.exits(0)
        assert seen.manifest["totals"]["prompts"] == 3
        (skip,) = [one for one in rows(scene.out / "skips.jsonl") if one["line"] == 2]
        assert skip["reason"] == reason
        assert f"prompts.jsonl:{skip['line']}: " in skip["detail"]
        assert len(scene.server.requests) == 2 * 8
        return f"skip `{reason}` of line 2, the two other prompts done"


for _name, _done, _row, _reason in (
    ("no-json", "is not JSON.", b"{not json", "invalid_row"),
    ("no-object", "is a JSON list.", ["prompt"], "invalid_row"),
    ("nan", "holds NaN.", b'{"prompt": NaN}', "invalid_row"),
    ("deep", "is nested 100,000 deep.", b"[" * 100_000, "invalid_row"),
    ("no-prompt", "has no prompt.", {"question": "Why?"}, "invalid_row"),
    ("prompt-of-wrong-type", "has a number as its prompt.", {"prompt": 3}, "invalid_row"),
    ("empty-prompt", "has an empty prompt.", {"prompt": " \n "}, "empty_prompt"),
    ("empty-id", "has an empty id.", {"prompt": "Why?", "id": ""}, "invalid_row"),
    ("id-of-wrong-type", "has a list as its id.", {"prompt": "Why?", "id": [1]}, "invalid_row"),
    ("completions-no-list", "has completions outside a list.", _COMPLETIONS_NO_LIST, "invalid_row"),
    ("two-user-turns", "has two user turns in a row.", {"prompt": [USER, USER]}, "wrong_roles"),
    ("no-user-at-end", "ends with the assistant.", {"prompt": [USER, ASSISTANT]}, "wrong_roles"),
    ("system-not-first", "has its system message last.", {"prompt": [USER, SYSTEM]}, "wrong_roles"),
    ("duplicate-id", "has the id of another.", {**BEFORE, "prompt": "Other."}, "duplicate_id"),
    ("duplicate-prompt", "repeats a prompt.", {"prompt": BEFORE["prompt"]}, "duplicate_prompt"),
    ("control-characters", "holds a terminal code.", {"prompt": "\x1b[2J?"}, "control_characters"),
    ("lone-surrogate", "contains half a surrogate pair.", {"prompt": "\ud83d"}, "invalid_encoding"),
    ("latin-1", "is in Latin-1.", '{"prompt": "Über was?"}'.encode("latin-1"), "invalid_encoding"),
    ("too-long", "is longer than the model's context.", {"prompt": "word " * 40_000}, "too_long"),
):  # fmt: skip
    _one_skip(_name, _done, _row, _reason, quick=_name in {"no-json", "latin-1"})

_NOT_JSON = [USER, {**_CALLS, "tool_calls": [_NO_JSON]}, _ANSWERS]
_NO_TOOL = {"prompt": [USER, _CALLS, _ANSWERS], "tools": _OTHER_TOOL}
for _name, _done, _row, _reason in (
    ("tool-not-asked", "has an answer to no call.", {"prompt": [USER, _ANSWERS]}, "wrong_roles"),
    ("call-not-answered", "ends in a call.", {"prompt": [USER, _CALLS]}, "wrong_roles"),
    ("call-no-json", "has arguments that are no JSON.", {"prompt": _NOT_JSON}, "invalid_row"),
    ("call-of-no-tool", "calls what is none of its tools.", _NO_TOOL, "invalid_row"),
    ("tools-no-list", "has a text as its tools.", {"prompt": "?", "tools": "f"}, "invalid_row"),
    ("picture-not-there", "names a picture that is not there.", _seen("no.png"), "invalid_row"),
    ("picture-outside", "names a file outside its folder.", _seen("../x.png"), "invalid_row"),
    ("picture-no-picture", "has a text as a picture.", _seen("prompts.jsonl"), "invalid_row"),
):  # fmt: skip
    _one_skip(_name, _done, _row, _reason)


@fault(
    "row-hostile-id",
    done="Rows have ids that are paths, formulas, markup and shell code.",
    promise="An id is data, never a file name: no file but those of the run folder is made.",
    quick=True,
)
def _(scene: Scene) -> str:
    ids = ["../../escaped", "/etc/escaped", "=cmd()|x", "[red]x[/red]", "$(touch escaped)", "a|b"]
    scene.write_rows(*({"id": each, "prompt": f"Fact {n}?"} for n, each in enumerate(ids)))
    scene.configure()
    before = set(scene.folder.parent.iterdir())
    scene.exits(0)
    made = {file.name for file in scene.out.rglob("*")}
    assert not any("escaped" in name or "cmd" in name or "|" in name for name in made)
    assert set(scene.folder.parent.iterdir()) == before
    kept = {row["prompt_id"] for row in rows(scene.out / "completions.jsonl")}
    assert kept == set(ids)
    return f"ids kept as they are; {len(made)} files, all of the run folder's own names"
