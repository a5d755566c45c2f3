"""A picture of a message as the Image feature of ``datasets`` stores it."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from judgeforge.errors import ConfigError
from judgeforge.store.pictures import PictureError, is_address, read_picture
from judgeforge.text.messages import ImageUrl
from judgeforge.text.wording import shortened


class StoredImage(TypedDict):
    bytes: bytes | None
    path: str | None
    """Where it is, if its bytes are not here: `datasets` fetches it when it is looked at."""


def stored_image(shown: ImageUrl, folder: Path | None) -> StoredImage:
    """A data URL and a file as their bytes, an address as itself: nothing is fetched here.

    ``folder``: that of the input, from which files are named. Raises ConfigError where one cannot
    be read.
    """
    if is_address(shown.url):
        return {"bytes": None, "path": shown.url}
    try:
        picture, _ = read_picture(shown.url, folder)
    except PictureError as problem:
        where = "" if folder is None else f" (below {folder})"
        raise ConfigError(f"the picture {shortened(shown.url)}{where}: {problem}") from None
    return {"bytes": picture.data, "path": None}
