"""Every picture of the shipped generator that may be shown, made again: nobody's portraits and the NASA portrait.

    python benchmarks/samples.py [--model FILE] [--look 64]

Writes `data/samples/` (portraits of nobody), `docs/samples.jpg` (what the generator makes of them) and `docs/sheet.jpg`
(the demo's sheet). `--look N` writes nothing but `out/portraits.png`, the portraits of seeds 0 to N - 1, to choose
`SEEDS` by eye.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from deepanon.anonymizers import Gan
from deepanon.crops import Crops
from deepanon.demo import run_demo
from deepanon.detections import FIVE
from deepanon.files import replacing
from deepanon.geometry import Array
from deepanon.images import read_image, to_float, to_uint8, write_image
from deepanon.portraits import draw_portraits, face_box, pose
from deepanon.weights import DEFAULT

ROOT = Path(__file__).resolve().parents[1]
SEEDS = (0, 10, 18, 22, 52, 59, 64, 90)  # of the first hundred, by eye: the better ones, and not all alike
DRAWS, SIDE, GAP = 4, 192, 6  # other people for each portrait; pixels of the sheet


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT, help="name or file of a generator (default: the bundled one)")
    parser.add_argument("--look", type=int, metavar="N", help="only show so many portraits, to choose from")
    options = parser.parse_args()
    if options.look:
        pictures = draw_portraits(range(options.look), options.model)
        write_image("out/portraits.png", sheet([pictures[i : i + 8] for i in range(0, len(pictures), 8)], side=128))
        return
    portraits = draw_portraits(SEEDS, options.model)
    for seed, picture in zip(SEEDS, portraits, strict=True):
        write_image(ROOT / "data" / "samples" / f"portrait-{seed:04d}.png", picture)
    generator = Gan(options.model)
    show("samples", sheet([row(generator, s, p) for s, p in zip(SEEDS, portraits, strict=True)]))
    with tempfile.TemporaryDirectory() as folder:
        print(run_demo(folder))
        show("sheet", read_image(Path(folder) / "sheet.png").pixels)


def show(name: str, picture: Array) -> None:
    """Write a picture for a page: small, because it stays in the history for ever."""
    with replacing(ROOT / "docs" / f"{name}.jpg") as temporary:
        Image.fromarray(picture).save(temporary, "JPEG", quality=85, optimize=True)


def row(generator: Gan, seed: int, portrait: Array) -> list[Array]:
    """A portrait, what the generator is shown of it, and the people it draws into it."""
    points = pose(np.random.default_rng(seed))
    keypoints, box = (torch.from_numpy(part).float()[None] for part in (points, face_box(points)))
    crops = Crops.from_faces(to_float(portrait[None]), box, keypoints, FIVE)
    drawn = [to_uint8(generator(crops, [1000 * seed + number]))[0] for number in range(1, DRAWS + 1)]
    return [portrait, to_uint8(crops.context)[0], *drawn]


def sheet(rows: list[list[Array]], side: int = SIDE) -> Array:
    """Rows of pictures on white, each `side` pixels large."""
    columns = max(map(len, rows))
    paper = np.full((len(rows) * (side + GAP) + GAP, columns * (side + GAP) + GAP, 3), 255, dtype=np.uint8)
    for i, pictures in enumerate(rows):
        for j, picture in enumerate(pictures):
            y, x = GAP + i * (side + GAP), GAP + j * (side + GAP)
            paper[y : y + side, x : x + side] = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
    return paper


if __name__ == "__main__":
    main()
