"""The demonstration: one NASA portrait, eight methods, one sheet to look at and one table to read."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deepanon.anonymizers import Anonymizer, build_anonymizer
from deepanon.detections import Detections
from deepanon.detectors import Detector, build_detector
from deepanon.files import replacing
from deepanon.geometry import Array, iou
from deepanon.images import write_image
from deepanon.pipeline import replace_faces
from deepanon.seeds import Seeds

FINDER, SCORER = "mtcnn", "cascade"  # the detector that scores must not be the one that found the faces
CAPTIONS = {  # the methods on the sheet; the others look much like one of them
    "gan": "drawn by the generator, which never saw the face",
    "pixelate8": "bilinear to 8 x 8 and back",
    "pixelate16": "bilinear to 16 x 16 and back",
    "mosaic": "square cells, 8 across the face",
    "gaussian9": "Gaussian blur, 9 x 9, sigma 3",
    "heavy_blur": "box filter, 30 % of the face width",
    "blackout": "true black; never saw the face",
    "noise": "mean and deviation of the face",
}
PANEL, MARGIN, CAPTION = 360, 24, 64  # pixels of the sheet
INK, SOFT, PAPER, MARK = "#1c1c1c", "#6a6a6a", "#ffffff", "#ffb000"


@dataclass(frozen=True)
class Result:
    """What one method did to the portrait: the picture, how many faces the scorer still finds, milliseconds a face."""

    method: str
    picture: Array
    found: int
    ms_per_face: float


def run_demo(folder: str | Path, seed: int = 1) -> str:
    """Write `<method>.png` and `sheet.png` to `folder` and return a printable table."""
    from skimage.data import astronaut  # Eileen Collins, NASA, public domain; ships with scikit-image

    folder, portrait = Path(folder), astronaut()
    faces, scorer = build_detector(FINDER)(portrait), build_detector(SCORER)
    results = [_run(build_anonymizer(name), portrait, faces, scorer, seed) for name in CAPTIONS]
    for result in results:
        write_image(folder / f"{result.method}.png", result.picture)
    before = _matching(scorer(portrait), faces)
    with replacing(folder / "sheet.png") as temporary:
        draw_sheet(portrait, faces, results).save(temporary)
    return _table(results, before, len(faces), folder)


def _run(method: Anonymizer, portrait: Array, faces: Detections, scorer: Detector, seed: int) -> Result:
    seeds = Seeds.from_seed(seed)("portrait", len(faces))
    picture = replace_faces(portrait, faces, method, seeds)  # also warms up
    times = []
    for _ in range(3):
        start = time.perf_counter()
        replace_faces(portrait, faces, method, seeds)
        times.append(time.perf_counter() - start)
    found = _matching(scorer(picture), faces)
    return Result(method.name, picture, found, 1000 * float(np.median(times)) / len(faces))


def _matching(found: Detections, faces: Detections) -> int:
    """How many of `faces` the scorer found, at IoU 0.4 (a cascade's square boxes never fit better than that)."""
    return int((iou(faces.boxes, found.boxes).max(axis=1, initial=0) >= 0.4).sum())


def _table(results: list[Result], before: int, faces: int, folder: Path) -> str:
    lines = [f"{'method':<12} {'found before':>12} {'found after':>12} {'ms/face':>9}"]
    lines += [
        f"{r.method:<12} {f'{before}/{faces}':>12} {f'{r.found}/{faces}':>12} {r.ms_per_face:>9.1f}" for r in results
    ]
    lines += [
        "",
        f"faces found by {FINDER}; found before and after counted by {SCORER}, an independent, weaker detector",
        f"sheet: {folder / 'sheet.png'}",
    ]
    return "\n".join(lines)


def draw_sheet(portrait: Array, faces: Detections, results: list[Result]) -> Image.Image:
    """Draw the original with its detections, then every method, three panels a row, captions below each."""
    window = _window(portrait, faces)
    panels = [(_marked(portrait, faces, window), "original", f"box and keypoints as {FINDER} found them")]
    panels += [(_view(result.picture, window), result.method, CAPTIONS[result.method]) for result in results]
    rows = -(-len(panels) // 3)
    width, height = 3 * PANEL + 4 * MARGIN, rows * (PANEL + CAPTION) + (rows + 1) * MARGIN
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, (picture, title, text) in enumerate(panels):
        x = MARGIN + index % 3 * (PANEL + MARGIN)
        y = MARGIN + index // 3 * (PANEL + CAPTION + MARGIN)
        sheet.paste(picture, (x, y))
        draw.text((x, y + PANEL + 8), title, fill=INK, font=ImageFont.load_default(24))
        draw.text((x, y + PANEL + 38), text, fill=SOFT, font=ImageFont.load_default(15))
    return sheet


def _window(portrait: Array, faces: Detections) -> tuple[int, int, int, int]:
    """A square around the first face, 2.6 times its size, moved inside the picture."""
    height, width = portrait.shape[:2]
    x0, y0, x1, y1 = faces.boxes[0]
    side = int(min(2.6 * max(x1 - x0, y1 - y0), height, width))
    left = int(np.clip((x0 + x1 - side) / 2, 0, width - side))
    top = int(np.clip((y0 + y1 - side) / 2, 0, height - side))
    return left, top, left + side, top + side


def _view(picture: Array, window: tuple[int, int, int, int]) -> Image.Image:
    return Image.fromarray(picture).crop(window).resize((PANEL, PANEL), Image.Resampling.BICUBIC)


def _marked(picture: Array, faces: Detections, window: tuple[int, int, int, int]) -> Image.Image:
    view = _view(picture, window)
    draw, zoom = ImageDraw.Draw(view), PANEL / (window[2] - window[0])
    for face in faces:
        corner = np.tile(window[:2], 2)
        draw.rectangle(((face.boxes[0] - corner) * zoom).tolist(), outline=MARK, width=3)
        for x, y in (face.points[0] - corner[:2]) * zoom:
            draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=MARK)
    return view
