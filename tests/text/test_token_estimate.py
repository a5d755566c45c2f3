"""The estimate of tokens, which is the same wherever one is needed."""

from __future__ import annotations

import pytest

from judgeforge.text.wording import about_tokens


@pytest.mark.parametrize(
    ("texts", "tokens"),
    [
        ((), 0),
        (("",), 0),
        (("a",), 1),
        (("four", "five!"), 3),
        (("ab", "cd"), 1),
        (("ありがとう",), 4),
        (("half \ud800",), 2),
    ],
)
def test_four_bytes_are_a_token_and_a_part_counts_whole(
    texts: tuple[str, ...], tokens: int
) -> None:
    assert about_tokens(*texts) == tokens
