"""The tokenizer that `pairing.tokenizer` names, as a counter of tokens.

The library is Hugging Face's `tokenizers`, which reads what every model of the hub brings. It is an
extra, since the estimate that stands in for it needs none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from judgeforge.config.file import located
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError
from judgeforge.ranking.pairing.length_limits import Tokens

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_FILE = "tokenizer.json"
_KEY = "pairing.tokenizer"


def read_tokenizer(config: RunConfig) -> Tokens | None:
    """None where none is named. Raises ConfigError where it cannot be had."""
    name = config.pairing.tokenizer
    if name is None:
        return None
    try:
        tokenizer = _tokenizer(name, config.folder)
    except ConfigError as error:
        raise located(error, config) from None

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return count


def _tokenizer(name: str, folder: Path) -> Tokenizer:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ConfigError(
            'counting tokens needs the library `tokenizers`: pip install "judgeforge[tokens]". '
            "Without `tokenizer` they are estimated.",
            key=_KEY,
        ) from error
    place = folder / name
    file = place / _FILE if place.is_dir() else place
    if not file.is_file() and (name.endswith(".json") or place.is_dir()):
        raise ConfigError(f"there is no file {file}", key=_KEY)
    try:
        if file.is_file():
            return Tokenizer.from_file(str(file))
        return Tokenizer.from_pretrained(name)
    except Exception as error:
        where = f"{file} is not a tokenizer" if file.is_file() else f"`{name}` cannot be had"
        raise ConfigError(
            f"{where} ({error}). Name a file tokenizer.json, a folder with one, or a model of the "
            "hub that has one.",
            key=_KEY,
        ) from error
