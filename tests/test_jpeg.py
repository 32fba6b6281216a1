"""The quick way to the pixels of a JPEG gives what Pillow gives, or leaves it to Pillow."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from deepanon import images
from deepanon.errors import ImageError
from deepanon.images import read_image
from deepanon.jpeg import quick_pixels

RNG = np.random.default_rng(0)
FINE = RNG.integers(0, 256, (61, 83, 3), dtype=np.uint8)  # noise, odd sides
SOFT = np.asarray(Image.fromarray(FINE[:12, :16]).resize((160, 120), Image.Resampling.BICUBIC))


def write(path, pixels=SOFT, **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **({"format": "JPEG"} | options))
    return path


def by_pillow(path):
    with Image.open(path) as opened:
        return np.array(ImageOps.exif_transpose(opened).convert("RGB"))


def quick(path):
    with Image.open(path) as opened:
        return quick_pixels(opened)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("quality", [5, 50, 75, 95, 100])
@pytest.mark.parametrize("pixels", [FINE, SOFT], ids=["noise", "soft"])
def test_the_pixels_are_pillows_bit_for_bit(pixels, quality, subsampling, progressive, tmp_path):
    path = write(tmp_path / "a.jpg", pixels, quality=quality, subsampling=subsampling, progressive=progressive)
    assert quick(path) is not None
    np.testing.assert_array_equal(read_image(path).pixels, by_pillow(path))


@pytest.mark.parametrize("subsampling", ["444", "422", "420", "440", "411"])
@pytest.mark.parametrize("size", [(1, 1), (7, 9), (61, 83)])
def test_every_way_to_reduce_colour(subsampling, size, tmp_path):
    import simplejpeg

    pixels = np.ascontiguousarray(FINE[: size[0], : size[1]])
    path = tmp_path / "a.jpg"
    path.write_bytes(simplejpeg.encode_jpeg(pixels, 90, "RGB", subsampling))
    np.testing.assert_array_equal(read_image(path).pixels, by_pillow(path))


@pytest.mark.parametrize(
    "more", [{"keep_rgb": True}, {"restart_marker_blocks": 2}, {"optimize": True}, {"dpi": (72, 72)}]
)
def test_other_plain_files(more, tmp_path):
    path = write(tmp_path / "a.jpg", FINE, **more)
    assert quick(path) is not None
    np.testing.assert_array_equal(read_image(path).pixels, by_pillow(path))
    assert read_image(path).pixels.flags.writeable


@pytest.mark.parametrize("orientation", [*range(1, 9), 0, 9, 77])
def test_orientation_is_applied_as_pillow_does(orientation, tmp_path):
    exif = Image.Exif()
    exif[images.ORIENTATION] = orientation
    path = write(tmp_path / "a.jpg", SOFT, exif=exif, quality=90)
    assert quick(path) is not None
    np.testing.assert_array_equal(read_image(path).pixels, by_pillow(path))


def test_a_phones_picture_of_two_frames_is_its_first(tmp_path):
    more = [Image.fromarray(255 - SOFT)]
    path = write(tmp_path / "a.jpg", SOFT, format="MPO", save_all=True, append_images=more)
    assert quick(path) is not None
    np.testing.assert_array_equal(read_image(path).pixels, by_pillow(path))


def test_the_profile_and_the_tags_that_may_be_kept_are_found(tmp_path):
    exif = Image.Exif()
    exif[0x0132] = "2024:01:02 03:04:05"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = read_image(write(tmp_path / "a.jpg", exif=exif, icc_profile=profile))
    assert photo.icc_profile == profile
    assert photo.exif[0x0132] == "2024:01:02 03:04:05"


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_colours_are_pillows(mode, tmp_path):
    path = write(tmp_path / "a.jpg", Image.fromarray(SOFT).convert(mode))
    assert quick(path) is None
    np.testing.assert_array_equal(read_image(path).pixels, by_pillow(path))


def test_what_is_no_jpeg_is_pillows(tmp_path):
    assert quick(write(tmp_path / "a.png", format="PNG")) is None


def test_bytes_behind_the_picture_are_passed_over_and_too_many_not_read(tmp_path, monkeypatch):
    path = write(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes() + b"\0film" * 1000)
    assert quick(path) is not None
    np.testing.assert_array_equal(read_image(path).pixels, by_pillow(path))
    monkeypatch.setattr("deepanon.jpeg.ROOM", -4 * SOFT.size)
    assert quick(path) is None
    np.testing.assert_array_equal(read_image(path).pixels, by_pillow(path))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95, 0.999])
def test_a_file_that_ends_too_early_is_refused_as_before(share, tmp_path):
    path = write(tmp_path / "a.jpg", FINE)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert quick(path) is None
    with pytest.raises(ImageError, match="not a readable picture"):
        read_image(path)


def test_damage_in_the_middle_is_judged_by_pillow(tmp_path):
    """Whatever Pillow makes of damaged bytes, an error or a picture, comes out here."""
    whole = bytearray(write(tmp_path / "a.jpg", FINE).read_bytes())
    left = 0
    for seed in range(40):
        rng, blob = np.random.default_rng(seed), bytearray(whole)
        for at in rng.integers(len(blob) // 3, len(blob) - 2, 3):
            blob[at] = int(rng.integers(0, 256))
        path = tmp_path / f"{seed}.jpg"
        path.write_bytes(blob)
        try:
            expected = by_pillow(path)
        except OSError:
            with pytest.raises(ImageError):
                read_image(path)
        else:
            np.testing.assert_array_equal(read_image(path).pixels, expected)
            left += quick(path) is None
    assert left  # Pillow takes some that the strict decoder refuses


def test_files_in_memory(tmp_path):
    path = write(tmp_path / "a.jpg")
    np.testing.assert_array_equal(images.decode_image(path.read_bytes(), path).pixels, by_pillow(path))


def test_png_is_written_as_small_as_before_for_photos_and_with_the_same_pixels(tmp_path):
    from skimage.data import astronaut

    images.write_image(tmp_path / "a.png", astronaut())
    usual = io.BytesIO()
    Image.fromarray(astronaut()).save(usual, "PNG")
    assert (tmp_path / "a.png").stat().st_size <= 1.02 * len(usual.getvalue())
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, astronaut())


def test_jpeg_quality_is_what_is_written_here(tmp_path):
    """Quality 95 without reduced colour, to the byte what Pillow writes."""
    images.write_image(tmp_path / "a.jpg", SOFT)
    usual = io.BytesIO()
    Image.fromarray(SOFT).save(usual, "JPEG", quality=95, subsampling=0)
    assert (tmp_path / "a.jpg").read_bytes() == usual.getvalue()
