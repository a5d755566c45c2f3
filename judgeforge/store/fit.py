"""The frozen fit of a run folder's judges."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from judgeforge.errors import StoreError
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.store.atomic_files import replacing
from judgeforge.text.messages import SparseRecord

FORMAT = 3
"""The first format is the reliability alone, without a number; the second is never provisional."""


class FrozenFit(SparseRecord):
    only_where_set = frozenset({"judgments"})

    reliability: Reliability
    learnt_from: tuple[str, ...] = ()
    """Ids of the prompts that were judged before anything was known of the judges. Judged again,
    they must be asked the same; none are known of the first format."""
    provisional: bool = False
    """Not all prompts that it is to be learnt from were judged when the run had to end. Where the
    run goes on it is learnt again, and what was ranked with this one is ranked again."""
    judgments: str = ""
    """Digest of what others had judged: with other verdicts it is learnt again."""
    format: int = FORMAT


def read_fit(file: Path) -> FrozenFit | None:
    """None where none was made yet. Raises StoreError where it cannot be read."""
    try:
        text = file.read_bytes()
        if b'"learnt_from"' not in text:
            return FrozenFit(reliability=Reliability.model_validate_json(text), format=1)
        return FrozenFit.model_validate_json(text)
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise StoreError(
            f"{file}: the fit of the judges cannot be read ({error}). Bring the file back from a "
            "copy, or use a new run folder (replies that were paid come from the cache)."
        ) from error


def write_fit(file: Path, fit: FrozenFit) -> None:
    with replacing(file) as target:
        target.write(fit.model_dump_json(indent=2).encode())
