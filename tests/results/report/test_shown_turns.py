"""Turns on the page: calls, results, folded thoughts, and pictures that ask no server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from judgeforge.results.report.html import LARGEST_PICTURE
from judgeforge.results.report.shown_turns import Turn, shown_turn, shown_turns
from judgeforge.results.report.writing import write_report
from judgeforge.text.messages import ImagePart, ImageUrl, Message, TextPart, ToolCall
from tests.results.report.test_html import folder_of
from tests.support.html_page import Page, read_page

CALL = ToolCall(id="call_1", name="weather", arguments='{"city": "Oslo"}')
PNG = "data:image/png;base64,iVBORw0KGgo="


def shown(*pictures: str) -> Turn:
    parts = (ImagePart(image_url=ImageUrl(url=url)) for url in pictures)
    return shown_turn(Message(role="user", content=(TextPart(text="Look."), *parts)))


class TestTurns:
    def test_a_call_is_name_and_arguments_and_a_result_says_whose_it_is(self) -> None:
        rows = [
            Message(role="assistant", content=None, tool_calls=(CALL,)),
            Message(role="tool", content="9 C", tool_call_id="call_1"),
        ]
        calling, result = shown_turns(rows, 12)
        assert [call.text for call in calling.calls] == ['weather({"city": "Oslo"})']
        assert (result.is_result, result.tool, result.text.text) == (True, "weather", "9 C")

    def test_a_result_knows_its_tool_where_the_call_is_not_shown_any_more(self) -> None:
        rows = [
            Message(role="assistant", content=None, tool_calls=(CALL,)),
            Message(role="tool", content="9 C", tool_call_id="call_1"),
        ]
        (result,) = shown_turns(rows, 1)
        assert result.tool == "weather"

    def test_a_thought_comes_from_the_message_or_from_the_completion(self) -> None:
        kept = Message(role="assistant", content="9 C.", reasoning_content="Kept.")
        dropped = Message(role="assistant", content="9 C.")
        thoughts = [shown_turn(one, thought="Told.").thought for one in (kept, dropped)]
        assert [one.text for one in thoughts if one] == ["Kept.", "Told."]
        assert shown_turn(dropped).thought is None

    @pytest.mark.parametrize(
        ("url", "words", "drawn"),
        [
            (PNG, "picture (png, 1 kB)", True),
            (f"data:image/jpeg;base64,{'A' * 40_000}", "picture (jpeg, 30 kB)", True),
            ("data:image/svg+xml;base64,PHN2Zz4=", "picture (svg+xml, 1 kB)", False),
            ("data:text/html;base64,PHNjcmlwdD4=", "picture data:text/html", False),
            (f"{PNG}' onerror='x", "picture (png, 1 kB)", False),
            (f"data:image/png;base64,{'A' * LARGEST_PICTURE}", "picture (png, 150 kB)", False),
            ("https://example.org/sky.png", "picture https://example.org/sky.png", False),
            ("pictures/sky.png", "picture pictures/sky.png", False),
        ],
    )
    def test_a_picture_is_drawn_only_where_it_stands_in_the_message(
        self, url: str, words: str, drawn: bool
    ) -> None:
        (picture,) = shown(url).pictures
        assert picture.words.startswith(words)
        assert picture.data == (url if drawn else "")

    def test_a_turn_takes_the_room_of_all_that_is_shown(self) -> None:
        assert shown(PNG).size - shown().size >= len(PNG)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return read_page(write_report(folder_of(tmp_path_factory.mktemp("run") / "out", "some")))


class TestThePage:
    def test_draws_pictures_and_allows_no_others(self, page: Page) -> None:
        images = [dict(pairs) for tag, pairs in page.elements if tag == "img"]
        assert {image["src"] for image in images} == {PNG}
        (policy,) = [value for value in page.attributes("content") if "default-src" in str(value)]
        assert policy is not None
        assert "default-src 'none'" in policy
        assert "img-src data:;" in policy

    def test_asks_no_server_for_anything(self, page: Page) -> None:
        assert not {"script", "link", "iframe", "object"} & page.tags
        assert not [value for value in page.attributes("src") if value != PNG]
        assert not [value for value in page.attributes("href") if not str(value).startswith("#")]

    def test_folds_thoughts_and_tools_and_shows_calls(self, page: Page) -> None:
        assert page.text.count("what was thought before") > 1
        assert "tools that the prompt offers" in page.text
        assert "some(some)" in page.text
        assert "prompt, tool, result of some" in page.text
        assert "prompt, user (some)" in page.text


def test_a_page_without_pictures_allows_none(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "out", "some")
    rows: list[dict[str, Any]] = [
        {**json.loads(line), "prompt": [{"role": "user", "content": "Hi"}]}
        for line in (folder / "pairs.jsonl").read_text().splitlines()
    ]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = read_page(write_report(folder))
    assert "img" not in page.tags
    assert not any("img-src" in str(value) for value in page.attributes("content"))
