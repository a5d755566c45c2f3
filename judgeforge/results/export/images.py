"""A picture of a message as the Image feature of ``datasets`` stores it."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import TypedDict
from urllib.parse import unquote_to_bytes

from judgeforge.errors import ConfigError
from judgeforge.text.messages import ImageUrl
from judgeforge.text.wording import shortened

_MOST_BYTES = 64 * 1024 * 1024
_REMOTE = ("https://", "http://")


class StoredImage(TypedDict):
    bytes: bytes | None
    path: str | None
    """Where it is, if its bytes are not here: `datasets` fetches it when it is looked at."""


def picture(shown: ImageUrl, folder: Path | None) -> StoredImage:
    """A data URL and a file as their bytes, an address as itself: nothing is fetched here.

    ``folder``: from which files are named. Raises ConfigError where a file cannot be read.
    """
    url = shown.sent_url
    if url.startswith(_REMOTE):
        return {"bytes": None, "path": url}
    if url.startswith("data:"):
        return {"bytes": _of_data_url(url), "path": None}
    return {"bytes": _of_file((folder or Path()) / url.removeprefix("file://")), "path": None}


def _of_data_url(url: str) -> bytes:
    head, _, body = url.partition(",")
    try:
        packed = head.endswith(";base64")
        return base64.b64decode(body, validate=True) if packed else unquote_to_bytes(body)
    except binascii.Error as error:
        raise ConfigError(f"a picture is not base64 ({error}): {shortened(url)}") from None


def _of_file(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{file}: the picture cannot be read ({error.strerror}). Bring it back to where the "
            "run found it."
        ) from error
    if len(content) > _MOST_BYTES:
        raise ConfigError(f"{file}: the picture has more than {_MOST_BYTES >> 20} MiB")
    return content
