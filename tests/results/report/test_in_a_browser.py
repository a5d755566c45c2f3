"""The page in a real browser: reduced and ordered without a script, and never wider than it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from judgeforge.results.report.opening import ReportPage
from judgeforge.results.report.writing import write_report
from tests.results.report.test_html import folder_of
from tests.support.chromium import chromium
from tests.support.hand_made import MANIFEST
from tests.support.result_rows import Row, completion, pair, scored

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

WIDTHS = (320, 390, 768, 1200)
ATTACK = '"><img src=x onerror=alert(1)><script>alert(1)</script>' + "long" * 200


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1000, "height": 800}) as context:
        page = context.new_page()
        page.goto((folder / "report.html").as_uri())
        yield page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 60 pairs: chosen is longer in most, so that a finding speaks of these."""
    place = tmp_path_factory.mktemp("run")
    numbers = range(60)
    rows: dict[str, list[Row]] = {
        "pairs": [
            pair(
                n, chosen=10 + n if n < 50 else 5, rejected=9, confidence=0.99 - n / 200,
                prompt=[{"role": "user", "content": f"Question {n}?"}],
                chosen_model="ab"[n % 2], rejected_model="ba"[n % 2],
            )
            for n in numbers
        ],
        "completions": [completion(n, side) for n in numbers for side in (0, 1)],
        "judgments": [
            {**scored("x", n, side, 0.9 - side / 2), "prompt_id": f"p{n}", "repeat": 0}
            for n in numbers
            for side in (0, 1)
        ],
    }  # fmt: skip
    write(place, rows, {"format_version": 1, **MANIFEST})
    write_report(place)
    return place


def write(place: Path, rows: dict[str, list[Row]], manifest: Row) -> None:
    for name, each in rows.items():
        (place / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in each))
    (place / "manifest.json").write_text(json.dumps(manifest))


def shown(page: Page) -> list[str]:
    """The ids of the pairs, from above to below."""
    pairs = page.locator(".pair:visible")
    places = [pair.bounding_box() or {"y": 0.0} for pair in pairs.all()]
    names = pairs.locator(".id").all_inner_texts()
    return [name for _, name in sorted(zip([p["y"] for p in places], names, strict=True))]


def number_of(name: str) -> int:
    return int(name[1:].split(".", maxsplit=1)[0])


def test_a_finding_leads_to_its_pairs_and_back(page: Page) -> None:
    everything = shown(page)
    link = page.locator("#findings li", has_text="Chosen is the longer side").locator("a")
    link.click()
    told = page.locator(".only:visible")
    assert "Chosen is the longer side" in told.inner_text()
    only = shown(page)
    assert 0 < len(only) < len(everything)
    assert all(number_of(name) < 50 for name in only)
    assert f"{len(only)} of {len(everything)}" in told.inner_text()
    assert link.inner_text() == f"{len(only)} of its pairs"
    box = told.bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 400, "it is scrolled to"
    told.locator("a").click()
    assert shown(page) == everything
    page.go_back()
    assert shown(page) == only


def test_the_menu_reduces_and_the_radio_buttons_order(page: Page) -> None:
    everything = shown(page)
    page.locator(".menu a", has_text="least sure").click()
    unsure = shown(page)
    assert len(unsure) == 10
    page.get_by_label("longest first", exact=True).check()
    page.get_by_label("by id").check()
    assert shown(page) == sorted(unsure, key=number_of)
    page.locator(".menu .all").click()
    page.get_by_label("least sure first").check()
    assert shown(page) == sorted(everything, key=number_of, reverse=True), (
        "confidence falls with the number"
    )


def test_all_of_it_is_reached_by_the_keyboard(page: Page) -> None:
    page.locator(".menu a", has_text="longest").focus()
    page.keyboard.press("Enter")
    assert len(shown(page)) == 6
    page.locator("#order-0").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#order-1").is_checked()
    page.locator(".pair:visible summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".pair[open]").count() == 1


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_never_wider_than_the_window(
    browser: Browser, folder: Path, tmp_path: Path, width: int, scheme: str
) -> None:
    hostile = write_report(folder_of(tmp_path / "hostile", ATTACK))
    options = {"viewport": {"width": width, "height": 700}, "color_scheme": scheme}
    with browser.new_context(**options) as context:  # type: ignore[arg-type]
        page = context.new_page()
        for file in (folder / "report.html", hostile):
            page.goto(file.as_uri())
            page.locator("summary").evaluate_all("all => all.forEach(one => one.click())")
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_runs_and_nothing_is_fetched(browser: Browser, tmp_path: Path) -> None:
    file = write_report(folder_of(tmp_path / "hostile", ATTACK))
    with browser.new_context() as context:
        page, asked, said = context.new_page(), [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("console", lambda message: said.append(message.text))
        page.goto(file.as_uri())
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        assert said == []


def test_the_page_in_a_cell_of_a_notebook_is_reduced_as_well(
    browser: Browser, folder: Path, tmp_path: Path
) -> None:
    cell = tmp_path / "cell.html"
    cell.write_text(f"<!DOCTYPE html><title>cell</title>{ReportPage(folder)._repr_html_()}")
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(cell.as_uri())
        frame = page.frames[1]
        frame.locator(".menu a", has_text="least sure").click()
        frame.locator(".only:visible").wait_for()
        assert frame.locator(".pair:visible").count() == 10


def test_on_paper_there_are_no_buttons(page: Page) -> None:
    page.emulate_media(media="print")
    assert page.locator(".orders").is_hidden()
    assert page.locator(".menu").is_hidden()
    assert page.locator(".pair").first.is_visible()
