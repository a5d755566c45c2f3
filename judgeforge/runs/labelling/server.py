"""The page's server: this machine only, one person with a token, no other site.

A page on this machine can be reached by every site that is open in the same browser. So each
request must name this machine as its host (a foreign name that points here is refused), must not
come from another origin, and must have the cookie that only the first address gives. Nothing here
tells a browser that another site may read an answer.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from judgeforge.errors import StoreError
from judgeforge.runs.labelling.pages import POLICY, done_page, message_page, question_page
from judgeforge.runs.labelling.session import Session

LOOPBACK: Final = "127.0.0.1"
LARGEST_FORM = 4096
"""Bytes of a request's body: an answer has two short fields."""
_PATIENCE_S = 0.3
_OF_THIS_MACHINE = frozenset({LOOPBACK, "localhost"})
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With no-referrer the browser would hide the origin of the page's own forms.
    "Referrer-Policy": "same-origin",
    "Server": "judgeforge",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_ALREADY = "That one had an answer already, which stands. To change your last answer, take it back."
_RELOAD = "Open the page again (/): it shows what is asked now, and your labels are stored."
_NOT_STORED = "The disk failed, and this click is not stored"
_GONE = "There was nothing to take back: that answer is no longer the last one."

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LabelServer:
    """``port`` 0: any free one. ``finished`` is set when the person ends it from the page."""

    def __init__(self, session: Session, *, port: int = 0) -> None:
        self._session, self._port = session, port
        self.token = secrets.token_urlsafe(32)
        self.finished = asyncio.Event()
        self._notice = ""
        self._one_at_a_time = asyncio.Lock()
        self._standing: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Serve; returns the first address to open. Raises OSError where the port is taken."""
        app = web.Application(middlewares=[self._guarded], client_max_size=LARGEST_FORM)
        app.add_routes(
            [
                web.get("/", self._home),
                web.post("/answer", self._answer),
                web.post("/undo", self._undo),
                web.post("/finish", self._finish),
            ]
        )
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=1.0
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, self._port)
        await site.start()
        _, self._port = self._runner.addresses[0][:2]
        return f"http://{LOOPBACK}:{self._port}/?token={self.token}"

    @property
    def port(self) -> int:
        return self._port

    async def stop(self) -> None:
        if self._standing is not None:
            await asyncio.wait({self._standing})
        await self._runner.cleanup()

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            refusal = self._refusal(request)
            response = refusal or await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                response = web.Response(status=error.status, headers={"Location": "/"})
            else:
                response = _message(error.status, error.reason, _RELOAD)
        except StoreError as error:
            title = _NOT_STORED if request.method == "POST" else "A file cannot be read"
            response = _message(507, title, str(error))
        response.headers.update(_HEADERS)
        return response

    def _refusal(self, request: web.Request) -> web.Response | None:
        host = request.headers.get("Host", "")
        if _host_name(host) not in _OF_THIS_MACHINE:
            return _message(
                403, "Another host", "This page is served to 127.0.0.1 and localhost only."
            )
        origin = request.headers.get("Origin")
        changes = request.method not in {"GET", "HEAD"}
        if (changes or origin is not None) and origin != f"http://{host}":
            return _message(
                403, "Another origin", "Answers are taken from the page itself, and from no other."
            )
        if request.path == "/" and "token" in request.query:
            return self._enter(request)
        if not _equal(request.cookies.get(self._cookie, ""), self.token):
            return _message(
                403,
                "This address needs its token",
                "Open the address that `judgeforge label` has printed in the terminal: it has "
                "?token=… at its end, and is another one after each start.",
            )
        return None

    def _enter(self, request: web.Request) -> web.Response:
        """The token leaves the address, and so the history, at once."""
        if not _equal(request.query["token"], self.token):
            return _message(
                403,
                "A token of another start",
                "`judgeforge label` makes a new one each time: open the address that it printed "
                "last.",
            )
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(self._cookie, self.token, httponly=True, samesite="Strict", path="/")
        return response

    @property
    def _cookie(self) -> str:
        """Ports of one host share their cookies."""
        return f"judgeforge-label-{self._port}"

    async def _home(self, _: web.Request) -> web.Response:
        async with self._one_at_a_time:
            await self._bring_standing()
            notice, self._notice = self._notice, ""
            return _html(await asyncio.to_thread(self._page, notice))

    def _page(self, notice: str) -> str:
        look = self._session.current()
        if look is None:
            return done_page(self._session, notice)
        return question_page(self._session, look, notice)

    async def _bring_standing(self) -> None:
        """A page does not wait long for it: it then says what fewer labels have shown."""
        if self._standing is None or self._standing.done():
            self._standing = asyncio.create_task(asyncio.to_thread(self._session.take_stock))
        done, _ = await asyncio.wait({self._standing}, timeout=_PATIENCE_S)
        for task in done:
            task.result()

    async def _answer(self, request: web.Request) -> web.Response:
        look, said = await _fields(request, "look", "said")
        async with self._one_at_a_time:
            try:
                taken = await asyncio.to_thread(self._session.answer, look, said)
            except ValueError:
                raise web.HTTPUnprocessableEntity from None
            self._notice = "" if taken else _ALREADY
        return _back()

    async def _undo(self, request: web.Request) -> web.Response:
        (look,) = await _fields(request, "look")
        async with self._one_at_a_time:
            taken = await asyncio.to_thread(self._session.take_back, look)
            self._notice = "" if taken else _GONE
        return _back()

    async def _finish(self, _: web.Request) -> web.Response:
        self.finished.set()
        return _message(200, "Done", "All labels are on the disk, and the program has ended.")


async def _fields(request: web.Request, *names: str) -> list[str]:
    """Of the page's form. Raises HTTPException for anything else."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise web.HTTPUnsupportedMediaType
    try:
        form = await request.post()
    except ValueError:
        raise web.HTTPBadRequest from None
    found = [form.get(name) for name in names]
    if any(not isinstance(one, str) for one in found) or len(form) > len(names):
        raise web.HTTPBadRequest
    return [str(one) for one in found]


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _equal(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def _back() -> web.Response:
    return web.Response(status=303, headers={"Location": "/"})


def _message(status: int, title: str, text: str) -> web.Response:
    return _html(message_page(title, text), status=status)


def _html(page: str, *, status: int = 200) -> web.Response:
    return web.Response(
        body=page.encode("utf-8", "replace"),
        status=status,
        content_type="text/html",
        charset="utf-8",
    )
