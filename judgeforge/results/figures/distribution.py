"""Many numbers as a histogram and quantiles. Pure.

Numbers are kept without numpy, which is imported when they are first looked at: `status` only adds.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

SHARES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_EDGE = 1e-6
"""Values are kept in 4 bytes: one that lies on an edge must not fall below it."""


@dataclass(frozen=True, slots=True)
class Histogram:
    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Values:
    """Numbers of which four bytes each are kept, about seven digits; their mean is exact."""

    def __init__(self) -> None:
        self._values = array("f")
        self._total = 0.0

    def add(self, value: float) -> None:
        self._values.append(value)
        self._total += value

    def __iter__(self) -> Iterator[float]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def mean(self) -> float | None:
        return self._total / len(self) if self._values else None

    def quantile(self, share: float) -> float | None:
        """The smallest value that at least ``share`` (0 to 1) of the values do not exceed."""
        found = self.quantiles((share,))
        return found[0] if found else None

    def quantiles(self, shares: Sequence[float] = SHARES) -> list[float]:
        """Empty without values."""
        if not self._values:
            return []
        import numpy as np

        ordered = np.sort(np.asarray(self._values))
        return [float(ordered[max(0, ceil(len(ordered) * share - 1))]) for share in shares]

    def mean_of_those(self, limit: float, other: Values) -> tuple[int, float | None]:
        """How many values reach ``limit``, and the mean of ``other``, as long, at these places."""
        import numpy as np

        reaches = np.asarray(self._values, dtype=np.float64) + _EDGE >= limit
        kept = np.asarray(other._values, dtype=np.float64)[reaches]
        return len(kept), float(kept.mean()) if len(kept) else None

    def histogram(self, low: float, high: float, bins: int) -> Histogram:
        """Bins of equal width from ``low`` to ``high``; what lies outside is in the outermost."""
        import numpy as np

        edges = np.linspace(low, high, bins + 1)
        inside = np.clip(np.asarray(self._values, dtype=np.float64) + _EDGE, low, high)
        counts, _ = np.histogram(inside, edges)
        return Histogram(
            tuple(float(edge) for edge in edges), tuple(int(count) for count in counts)
        )
