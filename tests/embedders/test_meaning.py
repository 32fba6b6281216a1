"""What a distance must say of faces: equal sets at the floor, damage above it, more damage farther."""

import numpy as np
import pytest
import torch
from torchvision.transforms.functional import gaussian_blur

from deepanon.data.synthetic import draw_face
from deepanon.distance import floor, frechet, kernel_distance
from deepanon.embedders import build_embedder, face_windows
from deepanon.images import to_float

FACES = 600  # more than O-Net has features, also in halves


@pytest.fixture(scope="module")
def drawn_faces():
    """Pictures (N, 3, 48, 48) in [-1, 1] and boxes in pixels."""
    rng = np.random.default_rng(0)
    images, boxes, _ = zip(*(draw_face(48, rng) for _ in range(FACES)), strict=True)
    return to_float(np.stack(images)), torch.tensor(np.stack(boxes))


def damaged(images, boxes, how):
    """The same pictures with every face box changed."""
    out = images.clone()
    for row, (x0, y0, x1, y1) in enumerate(boxes.round().int().tolist()):
        face = out[row, :, y0:y1, x0:x1]
        out[row, :, y0:y1, x0:x1] = how(face)
    return out


DAMAGE = {
    "blurred": lambda face: gaussian_blur(face, 5, 1.0),
    "blurred more": lambda face: gaussian_blur(face, 9, 3.0),
    "blank": lambda face: torch.zeros_like(face),
    "noise": lambda face: torch.rand(face.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1,
}


@pytest.mark.parametrize("distance", [frechet, kernel_distance])
@pytest.mark.parametrize("part", ["crop", "face"])
def test_onet_ranks_damage(drawn_faces, distance, part):
    embedder, (images, boxes) = build_embedder("onet"), drawn_faces

    def features(pictures):
        return embedder(pictures if part == "crop" else face_windows(pictures, boxes, embedder.size)).numpy()

    real = features(images)
    least, spread = floor(real, distance)
    halves = distance(real[: FACES // 2], real[FACES // 2 :])
    assert abs(halves - least) < max(6 * spread, 0.5 * abs(least))
    values = {name: distance(real, features(damaged(images, boxes, how))) for name, how in DAMAGE.items()}
    assert 2 * max(halves, least) < values["blurred"] < values["blurred more"] < values["blank"]
    assert values["noise"] > 2 * values["blurred"]
