"""Drawing and checking in one: a new face that came out too like the old one is drawn again, and black at last."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deepanon.anonymizers import Anonymizer, ByLabel, build_anonymizer
from deepanon.checks import check_count
from deepanon.detections import Detections
from deepanon.embedders import Recogniser
from deepanon.errors import OptionError
from deepanon.geometry import Array
from deepanon.pipeline import replace_faces
from deepanon.seeds import BITS
from deepanon.verifying.changes import Comparison
from deepanon.verifying.eyes import Limits, compare
from deepanon.verifying.likeness import measured_threshold

TRIES = 4


@dataclass(frozen=True, eq=False)
class Drawn:
    """A picture whose faces were checked.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        tries: (N,) int64, how often each face was drawn; 0 for those that were not to be replaced.
        black: (N,) bool, faces that were too like the old ones every time, and are black now.
        similarity: (N,) of each face as it is now; NaN where it is black or the recogniser could not look.
    """

    pixels: Array
    tries: Array
    black: Array
    similarity: Array


def draw_verified(
    image: Array,
    detections: Detections,
    anonymizer: Anonymizer | ByLabel,
    seeds: Sequence[int],
    recogniser: Recogniser | None = None,
    threshold: float | None = None,
    tries: int = TRIES,
    faces: Sequence[int] | None = None,
) -> Drawn:
    """Replace faces, check each against the original, and draw those anew that came out too similar.

    A face is drawn again with a seed that follows from its own, so that a key repeats it. What is still too similar
    after `tries` is blacked out, as is at once what a method without chance drew: it would be the same again. The
    result is checked as it is returned. A face that the recogniser cannot look at, without keypoints, is checked for
    its pixels and shapes alone, and has no similarity.

    Args:
        image: (H, W, 3) uint8 RGB, left untouched.
        detections: every face of the picture, N.
        anonymizer: draws the new pixels.
        seeds: one a face.
        recogniser: compares old and new faces; None checks pixels and shapes alone.
        threshold: similarity above which a new face is too like the old one; None takes the one measured for the
            recogniser's network.
        tries: how often a face is drawn at most.
        faces: rows of `detections` to replace and to check; None = all.

    Raises:
        OptionError: a recogniser for which no threshold is known, or no try at all.
        DeepanonError: see `replace_faces`; and the recogniser's own.
    """
    check_count("tries", tries)
    limits = limits_for(recogniser, threshold)
    now, black = list(seeds), np.zeros(len(detections), dtype=bool)
    asked = np.zeros(len(detections), dtype=bool)
    asked[np.arange(len(detections)) if faces is None else list(faces)] = True
    counts = asked.astype(np.int64)
    pixels = _drawn(image, detections, anonymizer, now, asked, black)
    while True:
        seen = compare(Comparison(image, pixels, detections.boxes), detections, detections, recogniser)
        wrong = np.array([limits(face) is not None for face in seen], dtype=bool) & asked & ~black
        if not wrong.any():
            alike = np.where(black | ~asked, np.nan, [face.similarity for face in seen])
            return Drawn(pixels, counts, black, alike)
        hopeless = wrong & ((counts >= tries) | (not anonymizer.random))
        black |= hopeless
        for row in np.flatnonzero(wrong & ~hopeless).tolist():
            counts[row] += 1
            now[row] = next_seed(seeds[row], int(counts[row]))
        pixels = _drawn(image, detections, anonymizer, now, asked, black)


def next_seed(seed: int, number: int) -> int:
    """The seed of a face's `number`-th drawing, in [0, 2**63): it follows from its first one."""
    digest = hashlib.sha256(f"deepanon seed {seed} drawing {number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - BITS)


def _drawn(
    image: Array,
    detections: Detections,
    anonymizer: Anonymizer | ByLabel,
    seeds: Sequence[int],
    asked: Array,
    black: Array,
) -> Array:
    """The picture with `asked` faces drawn, and `black` ones black, on top of all others."""
    pixels = replace_faces(image, detections, anonymizer, seeds, np.flatnonzero(asked & ~black).tolist())
    if black.any():
        redactor = build_anonymizer("blackout")
        pixels = replace_faces(pixels, detections, redactor, seeds, np.flatnonzero(black).tolist())
    return pixels


def limits_for(recogniser: Recogniser | None, threshold: float | None) -> Limits:
    """What a new face is held against.

    Args:
        recogniser: compares old and new faces; None checks pixels and shapes alone.
        threshold: similarity above which a new face is too like the old one; None takes the measured one.

    Raises:
        OptionError: a recogniser for which no threshold is known, or a threshold without one.
    """
    if recogniser is None:
        if threshold is not None:
            raise OptionError("a threshold goes with a recogniser, and there is none")
        return Limits()
    known = measured_threshold(recogniser) if threshold is None else threshold
    if known is None:
        raise OptionError("no threshold is known for this recogniser: give one (--threshold)")
    return Limits(similarity=known)
