"""Drawn people as samples and cases; eyes that look at pixels, and eyes that learnt from other drawn people."""

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from deepanon.anonymizers import FaceFilter, build_anonymizer
from deepanon.audit.case import Case, Known
from deepanon.audit.eye import Eye
from deepanon.audit.learning.fitting import Budget
from deepanon.audit.learning.novice import Novice
from deepanon.audit.learning.tuning import recognised
from deepanon.audit.people.drawn import draw_people
from deepanon.audit.people.samples import SIZE, Samples, cut_picture, placed, sample_region
from deepanon.audit.scores import Traces
from deepanon.data.synthetic import draw_face
from deepanon.detections import FIVE, Detections
from deepanon.embedders import Margin, Recogniser
from deepanon.pipeline import replace_faces

KNOWN, SOUGHT, TUNING, PHOTOS, SIDE = 60, 20, 12, 6, 64


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


class Blur:
    """Gaussian blur of the whole box, sigma 15 % of its larger side."""

    name, sees_face, size, random, description = "blur", True, None, False, "blur"

    def __call__(self, crops, seeds):
        def blur(face, rng):
            return cv2.GaussianBlur(face, (0, 0), 0.15 * max(face.shape[:2]))

        return FaceFilter("blur", blur, "")(crops, seeds)


def samples_of(photos, method=None):
    made = []
    for photo in photos:
        image = photo.pixels if method is None else replace_faces(photo.pixels, photo.faces, method, [0])
        region = sample_region(photo.faces, *image.shape[1::-1])
        made.append((cut_picture(image, region, 80), *placed(photo.faces, region, 80)))
    pictures, boxes, points = (np.stack(part) for part in zip(*made, strict=True))
    people = np.array([photo.person for photo in photos], dtype=np.int64)
    return Samples(pictures, boxes, points, people, np.arange(len(photos)))


def case_of(clear, anonymized, again=()):
    known = clear.people < KNOWN
    gallery, probes = ~known & (clear.photos % 2 == 0), ~known & (clear.photos % 2 == 1)
    tuning = clear.people[known] < TUNING
    own, sought, beside = (tuple(samples[rows] for samples in again) for rows in (known, probes, gallery))
    attacker = Known(clear[known], anonymized[known], tuning, own)
    return Case(attacker, clear[gallery], anonymized[gallery], anonymized[probes], sought, beside)


def _rank1(traces, case):
    return recognised(traces.gallery, case.gallery.people, traces.probes, case.probes.people)


@pytest.fixture(scope="session")
def rank1():
    """Function: traces and case -> share of probes whose person comes first."""
    return _rank1


@pytest.fixture(scope="session")
def make_case():
    """Function: clear samples, anonymized ones and further versions -> case."""
    return case_of


@pytest.fixture
def poisoned(blurred):
    """The same case with other pictures of the people on whom is chosen."""
    known, noise = blurred.known, np.random.default_rng(0)
    pictures = [known.clear.pictures.copy(), known.anonymized.pictures.copy()]
    for some in pictures:
        some[known.tuning] = noise.integers(0, 256, some[known.tuning].shape, dtype=np.uint8)
    other = replace(known, clear=known.clear.showing(pictures[0]), anonymized=known.anonymized.showing(pictures[1]))
    return replace(blurred, known=other)


@pytest.fixture
def grey(blurred):
    """Grey pictures, and the same box and keypoints for everybody: these, too, say who it is."""

    def grey(samples):
        boxes, points = (
            np.tile(part[:1], (len(part), *[1] * (part.ndim - 1))) for part in (samples.boxes, samples.keypoints)
        )
        return replace(samples, pictures=np.full_like(samples.pictures, 127), boxes=boxes, keypoints=points)

    known = replace(blurred.known, anonymized=grey(blurred.known.anonymized))
    return Case(known, blurred.gallery, grey(blurred.gallery_anonymized), grey(blurred.probes))


@pytest.fixture
def renamed(blurred):
    """The same case in which it is said wrongly who is on the probes."""
    people = np.roll(blurred.probes.people, 7)
    return replace(blurred, probes=replace(blurred.probes, people=people))


@pytest.fixture(scope="session")
def photos():
    return draw_people(KNOWN + SOUGHT, PHOTOS, seed=5, size=SIDE)


@pytest.fixture(scope="session")
def clear(photos):
    return samples_of(photos)


@pytest.fixture(scope="session")
def blurred(clear, photos):
    return case_of(clear, samples_of(photos, Blur()))


@pytest.fixture(scope="session")
def novice():
    """One small network of clear faces for all attacks."""
    return Novice(Budget(epochs=8, batch=32, rate=3e-3, looks=1, half=False), side=32, width=8, features=48)


@pytest.fixture(scope="session")
def eye(blurred):
    """Another such network, which no attack trains by."""
    other = Novice(Budget(epochs=8, batch=32, rate=3e-3, looks=1, half=False), side=48, width=8, features=48, seed=9)
    return other(blurred.known)


@pytest.fixture(scope="session")
def naive(blurred, eye):
    """What the eye makes of blurred faces."""
    return _rank1(Traces(eye(blurred.gallery), eye(blurred.probes)), blurred)
