"""Pictures of rows: which are taken, and what is said of the others."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from judgeforge.store import pictures
from judgeforge.store.pictures import (
    PictureError,
    is_address,
    read_picture,
    with_pictures_as_data,
)
from judgeforge.text.messages import ImagePart, ImageUrl, Message, TextPart
from tests.support.pictures import data_url, png

BYTES = {
    "image/png": png(),
    "image/jpeg": b"\xff\xd8\xff\xe0" + bytes(8),
    "image/gif": b"GIF89a" + bytes(8),
    "image/webp": b"RIFF\x04\x00\x00\x00WEBPVP8 ",
}


@pytest.mark.parametrize(("media_type", "data"), BYTES.items())
def test_a_picture_is_known_by_its_bytes_and_not_by_its_name(
    tmp_path: Path, media_type: str, data: bytes
) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    picture, file = read_picture("a.txt", tmp_path)
    assert (picture.media_type, picture.data) == (media_type, data)
    assert file == (tmp_path / "a.txt").resolve()
    of_url, no_file = read_picture(data_url(data, "image/bmp"), None)
    assert of_url == picture
    assert no_file is None
    assert of_url.data_url == data_url(data, media_type)


def test_names_may_be_written_as_in_an_address(tmp_path: Path) -> None:
    (tmp_path / "a b.png").write_bytes(png())
    assert read_picture("a%20b.png", tmp_path)[0].data == png()
    assert read_picture("a b.png", tmp_path)[0].data == png()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("none.png", "there is no such file; paths start at the folder of the input"),
        ("folder", "not a regular file"),
        ("text.png", "not those of a PNG, JPEG, GIF or WebP"),
        ("/etc/passwd", "the path of a file that starts at the folder of the input"),
        ("~/a.png", "the path of a file that starts"),
        ("file:///a.png", "the path of a file that starts"),
        ("http://a.example/a.png", "must be an https address"),
        ("../outside.png", "outside the folder of the input"),
        ("link.png", "outside the folder of the input"),
        ("a\0.png", "the path of a file"),
        ("x" * 5000, "cannot be"),
        ("data:image/png,abc", "must be `data:image/png;base64,"),
        ("data:image/png;base64,***", "is not base64"),
        ("data:image/png;base64," + base64.b64encode(b"text").decode(), "not those of a PNG"),
    ],
)
def test_what_cannot_be_used_says_why(tmp_path: Path, url: str, says: str) -> None:
    root = tmp_path / "input"
    (root / "folder").mkdir(parents=True)
    (root / "text.png").write_text("text")
    (tmp_path / "outside.png").write_bytes(png())
    (root / "link.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(PictureError) as raised:
        read_picture(url, root)
    assert says in str(raised.value)


def test_a_picture_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "LARGEST_PICTURE", 1 << 20)
    large = png() + bytes(1 << 20)
    (tmp_path / "a.png").write_bytes(large)
    for url in ("a.png", data_url(large)):
        with pytest.raises(PictureError, match=r"it has 1\.0 MiB, and models take at most 1 MiB"):
            read_picture(url, tmp_path)


def test_a_dataset_without_a_folder_has_no_files() -> None:
    with pytest.raises(PictureError, match="use https or a data URL"):
        read_picture("a.png", None)


def test_an_address_is_only_one_that_cannot_be_read_on_the_way() -> None:
    assert is_address("HTTPS://a.example/a.png")
    assert not is_address("http://a.example/a.png")


def test_pictures_of_files_travel_as_data_and_one_that_is_gone_keeps_its_name(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.png").write_bytes(png())
    here, gone = (
        ImagePart(image_url=ImageUrl(url=name, file=str(tmp_path / name)))
        for name in ("a.png", "gone.png")
    )
    elsewhere = ImagePart(image_url=ImageUrl(url="https://a.example/a.png"))
    said = Message(role="user", content=(TextPart(text="Which?"), here, gone, elsewhere))
    (plain, moved) = with_pictures_as_data((Message(role="system", content="Look."), said))
    assert plain.content == "Look."
    assert isinstance(moved.content, tuple)
    assert isinstance(said.content, tuple)
    assert moved.content[0] == said.content[0]
    assert moved.content[1].model_dump()["image_url"]["url"] == data_url(png())
    assert moved.content[2:] == (gone, elsewhere)
