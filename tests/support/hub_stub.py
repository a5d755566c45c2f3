"""A small Hugging Face Hub in a process of its own: data sets in memory, commits of files.

As there, Parquet is sent to the large storage (Git LFS, without Xet) before the commit names it.

    python -m tests.support.hub_stub PORT

``/_stub`` tells what it holds; ``/_stub/fail`` lets the next commits fail with a status. A token
that is not ``hf_good`` is refused.
"""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from typing import Any

from aiohttp import web

_EMPTY = "0" * 40


@dataclass
class Repository:
    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    head: str = _EMPTY
    commits: list[str] = field(default_factory=list)


class Hub:
    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.makes_public = False
        self.fails_with: list[int] = []
        self.requests: list[str] = []
        self.large: dict[str, bytes] = {}
        """The large storage, by SHA-256."""

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2**28, middlewares=[self._checked])
        app.router.add_get("/_stub", self._told)
        app.router.add_post("/_stub", self._set)
        app.router.add_post("/api/repos/create", self._create)
        app.router.add_post("/api/validate-yaml", self._validate)
        app.router.add_get("/api/datasets/{owner}/{name}", self._info)
        app.router.add_get("/api/datasets/{owner}/{name}/revision/{revision}", self._info)
        app.router.add_post("/api/datasets/{owner}/{name}/preupload/{revision}", self._preupload)
        app.router.add_post("/api/datasets/{owner}/{name}/commit/{revision}", self._commit)
        app.router.add_post("/datasets/{owner}/{name}.git/info/lfs/objects/batch", self._where)
        app.router.add_put("/large/{oid}", self._store)
        app.router.add_route("*", "/{rest:.*}", self._nothing)
        return app

    @web.middleware
    async def _checked(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not request.path.startswith("/_stub"):
            self.requests.append(f"{request.method} {request.path}")
            given = request.headers.get("authorization", "")
            if request.path.startswith("/api/repos") and given != "Bearer hf_good":
                return web.json_response({"error": "Invalid username or password."}, status=401)
        return await handler(request)

    async def _told(self, _: web.Request) -> web.Response:
        held = {
            name: {
                "private": one.private,
                "commits": one.commits,
                "files": {path: content.decode("latin-1") for path, content in one.files.items()},
            }
            for name, one in self.repositories.items()
        }
        return web.json_response({"repositories": held, "requests": self.requests})

    async def _set(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.fails_with = asked.get("fails_with", [])
        self.makes_public = asked.get("makes_public", False)
        for name, private in asked.get("repositories", {}).items():
            self.repositories[name] = Repository(private)
        return web.json_response({})

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        name = f"{asked['organization']}/{asked['name']}"
        if asked["organization"] == "elsewhere":
            return web.json_response({"error": "You don't have the rights"}, status=403)
        if name in self.repositories:
            return web.json_response({"error": "You already created it", "url": name}, status=409)
        private = asked.get("visibility") == "private" or asked.get("private") is True
        self.repositories[name] = Repository(private and not self.makes_public)
        return web.json_response({"url": f"{request.url.origin()}/datasets/{name}", "name": name})

    async def _validate(self, request: web.Request) -> web.Response:
        asked = await request.json()
        wrong = "license: nonsense" in asked["content"]
        errors = [{"message": '"license" must be one of the list'}] if wrong else []
        return web.json_response({"errors": errors, "warnings": []}, status=400 if wrong else 200)

    async def _info(self, request: web.Request) -> web.Response:
        found = self._find(request)
        if found is None:
            return self._not_found()
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        return web.json_response(
            {"id": name, "private": found.private, "sha": found.head, "tags": [], "siblings": []}
        )

    async def _preupload(self, request: web.Request) -> web.Response:
        found, asked = self._find(request), await request.json()
        if found is None:
            return self._not_found()
        files = []
        for file in asked["files"]:
            held = found.files.get(file["path"])
            mode = "lfs" if file["path"].endswith(".parquet") else "regular"
            oid = None if held is None else _oid(held, mode)
            files.append(
                {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid}
            )
        return web.json_response({"files": files})

    async def _where(self, request: web.Request) -> web.Response:
        """Where large files go; nowhere where one is stored already."""
        objects = [
            {"oid": one["oid"], "size": one["size"]}
            | ({} if one["oid"] in self.large else {"actions": self._upload(request, one["oid"])})
            for one in (await request.json())["objects"]
        ]
        return web.json_response({"transfer": "basic", "objects": objects})

    def _upload(self, request: web.Request, oid: str) -> dict[str, Any]:
        return {"upload": {"href": f"{request.url.origin()}/large/{oid}"}}

    async def _store(self, request: web.Request) -> web.Response:
        content, oid = await request.read(), request.match_info["oid"]
        if sha256(content).hexdigest() != oid:
            return web.json_response({"error": "other content"}, status=400)
        self.large[oid] = content
        return web.json_response({})

    async def _commit(self, request: web.Request) -> web.Response:
        found = self._find(request)
        if found is None:
            return self._not_found()
        if self.fails_with:
            return web.json_response({"error": "not now"}, status=self.fails_with.pop(0))
        for line in (await request.read()).splitlines():
            row = json.loads(line)
            if row["key"] == "header":
                found.commits.append(row["value"]["summary"])
            elif row["key"] == "file":
                found.files[row["value"]["path"]] = base64.b64decode(row["value"]["content"])
            elif row["key"] == "lfsFile":
                found.files[row["value"]["path"]] = self.large[row["value"]["oid"]]
        found.head = sha1(repr(found.files).encode()).hexdigest()  # noqa: S324 (a name)
        of = f"{request.match_info['owner']}/{request.match_info['name']}"
        url = f"{request.url.origin()}/datasets/{of}/commit/{found.head}"
        return web.json_response({"commitOid": found.head, "commitUrl": url, "hookOutput": ""})

    async def _nothing(self, _: web.Request) -> web.Response:
        return web.json_response({})

    def _find(self, request: web.Request) -> Repository | None:
        return self.repositories.get(f"{request.match_info['owner']}/{request.match_info['name']}")

    def _not_found(self) -> web.Response:
        headers = {"X-Error-Code": "RepoNotFound"}
        return web.json_response({"error": "Repository not found"}, status=404, headers=headers)


def _oid(content: bytes, mode: str) -> str:
    if mode == "lfs":
        return sha256(content).hexdigest()
    return sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324 (git's)


if __name__ == "__main__":
    web.run_app(Hub().app(), host="127.0.0.1", port=int(sys.argv[1]), print=None)
