"""Undoing blurs on drawn faces."""

import pytest
import torch

from deepanon.audit.attacks.inversion import Faces, descend, levels, richardson_lucy, rounded, wiener
from deepanon.audit.attacks.operators import operator_of
from deepanon.audit.attacks.projection import project
from deepanon.audit.people.windows import windows

SIDE = 96
WAYS = {
    "wiener": lambda projection, faces: wiener(projection, faces, 1e-5),
    "richardson_lucy": lambda projection, faces: richardson_lucy(projection, 60),
    "descend": lambda projection, faces: descend(
        projection, wiener(projection, faces, 1e-3), faces, variation=1e-6, strange=1e-4, steps=80
    ),
}


@pytest.fixture(scope="module")
def faces(drawing):
    return Faces.fitted(windows(drawing.drawn(range(200, 224)), SIDE))


@pytest.fixture(scope="module")
def truth(drawing):
    return windows(drawing.drawn(range(4)), SIDE)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("method", "gain"), [("gaussian9", 3.0), ("gaussian", 1.5)])
def test_a_blur_is_undone_by_several_decibels(way, method, gain, faces, truth, drawing):
    hidden = drawing.drawn(range(4), method)
    made = levels(WAYS[way](project(hidden, operator_of(method), SIDE), faces))
    before, after = drawing.psnr(windows(hidden, SIDE), truth), drawing.psnr(made, truth)
    assert after > before + gain, f"{before:.1f} dB before, {after:.1f} dB after"


@pytest.mark.parametrize("way", WAYS)
def test_a_face_is_undone_without_regard_to_its_neighbours(way, faces, drawing):
    projection = project(drawing.drawn(range(3), "gaussian9"), operator_of("gaussian9"), SIDE)
    together = WAYS[way](projection, faces)
    alone = torch.cat([WAYS[way](projection[i : i + 1], faces) for i in range(3)])
    # Adam divides by its own step's size: last bits of sums may show where nothing pulls
    assert (together - alone).abs().mean() < 1e-3


def test_rounding_goes_to_levels_and_lets_gradients_through():
    values = torch.tensor([0.1, 0.5, 0.9], requires_grad=True)
    out = rounded(values)
    assert torch.equal((out * 255).round(), (values * 255).round())
    assert torch.allclose(out * 255, (out * 255).round(), atol=1e-3)
    out.sum().backward()
    assert torch.equal(values.grad, torch.ones(3))


def test_what_is_found_explains_what_is_seen_to_the_level(faces, drawing):
    projection = project(drawing.drawn(range(3), "gaussian9"), operator_of("gaussian9"), SIDE)
    start = wiener(projection, faces, 1e-2)

    def away(made):
        missing = (rounded(projection(made)) - projection.seen).abs() * projection.known * 255
        return float(missing.sum() / (3 * projection.known.sum()))

    found = descend(projection, start, faces, variation=0.0, strange=0.0, steps=80)
    assert away(start) > 1.5
    assert away(found) < 0.75


def test_strangeness_pulls_towards_the_subspace_of_faces(faces, drawing):
    projection = project(drawing.drawn(range(3), "pixelate8"), operator_of("pixelate8"), SIDE)
    start = faces.mean.expand(3, -1, -1, -1)

    def outside(made):
        away = (made - faces.mean).flatten(1)
        return float((away - (away @ faces.subspace.T) @ faces.subspace).square().mean())

    free, held = (descend(projection, start, faces, variation=0.0, strange=weight, steps=40) for weight in (0.0, 1.0))
    assert outside(held) < 0.5 * outside(free)


def test_faces_know_their_mean_and_an_orthonormal_subspace(faces, drawing):
    mean = windows(drawing.drawn(range(200, 224)), SIDE).mean(axis=0).transpose(2, 0, 1) / 255
    assert torch.allclose(faces.mean, torch.from_numpy(mean).float(), atol=1e-4)
    assert len(faces.subspace) == 8
    assert torch.allclose(faces.subspace @ faces.subspace.T, torch.eye(8), atol=1e-3)
