"""What rides along in picture files: nothing in those that deepanon writes."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from deepanon.images import WRITERS, Photo, write_image
from deepanon.verifying import riders

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
PICTURE = Image.fromarray(PIXELS)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'


def exif(gps=False, maker=False, kept=False):
    tags = Image.Exif()
    if gps:
        tags.get_ifd(0x8825).update({1: "N", 2: (1.0, 2.0, 3.0)})
    if maker:
        tags[0x010F] = "Maker"
        tags.get_ifd(0x8769)[0x927C] = b"secret"
    tags[0x0132] = "2020:01:01 00:00:00"
    if kept:
        tags.get_ifd(0x8769)[0x829A] = 0.01
    return tags


def with_thumbnail():
    """EXIF with a second directory, as cameras write it."""
    first = struct.pack("<HHHII", 1, 0x0112, 3, 1, 1) + struct.pack("<I", 26)
    second = struct.pack("<HHHII", 1, 0x0103, 3, 1, 6) + struct.pack("<I", 0)
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + first + second


@pytest.mark.parametrize("suffix", sorted(WRITERS))
@pytest.mark.parametrize("keep", [False, True])
def test_what_is_written_here_is_clean(suffix, keep, tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = tmp_path / f"a{suffix}"
    write_image(path, PIXELS, Photo(PIXELS, profile, exif(kept=True)), keep_metadata=keep)
    assert riders(path) == []


def test_progressive_and_restarted_jpeg_are_read_to_the_end(tmp_path):
    PICTURE.resize((400, 300)).save(tmp_path / "a.jpg", progressive=True, quality=90, restart_marker_rows=1)
    assert riders(tmp_path / "a.jpg") == []


CASES = {
    "gps.jpg": ({"exif": exif(gps=True)}, "a position"),
    "maker.jpg": ({"exif": exif(maker=True)}, "EXIF MakerNote"),
    "thumbnail.jpg": ({"exif": with_thumbnail()}, "a thumbnail"),
    "comment.jpg": ({"comment": b"at home"}, "a comment"),
    "xmp.jpg": ({"xmp": XMP}, "XMP"),
    "gps.png": ({"exif": exif(gps=True)}, "a position"),
    "maker.webp": ({"exif": exif(maker=True)}, "EXIF MakerNote"),
    "xmp.webp": ({"xmp": XMP}, "XMP"),
    "comment.gif": ({"comment": b"at home"}, "a comment"),
    "maker.tif": ({"tiffinfo": {271: "Maker"}}, "EXIF Make"),
    "gps.tif": ({"exif": exif(gps=True).tobytes()}, "a position"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_rides_along_is_named_and_its_value_is_not(name, tmp_path):
    options, expected = CASES[name]
    path = tmp_path / name
    PICTURE.save(path, **options)
    found = riders(path)
    assert any(text.startswith(expected) for text in found), found
    assert not any("home" in text or "secret" in text for text in found)


def test_png_text(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "secret")
    info.add_itxt("XML:com.adobe.xmp", "x", zip=True)
    PICTURE.save(tmp_path / "a.png", pnginfo=info)
    found = riders(tmp_path / "a.png")
    assert [text.split(",")[0] for text in found] == ["PNG chunk tEXt", "PNG chunk iTXt"]


def test_iptc_and_further_pictures(tmp_path):
    PICTURE.save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    for body, name in ((b"Photoshop 3.0\x008BIM", "IPTC (Photoshop)"), (b"MPF\0", "further pictures")):
        segment = b"\xff\xed" + struct.pack(">H", len(body) + 2) + body
        (tmp_path / "b.jpg").write_bytes(data[:2] + segment + data[2:])
        assert riders(tmp_path / "b.jpg")[0].startswith(name)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif", ".bmp"])
def test_what_is_appended_is_seen(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    PICTURE.save(path)
    assert riders(path) == []
    path.write_bytes(path.read_bytes() + b"a film of a phone")
    assert riders(path) == ["17 bytes after the end of the picture"]


def test_animations_are_read_to_the_end(tmp_path):
    for name in ("a.gif", "a.webp"):
        others = [Image.fromarray(255 - PIXELS)]
        PICTURE.save(tmp_path / name, save_all=True, append_images=others, duration=50, loop=0)
        assert riders(tmp_path / name) == []


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif", ".tif"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_damage_is_said_and_never_clean(suffix, share, tmp_path):
    path = tmp_path / f"a{suffix}"
    PICTURE.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    found = riders(path)
    assert found or suffix == ".tif"  # a TIFF file's tags may be whole without its pixels, which reading says


def test_what_is_no_picture(tmp_path):
    for content in (b"", b"hello", zlib.compress(b"x" * 99)):
        (tmp_path / "a.jpg").write_bytes(content)
        assert riders(tmp_path / "a.jpg")


def test_damaged_exif_is_reported(tmp_path):
    stream = io.BytesIO()
    PICTURE.save(stream, "JPEG", exif=b"Exif\0\0garbage and more")
    (tmp_path / "a.jpg").write_bytes(stream.getvalue())
    assert any("EXIF" in text for text in riders(tmp_path / "a.jpg"))
