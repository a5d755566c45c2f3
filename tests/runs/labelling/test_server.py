"""The page's server: who is let in, what it takes, and that a click counts once."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from judgeforge.runs.labelling.label_file import LabelledFile
from judgeforge.runs.labelling.server import LARGEST_FORM, LabelServer
from judgeforge.runs.labelling.session import Session
from tests.support.html_page import Page
from tests.support.labelling import HOSTILE, plain_rows, session_of, written

NO_JAR = aiohttp.DummyCookieJar


class Browser:
    """Sends what a browser does: the cookie that it got, and the origin of the page's own forms."""

    def __init__(self, server: LabelServer, session: Session, address: str) -> None:
        self.server, self.session, self.address = server, session, address
        self.base = f"http://127.0.0.1:{server.port}"
        self.cookie = ""

    async def send(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> tuple[int, str, aiohttp.ClientResponse]:
        sent = {"Origin": self.base} if method == "POST" else {}
        if self.cookie:
            sent["Cookie"] = self.cookie
        sent |= headers or {}
        sent = {name: value for name, value in sent.items() if value}
        async with (
            aiohttp.ClientSession(cookie_jar=NO_JAR()) as client,
            client.request(
                method,
                URL(self.base + path, encoded=True),
                headers=sent,
                allow_redirects=False,
                **options,
            ) as response,
        ):
            return response.status, await response.text(), response

    async def enter(self) -> None:
        status, _, response = await self.send("GET", f"/?token={self.server.token}")
        assert (status, response.headers["Location"]) == (303, "/")
        self.cookie = response.headers["Set-Cookie"].partition(";")[0]

    async def page(self) -> str:
        status, text, _ = await self.send("GET", "/")
        assert status == 200, text
        return text

    async def click(self, look: str, said: str) -> int:
        status, _, _ = await self.send("POST", "/answer", data={"look": look, "said": said})
        return status


def look_in(page: str) -> str:
    found = re.search(r'action="/answer".*?name="look" value="([0-9a-f]{16})"', page, re.DOTALL)
    assert found is not None, page
    return found[1]


def visit(
    tmp_path: Path,
    what: Callable[[Browser], Awaitable[None]],
    rows: list[dict[str, Any]] | None = None,
    **wanted: Any,
) -> list[dict[str, Any]]:
    """Returns the lines of the label file afterwards."""
    place = tmp_path / "labels.jsonl"

    async def visited() -> None:
        with LabelledFile(place) as file:
            session = session_of(tmp_path / "p", file, rows or plain_rows(3), **wanted)
            server = LabelServer(session)
            address = await server.start()
            try:
                await what(Browser(server, session, address))
            finally:
                await server.stop()

    asyncio.run(visited())
    return written(place)


def test_the_first_address_gives_a_cookie_that_no_script_and_no_other_site_has(
    tmp_path: Path,
) -> None:
    async def what(browser: Browser) -> None:
        assert browser.address == f"{browser.base}/?token={browser.server.token}"
        assert len(browser.server.token) >= 40
        _, _, response = await browser.send("GET", f"/?token={browser.server.token}")
        [cookie] = response.headers.getall("Set-Cookie")
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert response.headers["Location"] == "/"

    visit(tmp_path, what)


def test_only_this_machine_is_listened_to(tmp_path: Path) -> None:
    async def what(browser: Browser) -> None:
        [site] = browser.server._runner.addresses
        assert site[0] == "127.0.0.1"

    visit(tmp_path, what)


REFUSED = {
    "no cookie": {"Cookie": ""},
    "a wrong cookie": {"Cookie": "judgeforge-label=x"},
    "another host": {"Host": "evil.example"},
    "another host that ends alike": {"Host": "127.0.0.1.evil.example"},
    "no sensible host": {"Host": "[::1"},
    "another origin": {"Origin": "http://evil.example"},
    "another port of this machine": {"Origin": "http://127.0.0.1:9"},
    "a hidden origin": {"Origin": "null"},
    "this host under https": {"Origin": "https://127.0.0.1"},
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/answer"), ("POST", "/undo")])
def test_who_may_not_is_refused_and_changes_nothing(
    tmp_path: Path, headers: dict[str, str], method: str, path: str
) -> None:
    async def what(browser: Browser) -> None:
        await browser.enter()
        look = look_in(await browser.page())
        data = {"look": look, "said": "0"} if method == "POST" else None
        status, text, response = await browser.send(method, path, headers=headers, data=data)
        assert status == 403
        assert "Question" not in text
        assert browser.server.token not in text
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]

    assert visit(tmp_path, what) == []


def test_a_form_without_an_origin_is_refused(tmp_path: Path) -> None:
    async def what(browser: Browser) -> None:
        await browser.enter()
        data = {"look": look_in(await browser.page()), "said": "0"}
        status, _, _ = await browser.send("POST", "/answer", headers={"Origin": ""}, data=data)
        assert status == 403

    assert visit(tmp_path, what) == []


@pytest.mark.parametrize("token", ["", "x", "%00", "a" * 5000, "%C3%A9"])
def test_a_wrong_token_is_told_what_to_do(tmp_path: Path, token: str) -> None:
    async def what(browser: Browser) -> None:
        status, text, response = await browser.send("GET", f"/?token={token}")
        assert status == 403
        assert "printed" in text
        assert "Set-Cookie" not in response.headers

    visit(tmp_path, what)


def test_a_page_that_was_tunnelled_to_another_port_works(tmp_path: Path) -> None:
    """As by ssh -L 9000:127.0.0.1:PORT: host and origin are those of the other end."""

    async def what(browser: Browser) -> None:
        await browser.enter()
        headers = {"Host": "localhost:9000", "Origin": "http://localhost:9000"}
        data = {"look": look_in(await browser.page()), "said": "0"}
        status, _, response = await browser.send("POST", "/answer", headers=headers, data=data)
        assert (status, response.headers["Location"]) == (303, "/")

    assert len(visit(tmp_path, what)) == 1


def test_every_answer_of_the_server_has_its_policy(tmp_path: Path) -> None:
    async def what(browser: Browser) -> None:
        await browser.enter()
        for method, path in [("GET", "/"), ("GET", "/nowhere"), ("PUT", "/"), ("POST", "/answer")]:
            _, _, response = await browser.send(method, path, headers={"Origin": browser.base})
            policy = response.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; style-src 'sha256-")
            assert "unsafe" not in policy
            assert "http" not in policy
            assert "frame-ancestors 'none'" in policy
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Server"] == "judgeforge"

    visit(tmp_path, what)


ODD: dict[str, tuple[dict[str, Any], int]] = {
    "no field": ({"data": {}}, 400),
    "one field": ({"data": {"said": "0"}}, 400),
    "a third field": ({"data": {"look": "x", "said": "0", "more": "1"}}, 400),
    "an unknown question": ({"data": {"look": "0" * 16, "said": "0"}}, 422),
    "JSON": ({"json": {"look": "x", "said": "0"}}, 415),
    "too much": ({"data": {"look": "x" * LARGEST_FORM, "said": "0"}}, 413),
    "parts with a file": ({"data": {"look": io.BytesIO(b"x")}}, 415),
    "half a character": (
        {
            "data": b"look=%ff%fe&said=%ed%a0%80",
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        },
        422,
    ),
}


@pytest.mark.parametrize(("sent", "expected"), ODD.values(), ids=ODD.keys())
def test_an_odd_form_is_refused_and_stores_nothing(
    tmp_path: Path, sent: dict[str, Any], expected: int
) -> None:
    async def what(browser: Browser) -> None:
        await browser.enter()
        status, text, _ = await browser.send("POST", "/answer", **sent)
        assert status == expected, text
        assert "Open the page again" in text
        await browser.page()

    assert visit(tmp_path, what) == []


@pytest.mark.parametrize("said", ["2", "-1", "", "a", "best", "TIE", "0 "])
def test_an_answer_that_is_none_is_refused(tmp_path: Path, said: str) -> None:
    async def what(browser: Browser) -> None:
        await browser.enter()
        assert await browser.click(look_in(await browser.page()), said) == 422

    assert visit(tmp_path, what) == []


def test_a_second_click_a_second_tab_and_an_old_page_change_nothing(tmp_path: Path) -> None:
    async def what(browser: Browser) -> None:
        await browser.enter()
        old = look_in(await browser.page())
        both = await asyncio.gather(browser.click(old, "0"), browser.click(old, "1"))
        assert list(both) == [303, 303]
        assert "had an answer already" in await browser.page()
        assert "had an answer already" not in await browser.page()
        assert await browser.click(old, "tie") == 303
        assert browser.session.done == 1

    assert len(visit(tmp_path, what)) == 1


def test_taking_back_is_of_the_answer_that_the_page_showed(tmp_path: Path) -> None:
    async def what(browser: Browser) -> None:
        await browser.enter()
        first = look_in(await browser.page())
        await browser.click(first, "0")
        second = look_in(await browser.page())
        await browser.click(second, "1")
        for look in (second, second, first):  # twice, as a double click does
            await browser.send("POST", "/undo", data={"look": look})
        assert browser.session.done == 0
        assert look_in(await browser.page()) == first

    assert visit(tmp_path, what) == []


def test_taking_back_what_is_no_longer_the_last_does_nothing_and_says_so(tmp_path: Path) -> None:
    async def what(browser: Browser) -> None:
        await browser.enter()
        first = look_in(await browser.page())
        await browser.click(first, "0")
        await browser.click(look_in(await browser.page()), "1")
        await browser.send("POST", "/undo", data={"look": first})
        assert "nothing to take back" in await browser.page()

    assert len(visit(tmp_path, what)) == 2


def test_the_click_is_in_the_file_when_the_browser_is_sent_on(tmp_path: Path) -> None:
    async def what(browser: Browser) -> None:
        await browser.enter()
        await browser.click(look_in(await browser.page()), "0")
        assert len(written(browser.session.file.path)) == 1

    visit(tmp_path, what)


def test_a_disk_that_fails_is_told_on_the_page_and_the_click_can_be_given_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def what(browser: Browser) -> None:
        await browser.enter()
        look = look_in(await browser.page())

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("os.fdatasync", full)
            status, text, _ = await browser.send(
                "POST", "/answer", data={"look": look, "said": "0"}
            )
        assert status == 507
        assert "this click is not stored" in text
        assert await browser.click(look, "0") == 303

    assert len(visit(tmp_path, what)) == 1


def test_what_models_wrote_makes_no_element(tmp_path: Path) -> None:
    def shape(text: str) -> list[tuple[str, tuple[tuple[str, str | None], ...]]]:
        rows = [{"id": "h", "prompt": f"Say {text}", "completions": [text, "no"]}]
        pages: list[str] = []

        async def what(browser: Browser) -> None:
            await browser.enter()
            pages.append(await browser.page())

        visit(tmp_path, what, rows)
        return Page(pages[0]).elements

    tags = [tag for tag, _ in shape(HOSTILE)]
    assert tags.count("script") == 1
    assert tags.count("style") == 1
    assert {"a", "img"}.isdisjoint(tags)
    names = {name for _, attributes in shape(HOSTILE) for name, _ in attributes}
    assert not any(name.startswith("on") for name in names)
    assert "href" not in names
    assert "src" not in names


def test_the_end_is_told_with_what_to_do_next_and_ends_the_program(tmp_path: Path) -> None:
    async def what(browser: Browser) -> None:
        await browser.enter()
        for _ in range(3):
            await browser.click(look_in(await browser.page()), "0")
        page = await browser.page()
        assert "All 3 are labelled" in page
        assert "judgeforge calibrate" in page
        assert not browser.server.finished.is_set()
        status, _, _ = await browser.send("POST", "/finish")
        assert status == 200
        assert browser.server.finished.is_set()

    visit(tmp_path, what, again=0)
