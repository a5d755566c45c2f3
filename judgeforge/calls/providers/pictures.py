"""Pictures in requests: read when they are sent, and by their hash in what a call is known by.

A request with its pictures may have many mebibytes, and is sent for each completion and to each
judge: neither the run nor the cache keeps them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from judgeforge.errors import CallError
from judgeforge.store.pictures import Picture, PictureError, read_picture, read_picture_file
from judgeforge.text.messages import ImageUrl
from judgeforge.text.wording import shortened


def picture_of(image: ImageUrl) -> Picture | None:
    """None of one at an address, which the server fetches.

    Raises CallError where a file is no longer what the row was checked with.
    """
    if image.sha256 is None:
        return None
    try:
        if image.file is None:
            return read_picture(image.url, None)[0]
        picture = read_picture_file(Path(image.file))
    except PictureError as problem:
        raise CallError(f"the picture {shortened(image.url)}: {problem}") from None
    if picture.sha256 != image.sha256:
        raise CallError(
            f"the picture {shortened(image.url)} changed during the run; start the same command "
            "again"
        )
    return picture


def without_pictures(value: Any) -> Any:  # noqa: ANN401 (a JSON value)
    """The same body with a hash in the place of each picture's data."""
    if isinstance(value, list):
        return [without_pictures(each) for each in value]
    if not isinstance(value, dict):
        return value
    light = {name: without_pictures(each) for name, each in value.items()}
    url, data = value.get("url"), value.get("data")
    if isinstance(url, str) and url.startswith("data:"):
        light["url"] = f"{url.partition(',')[0]},{_hash(url.partition(',')[2])}"
    if value.get("type") == "base64" and isinstance(data, str):
        light["data"] = _hash(data)
    return light


def _hash(data: str) -> str:
    return f"sha256:{hashlib.sha256(data.encode()).hexdigest()}"
