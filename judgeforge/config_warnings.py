"""Settings that are allowed and yet cannot do what they are there for."""

from __future__ import annotations

from judgeforge.config import RunConfig


def asks_beyond_first_tier(config: RunConfig) -> bool:
    """Whether a cascade has anything to ask for that is not asked of every prompt."""
    judges = config.judging.judges
    repeated = any(judge.repeats > 1 for judge in judges)
    return config.judging.cascade is not None and (
        repeated or len({judge.tier for judge in judges}) > 1
    )


def cascade_warnings(config: RunConfig) -> list[str]:
    if config.judging.cascade is None or asks_beyond_first_tier(config):
        return []
    return [
        "judging.cascade does nothing: all judges are of one tier and asked once, so each is asked "
        "everything. Set `tier: 2` on those that are to be asked in doubt only."
    ]
