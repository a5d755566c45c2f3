"""Markdown of models as a tree of a few kinds of parts, for a template to draw.

HTML in it is text like any other, a link is its words and its address, and a picture its
description: nothing that a model wrote becomes an element, an address that is opened, or a request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

LONGEST = 20_000
"""Characters: longer texts are shown as they were written, as some take long to be read."""
MOST_PARTS = 10_000
"""A table of a few thousand characters can have a hundred thousand cells."""

_PLAIN = {
    "paragraph": "paragraph",
    "blockquote": "quote",
    "bullet_list": "list",
    "list_item": "item",
    "hr": "rule",
    "strong": "strong",
    "em": "em",
    "s": "struck",
    "softbreak": "space",
    "hardbreak": "break",
    "table": "table",
    "tr": "row",
    "th": "head",
    "td": "cell",
}
_TRANSPARENT = {"root", "inline", "thead", "tbody"}


@dataclass(frozen=True, slots=True)
class Part:
    """``kind``: one of a closed list, which the template knows."""

    kind: str
    text: str = ""
    parts: tuple[Part, ...] = ()
    level: int = 0
    """Of a heading, 1 to 6; of an ordered list its first number."""


def parts_of(text: str) -> tuple[Part, ...] | None:
    """None where it has nothing to draw (plain paragraphs), or is too long."""
    if len(text) > LONGEST:
        return None
    from markdown_it.tree import SyntaxTreeNode

    tokens = _reader().parse(text)
    if sum(1 + len(token.children or ()) for token in tokens) > MOST_PARTS:
        return None
    found = tuple(_parts(SyntaxTreeNode(tokens).children))
    return None if _is_plain(found) else found


def _is_plain(parts: Sequence[Part]) -> bool:
    """One paragraph of words: drawn and as written are the same."""
    inner = [each.kind for one in parts for each in one.parts]
    return all(one.kind == "paragraph" for one in parts) and set(inner) <= {"text", "space"}


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": 20})
    return reader.enable(["table", "strikethrough"])


def _parts(nodes: Sequence[SyntaxTreeNode]) -> Iterator[Part]:
    for node in nodes:
        if node.type in _TRANSPARENT:
            yield from _parts(node.children)
        else:
            yield _part(node)


def _part(node: SyntaxTreeNode) -> Part:
    kind = node.type
    if kind in {"text", "text_special", "html_block", "html_inline"}:
        return Part("text", node.content)
    if kind == "code_inline":
        return Part("code", node.content)
    if kind in {"fence", "code_block"}:
        return Part("block", node.content, (Part("text", node.info),) if node.info.strip() else ())
    if kind == "image":
        return Part("picture", str(node.attrs.get("src", "")), (Part("text", node.content),))
    inner = tuple(_parts(node.children))
    if kind == "link":
        return Part("link", str(node.attrs.get("href", "")), inner)
    if kind == "heading":
        return Part("heading", "", inner, int(node.tag[1:]))
    if kind == "ordered_list":
        return Part("numbered", "", inner, int(node.attrs.get("start", 1)))
    # A kind that is not known here shows its parts and is nothing itself.
    return Part(_PLAIN.get(kind, "plain"), "", inner)
