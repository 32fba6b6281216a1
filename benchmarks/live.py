"""What a delay protects: faces on made-up ways, a detector that blinks, and every picture that shows somebody.

    python benchmarks/live.py [--seeds 8] [--seconds 8] [--rate 25] [--delays 0 0.5 1]

Four faces a scene, 28 to 90 px in 640x360, are found for 3 pictures to 2 s, and then not for up to 0.8 s; the first
time up to 0.9 s after the scene begins. A picture shows somebody if a tenth of a face or more is not covered; faces
that another one hides do not count. No network runs: what is measured is tracking alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from deepanon import geometry
from deepanon.detections import FIVE, Detections
from deepanon.films.covers import Covers, Rules, cover
from deepanon.films.frames import Frame
from deepanon.films.live.window import Window
from deepanon.films.sightings import Sightings
from deepanon.geometry import Array
from deepanon.tracking import Linker, Timeline

WIDTH, HEIGHT = 640, 360
FACES = 4
SHOWN = 0.1  # share of a face that may be seen
HIDDEN = 0.4  # IoU from which one face hides another: two heads cannot fill one place
GRID = 24  # points a side on which a face is looked at
RULES = Rules()


@dataclass(frozen=True, eq=False)
class Scene:
    """Who is where, and what was found.

    Attributes:
        truth: (K, F, 4) boxes.
        found: the detections of each frame.
        times: (F,) seconds.
    """

    truth: Array
    found: list[Detections]
    times: Array


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8, metavar="N", help="scenes (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=8, metavar="S", help="of each (default: %(default)s)")
    parser.add_argument("--rate", type=int, default=25, metavar="N", help="pictures a second (default: %(default)s)")
    parser.add_argument("--delays", type=float, nargs="+", default=[0, 0.5, 1], metavar="S", help="seconds held back")
    options = parser.parse_args()
    scenes = [make_scene(seed, options.rate, options.seconds) for seed in range(options.seeds)]
    ways: dict[str, Callable[[Scene], list[Array]]] = {"each picture alone": alone}
    ways |= {f"live, {delay:g} s": lambda scene, delay=delay: live(scene, delay) for delay in options.delays}
    ways["two passes"] = two_passes
    heads = (
        "pictures of a face that show it, %",
        "faces ever shown",
        "longest, s",
        "area covered, × faces",
        "ms a picture",
    )
    print(f"| | {' | '.join(heads)} |")
    print("|---|---|---|---|---|---|")
    for name, way in ways.items():
        print(row(name, way, scenes, options.rate), flush=True)


def make_scene(seed: int, rate: int, seconds: float) -> Scene:
    """Faces on curved ways, found only now and then."""
    rng = np.random.default_rng(seed)
    count = round(seconds * rate)
    times = np.arange(count) / rate
    truth: list[Array] = []
    rows: list[list[Array]] = [[] for _ in range(count)]
    for _ in range(FACES):
        way = rng.uniform(60, 300, 2) + np.outer(times, rng.uniform(-50, 50, 2))
        way += rng.uniform(5, 25, 2) * np.sin(np.outer(times, rng.uniform(0.3, 1.5, 2)) + rng.uniform(0, 6, 2))
        side = rng.uniform(28, 90) * np.exp(0.2 * np.sin(times * rng.uniform(0.2, 1)))
        boxes = np.concatenate([way - side[:, None] / 2, way + side[:, None] / 2], axis=1)
        truth.append(boxes)
        for frame in _seen(rng, count, rate):
            if geometry.inside(boxes[frame][None], WIDTH, HEIGHT)[0]:
                rows[frame].append(boxes[frame] + rng.normal(0, 0.01 * side[frame], 4))
    return Scene(np.array(truth), [_detections(boxes) for boxes in rows], times)


def _seen(rng: np.random.Generator, count: int, rate: int) -> list[int]:
    """The frames in which the detector finds one face."""
    frame, seen = int(rng.uniform(0, 0.9) * rate), []
    while frame < count:
        run = int(rng.integers(3, 2 * rate))
        seen += list(range(frame, min(frame + run, count)))
        frame += run + int(rng.integers(1, int(0.8 * rate) + 1))
    return seen


def _detections(boxes: Sequence[Array]) -> Detections:
    array = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    points = array[:, None, :2] + np.array(FIVE.template) * (array[:, None, 2:] - array[:, None, :2])
    return Detections(array, np.full(len(array), 0.95), points)


def alone(scene: Scene) -> list[Array]:
    """What is found in a picture is covered in it, with the margin of films, and nothing else."""
    return [geometry.grown(found.boxes, np.full(len(found), RULES.margin)) for found in scene.found]


def live(scene: Scene, delay: float) -> list[Array]:
    """One pass, pictures held back for `delay` seconds."""
    window, due = Window(WIDTH, HEIGHT, RULES, delay), []
    for i, (at, found) in enumerate(zip(scene.times, scene.found, strict=True)):
        due += window.add(Frame(i, i, 1, None), float(at), found)
    return [one.covers.boxes for one in due + window.finish()]


def two_passes(scene: Scene) -> list[Array]:
    """As films are done."""
    linker, none = Linker(FIVE, RULES.memory), np.zeros(0, dtype=np.int64)
    for i, (at, found) in enumerate(zip(scene.times, scene.found, strict=True)):
        linker.add(i, float(at), found)
    line = Timeline(scene.times, WIDTH, HEIGHT)
    covers: Covers = cover(Sightings(line, none, none, none, linker.finish(), FIVE), RULES)
    return [covers.at(i)[0].boxes for i in range(len(scene.times))]


def row(name: str, way: Callable[[Scene], list[Array]], scenes: Sequence[Scene], rate: int) -> str:
    """One line of the table."""
    shown, counted, faces, longest, spent, areas = 0, 0, 0, 0, 0.0, np.zeros(2)
    for scene in scenes:
        began = time.process_time()
        boxes = way(scene)
        spent += time.process_time() - began
        for k in range(FACES):
            seen = [is_shown(scene, k, i, boxes[i]) for i in range(len(boxes))]
            runs = "".join("x" if one else "." for one in seen).split(".")
            shown, counted = shown + sum(one is True for one in seen), counted + sum(one is not None for one in seen)
            faces, longest = faces + any(seen), max(longest, *map(len, runs))
        areas += [sum(map(area_covered, some)) for some in (boxes, np.moveaxis(scene.truth, 1, 0))]
    frames = sum(len(scene.times) for scene in scenes)
    return (
        f"| {name} | {100 * shown / counted:.2f} | {faces} of {FACES * len(scenes)} | {longest / rate:.2f} | "
        f"{areas[0] / areas[1]:.2f} | {1000 * spent / frames:.1f} |"
    )


def is_shown(scene: Scene, k: int, i: int, boxes: Array) -> bool | None:
    """Whether face `k` is to be seen in frame `i`; None if another hides it, or it has left the picture."""
    face = scene.truth[k, i]
    others = np.delete(scene.truth[:, i], k, 0)
    if (geometry.iou(face[None], others) > HIDDEN).any():
        return None
    x, y = (np.linspace(face[j] + 0.5, face[j + 2] - 0.5, GRID) for j in (0, 1))
    x, y = x[(x > 0) & (x < WIDTH)], y[(y > 0) & (y < HEIGHT)]
    return None if not (len(x) and len(y)) else bool(1 - _hit(boxes, x, y).mean() > SHOWN)


def area_covered(boxes: Array) -> float:
    """Square pixels of the picture that some box covers, about."""
    x, y = np.arange(2, WIDTH, 4), np.arange(2, HEIGHT, 4)
    return 16.0 * float(_hit(boxes, x, y).sum())


def _hit(boxes: Array, x: Array, y: Array) -> Array:
    """(len(y), len(x)) bool: the point lies in a box."""
    hit = np.zeros((len(y), len(x)), dtype=bool)
    for x0, y0, x1, y1 in boxes:
        hit |= ((y > y0) & (y < y1))[:, None] & ((x > x0) & (x < x1))[None]
    return hit


if __name__ == "__main__":
    main()
