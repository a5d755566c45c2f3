"""Pictures of rows: files below the folder of the input and data URLs, bounded and known by their
bytes.

What a file is called, or what a data URL says of itself, is not believed: a server refuses a
picture whose bytes are something else, and that after the completions before it were paid.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from judgeforge.text.messages import ImagePart, Message

LARGEST_PICTURE = 5 << 20
"""Bytes: the most that Anthropic takes of one picture; OpenAI and local servers take more."""
MOST_PICTURES, LARGEST_TOGETHER = 100, 20 << 20
"""Of one request, and their bytes together: Anthropic takes 100, and 32 MB with base64."""
_SIGNATURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
"""What all vision APIs take."""
_DATA_URL = re.compile(r"data:(?:[\w.+/-]*)(?:;[\w.+=-]+)*;base64,", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


class PictureError(Exception):
    """A picture cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Picture:
    media_type: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def base64(self) -> str:
        return base64.b64encode(self.data).decode()

    @property
    def data_url(self) -> str:
        return f"data:{self.media_type};base64,{self.base64}"


def is_address(url: str) -> bool:
    """Whether the picture is elsewhere: it is passed on, and never looked at."""
    return url[:8].lower() == "https://"


def read_picture(url: str, folder: Path | None) -> tuple[Picture, Path | None]:
    """The picture of a data URL or of a file, and the file. Raises PictureError.

    ``folder``: that of the input; a file must lie in it or below it, links included.
    """
    if url[:5].lower() == "data:":
        return _of_data_url(url), None
    file = _place(url, folder)
    return read_picture_file(file), file


def read_picture_file(file: Path) -> Picture:
    """Raises PictureError."""
    try:
        about = file.stat()
        if not stat.S_ISREG(about.st_mode):
            raise PictureError("it is not a regular file")
        if about.st_size > LARGEST_PICTURE:
            raise PictureError(_too_large(about.st_size))
        with file.open("rb") as opened:
            data = opened.read(LARGEST_PICTURE + 1)
    except FileNotFoundError:
        raise PictureError(
            "there is no such file; paths start at the folder of the input"
        ) from None
    except OSError as error:
        raise PictureError(f"it cannot be read: {error.strerror}") from error
    return picture_of(data)


def with_pictures_as_data(messages: Sequence[Message]) -> tuple[Message, ...]:
    """With pictures of files as data, for a place from which their paths lead nowhere.

    One that cannot be read any more stays the name of its file: whoever reads the messages there
    says what is wrong with it.
    """
    return tuple(map(_with_data, messages))


def _with_data(message: Message) -> Message:
    parts = message.content
    if not isinstance(parts, tuple):
        return message
    moved = tuple(_as_data(part) if isinstance(part, ImagePart) else part for part in parts)
    return message.model_copy(update={"content": moved})


def _as_data(part: ImagePart) -> ImagePart:
    image = part.image_url
    if image.file is None:
        return part
    try:
        data_url = read_picture_file(Path(image.file)).data_url
    except PictureError:
        return part
    return ImagePart(image_url=image.model_copy(update={"url": data_url, "file": None}))


def _place(url: str, folder: Path | None) -> Path:
    if folder is None:
        raise PictureError(
            "there is no one folder to look in (a dataset, files of several folders); "
            "use https or a data URL"
        )
    if _SCHEME.match(url) or url.startswith(("/", "\\", "~")) or "\0" in url:
        raise PictureError(
            "it must be an https address, a data URL, or the path of a file that starts at the "
            "folder of the input"
        )
    try:
        root = folder.resolve()
        plain = root / url
        file = (plain if plain.exists() else root / unquote(url)).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise PictureError(f"it cannot be looked for: {error}") from error
    if not file.is_relative_to(root):
        raise PictureError(
            "it lies outside the folder of the input, and what a row names there is not sent; "
            "put a copy below that folder"
        )
    return file


def _of_data_url(url: str) -> Picture:
    begun = _DATA_URL.match(url)
    if begun is None:
        raise PictureError("a data URL must be `data:image/png;base64,…`")
    if (len(url) - begun.end()) * 3 // 4 > LARGEST_PICTURE:
        raise PictureError(_too_large((len(url) - begun.end()) * 3 // 4))
    try:
        data = base64.b64decode("".join(url[begun.end() :].split()), validate=True)
    except (binascii.Error, ValueError):
        raise PictureError("what its data URL has after `base64,` is not base64") from None
    return picture_of(data)


def picture_of(data: bytes) -> Picture:
    """Of a kind that models take, told by the bytes. Raises PictureError."""
    if len(data) > LARGEST_PICTURE:
        raise PictureError(_too_large(len(data)))
    for signature, media_type in _SIGNATURES:
        if signature.match(data):
            return Picture(media_type, data)
    raise PictureError("its bytes are not those of a PNG, JPEG, GIF or WebP picture; convert it")


def _too_large(size: int) -> str:
    return (
        f"it has {size / 2**20:.1f} MiB, and models take at most {LARGEST_PICTURE >> 20} MiB; "
        "scale it down"
    )
