"""Portraits of nobody: whole pictures drawn from keypoints and noise alone, their faces drawn once more into them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from deepanon.crops import Crops, hide
from deepanon.detections import FIVE
from deepanon.errors import OptionError
from deepanon.geometry import Array
from deepanon.images import to_uint8
from deepanon.models import Generator
from deepanon.weights import DEFAULT, load_generator

# both eyes, nose, both corners of the mouth of a face that looks ahead, as fractions of the picture
AHEAD = ((0.380, 0.470), (0.625, 0.470), (0.500, 0.605), (0.395, 0.715), (0.610, 0.715))
# the box that a detector puts around such a face, from the middle of its keypoints, in heights from eyes to mouth
FACE = (-1.05, -1.65, 1.05, 1.2)
ROLL, SIZE, SHIFT, TURN = 4.0, 0.08, 0.02, 0.02  # how far a pose strays: degrees, share, and fractions of the picture


def draw_portraits(seeds: Sequence[int], model: str | Path = DEFAULT) -> list[Array]:
    """One portrait a seed; nobody in them exists, and no photograph is under them.

    Args:
        seeds: each fixes pose and face.
        model: name of a bundled generator, or path of a file; it must have learnt whole crops.

    Returns:
        (S, S, 3) uint8 RGB each, at the generator's size.

    Raises:
        FileNotFoundError: there is no such generator.
        ModelError: the file is not usable.
        OptionError: it did not learn to draw whole portraits, or takes other keypoints.
    """
    loaded = load_generator(model)
    if not loaded.training.get("settings", {}).get("whole_crop"):
        raise OptionError(f"{model} did not learn to draw whole portraits (model.augmentation.whole_crop in training)")
    if loaded.schema != FIVE:
        raise OptionError(f"{model} takes keypoints of schema {loaded.schema.name!r}; portraits have {FIVE.name!r}")
    return [_portrait(loaded.network, seed) for seed in seeds]


@torch.inference_mode()
def _portrait(network: Generator, seed: int) -> Array:
    """Drawn twice: whole, and then the face into its surroundings, which is what a generator does best."""
    rng, size = torch.Generator().manual_seed(seed), network.resolution
    points = pose(np.random.default_rng(seed))
    keypoints, box = (torch.from_numpy(part).float()[None] for part in (points, face_box(points)))
    mask = torch.ones(1, 1, size, size)
    noise = torch.randn(2, network.noise, 4, 4, generator=rng)
    whole = network(hide(torch.zeros(1, 3, size, size), mask), mask, keypoints, noise[:1]).clamp(-1, 1)
    crops = Crops.from_faces(whole, box, keypoints, FIVE)
    return to_uint8(network(crops.context, crops.mask, crops.keypoints, noise[1:]))[0]


def face_box(points: Array) -> Array:
    """(5, 2) keypoints -> (4,) xyxy, in the same unit: about what a detector puts around such a face."""
    height = points[3:, 1].mean() - points[:2, 1].mean()
    return np.tile(points.mean(axis=0), 2) + np.array(FACE) * height


def pose(rng: np.random.Generator) -> Array:
    """(5, 2) float64 keypoints of a face that looks more or less ahead."""
    points = np.array(AHEAD)
    middle = points.mean(axis=0)
    angle, size = math.radians(rng.uniform(-ROLL, ROLL)), 1 + rng.uniform(-SIZE, SIZE)
    turned = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    points = (points - middle) @ turned.T * size + middle + rng.uniform(-SHIFT, SHIFT, 2)
    points[2, 0] += rng.uniform(-TURN, TURN)  # the nose shows where a head turns
    return points
