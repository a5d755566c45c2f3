"""`judgeforge report` and ``report.html``: one page that needs nothing else and tells all."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from examples.report_picture import picture
from judgeforge.cli import app
from judgeforge.errors import ConfigError, StoreError
from judgeforge.records import SkipReason
from judgeforge.results.report.words import SKIP_WORDS, STATUS_WORDS, skip_words
from judgeforge.results.report.writing import write_report
from judgeforge.runs.result import EXIT_STATUS, FINISHED
from judgeforge.store.atomic_files import replacing
from tests.local_server import LocalServer
from tests.support.html_page import Page, read_page
from tests.support.run_setup import run, write_config


@pytest.fixture(scope="module")
def page(finished: Path) -> Page:
    return read_page(finished / "report.html")


def report(folder: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["report", str(folder), *options], catch_exceptions=True)
    return result.exit_code, result.output


class TestPage:
    def test_needs_nothing_from_anywhere(self, page: Page) -> None:
        assert not page.tags & {"script", "link", "img", "iframe", "object", "form", "base"}
        assert not page.attributes("src")
        assert not page.attributes("style")
        assert all(str(href).startswith("#") for href in page.attributes("href"))

    def test_allows_its_own_style_sheet_and_nothing_else(self, finished: Path, page: Page) -> None:
        text = (finished / "report.html").read_text(encoding="utf-8")
        (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        )
        assert policy in page.attributes("content")
        assert "url(" not in style
        assert "@import" not in style

    def test_can_be_read_without_eyes(self, page: Page) -> None:
        tags = [tag for tag, _ in page.elements]
        assert tags.count("h1") == 1
        assert tags.count("table") == tags.count("caption")
        ids = [str(name) for name in page.attributes("id")]
        assert len(ids) == len(set(ids))
        named = {
            name for value in page.attributes("aria-labelledby") for name in str(value).split()
        }
        assert named <= set(ids)
        drawings = [dict(attributes) for tag, attributes in page.elements if tag == "svg"]
        assert len(drawings) == 5
        assert all(one["role"] == "img" and one["aria-labelledby"] for one in drawings)
        links = {str(href)[1:] for href in page.attributes("href")}
        assert links <= set(ids)

    def test_tells_pairs_judges_cost_and_how_it_was_made(self, finished: Path, page: Page) -> None:
        manifest = json.loads((finished / "manifest.json").read_text())
        words = (
            "All prompts are done.",
            "expected to have the worse answer",
            f"{manifest['totals']['calls']['paid']:,} calls were sent",
            "strong",
            "first shown wins",
            "Asking every judge everything would have taken",
            manifest["rubric"]["sha256"],
            "helpful" if manifest["rubric"]["name"] == "helpfulness" else "graded, version 1",
            "sampling",
            "judgeforge explain out p",
        )
        for word in words:
            assert word in page.text, word

    def test_says_the_same_of_the_pairs_as_the_manifest(self, finished: Path, page: Page) -> None:
        quality = json.loads((finished / "manifest.json").read_text())["quality"]
        wrong, longer = quality["expected_wrong"], quality["length"]["chosen_longer"]
        assert f"By their own confidence, {wrong['by_confidence']:.1%} of the" in page.text
        assert f"and {wrong['tied']:.1%} two equally good ones" in page.text
        assert f"in {wrong['by_p_best']:.1%}, chosen is expected not to be" in page.text
        assert f"Chosen is longer in {longer:.1%} of the pairs" in page.text

    def test_shows_pairs_whole_with_every_judgment(self, finished: Path, page: Page) -> None:
        pair = json.loads((finished / "pairs.jsonl").read_text().splitlines()[0])
        for side in ("chosen", "rejected"):
            assert pair[side][0]["content"] in page.text
        assert pair["prompt"][0]["content"] in page.text
        rows = [json.loads(x) for x in (finished / "judgments.jsonl").read_text().splitlines()]
        of_pair = [row for row in rows if row["id"] in pair["provenance"]["judgment_ids"]]
        assert {row["judge"] for row in of_pair} > {"small"}
        assert all(row["rationale"] in page.text for row in of_pair)

    def test_is_for_its_owner_only(self, finished: Path) -> None:
        assert stat.S_IMODE((finished / "report.html").stat().st_mode) == 0o600

    def test_is_the_same_for_the_same_folder(self, finished: Path) -> None:
        before = (finished / "report.html").read_bytes()
        assert write_report(finished).read_bytes() == before


def test_the_picture_of_the_docs_is_drawn_from_a_page(finished: Path) -> None:
    drawn = picture((finished / "report.html").read_text(encoding="utf-8"))
    root = ElementTree.fromstring(drawn)  # noqa: S314 (our own page)
    charts = root.findall("{http://www.w3.org/2000/svg}svg")
    assert [(one.get("x"), one.get("y")) for one in charts[:2]] == [("0", "22"), ("664", "22")]
    assert len(charts) == 4


class TestCommand:
    def test_writes_the_page_and_prints_its_path(self, finished: Path) -> None:
        assert report(finished) == (0, f"{finished / 'report.html'}\n")

    def test_writes_elsewhere(self, finished: Path, tmp_path: Path) -> None:
        wanted = (finished / "report.html").read_bytes()
        for place, file in (
            (tmp_path, tmp_path / "report.html"),
            (tmp_path / "new" / "page.html", tmp_path / "new" / "page.html"),
            (tmp_path / "pages", tmp_path / "pages" / "report.html"),
        ):
            code, said = report(finished, "--to", str(place))
            assert (code, said) == (0, f"{file}\n")
            assert file.read_bytes() == wanted

    def test_never_takes_the_place_of_a_file_of_the_run(self, finished: Path) -> None:
        with pytest.raises(ConfigError, match=r"an \.html file"):
            write_report(finished, to=finished / "pairs.jsonl")

    def test_replaces_a_page_of_its_own_and_no_other(self, finished: Path, tmp_path: Path) -> None:
        page = tmp_path / "page.html"
        write_report(finished, to=page)
        written = page.read_bytes()
        assert write_report(finished, to=page).read_bytes() == written
        page.write_text("<html><title>mine</title></html>")
        with pytest.raises(ConfigError, match="is there already and is not a report"):
            write_report(finished, to=page)
        assert page.read_text() == "<html><title>mine</title></html>"

    def test_refuses_what_is_no_run_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="no such folder"):
            write_report(tmp_path / "none")
        with pytest.raises(ConfigError, match="is not a run folder"):
            write_report(tmp_path)


def test_a_disk_that_is_full_at_the_page_stops_the_run_and_it_goes_on(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def on_a_full_disk(path: Path) -> Iterator[BinaryIO]:
        with replacing(path) as file:
            yield file
            raise OSError(errno.ENOSPC, "No space left on device")

    config, out = write_config(tmp_path, server, prompts=2), tmp_path / "out"
    with monkeypatch.context() as disk:
        disk.setattr("judgeforge.results.report.writing.replacing", on_a_full_disk)
        stopped = run(config, out)
    assert (stopped.exit_code, stopped.manifest["status"]) == (74, "failed")
    assert "report.html: cannot be written" in stopped.manifest["message"]
    sent = len(server.requests)
    assert run(config, out).exit_code == 0
    assert len(server.requests) == sent
    assert "All prompts are done." in read_page(out / "report.html").text


def copied(finished: Path, target: Path, **changes: object) -> Path:
    """The files of a run with another manifest."""
    target.mkdir()
    for file in finished.iterdir():
        if file.is_file():
            (target / file.name).write_bytes(file.read_bytes())
    manifest = json.loads((finished / "manifest.json").read_text())
    (target / "manifest.json").write_text(json.dumps({**manifest, **changes}))
    return target


class TestFolders:
    def test_of_a_run_that_was_killed_before_any_result(
        self, finished: Path, tmp_path: Path
    ) -> None:
        """What is done is counted from the journal."""
        none = {"prompts": 0, "pairs": 0, "skips": {}, "calls": {"paid": 0, "cached": 0}}
        totals = {**none, "tokens": {"input": 0, "output": 0}, "cost_usd": 0.0}
        folder = copied(finished, tmp_path / "out", status="running", totals=totals)
        (folder / "state").mkdir()
        for name in ("journal.bin", "spending.jsonl"):
            shutil.copy(finished / "state" / name, folder / "state")
        for name in ("pairs", "completions", "judgments", "skips", "log"):
            (folder / f"{name}.jsonl").unlink()
        text = read_page(write_report(folder)).text
        assert "killed" in text
        assert "pairs8" in text
        assert "prompts done8 of 8" in text
        assert "There are no pairs yet" in text

    @pytest.mark.parametrize("status", ["budget", "provider", "interrupted", "new-status"])
    def test_of_a_run_that_stopped(self, finished: Path, tmp_path: Path, status: str) -> None:
        folder = copied(finished, tmp_path / "out", status=status, message="why it stopped")
        text = read_page(write_report(folder)).text
        assert status in text
        assert "why it stopped" in text

    def test_without_a_pair(self, tmp_path: Path, server: LocalServer) -> None:
        config = write_config(tmp_path, server, prompts=3, pairing={"min_margin": 1.0})
        run(config, tmp_path / "out")
        text = read_page(tmp_path / "out" / "report.html").text
        assert "There are no pairs." in text
        assert skip_words("below_margin").advice in text

    def test_of_an_older_version(self, finished: Path, tmp_path: Path) -> None:
        """Its manifest has less, and its results lack what came later."""
        folder = copied(finished, tmp_path / "out")
        manifest = json.loads((folder / "manifest.json").read_text())
        kept = ("format_version", "status", "updated_at", "totals", "judgeforge_version")
        (folder / "manifest.json").write_text(json.dumps({k: manifest[k] for k in kept}))
        (folder / "log.jsonl").unlink()
        late = ("own_family", "calls", "note", "failed_required", "score_sd")
        lines = [json.loads(x) for x in (folder / "judgments.jsonl").read_text().splitlines()]
        old = ({k: v for k, v in row.items() if k not in late} for row in lines)
        (folder / "judgments.jsonl").write_text("".join(json.dumps(row) + "\n" for row in old))
        assert "The log knows no calls" in read_page(write_report(folder)).text

    def test_of_a_newer_version_is_refused(self, finished: Path, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="newer judgeforge"):
            write_report(copied(finished, tmp_path / "out", format_version=99))

    @pytest.mark.parametrize(
        ("name", "line", "said"),
        [
            ("pairs.jsonl", '{"id": "p1', r"pairs\.jsonl:1: damaged"),
            ("pairs.jsonl", "[1]", r"pairs\.jsonl:1: damaged \(not a JSON object\)"),
            ("pairs.jsonl", '{"id": "p1", "prompt_id": "p1"}', "the prompt `p1` are not as a run"),
            ("completions.jsonl", '{"prompt_id": "p1"}', "the prompt `p1` are not as a run"),
            ("judgments.jsonl", '{"prompt_id": "p0", "judge": 7}', "the prompt `p0` are not as"),
        ],
    )
    def test_that_is_damaged_is_an_error_that_names_the_place(
        self, finished: Path, tmp_path: Path, name: str, line: str, said: str
    ) -> None:
        folder = copied(finished, tmp_path / "out")
        (folder / name).write_text(line + "\n")
        with pytest.raises(StoreError, match=said):
            write_report(folder)

    def test_that_lacks_a_file_is_an_error(self, finished: Path, tmp_path: Path) -> None:
        folder = copied(finished, tmp_path / "out")
        (folder / "judgments.jsonl").unlink()
        with pytest.raises(StoreError, match=r"judgments\.jsonl: cannot be read"):
            write_report(folder)

    def test_with_a_log_that_was_cut(self, finished: Path, tmp_path: Path) -> None:
        folder = copied(finished, tmp_path / "out")
        with (folder / "log.jsonl").open("ab") as log:
            log.write(b'{"event":"call","model":"small"}\n[1]\n\xff\n{"event": 7}\n{"event":"ca')
        assert "lines that could not be read: 1" in read_page(write_report(folder)).text


@pytest.mark.parametrize("reason", SkipReason)
def test_every_reason_of_a_skip_is_explained(reason: SkipReason) -> None:
    assert SKIP_WORDS[reason].meaning
    assert SKIP_WORDS[reason].advice


def test_every_status_is_explained() -> None:
    assert {*EXIT_STATUS.values(), *FINISHED, "running"} <= set(STATUS_WORDS)


def test_a_caption_is_never_wider_than_the_window_that_its_table_is_moved_in(
    finished: Path,
) -> None:
    style = re.search(r"<style>(.*?)</style>", (finished / "report.html").read_text(), re.DOTALL)
    assert style is not None
    rules = re.findall(r"^([^\n{}]*\bcaption) \{([^}]*)\}", style[1], re.MULTILINE)
    assert [name for name, _ in rules] == ["caption", ".side caption"]
    assert all("max-width: calc(100vw - " in rule for _, rule in rules)
    assert "position: sticky; left: 0" in rules[0][1]
