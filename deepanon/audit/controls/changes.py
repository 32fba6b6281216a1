"""Controls: what is done to clear samples so that everybody knows beforehand what attackers must find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from deepanon.anonymizers import FaceFilter
from deepanon.audit.people.samples import Samples
from deepanon.audit.people.windows import windows, with_windows
from deepanon.crops import GREY
from deepanon.geometry import Array

SIDE, BLOCK = 64, 8  # px of the box frame, and of the blocks that are permuted in it
THUMBNAIL, CONTRAST = 8, 0.15  # px of a side; how much of the face's contrast is left in the planted leak


def no_op() -> FaceFilter:
    """A method that changes nothing, so that the way through the pipeline is a control of its own."""
    return FaceFilter("no-op", _nothing, "nothing")


def _nothing(face: Array, rng: np.random.Generator) -> Array:
    return face


def faceless() -> FaceFilter:
    """Every face of a photo is grey: what hair, outline, clothes and place give away, as any method leaves them."""
    return FaceFilter("context", _all_grey, "grey", sees_face=False)


def _all_grey(face: Array, rng: np.random.Generator) -> Array:
    return np.full_like(face, GREY)


def constant(samples: Samples, rng: np.random.Generator) -> Samples:
    """Every sample is the same grey picture with the box and keypoints of one face: who finds anybody reads labels.

    Each with its own they would differ: a recogniser that aligns by keypoints sees the black beyond the sample's edge.
    """
    first = np.zeros(len(samples), dtype=np.int64)
    return replace(_grey(samples), boxes=samples.boxes[first], keypoints=samples.keypoints[first])


def _grey(samples: Samples) -> Samples:
    return samples.showing(np.full_like(samples.pictures, GREY))


def swapped(samples: Samples, rng: np.random.Generator) -> Samples:
    """In the box lies the face of somebody else, another one in each photo: the least a generator can leave."""
    faces = windows(samples, SIDE)
    donors = np.array([rng.choice(np.flatnonzero(samples.people != person)) for person in samples.people])
    return with_windows(samples, faces[donors])


def permuted(samples: Samples, rng: np.random.Generator) -> Samples:
    """Blocks of the box trade places, everywhere in the same way, and all around is grey: looks safe, and is not.

    The permutation does not depend on `rng`: it is the same for all samples of an audit.
    """
    across = SIDE // BLOCK
    order = np.random.default_rng(0).permutation(across**2)
    blocks = windows(samples, SIDE).reshape(-1, across, BLOCK, across, BLOCK, 3).swapaxes(2, 3)
    blocks = blocks.reshape(-1, across**2, BLOCK, BLOCK, 3)[:, order]
    faces = blocks.reshape(-1, across, across, BLOCK, BLOCK, 3).swapaxes(2, 3).reshape(-1, SIDE, SIDE, 3)
    return with_windows(_grey(samples), faces)


def leaking(samples: Samples, rng: np.random.Generator) -> Samples:
    """All is grey but for a trace of a thumbnail: nobody sees it, and an attacker that learns must find it.

    It lies in the same box for everybody: where a face was tells nothing here.
    """
    small = [cv2.resize(face, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA) for face in windows(samples, SIDE)]
    faint = GREY + CONTRAST * (np.stack(small).astype(np.float32) - GREY)
    return with_windows(constant(samples, rng), faint)


Change = Callable[[Samples, np.random.Generator], Samples]
NO_OP, SHUFFLED = "no-op", "shuffled labels"  # made of whole photos, and of names
CONSTANT, OTHER, PERMUTED, LEAK = "constant image", "other person", "block permutation", "planted leak"
CHANGES: dict[str, Change] = {CONSTANT: constant, OTHER: swapped, PERMUTED: permuted, LEAK: leaking}
