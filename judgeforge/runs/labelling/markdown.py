"""Markdown of models as a tree of a few kinds of parts, for a template to draw.

HTML in it is text like any other, a link is its words and its address, and a picture its
description: nothing that a model wrote becomes an element, an address that is opened, or a request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

LONGEST = 20_000
"""Characters: longer texts are shown as they were written, as some take long to be read."""
MOST_PARTS = 10_000
"""A table of a few thousand characters can have a hundred thousand cells: rows are filled up."""

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

    tokens = _reader(tables=_may_have_tables(text)).parse(text)
    if sum(1 + len(token.children or ()) for token in tokens) > MOST_PARTS:
        return None
    found = tuple(_parts(SyntaxTreeNode(tokens).children))
    return None if _is_plain(found) else found


def _is_plain(parts: Sequence[Part]) -> bool:
    """One paragraph of words: drawn and as written are the same."""
    inner = [each.kind for one in parts for each in one.parts]
    return all(one.kind == "paragraph" for one in parts) and set(inner) <= {"text", "space"}


def _may_have_tables(text: str) -> bool:
    lines = text.splitlines()
    widest = max((line.count("|") for line in lines), default=0)
    return widest * len(lines) <= MOST_PARTS


@cache
def _reader(*, tables: bool) -> MarkdownIt:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": 20})
    return reader.enable(["table", "strikethrough"] if tables else ["strikethrough"])


def _parts(nodes: Sequence[SyntaxTreeNode]) -> Iterator[Part]:
    for node in nodes:
        if node.type in _TRANSPARENT:
            yield from _parts(node.children)
        else:
            yield _part(node)


def _part(node: SyntaxTreeNode) -> Part:
    read = _OF_ITS_OWN.get(node.type)
    if read is not None:
        return read(node)
    # A kind that is not known here shows its parts and is nothing itself.
    return Part(_PLAIN.get(node.type, "plain"), "", tuple(_parts(node.children)))


def _text(node: SyntaxTreeNode) -> Part:
    return Part("text", node.content)


def _block(node: SyntaxTreeNode) -> Part:
    language = node.info.strip()
    return Part("block", node.content, (Part("text", language),) if language else ())


def _picture(node: SyntaxTreeNode) -> Part:
    return Part("picture", str(node.attrs.get("src", "")), (Part("text", node.content),))


def _link(node: SyntaxTreeNode) -> Part:
    return Part("link", str(node.attrs.get("href", "")), tuple(_parts(node.children)))


def _heading(node: SyntaxTreeNode) -> Part:
    return Part("heading", "", tuple(_parts(node.children)), int(node.tag[1:]))


def _numbered(node: SyntaxTreeNode) -> Part:
    return Part("numbered", "", tuple(_parts(node.children)), int(node.attrs.get("start", 1)))


_OF_ITS_OWN: Mapping[str, Callable[[SyntaxTreeNode], Part]] = {
    "text": _text,
    "text_special": _text,
    "html_block": _text,
    "html_inline": _text,
    "code_inline": lambda node: Part("code", node.content),
    "fence": _block,
    "code_block": _block,
    "image": _picture,
    "link": _link,
    "heading": _heading,
    "ordered_list": _numbered,
}
