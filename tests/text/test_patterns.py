"""A late pattern is a pattern, compiled at the first question."""

from __future__ import annotations

import re

import pytest

from judgeforge.text.patterns import late_pattern


def test_it_finds_what_a_compiled_pattern_finds() -> None:
    late = late_pattern(r"(?P<letter>[a-c])\d", re.IGNORECASE)
    for _ in range(2):
        assert late.sub("-", "A1 b2 d3") == "- - d3"
        assert [match["letter"] for match in late.finditer("A1 b2")] == ["A", "b"]
        assert late.fullmatch("c4")
        assert late.match("xc4", 1)
        assert late.search("d4") is None


def test_it_tells_what_a_compiled_pattern_tells() -> None:
    late, compiled = late_pattern(r"(?P<a>x)", re.DOTALL), re.compile(r"(?P<a>x)", re.DOTALL)
    assert (late.pattern, late.flags, late.groupindex) == ("(?P<a>x)", compiled.flags, {"a": 1})
    assert repr(late) == repr(compiled)


def test_nothing_is_compiled_before_the_first_question() -> None:
    late = late_pattern("(")
    with pytest.raises(re.error, match="missing"):
        late.search("")
