"""The only place where picture files are read and written, and where pixel ranges convert."""

from __future__ import annotations

import io
import warnings
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from deepanon.errors import ImageError
from deepanon.files import replacing
from deepanon.geometry import Array
from deepanon.jpeg import quick_pixels, turned

MAX_PIXELS = 100_000_000  # larger pictures are refused, so that no photo needs more than 4 GiB
WRITERS: dict[str, dict[str, Any]] = {  # suffix -> what Pillow is told
    ".jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".png": {"format": "PNG", "compress_level": 1, "compress_type": zlib.Z_RLE},  # photos: as small, 4 times as quick
    ".webp": {"format": "WEBP", "quality": 95},
    ".tif": {"format": "TIFF", "compression": "tiff_lzw"},
    ".tiff": {"format": "TIFF", "compression": "tiff_lzw"},
    ".bmp": {"format": "BMP"},
}
KEPT_EXIF = {0x0132: "DateTime"}  # tags that `keep_metadata` lets through: no position, no thumbnail, no maker notes
KEPT_EXIF_IFD = {
    0x829A: "ExposureTime",
    0x829D: "FNumber",
    0x8827: "ISOSpeedRatings",
    0x9003: "DateTimeOriginal",
    0x920A: "FocalLength",
}
EXIF_IFD = 0x8769
ORIENTATION = 0x0112


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded still picture, upright.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        icc_profile: RGB colour profile of the file, or None.
        exif: the tags of the file that may be kept on request (date, exposure), and no others.
    """

    pixels: Array
    icc_profile: bytes | None = None
    exif: Image.Exif = field(default_factory=Image.Exif)


def read_image(path: str | Path) -> Photo:
    """Read a still photo as upright RGB.

    Orientation tags are applied to the pixels. Grey, palette, CMYK and 16-bit pictures are converted; transparency is
    laid on white (what hides beneath it is not kept).

    Raises:
        ImageError: not there, not a picture, truncated, a film, or more than `MAX_PIXELS` pixels.
    """
    path = Path(path)
    if not path.is_file():
        raise ImageError(f"{path}: no such file")
    return _read(path, path)


def decode_image(contents: bytes, path: Path) -> Photo:
    """`read_image` for the contents of a file that lies in an archive; `path` names it in messages."""
    return _read(io.BytesIO(contents), path)


def _read(source: Path | io.BytesIO, path: Path) -> Photo:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own size warning; the size is checked below
            with Image.open(source) as opened:
                _refuse(opened, path)
                return _decode(opened)
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise ImageError(f"{path}: more than {MAX_PIXELS // 10**6} megapixels; scale it down first") from None
    except Exception as error:  # Pillow's decoders raise whatever they like on damaged files
        raise ImageError(f"{path}: not a readable picture ({error})") from error


def _refuse(opened: Image.Image, path: Path) -> None:
    width, height = opened.size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{path}: {width}x{height} are more than {MAX_PIXELS // 10**6} megapixels; scale it down first"
        )
    frames = getattr(opened, "n_frames", 1)
    if frames > 1 and opened.format != "MPO":  # a phone's MPO is a photo followed by depth or gain maps
        raise ImageError(f"{path}: holds {frames} frames; only still photos are read here, and films one at a time")


def _decode(opened: Image.Image) -> Photo:
    pixels = quick_pixels(opened)
    if pixels is None:
        opened.load()
        pixels = np.array(upright_rgb(opened))
    else:
        pixels = turned(pixels, opened.getexif().get(ORIENTATION, 1))
    profile = opened.info.get("icc_profile")
    keep_profile = profile is not None and profile[16:20] == b"RGB " and opened.mode not in ("CMYK", "L", "LA", "I;16")
    return Photo(pixels, profile if keep_profile else None, _kept_exif(opened))


def upright_rgb(image: Image.Image) -> Image.Image:
    """A decoded picture of any mode as upright RGB, transparency laid on white.

    Raises:
        ImageError: a mode without a known range.
    """
    return _to_rgb(ImageOps.exif_transpose(image))


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey, the range of which Pillow would clip at 255
        levels = np.asarray(image).astype(np.int64)
        return Image.fromarray((levels.clip(0, 65535) // 257).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ImageError("floating-point pictures have no known range; convert to 8 or 16 bit first")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _kept_exif(opened: Image.Image) -> Image.Exif:
    kept = Image.Exif()
    try:
        source = opened.getexif()
        kept.update({tag: source[tag] for tag in KEPT_EXIF if tag in source})
        exposure = source.get_ifd(EXIF_IFD)
        chosen = {tag: exposure[tag] for tag in KEPT_EXIF_IFD if tag in exposure}
        if chosen:
            kept.get_ifd(EXIF_IFD).update(chosen)
    except Exception:  # damaged metadata is no reason to refuse the pixels; none of it is kept
        return Image.Exif()
    return kept


def stored_size(path: str | Path) -> tuple[int, int, int]:
    """Width, height and EXIF orientation (1 = upright) of a picture as its header says; nothing is decoded.

    Raises:
        ImageError: not there, or not a picture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as opened:
                return (*opened.size, int(opened.getexif().get(ORIENTATION, 1)))
    except Exception as error:  # Pillow's decoders raise whatever they like on damaged files
        raise ImageError(f"{path}: not a readable picture ({error})") from error


def check_writable(path: str | Path) -> None:
    """Raise `ImageError` unless the file name says a format that `write_image` knows and is no folder."""
    path = Path(path)
    if path.suffix.lower() not in WRITERS:
        raise ImageError(
            f"{path}: cannot write {path.suffix or 'a file without suffix'}; use one of {', '.join(WRITERS)}"
        )
    if path.is_dir():
        raise ImageError(f"{path}: is a folder")


def write_image(path: str | Path, pixels: Array, like: Photo | None = None, *, keep_metadata: bool = False) -> None:
    """Write a picture whole or not at all; the suffix chooses the format.

    Args:
        path: target; missing folders are made.
        pixels: (H, W, 3) uint8 RGB.
        like: the photo it came from: its colour profile is kept, and nothing else …
        keep_metadata: … unless date and exposure are asked for too (TIFF: the date only). Never a thumbnail or a
            position.

    Raises:
        ImageError: unknown suffix, or the file cannot be written.
    """
    path = Path(path)
    check_writable(path)
    check_pixels(pixels)
    options = dict(WRITERS[path.suffix.lower()])
    if like is not None and like.icc_profile and options["format"] != "BMP":
        options["icc_profile"] = like.icc_profile
    if like is not None and keep_metadata and len(like.exif):
        options["exif"] = like.exif
    try:
        with replacing(path) as temporary:
            Image.fromarray(pixels).save(temporary, **options)
    except (OSError, ValueError) as error:
        raise ImageError(f"{path}: cannot be written ({error})") from error


def check_pixels(image: Array) -> None:
    """Raise `ImageError` unless `image` is an (H, W, 3) uint8 array of at least one pixel."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ImageError(f"a picture must be an (H, W, 3) uint8 RGB array, got {got}; `read_image` makes one")
    if not image.size:
        raise ImageError(f"the picture has no pixels: {image.shape}")


def unit(images: Tensor) -> Tensor:
    """uint8 [0, 255] -> float32 [-1, 1], any shape."""
    return images.to(torch.float32, copy=True).div_(127.5).sub_(1)


def to_float(images: Array) -> Tensor:
    """(N, H, W, 3) uint8 array -> (N, 3, H, W) float32 tensor in [-1, 1]: what `unit` gives, with channels last."""
    values = images.astype(np.float32, order="C")  # by numpy, which starts no threads: other steps run beside it
    values /= np.float32(127.5)
    values -= np.float32(1)
    return torch.from_numpy(values).permute(0, 3, 1, 2)


def to_uint8(images: Tensor) -> Array:
    """(N, 3, H, W) float tensor in [-1, 1], clipped -> (N, H, W, 3) uint8 array; exact inverse of `to_float`."""
    values = np.clip(images.detach().float().cpu().numpy(), -1, 1)
    values += np.float32(1)
    values *= np.float32(127.5)
    with np.errstate(invalid="ignore"):  # what is no number is some level
        levels = np.rint(values, out=values).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(0, 2, 3, 1))
