"""The matrices of a sample: applied to the clear face they give the anonymized sample."""

import numpy as np
import pytest
import torch

from deepanon.audit.attacks.operators import operator_of
from deepanon.audit.attacks.projection import project
from deepanon.audit.people.windows import windows
from deepanon.errors import DataError

SIDE = 96


def missing(projection, clear):
    faces = torch.from_numpy(windows(clear, SIDE)).permute(0, 3, 1, 2).float() / 255
    return ((projection(faces) - projection.seen) * projection.known).abs() * 255


@pytest.mark.parametrize("size", [120, 200, 330])  # samples of 160 px enlarge, nearly keep and shrink these
@pytest.mark.parametrize("name", ["gaussian", "gaussian9", "heavy_blur", "mosaic", "gaussian9_crop"])
def test_the_clear_face_explains_what_is_seen(name, size, drawing):
    clear, hidden = drawing.drawn(range(3), size=size), drawing.drawn(range(3), name, size=size)
    projection = project(hidden, operator_of(name), SIDE)
    away = missing(projection, clear)
    blank = missing(project(clear, operator_of(name), SIDE), clear)
    assert away.sum() / (3 * projection.known.sum()) < 1.5, name
    assert away.mean() < blank.mean(), "a clear face is explained no worse: the method is not in the matrices"


def test_the_width_of_a_fixed_blur_is_that_in_the_photo(drawing):
    clear, hidden = drawing.drawn(range(3), size=330), drawing.drawn(range(3), "gaussian9", size=330)
    wrong = drawing.drawn(range(3), "gaussian9", size=330)
    wrong = type(wrong)(*(getattr(wrong, n) for n in ("pictures", "boxes", "keypoints", "people", "photos")),
                        np.ones(3, np.float32))  # fmt: skip
    right = missing(project(hidden, operator_of("gaussian9"), SIDE), clear).mean()
    assert right < 0.5 * missing(project(wrong, operator_of("gaussian9"), SIDE), clear).mean()


def test_transposed_is_the_adjoint(drawing):
    projection = project(drawing.drawn(range(2), "gaussian"), operator_of("gaussian"), 32)
    rng = torch.Generator().manual_seed(0)
    faces = torch.rand(2, 3, 32, 32, generator=rng)
    seen = torch.rand(projection.seen.shape, generator=rng)
    assert torch.isclose((projection(faces) * seen).sum(), (faces * projection.transposed(seen)).sum(), rtol=1e-4)


def test_what_lies_partly_outside_the_box_does_not_count(drawing):
    projection = project(drawing.drawn(range(3), "gaussian"), operator_of("gaussian"), SIDE)
    assert 0.85 < projection.known.mean() < 1
    assert not projection.seen[(projection.known == 0).expand_as(projection.seen)].any()


def test_samples_without_scale_are_refused(drawing):
    with pytest.raises(DataError, match="scale"):
        project(drawing.drawn(range(2), "gaussian", scales=False), operator_of("gaussian"), SIDE)
