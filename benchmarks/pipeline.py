"""Where the time of photos and films goes.

    python benchmarks/pipeline.py                         # a NASA portrait that moves before drawn scenery
    python benchmarks/pipeline.py --film FILE --seconds 4 # a film of yours

Every step is done for all pictures before the next begins, so that shares add up to the whole; what a command takes
from start to end, with steps overlapping, is measured beside it. Rounds take turns; medians count.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
from skimage.data import astronaut
from torch import Tensor

from deepanon.anonymizers import Anonymizer, build_anonymizer
from deepanon.crops import Crops
from deepanon.detectors import build_detector
from deepanon.films import FilmAnonymizer, FilmOptions
from deepanon.films.covers import Rules
from deepanon.films.encoding import Encoding, encode
from deepanon.films.looking import film_detector
from deepanon.films.opening import open_film
from deepanon.films.plan import FilmPlan
from deepanon.films.rendering import Painter
from deepanon.films.sightings import look, read
from deepanon.folders import Files, anonymize_files
from deepanon.geometry import Array
from deepanon.images import read_image, write_image
from deepanon.pipeline import FaceAnonymizer
from deepanon.seeds import Seeds

STEPS = ("decode", "detect", "link", "draw", "paste", "encode")
WIDTH, HEIGHT, FRAMES, PHOTOS = 640, 480, 75, 12


class Timed:
    """An anonymizer that counts the seconds spent in it."""

    def __init__(self, inner: Anonymizer) -> None:
        self.inner, self.seconds = inner, 0.0
        self.name, self.sees_face, self.size = inner.name, inner.sees_face, inner.size
        self.random, self.description = inner.random, inner.description

    def __call__(self, crops: Crops, seeds: Sequence[int]) -> Tensor:
        """Draw, and look at the clock."""
        began = time.perf_counter()
        try:
            return self.inner(crops, seeds)
        finally:
            self.seconds += time.perf_counter() - began


class Clock:
    """Seconds a step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Add what the block takes."""
        began = time.perf_counter()
        yield
        self.seconds[step] += time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--film", type=Path, help="instead of the portrait")
    parser.add_argument("--seconds", type=float, help="of the film to do")
    parser.add_argument("--model", help="generator (default: the bundled one)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for row in rows(options.film, options.seconds, options.model, options.rounds):
        print(
            f"{row['name']}: {row['per_second']:.2f} pictures/s ({row['ms']:.0f} ms each){row['shares'] and '; '}",
            end="",
        )
        print(row["shares"], flush=True)


def rows(
    film: Path | None = None, seconds: float | None = None, model: str | None = None, rounds: int = 3
) -> list[dict[str, Any]]:
    """Medians: pictures a second, milliseconds each, and the share of every step."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = film or draw_film(folder / "in.mp4")
        draw_photos(folder / "photos")
        method = Timed(build_anonymizer("gan", **({"model": model} if model else {})))
        runs: dict[str, Callable[[], dict[str, float]]] = {
            "film, step by step": lambda: film_steps(source, folder, method, seconds),
            "film, as a whole": lambda: film_whole(source, folder, method, seconds),
            "photos, step by step": lambda: photo_steps(folder, method),
            "photos, as a whole": lambda: photos_whole(folder, method),
        }
        measured = [{what: run() for what, run in runs.items()} for _ in range(rounds)]
    return [median_row(what, [a_round[what] for a_round in measured]) for what in runs]


def median_row(what: str, rounds: Sequence[dict[str, float]]) -> dict[str, Any]:
    """One of them."""
    pictures = rounds[0]["pictures"]
    seconds = {step: statistics.median(one[step] for one in rounds) for step in rounds[0] if step != "pictures"}
    whole = sum(seconds.values())
    shares = "" if len(seconds) == 1 else ", ".join(f"{step} {taken / whole:.0%}" for step, taken in seconds.items())
    return {"name": what, "per_second": pictures / whole, "ms": 1000 * whole / pictures, "shares": shares}


def film_steps(film: Path, folder: Path, method: Timed, seconds: float | None) -> dict[str, float]:
    """Every step of a film on its own."""
    clock, journal, detector = Clock(), folder / "sightings.jsonl", film_detector("mtcnn")
    journal.unlink(missing_ok=True)
    with open_film(film) as source:
        with clock("decode"):
            frames = list(source.frames(None, seconds))
        with clock("detect"):
            look(source, detector, journal, (None, seconds))
        clock.seconds["detect"] -= clock.seconds["decode"]  # `look` decodes too
        with clock("link"):
            plan = FilmPlan.make(read(journal, source, Rules().memory), Rules())
        method.seconds = 0
        painter = Painter(plan.covers, method, build_anonymizer("blackout"), Seeds.from_seed(1)("", plan.tracks))
        with clock("paste"):
            painted = [(frame.pts, painter(frame, source.width, source.height)) for frame in frames]
        clock.seconds["draw"] = method.seconds
        clock.seconds["paste"] -= method.seconds
        with clock("encode"):
            encode(painted, source, Encoding())
    return {step: clock.seconds[step] for step in STEPS} | {"pictures": len(frames)}


def film_whole(film: Path, folder: Path, method: Timed, seconds: float | None) -> dict[str, float]:
    """What `deepanon anonymize` does, networks loaded."""
    target = folder / "out.mp4"
    target.unlink(missing_ok=True)
    anonymizer = FilmAnonymizer(film_detector("mtcnn"), method, Seeds.from_seed(1))
    began = time.perf_counter()
    outcome = anonymizer(film, target, FilmOptions(end=seconds))
    return {"all": time.perf_counter() - began, "pictures": len(outcome.plan)}


def photo_steps(folder: Path, method: Timed) -> dict[str, float]:
    """Every step of photos on its own."""
    clock, paths = Clock(), sorted((folder / "photos").iterdir())
    anonymizer = FaceAnonymizer(build_detector("mtcnn"), method, Seeds.from_seed(1))
    with clock("decode"):
        photos = [read_image(path) for path in paths]
    with clock("detect"):
        faces = [anonymizer.detector(photo.pixels) for photo in photos]
    method.seconds = 0
    with clock("paste"):
        made = [anonymizer(photo.pixels, found) for photo, found in zip(photos, faces, strict=True)]
    clock.seconds["draw"] = method.seconds
    clock.seconds["paste"] -= method.seconds
    with clock("encode"):
        for path, pixels in zip(paths, made, strict=True):
            write_image(folder / "steps" / path.name, pixels)
    return {step: clock.seconds[step] for step in STEPS if step != "link"} | {"pictures": len(photos)}


def photos_whole(folder: Path, method: Timed) -> dict[str, float]:
    """What `deepanon anonymize` does with a folder, networks loaded."""
    plan = Files([folder / "photos"], folder / "whole")
    anonymizer = FaceAnonymizer(build_detector("mtcnn"), method, Seeds.from_seed(1))
    began = time.perf_counter()
    outcomes = list(anonymize_files(plan, folder / "whole", anonymizer))
    if any(outcome.status != "anonymized" for outcome in outcomes):
        sys.exit(f"not all photos were done: {outcomes}")
    return {"all": time.perf_counter() - began, "pictures": len(outcomes)}


def scene(i: int, width: int, height: int) -> Array:
    """The portrait before a drawn background, at a place that moves with `i`."""
    y, x = np.mgrid[:height, :width]
    picture = np.stack([(x + 2 * i) % 256, (y + x) // 4 % 256, np.full_like(x, 120)], -1).astype(np.uint8)
    face = astronaut()[:256, 96:352]
    left, top = 20 + 4 * i % (width - 300), 40 + i % 60
    picture[top : top + 256, left : left + 256] = face
    return picture


def draw_film(path: Path) -> Path:
    """Three seconds of it."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for i in range(FRAMES):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(scene(i, WIDTH, HEIGHT), format="rgb24")))
        output.mux(stream.encode(None))
    return path


def draw_photos(folder: Path) -> None:
    """Twelve JPEG photos of 1280 x 960."""
    for i in range(PHOTOS):
        write_image(folder / f"{i:02d}.jpg", scene(10 * i, 2 * WIDTH, 2 * HEIGHT))


if __name__ == "__main__":
    main()
