import io

import numpy as np
import pytest
from PIL import Image

from deepanon.data.decode import decode, size_of
from deepanon.data.synthetic import draw_face
from deepanon.errors import ImageError


@pytest.fixture(scope="module")
def face():
    return draw_face(64, np.random.default_rng(0))[0]


def stored(pixels, kind, mode="RGB", **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


def decoded(blob, side):
    out = np.full((side, side, 3), 77, np.uint8)
    decode(blob, out)
    return out


def by_area(pixels, side):
    """(S, S, 3) -> (side, side, 3): each new pixel is the mean of what it covers, parts of pixels included."""
    edges = np.arange(side + 1) * len(pixels) / side
    covered = np.clip(np.minimum(edges[1:, None], np.arange(1, len(pixels) + 1)) -
                      np.maximum(edges[:-1, None], np.arange(len(pixels))), 0, None) * side / len(pixels)  # fmt: skip
    return np.einsum("yi,ijc,xj->yxc", covered, pixels.astype(float), covered)


def test_png_is_exact(face):
    np.testing.assert_array_equal(decoded(stored(face, "PNG"), 64), face)


def test_jpeg_is_what_pillow_reads(face):
    blob = stored(face, "JPEG", quality=90)
    np.testing.assert_array_equal(decoded(blob, 64), np.asarray(Image.open(io.BytesIO(blob))))


@pytest.mark.parametrize("side", [1, 5, 8, 16, 24, 31, 33, 63])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_any_smaller_side(face, kind, side):
    error = np.abs(decoded(stored(face, kind), side) - by_area(face, side))
    assert error.max() <= 1 if kind == "PNG" else error.mean() < 5


@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "L"), ("PNG", "L"), ("PNG", "P"), ("PNG", "RGBA")])
def test_other_modes_become_rgb(face, kind, mode):
    expected = np.asarray(Image.fromarray(face).convert(mode).convert("RGB")).astype(int)
    assert np.abs(decoded(stored(face, kind, mode), 64) - expected).mean() < 4


def test_progressive_jpeg(face):
    blob = stored(face, "JPEG", progressive=True)
    np.testing.assert_array_equal(decoded(blob, 64), np.asarray(Image.open(io.BytesIO(blob))))


def test_cmyk_has_no_known_colours(face):
    with pytest.raises(ImageError, match="CMYK"):
        decoded(stored(face, "JPEG", "CMYK"), 64)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_every_truncation_is_refused(face, kind):
    blob = stored(face, kind)
    for end in [*range(60), *range(60, len(blob), 37), len(blob) - 2, len(blob) - 1]:
        with pytest.raises(ImageError, match="not a readable picture"):
            decoded(blob[:end], 64)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("side", [64, 16])
def test_bytes_lost_in_the_middle_are_noticed(face, kind, side):
    """Pillow and OpenCV hand out the first of these with a grey or shifted lower half."""
    blob = stored(face, kind)
    at = len(blob) // 2
    for damaged in (blob[:at] + b"\xff" * 100 + blob[at + 100 :], blob[:at] + b"\xff\xd9" + blob[at + 2 :]):
        with pytest.raises(ImageError, match="not a readable picture"):
            decoded(damaged, side)


def test_any_changed_byte_of_a_png_is_noticed(face):
    blob = stored(face[:16, :16], "PNG")
    for at in range(len(blob)):
        with pytest.raises(ImageError):
            decoded(blob[:at] + bytes([blob[at] ^ 0x10]) + blob[at + 1 :], 16)


@pytest.mark.parametrize("blob", [b"", b"text", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"GIF89a" + bytes(50)])
def test_what_is_no_picture(blob):
    with pytest.raises(ImageError, match="not a readable picture"):
        decoded(blob, 8)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_shape_is_checked(face, kind):
    with pytest.raises(ImageError, match="48x64 px; crops must be square and at least 32 px"):
        decoded(stored(face[:, :48], kind), 32)
    with pytest.raises(ImageError, match="64x64 px; crops must be square and at least 65 px"):
        decoded(stored(face, kind), 65)
    assert size_of(stored(face[:, :48], kind)) == (48, 64)
