"""The frozen fit of a run folder's judges."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from judgeforge.errors import StoreError
from judgeforge.reliability import Reliability
from judgeforge.store.files import replacing


def read_fit(file: Path) -> Reliability | None:
    """None where none was made yet. Raises StoreError where it cannot be read."""
    try:
        return Reliability.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise StoreError(
            f"{file}: the fit of the judges cannot be read ({error}). Bring the file back from a "
            "copy, or use a new run folder (replies that were paid come from the cache)."
        ) from error


def write_fit(file: Path, fit: Reliability) -> None:
    with replacing(file) as target:
        target.write(fit.model_dump_json(indent=2).encode())
