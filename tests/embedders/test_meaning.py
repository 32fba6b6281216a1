"""What a distance must say of faces: equal sets at the floor, damage above it, more damage farther."""

import numpy as np
import pytest
import torch
from torchvision.transforms.functional import gaussian_blur

from deepanon.crops import box_mask
from deepanon.data.synthetic import draw_face
from deepanon.distance import floor, frechet, kernel_distance
from deepanon.embedders import build_embedder, face_windows
from deepanon.images import to_float

FACES = 160
DAMAGE = {
    "blurred": lambda images: gaussian_blur(images, 5, 1.0),
    "blurred more": lambda images: gaussian_blur(images, 9, 3.0),
    "blank": torch.zeros_like,
    "noise": lambda images: torch.rand(images.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1,
}


@pytest.fixture(scope="module")
def features():
    """Features of drawn faces and of the same with damaged face boxes: {part: {what: (faces, 256)}}."""
    rng, embedder = np.random.default_rng(0), build_embedder("onet")
    drawn, edges, _ = zip(*(draw_face(48, rng) for _ in range(FACES)), strict=True)
    images, boxes = to_float(np.stack(drawn)), torch.tensor(np.stack(edges))
    inside = box_mask(boxes, 48)
    sets = {"real": images} | {name: torch.lerp(images, how(images), inside) for name, how in DAMAGE.items()}
    return {
        "crop": {name: embedder(x).numpy() for name, x in sets.items()},
        "face": {name: embedder(face_windows(x, boxes, embedder.size)).numpy() for name, x in sets.items()},
    }


@pytest.mark.filterwarnings(
    "ignore:Fréchet distance of:RuntimeWarning"
)  # fewer faces than features: it ranks all the same
@pytest.mark.parametrize("distance", [frechet, kernel_distance])
@pytest.mark.parametrize("part", ["crop", "face"])
def test_onet_ranks_damage(features, distance, part):
    real = features[part]["real"]
    least, spread = floor(real, distance)
    halves = distance(real[: FACES // 2], real[FACES // 2 :])
    assert abs(halves - least) < max(6 * spread, 0.5 * abs(least))
    values = {name: distance(real, features[part][name]) for name in DAMAGE}
    assert max(halves, least) < values["blurred"] < values["blurred more"] < values["blank"]
    assert values["noise"] > 2 * values["blurred"]
    assert values["blank"] > 10 * max(halves, least)
