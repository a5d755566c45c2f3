"""`judgeforge label` as a person meets it: the command, and its page in headless Chromium."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.labelling import HOSTILE, PIXEL, plain_rows, write_project, written

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

MUST_WORK = os.environ.get("BROWSER_MUST_WORK") == "1"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, PROGRAMS)), None)
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
CODE = f"```py\nx = '{'long ' * 60}'\n```"
MARKDOWN = f"# Head\n\n- one\n- **two**\n\n{CODE}\n\n|a|b|\n|-|-|\n|1|2|\n"
ROWS: list[dict[str, Any]] = [
    {"id": "hostile", "prompt": f"Say {HOSTILE}", "completions": [HOSTILE, "fine"]},
    {"id": "long", "prompt": "Long?", "completions": ["x" * 100_000, MARKDOWN]},
    {
        "id": "picture",
        "prompt": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": PIXEL}},
                    {"type": "image_url", "image_url": {"url": "https://127.0.0.1:9/a.png"}},
                ],
            }
        ],
        "completions": ["a pixel", "\u202e\u05d0\u05d1\u05d2 mixed \u0627\u0644"],
    },
]


class Labelling:
    """The command as a process of its own, ended by its pid."""

    def __init__(self, *arguments: str, cwd: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "judgeforge", "label", *arguments, "--no-open"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        self.address = self._address()

    def _address(self) -> str:
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if found := re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line):
                return found[0]
        raise AssertionError(said)

    def end(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        self.process.send_signal(how)
        out, _ = self.process.communicate(timeout=30)
        return self.process.returncode, out


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        if MUST_WORK:
            pytest.fail("there is no chromium")
        pytest.skip("there is no chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """A page with all that it asked for and said."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.page: Page = browser.new_context(**options).new_page()
        self.requests: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))
        self.page.goto(address)

    def press(self, key: str) -> None:
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    @property
    def count(self) -> str:
        return self.page.inner_text(".count")


def labelled(tmp_path: Path, rows: list[dict[str, Any]], *options: str) -> tuple[Labelling, Path]:
    config, place = write_project(tmp_path, rows), tmp_path / "labels.jsonl"
    arguments = (str(config), "--to", str(place), "--name", "ana", *options)
    return Labelling(*arguments, cwd=tmp_path), place


def test_keys_and_clicks_label_and_take_back_and_end(tmp_path: Path, chromium: Browser) -> None:
    program, place = labelled(tmp_path, plain_rows(5), "--again", "0")
    visit = Visit(chromium, program.address, viewport=DESK)
    assert "token" not in visit.page.url
    for key in ("1", "2", "=", "?"):
        visit.press(key)
    assert visit.count == "4 of 5"
    assert [row.get("label") for row in written(place)] == ["a", "b", "tie", None]
    visit.press("u")
    assert visit.count == "3 of 5"
    with visit.page.expect_navigation():
        visit.page.click("button.side-2")
    visit.press("1")
    assert "All 5 are labelled" in visit.page.inner_text("main")
    visit.press("Enter")
    assert program.process.wait(30) == 0
    assert [row.get("label") for row in written(place)] == ["a", "b", "tie", "b", "a"]


def test_two_fast_clicks_are_one_answer(tmp_path: Path, chromium: Browser) -> None:
    program, place = labelled(tmp_path, plain_rows(4), "--again", "0")
    visit = Visit(chromium, program.address)
    with visit.page.expect_navigation():
        visit.page.evaluate(
            "for (const one of document.querySelectorAll('.side')) { one.click(); one.click(); }"
        )
    assert visit.count == "1 of 4"
    assert len(written(place)) == 1
    program.end()


def test_back_and_a_second_tab_show_what_is_asked_now(tmp_path: Path, chromium: Browser) -> None:
    program, place = labelled(tmp_path, plain_rows(4), "--again", "0")
    visit = Visit(chromium, program.address)
    other = visit.page.context.new_page()
    other.goto(visit.page.url)
    visit.press("1")
    with other.expect_navigation():
        other.keyboard.press("2")
    assert "had an answer already" in other.inner_text("header")
    visit.press("2")
    visit.page.go_back()
    visit.page.wait_for_load_state()
    assert visit.count == "2 of 4"
    assert [row["label"] for row in written(place)] == ["a", "b"]
    program.end()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_no_text_of_a_model_does_anything_but_stand_there(
    tmp_path: Path, chromium: Browser, viewport: dict[str, int], scheme: str
) -> None:
    program, _ = labelled(tmp_path, ROWS, "--again", "0")
    visit = Visit(chromium, program.address, viewport=viewport, color_scheme=scheme)
    grounds = set()
    for number in range(len(ROWS)):
        for _ in ("as drawn", "as written"):
            assert visit.page.title() == f"{number + 1} of {len(ROWS)}: judgeforge label"
            wide, seen = visit.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert wide <= seen
            assert visit.page.evaluate("document.querySelectorAll('a, iframe, object').length") == 0
            assert visit.page.evaluate("document.querySelectorAll('script').length") == 1
            assert "49" not in visit.page.inner_text("main").replace("7*7", "")
            visit.page.keyboard.press("r")
        grounds.add(visit.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        visit.press("1")
    own = visit.page.url
    assert {url for url in visit.requests if not url.startswith((own, "data:"))} == set()
    assert visit.said == []
    assert len(grounds) == 1
    program.end()


def test_dark_and_light_differ(tmp_path: Path, chromium: Browser) -> None:
    program, _ = labelled(tmp_path, plain_rows(1))
    colours = {
        Visit(chromium, program.address, color_scheme=scheme).page.evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    }
    assert len(colours) == 2
    program.end()


def test_as_written_is_a_key_and_is_remembered(tmp_path: Path, chromium: Browser) -> None:
    rows = [{"id": f"p{i}", "prompt": "P", "completions": ["**bold**", "x"]} for i in range(3)]
    for number, row in enumerate(rows):
        row["prompt"] = f"P{number}"
    program, _ = labelled(tmp_path, rows, "--again", "0")
    visit = Visit(chromium, program.address)
    assert "**bold**" not in visit.page.inner_text(".answers")
    visit.page.keyboard.press("r")
    assert "**bold**" in visit.page.inner_text(".answers")
    visit.press("1")
    assert "**bold**" in visit.page.inner_text(".answers")
    program.end()


def test_up_to_four_are_ranked_by_keys_best_first(tmp_path: Path, chromium: Browser) -> None:
    rows = [
        {"id": f"q{i}", "prompt": f"Q{i}?", "completions": ["one", "two", "three", "four"]}
        for i in range(3)
    ]
    program, place = labelled(tmp_path, rows, "--show", "4", "--again", "0")
    visit = Visit(chromium, program.address, viewport=DESK)
    visit.page.keyboard.press("3")
    visit.page.keyboard.press("1")
    visit.press("4")
    visit.page.keyboard.press("2")
    visit.press("Enter")
    assert not visit.page.is_visible("#enough")
    visit.page.keyboard.press("1")
    visit.page.keyboard.press("1")  # taken out of the order again
    visit.page.click("button.side-4")
    with visit.page.expect_navigation():
        visit.page.click("#enough")
    first, second, third = written(place)
    names = [one["id"] for one in first["completions"]]
    assert first["best"] == 2
    assert first["ranking"] == [names[2], names[0], names[3], names[1]]
    assert second["best"] == 1
    assert "ranking" not in second
    assert third["best"] == 3
    program.end()


def test_without_scripts_the_buttons_still_answer(tmp_path: Path, chromium: Browser) -> None:
    program, place = labelled(tmp_path, plain_rows(2), "--again", "0")
    visit = Visit(chromium, program.address, java_script_enabled=False)
    with visit.page.expect_navigation():
        visit.page.click("text=Equal")
    assert [row["label"] for row in written(place)] == ["tie"]
    program.end()


def test_a_killed_program_keeps_every_click_and_the_next_start_goes_on(
    tmp_path: Path, chromium: Browser
) -> None:
    program, place = labelled(tmp_path, plain_rows(4), "--again", "0")
    visit = Visit(chromium, program.address)
    visit.press("1")
    visit.press("2")
    program.end(signal.SIGKILL)
    assert len(written(place)) == 2
    program, _ = labelled(tmp_path, plain_rows(4), "--again", "0")
    assert Visit(chromium, program.address).count == "2 of 4"
    assert program.end(signal.SIGTERM)[0] == 0


def test_ctrl_c_ends_with_a_summary_and_without_an_error(tmp_path: Path) -> None:
    program, place = labelled(tmp_path, plain_rows(3))
    code, out = program.end()
    assert code == 0
    assert f"{place}: 0 labels" in out
    assert "Traceback" not in out
