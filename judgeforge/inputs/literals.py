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


def literal(text: str) -> object:
    """What a text is to Python. Raises ValueError for one that is no literal, or is too long."""
    if len(text) > _LONGEST:
        raise ValueError("it is too long")
    try:
        with catch_warnings():
            simplefilter("ignore")
            value: object = ast.literal_eval(text)
    except (SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise ValueError(str(error)) from None
    return value


def python_value(text: str) -> object:
    """The list or dictionary that a text is the Python literal of.

    Raises ValueError for anything else, and for numpy's form, which has no commas: to Python two
    texts beside each other are one.
    """
    text = text.strip()
    if not text.startswith(("[", "{")):
        raise ValueError("it is not a list or dictionary")
    value = literal(text)
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (SyntaxError, tokenize.TokenError) as error:
        raise ValueError(str(error)) from None
    kinds = [token.type for token in tokens if token.type not in _BETWEEN]
    if (tokenize.STRING, tokenize.STRING) in pairwise(kinds):
        raise ValueError("a comma is missing between two texts")
    return value
