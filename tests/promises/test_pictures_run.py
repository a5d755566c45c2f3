"""Rows with pictures go the whole way: writers and judges are sent them, pairs keep them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.errors import ConfigError
from judgeforge.runs.planning.plan import PlanReport, plan_run
from tests.local_server import LocalServer
from tests.support.html_page import read_page
from tests.support.run_setup import model, rows, run, write_config

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
DATA = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
LINK = "https://example.org/sky.png"
URLS = {"data": DATA, "file": "pictures/sky.png", "link": LINK, "column": "pictures/sky.png"}


def row(name: str, url: str) -> dict[str, Any]:
    parts = [
        {"type": "text", "text": f"What is this ({name})?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    return {"id": name, "prompt": [{"role": "user", "content": parts}]}


def write_rows(place: Path) -> None:
    (place / "pictures").mkdir()
    (place / "pictures" / "sky.png").write_bytes(PNG)
    given = {name: row(name, url) for name, url in URLS.items()}
    given["column"] |= {"prompt": "What is this (column)?\n<image>", "image": URLS["column"]}
    made = (json.dumps(one) + "\n" for one in given.values())
    (place / "prompts.jsonl").write_text("".join(made))


@dataclass(frozen=True)
class Finished:
    folder: Path
    bodies: dict[str, list[dict[str, Any]]]
    """What was sent, by kind."""
    wire: str
    plan: PlanReport

    def pictures(self, kind: str, about: str) -> list[list[Any]]:
        """Of each request of a kind about a row: what it shows, in order."""
        shown = []
        for body in self.bodies[kind]:
            content = body["messages"][-1]["content"]
            if f"({about})" in json.dumps(content):
                parts = [part for part in content if part["type"] != "text"]
                shown.append([part.get("image_url") or part["source"] for part in parts])
        return shown


@pytest.fixture(scope="module", params=["openai", "anthropic"])
def finished(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Finished]:
    place = tmp_path_factory.mktemp(request.param)
    write_rows(place)
    with LocalServer() as server:
        judges = [{"model": "small", "protocol": "pairwise"}]
        config = write_config(
            place,
            server,
            models={"small": model(server, request.param)},
            prompts={"path": "prompts.jsonl"},
            judging={"judges": judges},
        )
        planned = plan_run(judgeforge.load_config(config))
        run(config, place / "out")
        bodies = {
            kind: [one.body for one in server.requests if one.kind == kind]
            for kind in ("completion", "judge")
        }
        yield Finished(place / "out", bodies, request.param, planned)


@pytest.mark.parametrize("kind", ["completion", "judge"])
@pytest.mark.parametrize("name", URLS)
def test_writers_and_judges_are_sent_the_picture(finished: Finished, kind: str, name: str) -> None:
    encoded = base64.b64encode(PNG).decode()
    sent = {
        ("openai", "link"): {"url": LINK},
        ("openai", "data"): {"url": DATA},
        ("openai", "file"): {"url": DATA},
        ("openai", "column"): {"url": DATA},
        ("anthropic", "link"): {"type": "url", "url": LINK},
    }
    inside = {"type": "base64", "media_type": "image/png", "data": encoded}
    shown = finished.pictures(kind, name)
    assert shown
    assert all(pictures == [sent.get((finished.wire, name), inside)] for pictures in shown)


def test_the_text_for_the_judge_names_each_picture(finished: Finished) -> None:
    for body in finished.bodies["judge"]:
        first, label, _, last = body["messages"][-1]["content"]
        assert "The conversation has 1 picture." in first["text"]
        assert "<picture-1-" in first["text"]
        assert label == {"type": "text", "text": "Picture 1:"}
        assert DATA not in first["text"]
        assert "<answer-" in last["text"], "what differs between questions comes last"


def test_pairs_keep_the_prompt_as_the_row_had_it(finished: Finished) -> None:
    pairs = rows(finished.folder / "pairs.jsonl")
    assert {pair["prompt_id"] for pair in pairs} == set(URLS)
    for pair in pairs:
        given = row(pair["prompt_id"], URLS[pair["prompt_id"]])
        parts = [
            {name: value for name, value in part.items() if value is not None}
            for part in pair["prompt"][0]["content"]
        ]
        assert parts == given["prompt"][0]["content"]


def test_the_report_draws_what_it_has_and_names_the_rest(finished: Finished) -> None:
    page = read_page(finished.folder / "report.html")
    assert set(page.attributes("src")) == {DATA}
    assert f"picture {LINK}" in page.text
    assert "picture pictures/sky.png" in page.text
    assert "| pairs with pictures | 4 |" in (finished.folder / "README.md").read_text()


def test_a_judge_that_is_said_not_to_see_is_a_mistake_of_the_configuration(
    tmp_path: Path, server: LocalServer
) -> None:
    write_rows(tmp_path)
    models = {"writer": model(server), "blind": model(server, vision=False)}
    config = write_config(
        tmp_path,
        server,
        models=models,
        prompts={"path": "prompts.jsonl"},
        sampling={"models": ["writer"], "completions": 2},
        judging={"judges": [{"model": "blind"}]},
    )
    with pytest.raises(ConfigError, match=r"models\.blind is said not to see"):
        judgeforge.run(judgeforge.load_config(config), tmp_path / "out")
    assert server.calls() == []


def test_the_plan_holds(finished: Finished) -> None:
    manifest = json.loads((finished.folder / "manifest.json").read_text())
    plan, cost = finished.plan, manifest["totals"]["cost_usd"]
    assert plan.low is not None
    assert plan.high is not None
    assert plan.low <= cost <= plan.high
