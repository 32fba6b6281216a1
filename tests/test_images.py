"""Files in, files out: formats, orientation, metadata, damage."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from deepanon import images
from deepanon.errors import ImageError
from deepanon.images import read_image, to_float, to_uint8, write_image


@pytest.fixture
def picture():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((64, 48), Image.Resampling.BICUBIC))


def saved(path, image, **options):
    image.save(path, **options)
    return path


def test_float_conversion_is_exactly_invertible():
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    floats = to_float(levels)
    assert floats.shape == (1, 3, 16, 16)
    assert floats.min() == -1
    assert floats.max() == 1
    assert np.array_equal(to_uint8(floats), levels)
    assert to_uint8(torch.full((1, 3, 1, 1), 9.0)).max() == 255


@pytest.mark.parametrize("suffix", sorted(images.WRITERS))
def test_every_format_round_trips(suffix, picture, tmp_path):
    path = tmp_path / f"deep/er/a{suffix}"
    write_image(path, picture)
    back = read_image(path).pixels
    lossy = suffix in (".jpg", ".jpeg", ".webp")
    assert back.shape == picture.shape
    assert np.abs(back.astype(int) - picture).max() <= (24 if lossy else 0)
    assert [p.name for p in path.parent.iterdir()] == [path.name]  # no temporary file stays


def test_suffixes_in_capitals(picture, tmp_path):
    write_image(tmp_path / "A.JPG", picture)
    assert read_image(tmp_path / "A.JPG").pixels.shape == picture.shape


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_to_the_pixels_and_then_gone(orientation, picture, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = Image.fromarray(picture)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's number of the transposition that each tag undoes
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    path = saved(tmp_path / "a.png", stored, exif=exif)
    photo = read_image(path)
    assert np.array_equal(photo.pixels, picture)
    write_image(tmp_path / "b.png", photo.pixels, photo, keep_metadata=True)
    assert 0x0112 not in Image.open(tmp_path / "b.png").getexif()


@pytest.mark.parametrize(
    ("mode", "tolerance"), [("L", 0), ("1", 0), ("P", 0), ("LA", 0), ("CMYK", 2), ("YCbCr", 4), ("I;16", 0), ("I", 0)]
)
def test_other_modes_become_rgb(mode, tolerance, picture, tmp_path):
    grey = Image.fromarray(picture).convert("L")
    if mode.startswith("I"):
        wide = np.asarray(grey).astype(np.uint16) * 257
        source = Image.fromarray(wide) if mode == "I;16" else Image.fromarray(wide.astype(np.int32))
        expected = grey.convert("RGB")
    elif mode in ("CMYK", "YCbCr", "P"):
        source = Image.fromarray(picture).convert(mode)
        expected = source.convert("RGB")
    else:
        source = grey.convert(mode)
        expected = source.convert("RGB")
    path = saved(tmp_path / "a.tif", source)
    pixels = read_image(path).pixels
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - np.asarray(expected)).max() <= tolerance


def test_sixteen_bit_grey_keeps_its_range(tmp_path):
    ramp = np.linspace(0, 65535, 4096).astype(np.uint16).reshape(64, 64)
    pixels = read_image(saved(tmp_path / "a.png", Image.fromarray(ramp))).pixels
    assert pixels.min() == 0
    assert pixels.max() == 255
    assert len(np.unique(pixels)) == 256


def test_transparency_is_laid_on_white_and_hides_nothing(picture, tmp_path):
    rgba = np.dstack([picture, np.zeros(picture.shape[:2], np.uint8)])
    rgba[:10, :, 3] = 255
    pixels = read_image(saved(tmp_path / "a.png", Image.fromarray(rgba, "RGBA"))).pixels
    assert np.array_equal(pixels[:10], picture[:10])
    assert (pixels[10:] == 255).all()


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.write_bytes(b""), lambda p: p.write_text("no picture")])
def test_missing_empty_and_foreign_files(make, tmp_path):
    path = tmp_path / "a.jpg"
    make(path)
    with pytest.raises(ImageError, match=r"a\.jpg"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".bmp"])
def test_truncated_files_are_refused(suffix, picture, tmp_path):
    path = tmp_path / f"a{suffix}"
    write_image(path, picture)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ImageError, match="not a readable picture"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".tif"])
def test_films_are_refused(suffix, picture, tmp_path):
    first, second = Image.fromarray(picture), Image.fromarray(255 - picture)
    path = saved(tmp_path / f"a{suffix}", first, save_all=True, append_images=[second])
    with pytest.raises(ImageError, match="2 frames"):
        read_image(path)


def test_huge_pictures_are_refused_before_they_are_decoded(tmp_path):
    for side in (11000, 20000):
        path = saved(tmp_path / "a.png", Image.new("1", (side, side)))
        with pytest.raises(ImageError, match="more than 100 megapixels"):
            read_image(path)


def test_nothing_rides_along(picture, tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif[0x0132] = "SecretMaker", "2024:01:02 03:04:05"
    exif.get_ifd(0x8769).update({0x829A: 0.01, 0x927C: b"SecretNote", 0x9286: b"SecretComment"})
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    thumbnail = io.BytesIO()
    Image.fromarray(picture).save(thumbnail, "JPEG")
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>SecretXmp</x:xmpmeta>"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = saved(tmp_path / "a.jpg", Image.fromarray(picture), exif=exif, xmp=xmp, icc_profile=profile,
                   comment=b"SecretComment")  # fmt: skip
    photo = read_image(source)
    for keep in (False, True):
        for suffix in (".jpg", ".png", ".webp", ".tif"):
            target = tmp_path / f"out{suffix}"
            write_image(target, photo.pixels, photo, keep_metadata=keep)
            assert b"Secret" not in target.read_bytes()
            with Image.open(target) as out:
                tags = out.getexif()
                assert out.info["icc_profile"] == profile
                assert dict(tags.get_ifd(0x8825)) == {}
                assert (tags.get(0x0132) == "2024:01:02 03:04:05") is keep
                assert (0x829A in tags.get_ifd(0x8769)) is (keep and suffix != ".tif")  # Pillow writes no sub-IFD there


def test_profiles_that_no_longer_fit_are_dropped(picture, tmp_path):
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[16:20] = b"GRAY"
    path = saved(tmp_path / "a.png", Image.fromarray(picture).convert("L"), icc_profile=bytes(profile))
    assert read_image(path).icc_profile is None


def test_a_failed_write_leaves_the_old_file_and_no_litter(picture, tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def disk_full(self, *args, **kwargs):
        with open(args[0], "wb") as stream:
            stream.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(Image.Image, "save", disk_full)
    with pytest.raises(ImageError, match="No space left"):
        write_image(path, picture)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a.gif", "a", "a.jpx"])
def test_unknown_targets_list_the_known_ones(name, picture, tmp_path):
    with pytest.raises(ImageError, match=r"\.jpg.*\.png"):
        write_image(tmp_path / name, picture)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((0, 4, 3), np.uint8),
        [1],
    ],
)
def test_arrays_of_another_form_are_refused(bad, tmp_path):
    with pytest.raises(ImageError, match="picture"):
        write_image(tmp_path / "a.png", bad)
