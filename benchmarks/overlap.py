"""What it brings that decoding, looking, drawing and compressing go on at the same time, by the clock.

    python benchmarks/overlap.py

A film and a folder of drawn faces, done as always and with every step waiting for the one before. The clock is what
matters here, so the machine must be idle; with one core there is nothing to gain.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av
import numpy as np

from deepanon.anonymizers import build_anonymizer
from deepanon.data.synthetic import draw_scene
from deepanon.detectors import build_detector
from deepanon.films import FilmAnonymizer
from deepanon.folders import Files, anonymize_files
from deepanon.images import write_image
from deepanon.pipeline import FaceAnonymizer
from deepanon.seeds import Seeds

AHEAD = ("deepanon.films.rendering.ahead", "deepanon.films.sightings.ahead", "deepanon.folders.run.ahead")
SIDE_BY_SIDE = "deepanon.films.rendering.side_by_side"
SIZE = (1280, 720)


def rows(frames: int = 48, photos: int = 12, rounds: int = 3, method: str = "gan") -> list[dict[str, Any]]:
    """Name, seconds by the clock, ratio to the same work without threads."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        film, pictures = drawn_film(root / "in.mp4", frames), drawn_photos(root / "photos", photos)
        jobs: dict[str, Callable[[int], None]] = {
            f"film of {frames} frames": lambda number: do_film(film, root / f"out{number}.mp4", method),
            f"folder of {photos} photos": lambda number: do_photos(pictures, root / f"out{number}", method),
        }
        return [row for name, job in jobs.items() for row in both(name, job, rounds)]


def both(name: str, job: Callable[[int], None], rounds: int) -> list[dict[str, Any]]:
    """A job with and without threads, in turns."""
    times: dict[str, list[float]] = {"plain: one step at a time": [], "at the same time": []}
    for number in range(2 * rounds):
        start = time.perf_counter()
        if number % 2:
            job(number)
        else:
            with ExitStack() as stack:
                for place in AHEAD:
                    stack.enter_context(patch(place, in_turn))
                stack.enter_context(patch(SIDE_BY_SIDE, called_in_turn))
                job(number)
        times[list(times)[number % 2]].append(time.perf_counter() - start)
    middle = [statistics.median(taken) for taken in times.values()]
    return [
        {"name": f"{name}, {way}", "seconds": seconds, "ratio": seconds / middle[0]}
        for way, seconds in zip(times, middle, strict=True)
    ]


def in_turn(source: Iterable[Any], size: int = 4, single: bool = False) -> Generator[Any, None, None]:
    """`ahead` without a thread."""
    yield from source


def called_in_turn(calls: Iterable[Callable[[], Any]], threads: int, size: int = 4) -> Generator[Any, None, None]:
    """`side_by_side` without threads."""
    yield from (call() for call in calls)


def do_film(film: Path, target: Path, method: str) -> None:
    """The whole command."""
    FilmAnonymizer(build_detector("mtcnn"), build_anonymizer(method), Seeds.from_seed(0))(film, target)


def do_photos(folder: Path, target: Path, method: str) -> None:
    """The whole command."""
    anonymizer = FaceAnonymizer(build_detector("mtcnn"), build_anonymizer(method), Seeds.from_seed(0), "copy")
    list(anonymize_files(Files([folder], target), target, anonymizer))


def drawn_film(path: Path, frames: int) -> Path:
    """A film of four drawn faces that move sideways."""
    image = draw_scene(*SIZE, 4, seed=0)[0]
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = *SIZE, "yuv420p", Fraction(1, 25)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.roll(image, 2 * number, axis=1), format="rgb24")
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def drawn_photos(folder: Path, count: int) -> Path:
    """Photos of drawn faces."""
    for number in range(count):
        write_image(folder / f"{number:03d}.jpg", draw_scene(*SIZE, 4, seed=number)[0])
    return folder


if __name__ == "__main__":
    print("| work | seconds | ratio |\n|---|---|---|")
    for row in rows():
        print(f"| {row['name']} | {row['seconds']:.1f} | {row['ratio']:.2f} |")
