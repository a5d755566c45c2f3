"""What the configuration says about sending a model's requests in batches, and what they cost."""

from __future__ import annotations

from pydantic import Field

from judgeforge.text.messages import Record


class BatchConfig(Record):
    """How a model's requests are gathered. The limits of its provider hold besides."""

    direct_below: int = Field(default=0, ge=0, le=100_000)
    """Fewer requests than this, gathered at one time, are sent directly at the usual price."""
    quiet_s: float = Field(default=5.0, gt=0, le=600)
    """Gathering ends when nothing more has come for this long, or when a batch is full."""
    poll_s: float = Field(default=60.0, gt=0, le=3600)
    """At most this long between two looks at a batch; a young one is looked at more often."""
    max_requests: int | None = Field(default=None, ge=1, le=100_000)
    """In one batch."""
    max_mb: float | None = Field(default=None, gt=0, le=10_000)
    """Megabytes of one batch."""
    enqueued_tokens: int | None = Field(default=None, ge=1, le=10**12)
    """Input tokens in all batches of the model that are not answered yet, as the provider's page
    of limits has it."""


def as_batch(value: object) -> object:
    """`batch: true` asks for batches with what is usual, `batch: false` for none."""
    if value is True:
        return {}
    return None if value is False else value
