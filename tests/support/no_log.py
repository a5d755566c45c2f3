"""A log that keeps nothing."""

from __future__ import annotations

from judgeforge.store.log import CallRecord


class NoLog:
    """In place of a ``RunLog``."""

    def call(self, record: CallRecord) -> None:
        pass

    def event(self, name: str, **fields: object) -> None:
        pass
