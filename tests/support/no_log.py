"""A log that keeps nothing."""

from __future__ import annotations


class NoLog:
    """Implements ``CallLog``."""

    def call(self, *said: object, **fields: object) -> None:
        pass

    def event(self, name: str, **fields: object) -> None:
        pass
