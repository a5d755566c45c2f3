"""A run in the cells of a notebook, by a real kernel: what a saved notebook has of it."""

from __future__ import annotations

import base64
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.local_server import LocalServer
from tests.support.html_page import Page
from tests.support.run_setup import KEY, KEY_VARIABLE, write_config

ATTACK = "</td><script>document.title='taken'</script><img src=x onerror=alert(1)>"
HEADLESS = {
    "PYTHONPATH": str(Path(__file__).parents[2]),
    **dict.fromkeys(("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"), ""),
}
CELLS = (
    "import judgeforge\nresult = judgeforge.run(judgeforge.load_config({config!r}), out={out!r})",
    "result",
    "result.report",
    "print(result.report.open())",
    "result = await judgeforge.arun(judgeforge.load_config({config!r}), out={out!r} + '-async')",
)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Counter[str]]:
    """The cells as a saved notebook has them, and how many messages of each kind came."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    place, messages = tmp_path_factory.mktemp("notebook"), Counter[str]()

    class Client(nbclient.NotebookClient):  # type: ignore[misc, name-defined]
        def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
            messages[msg["msg_type"]] += 1
            return super().process_message(msg, cell, cell_index)

    with LocalServer() as server:
        server.behaviour.latency_s = 0.7
        rows = [{"id": "p0", "prompt": f"Say it. {ATTACK}"}]
        rows += [{"id": f"p{i}", "prompt": f"Tell me fact number {i}."} for i in range(1, 6)]
        write_rows(place, rows)
        config = write_config(place, server, budget={"usd": 5.0})
        cells = [cell.format(config=str(config), out=str(place / "out")) for cell in CELLS]
        book = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
        client = Client(book, timeout=60, resources={"metadata": {"path": str(place)}})
        client.execute(env={**os.environ, **HEADLESS, KEY_VARIABLE: KEY})
    return book, messages


def write_rows(place: Path, rows: list[dict[str, str]]) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (place / "prompts.jsonl").write_text(lines, encoding="utf-8")


pytestmark = pytest.mark.slow


@pytest.mark.parametrize("cell", [0, 4])
def test_a_run_shows_one_line_that_changes_in_place_and_no_widget(
    notebook: tuple[Any, Counter[str]], cell: int
) -> None:
    book, messages = notebook
    (output,) = book.cells[cell].outputs
    assert output.output_type == "display_data"
    assert output.data.keys() == {"text/plain", "text/html"}
    assert output.data["text/plain"].startswith("6/6 prompts [####################] pairs 6")
    assert "of $5" in output.data["text/html"]
    assert messages["update_display_data"] >= 2
    assert messages["comm_open"] == 0, "a widget opens a comm"


def test_a_result_is_shown_with_totals_and_first_pairs(
    notebook: tuple[Any, Counter[str]],
) -> None:
    (output,) = notebook[0].cells[1].outputs
    assert output.data["text/plain"].startswith("RunResult(folder=")
    page = Page(output.data["text/html"])
    assert page.tags.isdisjoint({"script", "img", "iframe", "style", "link", "form"})
    assert [name for name in page.names if name.startswith("on")] == []
    assert "The first 3 of 6 pairs" in page.text
    assert ATTACK in page.text
    assert "judgeforge explain" in page.text


def test_the_report_is_shown_in_a_frame_that_allows_nothing(
    notebook: tuple[Any, Counter[str]],
) -> None:
    (output,) = notebook[0].cells[2].outputs
    frame = Page(output.data["text/html"])
    ((_, attributes),) = [one for one in frame.elements if one[0] == "iframe"]
    told = dict(attributes)
    assert not told["sandbox"]
    kind, _, data = str(told["src"]).partition(",")
    assert kind == "data:text/html;charset=utf-8;base64"
    report = Page(base64.b64decode(data).decode().removeprefix("<!DOCTYPE html>"))
    assert "script" not in report.tags
    assert "Pairs to read" in report.text
    assert frame.attributes("href")[0] == report_path(notebook).as_uri()


def test_without_a_browser_opening_says_where_the_page_is(
    notebook: tuple[Any, Counter[str]],
) -> None:
    assert report_path(notebook).is_file()


def report_path(notebook: tuple[Any, Counter[str]]) -> Path:
    (output,) = notebook[0].cells[3].outputs
    return Path(output["text"].strip())
