"""What the prose names exists: files and folders of the checkout, modules, links and anchors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
REPLACED = "(replaced by "
"""In the title of a decision that no longer stands: it may name what was there at its time."""
PAGES = [
    page
    for page in (*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"))
    if REPLACED not in page.read_text(encoding="utf-8").splitlines()[0]
]
ROOTS = "judgeforge|tests|docs|configs|prompts|examples|benchmarks"
NAMED = re.compile(rf"`((?:{ROOTS})/[\w./-]*)")
MODULE = re.compile(r"`((?:\w+/)*\w+\.py)[`:]")
TITLE = re.compile(r"^#+ (.*)$", re.MULTILINE)
MADE_WITH_THE_SITE = {f"reference/{name}.md" for name in ("configuration", "commands", "python")}
"""`make docs` fails where one of them is not made."""


@pytest.fixture(params=PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def page(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


def anchors(page: Path) -> Iterator[str]:
    """As GitHub makes them of titles."""
    for title in TITLE.findall(page.read_text(encoding="utf-8")):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).lower()
        yield re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def test_every_file_and_folder_that_is_named_exists(page: Path) -> None:
    named = set(NAMED.findall(page.read_text(encoding="utf-8")))
    assert {place for place in named if not (PROJECT / place.rstrip(".")).exists()} == set()


def test_every_module_that_is_named_exists_in_the_package_or_the_checkout(page: Path) -> None:
    named = set(MODULE.findall(page.read_text(encoding="utf-8")))
    homes = (PROJECT, PROJECT / "judgeforge")
    missing = {
        place
        for place in named
        if not any((home / place).exists() for home in homes)
        and ("/" in place or not any(homes[1].rglob(place)))
    }
    assert missing == set()


def test_every_link_leads_to_a_file_and_a_title(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    for link in links:
        if link.startswith(("https://", "http://")):
            continue
        place, _, anchor = link.partition("#")
        if page.parent.name == "docs" and place in MADE_WITH_THE_SITE:
            continue
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        assert not anchor or anchor in set(anchors(target)), link


def test_decisions_are_numbered_in_their_titles() -> None:
    for decision in (PROJECT / "docs" / "decisions").glob("*.md"):
        number = decision.name.partition("-")[0]
        assert decision.read_text(encoding="utf-8").startswith(f"# {number} "), decision.name
