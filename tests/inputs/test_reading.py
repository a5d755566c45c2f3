"""Prompts of several files: one input, each row with its file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.config.run import PromptsConfig
from judgeforge.errors import ConfigError, InputError
from judgeforge.records import Prompt, Skip
from judgeforge.runs.planning.check import check_run
from judgeforge.runs.preparation import known_input
from tests.local_server import LocalServer
from tests.support.input_files import only_skip, prompts, read, write, write_jsonl
from tests.support.kills import result_bytes
from tests.support.pictures import png
from tests.support.run_setup import rows, run, write_config


def asked(number: int) -> dict[str, Any]:
    return {"prompt": f"Tell me fact number {number}."}


def config(folder: Path, server: LocalServer, path: object) -> Path:
    return write_config(folder, server, prompts={"path": path})


def shards(folder: Path, **files: list[dict[str, Any]]) -> Path:
    (folder / "data").mkdir(exist_ok=True)
    for name, found in files.items():
        write_jsonl(folder / "data" / f"{name}.jsonl", found)
    return folder / "data"


def places(found: list[Prompt | Skip]) -> list[tuple[str, int]]:
    return [(Path(one.file or "").name, one.line) for one in found if isinstance(one, Prompt)]


def test_rows_come_file_by_file_with_the_line_in_their_own(tmp_path: Path) -> None:
    data = shards(tmp_path, b=[asked(2), asked(3)], a=[asked(0), {"prompt": ""}, asked(1)])
    found = list(read(data / "*.jsonl"))
    assert places(found) == [("a.jsonl", 1), ("a.jsonl", 3), ("b.jsonl", 1), ("b.jsonl", 2)]
    skip = only_skip([one for one in found if isinstance(one, Skip)])
    assert skip.detail.startswith(f"{data / 'a.jsonl'}:2: ")
    assert [one.file for one in prompts(read(data / "a.jsonl"))] == [None, None]


def test_skips_of_different_files_have_different_names(tmp_path: Path) -> None:
    empty = {"prompt": ""}
    data = shards(tmp_path, a=[asked(0), empty], b=[asked(1), empty, empty | {"id": "named"}])
    names = [one.prompt_id for one in read(data) if isinstance(one, Skip)]
    assert names == [f"{data / 'a.jsonl'}:line-2", f"{data / 'b.jsonl'}:line-2", "named"]
    assert only_skip(read(write_jsonl(tmp_path / "c.jsonl", [empty]))).prompt_id == "line-1"


def test_a_row_that_another_file_has_is_a_duplicate(tmp_path: Path) -> None:
    data = shards(tmp_path, a=[asked(0)], b=[asked(0) | {"id": "x"}, asked(1)])
    skip = only_skip([one for one in read(data) if isinstance(one, Skip)])
    assert (skip.reason, skip.detail.startswith(f"{data / 'b.jsonl'}:1: ")) == (
        "duplicate_prompt",
        True,
    )


def test_each_file_has_its_own_format_and_columns(tmp_path: Path) -> None:
    one = write(tmp_path / "1.csv", "other,prompt\nx,One?\n")
    two = write(tmp_path / "2.jsonl", '{"prompt": "Two?"}\n')
    three = write(tmp_path / "3.tsv", 'prompt\tother\n"Three, or 3?"\tx\n')
    found = prompts(read([one, two, three]))
    assert [prompt.messages[0].text for prompt in found] == ["One?", "Two?", "Three, or 3?"]


def test_an_empty_one_of_several_is_no_mistake_but_all_of_them_are(tmp_path: Path) -> None:
    data = shards(tmp_path, a=[], b=[asked(0)])
    assert len(prompts(read(data))) == 1
    write(data / "b.jsonl", "")
    with pytest.raises(InputError, match="has no rows"):
        list(read(data))


def test_one_that_is_not_there_or_lacks_a_column_is_named(tmp_path: Path) -> None:
    data = shards(tmp_path, a=[{"question": "One?"}], b=[{"prompt": "Two?"}])
    with pytest.raises(InputError, match=r"c\.jsonl: there is no such file"):
        list(read([data / "a.jsonl", data / "c.jsonl"]))
    with pytest.raises(InputError, match=r"b.jsonl: there is no column `question`"):
        list(read([data / "a.jsonl", data / "b.jsonl"], fields={"prompt": "question"}))


@pytest.mark.parametrize(("folder", "read_of_it"), [("data", 2), ("elsewhere", 1)])
def test_pictures_are_read_from_the_one_folder_of_all_files(
    tmp_path: Path, folder: str, read_of_it: int
) -> None:
    """Of files in several folders, none may name one that lies beside another."""
    for name in ("data", folder):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "seen.png").write_bytes(png())
    shown = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": "seen.png"}]
    files = [
        write_jsonl(
            tmp_path / "data" / "a.jsonl", [{"prompt": [{"role": "user", "content": shown}]}]
        ),
        write_jsonl(tmp_path / folder / "b.jsonl", [asked(1)]),
    ]
    assert len(prompts(read(files))) == read_of_it


def test_check_counts_the_rows_of_each(tmp_path: Path, server: LocalServer) -> None:
    data = shards(tmp_path, a=[asked(0), {"prompt": ""}], b=[asked(1)], c=[])
    report = check_run(judgeforge.load_config(config(tmp_path, server, "data/*.jsonl")))
    assert report.prompts == 2
    counts = {"a": "2 rows", "b": "1 row", "c": "0 rows"}
    assert report.source == [f"{data / name}.jsonl: {said}" for name, said in counts.items()]
    assert not server.requests


@pytest.mark.parametrize("path", ["data/*.jsonl", "data", ["data/b.jsonl", "data/a.jsonl"]])
@pytest.mark.parametrize("is_known", [False, True])
def test_a_run_goes_on_where_a_file_joins(
    tmp_path: Path,
    server: LocalServer,
    path: object,
    is_known: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known_input, "WORTH_IT_BYTES", 1 if is_known else 1 << 21)
    shards(tmp_path, b=[asked(2), asked(3)], a=[asked(0), asked(1)])
    out, file = tmp_path / "out", config(tmp_path, server, path)
    assert len(run(file, out).pairs) == 4
    before, sent = result_bytes(out), len(server.requests)
    assert run(file, out).did_nothing
    assert result_bytes(out) == before
    shards(tmp_path, aa=[asked(4)])
    if isinstance(path, list):
        config(tmp_path, server, [*path, "data/aa.jsonl"])
    assert len(run(file, out).pairs) == 5
    assert len(server.requests) - sent <= 8, "only the new prompt is asked about"
    ids = [row["prompt"][0]["content"] for row in rows(out / "pairs.jsonl")]
    wanted = [2, 3, 0, 1, 4] if isinstance(path, list) else [0, 1, 4, 2, 3]
    assert ids == [asked(number)["prompt"] for number in wanted]


def test_a_second_file_may_join_however_both_are_named_and_one_that_goes_is_refused(
    tmp_path: Path, server: LocalServer
) -> None:
    shards(tmp_path, a=[asked(0)], b=[asked(1)])
    out = tmp_path / "out"
    run(config(tmp_path, server, "data/a.jsonl"), out)
    file = config(tmp_path, server, ["data/a.jsonl", "data/b.jsonl"])
    assert len(run(file, out).pairs) == 2
    for path in ("data/*.jsonl", "data", ["data/?.jsonl"]):
        assert run(config(tmp_path, server, path), out).did_nothing, "the same rows"
    file = config(tmp_path, server, ["data/a.jsonl", "data/b.jsonl"])
    (tmp_path / "data" / "a.jsonl").unlink()
    with pytest.raises(InputError, match=r"a\.jsonl: there is no such file"):
        run(file, out)
    with pytest.raises(ConfigError, match="removed: 1 row"):
        run(config(tmp_path, server, ["data/b.jsonl"]), out)


def test_a_list_of_none_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1 item"):
        PromptsConfig(path=[])


def test_the_manifest_names_them(tmp_path: Path, server: LocalServer) -> None:
    data = shards(tmp_path, a=[asked(0)])
    run(config(tmp_path, server, ["data/a.jsonl"]), tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["config"]["prompts"]["path"] == [str(data / "a.jsonl")]
