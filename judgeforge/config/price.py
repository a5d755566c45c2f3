"""What the configuration says of prices: of a model's requests, and of those in batches."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from judgeforge.text.messages import Record

LARGEST_PRICE = 1e6
"""USD per million tokens: within these bounds prices times tokens never overflow."""

Rate = Annotated[float, Field(ge=0, le=LARGEST_PRICE)]


class BatchPrice(Record):
    """USD per million tokens of requests that are answered in a batch."""

    input_per_mtok: Rate
    """Of requests."""
    output_per_mtok: Rate
    """Of replies, thoughts included."""
    cached_input_per_mtok: Rate | None = None
    """Without it, cached input costs what other input costs."""
    cache_write_per_mtok: Rate | None = None
    """Without it, writing to the provider's cache costs what other input costs."""
    hour_write_per_mtok: Rate | None = None
    """Of what the provider's cache is to keep for an hour; without it as `cache_write_per_mtok`."""


class Price(BatchPrice):
    """USD per million tokens."""

    per_request: Rate = 0.0
    """USD for each request, where the provider bills that beside the tokens."""
    batch: BatchPrice | None = None
    """Of requests that are answered in a batch."""
