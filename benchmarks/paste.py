"""What bringing six new faces into a frame costs, beside arithmetic on the whole frame.

    python benchmarks/paste.py

Times are CPU time of one thread, the median of rounds that take turns; ratios are to the `plain` row of the same frame.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import torch

from deepanon import geometry
from deepanon.crops import Crops, blank, cut, resize
from deepanon.detections import Detections
from deepanon.geometry import Array
from deepanon.images import to_uint8
from deepanon.pasting import paste, paste_into

FRAMES = {"720p": (720, 1280), "1080p": (1080, 1920), "2160p": (2160, 3840)}
FACES, SIDE, SIZE = 6, 120, 128  # faces, pixels of a face, pixels of a crop
ROUNDS = 15
PLAIN = "plain: whole frame in floats, once"

Row = dict[str, Any]  # name, ratio, ms, peak_mib: plain values


def rows(frames: Mapping[str, tuple[int, int]] = FRAMES, rounds: int = ROUNDS) -> list[Row]:
    """What each step costs for each size of the frame."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    found = []
    for name, (height, width) in frames.items():
        made = measured(steps(*scene(height, width)), PLAIN, rounds)
        found += [row | {"name": f"{name} {row['name']}"} for row in made]
    return found


def scene(height: int, width: int, faces: int = FACES) -> tuple[Array, Detections]:
    """A frame of noise and faces of one size, side by side."""
    rng = np.random.default_rng(0)
    left = np.linspace(10.3, width - SIDE - 10.3, faces)
    top = height / 3 + rng.random(faces) * 50
    boxes = np.stack([left, top, left + SIDE, top + SIDE * 1.25], 1)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return image, Detections(boxes, np.ones(faces), rng.random((faces, 5, 2)) * 50)


def steps(image: Array, faces: Detections) -> dict[str, Callable[[], Any]]:
    """What the pipeline does around the drawing, step by step, and the plain way of the last."""
    crops = cut(image, faces, SIZE, hidden=faces.boxes)
    drawn, canvas = -crops.context, image.copy()
    return {
        PLAIN: lambda: in_one_pass(image, crops, drawn, faces.boxes),
        "plain: whole frame in floats, each face": lambda: whole_frame(image, crops, drawn, faces.boxes),
        "copy the frame": image.copy,
        "blank the frame": lambda: blank(image, faces.boxes),
        "cut, faces hidden": lambda: cut(image, faces, SIZE, hidden=faces.boxes),
        "paste into the frame": lambda: paste_into(canvas, crops, drawn, faces.boxes),
        "paste into a copy": lambda: paste(image, crops, drawn, faces.boxes),
    }


def measured(tasks: Mapping[str, Callable[[], Any]], plain: str, rounds: int = ROUNDS) -> list[Row]:
    """Median CPU milliseconds of each task, in turns, its ratio to `plain`, and the memory that one call asks for."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(rounds + 1):
        for name, task in tasks.items():
            start = time.process_time()
            task()
            if number:  # the first round warms up
                times[name].append(1000 * (time.process_time() - start))
    ms = {name: statistics.median(taken) for name, taken in times.items()}
    return [
        {"name": name, "ratio": ms[name] / ms[plain], "ms": ms[name], "peak_mib": peak(task)}
        for name, task in tasks.items()
    ]


def peak(task: Callable[[], Any]) -> float:
    """MiB of arrays that a call holds at once, beside what is there before."""
    tracemalloc.start()
    try:
        kept = task()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        del kept
        tracemalloc.stop()


def whole_frame(image: Array, crops: Crops, pixels: torch.Tensor, boxes: Array, feather: float = 1.5) -> Array:
    """`pasting.paste` in the plain way: a weight for each pixel, and the whole frame mixed for each face."""
    for number in range(len(crops)):
        drawn, weight = layer(image.shape[:2], crops, pixels, boxes, number, feather)
        image = np.rint(drawn * weight + image * (1 - weight)).astype(np.uint8)
    return image


def in_one_pass(image: Array, crops: Crops, pixels: torch.Tensor, boxes: Array) -> Array:
    """The least that arithmetic on the whole frame costs: one mixture, as if one face were all."""
    drawn, weight = layer(image.shape[:2], crops, pixels, boxes, 0, 1.5)
    return np.rint(drawn * weight + image * (1 - weight)).astype(np.uint8)


def layer(
    size: tuple[int, ...], crops: Crops, pixels: torch.Tensor, boxes: Array, number: int, feather: float
) -> tuple[Array, Array]:
    """One face as (H, W, 3) uint8, black elsewhere, and its weight (H, W, 1) float32: straight from the definition."""
    height, width = size
    x0, y0, x1, y1 = (int(edge) for edge in crops.regions[number])
    scale = (x1 - x0) / crops.size
    own = crops.boxes[number].double().numpy() * scale + [x0, y0, x0, y0]
    box = geometry.clip(geometry.outward(np.where(abs(own - np.rint(own)) < 1e-2, np.rint(own), own)), width, height)
    ring = int(np.ceil(feather * scale))
    x, y = np.arange(width), np.arange(height)[:, None]
    away = np.maximum(np.maximum(box[0] - x, x - box[2] + 1), np.maximum(box[1] - y, y - box[3] + 1)).clip(0)
    weight = (1 - away / (ring + 1)).clip(0, 1).astype(np.float32)
    weight[(x < x0) | (x >= x1) | (y < y0) | (y >= y1)] = 0
    for u0, v0, u1, v1 in geometry.clip(geometry.outward(boxes), width, height):
        weight[v0:v1, u0:u1] *= away[v0:v1, u0:u1] == 0
    a, b, c, d = geometry.clip(np.array([x0, y0, x1, y1]), width, height)
    drawn = np.zeros((height, width, 3), np.uint8)
    drawn[b:d, a:c] = resize(to_uint8(pixels[number : number + 1])[0], x1 - x0)[b - y0 : d - y0, a - x0 : c - x0]
    return drawn, weight[..., None]


if __name__ == "__main__":
    print(f"| {FACES} faces | ratio | ms | MiB |\n|---|---|---|---|")
    for row in rows():
        print(f"| {row['name']} | {row['ratio']:.3f} | {row['ms']:.2f} | {row['peak_mib']:.1f} |")
