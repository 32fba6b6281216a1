"""How much a drawn face changes within its track: by its identity, to a recogniser.

    DEEPANON_DATA=data python benchmarks/flicker.py --weights reid0095.xml                # all clips in data/videos
    DEEPANON_DATA=data python benchmarks/flicker.py --weights reid0095.xml --model FILE --seconds 4 a.mp4

Every frame is drawn with noise of its own ("fresh z"), with one noise a track ("fixed z"), and with one noise a track
and drawings carried along ("steady", what films are made with). "frozen" is the least that can be reached: the first
drawing of a run of frames, whole, moved with the head and never let go, whatever that looks like. Faces are cut by the
same keypoints for all, and turned to vectors of unit length. The spread of a track is the mean distance of its vectors
to their mean, and that of any two of them; what is printed is the mean over all tracks of enough frames, and its ratio
to fresh z, with a 95 % interval from resampled tracks. The unchanged film is printed too: a face that moves is not one
vector either.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deepanon.anonymizers import Anonymizer, build_anonymizer
from deepanon.embedders import Aligned, Recogniser, build_embedder
from deepanon.films.carried import Carried, Drawing
from deepanon.films.covers import DRAWN, Rules
from deepanon.films.frames import Frame, Source
from deepanon.films.looking import film_detector
from deepanon.films.opening import open_film
from deepanon.films.plan import FilmPlan
from deepanon.films.rendering import Painter
from deepanon.films.sightings import look, read
from deepanon.films.steady import steadied
from deepanon.films.trail import Trail
from deepanon.geometry import Array
from deepanon.seeds import Seeds

WAYS = ("fresh z", "fixed z", "steady", "frozen")
RESAMPLES = 1000


class Frozen(Carried):
    """A drawing that always holds."""

    def into(self, drawing: Drawing) -> tuple[Drawing, Carried]:
        """The drawing that goes along, and nothing of the next one but where the old one does not reach."""
        return drawing.mixed(self.anchor, 1.0), Frozen(self.anchor, drawing.crop)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", nargs="*", type=Path, help="default: all in $DEEPANON_DATA/videos")
    parser.add_argument("--weights", type=Path, required=True, help="face-reidentification-retail-0095, OpenVINO")
    parser.add_argument("--model", help="generator (default: the bundled one)")
    parser.add_argument("--start", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each film")
    parser.add_argument("--frames", type=int, default=15, help="drawn frames that a track must have to count")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    films = options.films or sorted(Path(os.environ["DEEPANON_DATA"], "videos").glob("*.mp4"))
    embedder = build_embedder("openvino", weights=options.weights, order="bgr", mean=0.0, std=1.0)
    recogniser = Recogniser(embedder, Aligned("reid0095", embedder.size))
    method = build_anonymizer("gan", **({"model": options.model} if options.model else {}))
    print(f"{method.description}\n{recogniser.description}")
    every: list[dict[str, Array]] = []
    for path in films:
        with open_film(path) as film, tempfile.TemporaryDirectory() as folder:
            span = (options.start, options.start + options.seconds)
            look(film, film_detector("mtcnn"), Path(folder) / "sightings.jsonl", span)
            plan = FilmPlan.make(read(Path(folder) / "sightings.jsonl", film, Rules().memory), Rules())
            tracks = measured(film, plan, span, method, recogniser, options)
        report(f"{path.name}, {len(plan)} frames", tracks)
        every += tracks
    report("all", every)


def measured(
    film: Source,
    plan: FilmPlan,
    span: tuple[float, float],
    method: Anonymizer,
    recogniser: Recogniser,
    options: argparse.Namespace,
) -> list[dict[str, Array]]:
    """Both spreads of every track that is long enough, by the way of drawing."""
    vectors: dict[int, dict[str, list[Array]]] = defaultdict(lambda: defaultdict(list))
    ways = painters(plan, method, options.seed)
    for frame in film.frames(*span):
        faces, tracks, why = plan.covers.at(frame.index)
        rows = np.flatnonzero((why == DRAWN) & faces.has_keypoints)
        if frame.pixels is None or not len(rows):
            continue
        for way, pixels in painted(ways, frame, film, options.seed):
            for row, vector in zip(rows, recogniser(pixels, faces[rows]), strict=True):
                vectors[int(tracks[row])][way].append(vector)
    long = [some for some in vectors.values() if len(some["steady"]) >= options.frames]
    return [{way: spread(np.array(rows)) for way, rows in some.items()} for some in long]


def painters(plan: FilmPlan, method: Anonymizer, seed: int) -> dict[str, Painter]:
    """One for each way; drawn frames do not know of each other but in the last one."""
    seeds, redactor = Seeds.from_seed(seed)("film", plan.tracks), build_anonymizer("blackout")
    ways = {way: Painter(plan.covers, method, redactor, seeds, steady=way == "steady") for way in WAYS}
    ways["frozen"].trail = Trail(Frozen)
    ways["frozen"].drawer = steadied(method, ways["frozen"].trail)
    return ways


def painted(ways: dict[str, Painter], frame: Frame, film: Source, seed: int) -> Iterator[tuple[str, Array]]:
    """The frame as it was, and as every painter draws it."""
    assert frame.pixels is not None
    yield "original", frame.pixels
    for way, painter in ways.items():
        if way == "fresh z":
            painter.seeds = Seeds.from_seed(seed)(f"frame {frame.index}", len(painter.seeds))
        yield way, painter(frame, film.width, film.height).pixels


def spread(vectors: Array) -> Array:
    """(T, D) of unit length -> (2,): mean distance to their mean, and of two of them."""
    apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)
    count = len(vectors)
    return np.array([np.linalg.norm(vectors - vectors.mean(0), axis=1).mean(), apart.sum() / (count * (count - 1))])


def report(what: str, tracks: list[dict[str, Array]]) -> None:
    """Print the mean over tracks, and the ratio to fresh z."""
    print(f"{what}: {len(tracks)} tracks")
    if not tracks:
        return
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(tracks), (RESAMPLES, len(tracks)))
    fresh = np.array([track["fresh z"] for track in tracks])
    for way in ("original", *WAYS):
        own = np.array([track[way] for track in tracks])
        ratios = own.mean(0) / fresh.mean(0)
        low, high = np.quantile(own[drawn].mean(1) / fresh[drawn].mean(1), [0.025, 0.975], axis=0)
        parts = (
            f"{name} {own.mean(0)[i]:.3f}, ratio {ratios[i]:.2f} [{low[i]:.2f}, {high[i]:.2f}]"
            for i, name in enumerate(("to the mean", "pairwise"))
        )
        print(f"  {way:9}{'; '.join(parts)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
