"""What reading and writing picture files costs, beside the plain way through Pillow.

    python benchmarks/images.py

CPU time of one thread, the median of rounds that take turns; ratios are to the `plain` row of the same kind. The
pictures are a photograph of NASA's that comes with scikit-image, enlarged, and one with the grain of a camera.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from paste import Row, measured
from PIL import Image
from skimage.data import astronaut

from deepanon.geometry import Array
from deepanon.images import WRITERS, decode_image

HEIGHT, WIDTH = 1080, 1920


def rows(rounds: int = 5) -> list[Row]:
    """Reading JPEG of two kinds, and writing PNG: time, ratio and memory; for files that are written their size too."""
    found = []
    for name, picture in pictures().items():
        for how in ("4:4:4", "4:2:0"):
            blob = by_pillow(picture, format="JPEG", quality=90, subsampling=how)
            found += named(f"{name}, JPEG {how}", reading(blob), rounds)
        ways = {"plain: Pillow's usual PNG": {"format": "PNG"}, "as written here": WRITERS[".png"]}
        found += named(f"{name}, PNG", {way: writing(picture, options) for way, options in ways.items()}, rounds)
        for row, options in zip(found[-2:], ways.values(), strict=True):
            row["mib"] = len(by_pillow(picture, **options)) / 2**20
    return found


def pictures() -> dict[str, Array]:
    """Name -> (H, W, 3) uint8."""
    smooth = cv2.resize(astronaut(), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(0).normal(0, 2, smooth.shape)
    return {"smooth": smooth, "grain": (smooth + grain).clip(0, 255).astype(np.uint8)}


def reading(blob: bytes) -> dict[str, Callable[[], Any]]:
    """The plain way, and ours, from the same bytes to the same pixels."""
    return {
        "plain: Pillow": lambda: np.array(Image.open(io.BytesIO(blob)).convert("RGB")),
        "as read here": lambda: decode_image(blob, Path("a.jpg")),
    }


def writing(picture: Array, options: dict[str, Any]) -> Callable[[], bytes]:
    """One way to write a picture."""
    return lambda: by_pillow(picture, **options)


def by_pillow(picture: Array, **options: Any) -> bytes:
    """The bytes of a file."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, **options)
    return stream.getvalue()


def named(what: str, tasks: dict[str, Callable[[], Any]], rounds: int) -> list[Row]:
    """`measured` against the first of the tasks, with a name for tables."""
    return [row | {"name": f"{what}: {row['name']}"} for row in measured(tasks, next(iter(tasks)), rounds)]


if __name__ == "__main__":
    print("| picture | ratio | ms | MiB of arrays | MiB of the file |\n|---|---|---|---|---|")
    for row in rows():
        size = f"{row['mib']:.2f}" if "mib" in row else ""
        print(f"| {row['name']} | {row['ratio']:.2f} | {row['ms']:.1f} | {row['peak_mib']:.1f} | {size} |")
