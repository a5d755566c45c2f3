"""Regular expressions that are compiled when something first asks them.

Most patterns of a module are for the few texts that are odd: a start that compiles all of them
spends on that a twentieth of its time. A pattern that every run needs is compiled with ``re``.
"""

from __future__ import annotations

import re
from typing import Any, cast


def late_pattern(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """As ``re.compile``, but a mistake in ``pattern`` shows at its first use, and functions of
    ``re`` do not take it: its own methods do the same."""
    return cast("re.Pattern[str]", _LatePattern(pattern, flags))


class _LatePattern:
    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever a pattern has)
        if name.startswith("__"):
            raise AttributeError(name)
        # The next time it is found without coming here.
        found = getattr(re.compile(self.pattern, self._flags), name)
        setattr(self, name, found)
        return found

    def __repr__(self) -> str:
        return repr(re.compile(self.pattern, self._flags))
