"""Drawn people for tests of attacks: samples, cases, and an eye that looks at pixels."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from deepanon.anonymizers import build_anonymizer
from deepanon.audit.case import Case, Known
from deepanon.audit.eye import Eye
from deepanon.audit.samples import SIZE, Samples, cut_picture, placed, sample_region
from deepanon.data.synthetic import draw_face
from deepanon.detections import FIVE, Detections
from deepanon.embedders import Margin, Recogniser
from deepanon.pipeline import replace_faces


def drawn(people, method=None, *, of=1, photos=0, size=200, sample=SIZE, scales=True):
    """Samples of `people` drawn faces, `of` noisy copies each; photos are numbered from `photos`."""
    made = []
    for person in people:
        image, box, points = draw_face(size, np.random.default_rng(person))
        face = Detections(box[None], np.ones(1), points[None], schema=FIVE)
        for copy in range(of):
            noise = np.random.default_rng((person, copy, photos)).normal(0, 2, image.shape)
            photo = np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
            if method is not None:
                photo = replace_faces(photo, face, build_anonymizer(method), [0])
            region = sample_region(face, size, size)
            boxes, keypoints = placed(face, region, sample)
            scale = sample / (region[2] - region[0])
            made.append((cut_picture(photo, region, sample), boxes, keypoints, person, scale))
    pictures, boxes, keypoints, who, scale = (np.stack(part) for part in zip(*made, strict=True))
    numbers = np.arange(len(who)) + photos
    return Samples(pictures, boxes, keypoints, who, numbers, scale.astype(np.float32) if scales else None)


def case(method, known=12, sought=6, scales=True, name=None):
    """A case of drawn people; every third of the attacker's is for tuning."""
    theirs, others = range(known), range(100, 100 + sought)
    clear, anonymized = drawn(theirs), drawn(theirs, method, scales=scales)
    gallery, hidden = drawn(others, photos=1000), drawn(others, method, photos=1000)
    probes = drawn(others, method, photos=2000, scales=scales)
    tuning = np.isin(clear.people, list(theirs)[::3])
    return Case(Known(clear, anonymized, tuning), gallery, hidden, probes, method=method if name is None else name)


class Pixels:
    """An embedder: a face of 24 px without its mean."""

    name, size, description = "pixels", 24, "24 x 24 pixels without their mean"

    def __call__(self, images):
        small = torch.nn.functional.interpolate(images, size=24, mode="area").flatten(1)
        away = small - small.mean(dim=1, keepdim=True)
        return torch.cat([away, torch.full_like(away[:, :1], 0.01)], dim=1)  # one colour is no error


def pixel_eye():
    return Eye(Recogniser(Pixels(), Margin(0, 96)))


def psnr(pictures, truth):
    """Mean over samples, dB."""
    away = np.square(pictures.astype(np.float64) - truth).reshape(len(truth), -1).mean(axis=1)
    return float((10 * np.log10(255**2 / away)).mean())


@pytest.fixture(scope="session")
def drawing():
    """What tests of attacks draw, and look with: `drawn`, `case`, `pixel_eye`, `psnr`."""
    return SimpleNamespace(drawn=drawn, case=case, pixel_eye=pixel_eye, psnr=psnr)
