"""The page as HTML, from templates of the project in Jinja's sandbox.

What models, rows and people wrote is only ever a value. Every value passes through one place that
makes unseen characters seen and then escapes it, so that none can be forgotten; a template has no
way around it.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
_STYLE = "style_of_page.j2"
"""The page's own policy allows this very style sheet, and no other."""
_CONTROL_PICTURES = 0x2400
_LAST_CONTROL, _DELETE = 0x1F, 0x7F
_DELETE_PICTURE = "\N{SYMBOL FOR DELETE}"
_JOINERS = "\u200c\u200d"
"""Emoji and many scripts need them, and they hide nothing that is drawn."""

LONGEST_NAME, _LONGEST = 400, 10_000
"""Characters of one value: of names, which were not cut before, and of texts."""


class _Whole(str):
    """A text that may be long."""

    __slots__ = ()


LARGEST_PICTURE = 200_000
"""Characters of its data URL."""


class _Picture(str):
    """The data URL of a picture: base64, cut nowhere."""

    __slots__ = ()


class _Page(str):
    """The data URL of a page that was rendered here: base64, cut nowhere."""

    __slots__ = ()


def render_page(values: Mapping[str, Any]) -> str:
    """The same values always give the same page."""
    style = _environment().get_template(_STYLE).make_module(dict(values))
    shown = {"style": style, "style_hash": _hash_of(str(style))}
    return _environment().get_template("page.html.j2").render(values, **shown)


def render_fragment(template: str, values: Mapping[str, Any]) -> str:
    """A part of somebody else's page, such as the output of a notebook's cell: without a script
    and, since that page has its own, without a policy or a style sheet."""
    return _environment().get_template(template).render(values)


def seen(text: str) -> str:
    """Control, direction and other invisible characters as what they are called.

    Line breaks and tabs stay. The result can be encoded, whatever ``text`` holds.
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(map(_seen, text))


def _seen(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character)[0] != "C" or character in _JOINERS:
        return character
    code = ord(character)
    if code <= _LAST_CONTROL:
        return chr(_CONTROL_PICTURES + code)
    return _DELETE_PICTURE if code == _DELETE else f"[U+{code:04X}]"


def percent(value: float | None, digits: int = 1) -> str:
    return "unknown" if value is None else f"{value:.{digits}%}"


def usd(value: float | None) -> str:
    """To the cent, small sums to a few more digits."""
    if value is None:
        return "unknown"
    digits = 2 if value >= 1 or value == 0 else 4 if value >= 0.01 else 6
    return f"${value:,.{digits}f}"


def number(value: float | None, digits: int = 0) -> str:
    return "unknown" if value is None else f"{value:,.{digits}f}"


def compact(value: int) -> str:
    """For where there is little room."""
    return f"{value:,}" if value < 10_000 else f"{value / 1_000:,.0f}k"


def signed(value: float, digits: int = 3) -> str:
    return f"{round(value, digits) + 0.0:+.{digits}f}"


def seconds(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:.2f} s" if value < 10 else f"{value:,.0f} s"


def _finally(most_of: Mapping[type, int]) -> Callable[[object], object]:
    """What Jinja puts out for an expression, before it escapes it."""

    def final(value: object) -> object:
        if hasattr(value, "__html__"):  # of a macro, whose values came through here already
            return value
        if isinstance(value, _Page):
            return str(value)
        most = most_of.get(type(value), LONGEST_NAME)
        text = str(value)
        shown = seen(text[:most])
        return shown if len(shown) <= most and len(text) <= most else f"{shown[:most]} …"

    return final


def policy_hash(file: Path) -> str:
    """For a page's own policy: this very style sheet or script is allowed, and no other."""
    return _hash_of(file.read_text(encoding="utf-8"))


def _hash_of(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    return page_environment(TEMPLATES, longest=_LONGEST, largest_picture=LARGEST_PICTURE)


def page_environment(templates: Path, *, longest: int, largest_picture: int) -> Environment:
    """``longest``: characters of a text (`whole`); ``largest_picture``: of a data URL."""
    from jinja2 import FileSystemLoader, StrictUndefined

    from judgeforge.results.report.compiled_templates import CompiledTemplates, Sandbox

    environment = Sandbox(
        loader=FileSystemLoader(templates),
        bytecode_cache=CompiledTemplates(templates),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_finally({_Whole: longest, _Picture: largest_picture}),
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "percent": percent,
        "usd": usd,
        "number": number,
        "seconds": seconds,
        "signed": signed,
        "compact": compact,
        "whole": _Whole,
        "picture": _Picture,
        "page": _Page,
    }
    del environment.filters["safe"]
    return environment
