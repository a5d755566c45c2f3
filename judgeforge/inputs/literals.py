"""Values that Python wrote as a text, as a table of lists that was saved as CSV has them."""

from __future__ import annotations

import ast
import io
import tokenize
from itertools import pairwise
from warnings import catch_warnings, simplefilter

_LONGEST = 1 << 20
"""Characters; Python takes some hundred bytes for each to read them."""
_BETWEEN = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT)


def python_value(text: str) -> object:
    """The list or dictionary that a text is the Python literal of.

    Raises ValueError for anything else, and for numpy's form, which has no commas: to Python two
    texts beside each other are one.
    """
    if not text.lstrip().startswith(("[", "{")) or len(text) > _LONGEST:
        raise ValueError("it is no list or dictionary")
    try:
        with catch_warnings():
            simplefilter("ignore")
            value: object = ast.literal_eval(text.strip())
            tokens = list(tokenize.generate_tokens(io.StringIO(text.strip()).readline))
    except (SyntaxError, tokenize.TokenError, MemoryError, RecursionError, TypeError) as error:
        raise ValueError(str(error)) from None
    kinds = [token.type for token in tokens if token.type not in _BETWEEN]
    if (tokenize.STRING, tokenize.STRING) in pairwise(kinds):
        raise ValueError("a comma is missing between two texts")
    return value
