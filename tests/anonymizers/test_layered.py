"""Layers against their definitions, one after the other."""

import io

import numpy as np
import pytest
from PIL import Image

from deepanon.anonymizers import build_anonymizer
from deepanon.anonymizers.layered import LITE, STRONG, quantised

FACE = np.random.default_rng(3).integers(0, 256, (96, 72, 3), dtype=np.uint8)
OFF = "layered:noise=0:bits=8:quality=100"
LIGHT = np.array([0.299, 0.587, 0.114])  # what JPEG keeps in full, of every pixel


def rng(seed=0):
    return np.random.default_rng(seed)


def cells_of(out, across, down):
    """(down, across, 3): the colour of each flat block, which must be flat."""
    rows = np.linspace(0, len(out), down + 1)
    columns = np.linspace(0, out.shape[1], across + 1)
    middle = out[((rows[:-1] + rows[1:]) / 2).astype(int)][:, ((columns[:-1] + columns[1:]) / 2).astype(int)]
    blocks = out.reshape(down, len(out) // down, across, out.shape[1] // across, 3)
    assert (blocks == middle[:, None, :, None]).all()
    return middle


def means(face, across, down):
    return face.reshape(down, len(face) // down, across, face.shape[1] // across, 3).mean(axis=(1, 3))


def test_cells_are_means_of_the_face_across_its_larger_side():
    smooth = np.full((96, 72, 3), 90, np.uint8)
    smooth[:48, :36] = 160  # JPEG of quality 100 with 4:2:0 keeps light, and colour where it is grey
    out = cells_of(build_anonymizer(f"{OFF}:cells=8").function(smooth, rng()), 6, 8)
    assert np.abs(out - means(smooth, 6, 8)).max() <= 2
    for cells, (across, down) in {4: (3, 4), 16: (12, 16)}.items():
        out = cells_of(build_anonymizer(f"{OFF}:cells={cells}").function(FACE, rng()), across, down)
        grey, there = (each @ LIGHT for each in (out, means(FACE, across, down)))
        assert np.corrcoef(grey.ravel(), there.ravel())[0, 1] > 0.98


def test_noise_has_its_deviation_and_comes_after_the_means():
    grey = np.full((640, 640, 3), 128, np.uint8)
    small = {}
    for noise in (10, 40):
        method = build_anonymizer(f"layered:cells=64:bits=8:quality=100:noise={noise}")
        small[noise] = cells_of(method.function(grey, rng()), 64, 64) @ LIGHT
        assert small[noise].std() == pytest.approx(noise * np.sqrt((LIGHT**2).sum()), rel=0.05)
        assert not np.array_equal(method.function(grey, rng(1)), method.function(grey, rng(2)))
        assert np.array_equal(method.function(grey, rng(1)), method.function(grey, rng(1)))


@pytest.mark.parametrize("bits", range(1, 9))
def test_levels(bits):
    levels = quantised(np.arange(256.0), bits)
    assert len(np.unique(levels)) == 2**bits
    assert (levels[0], levels[-1]) == (0, 255)
    assert np.abs(levels - np.arange(256.0)).max() <= 255 / (2**bits - 1) / 2 + 0.5


def test_the_jpeg_is_pillows_of_that_quality():
    """The small picture through another encoder with 4:2:0; libjpeg is under both, so they agree to a few levels."""
    for quality in (10, 20, 60):
        ours = build_anonymizer(f"layered:cells=16:noise=0:bits=8:quality={quality}").function(FACE, rng())
        small = np.rint(means(FACE, 12, 16)).astype(np.uint8)
        stream = io.BytesIO()
        Image.fromarray(small).save(stream, "JPEG", quality=quality, subsampling=2)
        theirs = np.asarray(Image.open(stream)).astype(int)
        assert np.abs(cells_of(ours, 12, 16) - theirs).mean() < 3


def test_quality_takes_away():
    def left(quality):
        out = build_anonymizer(f"layered:cells=16:noise=0:bits=8:quality={quality}").function(FACE, rng())
        return len(np.unique(out.reshape(-1, 3), axis=0))

    assert left(5) < left(30) < left(95)


def test_presets_are_their_numbers_and_outside_what_restorers_learnt_from():
    for name, layers in (("layered_lite", LITE), ("layered_strong", STRONG)):
        written = f"layered:cells={layers.cells}:noise={layers.noise}:bits={layers.bits}:quality={layers.quality}"
        both = [build_anonymizer(text).function(FACE, rng(5)) for text in (name, written)]
        assert np.array_equal(*both)
        assert layers.cells < 512 / 30  # 30 times smaller than 512 px at most
        assert layers.quality < 30
        assert layers.noise > 20
    assert STRONG.noise > 30
    assert STRONG.cells < LITE.cells
    assert STRONG.bits < LITE.bits
    assert STRONG.quality < LITE.quality


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (5, 3), (40, 1)])
def test_tiny_faces(shape):
    face = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    out = build_anonymizer("layered:noise=0:bits=8:quality=100").function(face, rng())
    assert out.shape == face.shape
    assert len(np.unique(out.reshape(-1, 3), axis=0)) <= max(1, max(shape) // 3) * max(1, min(shape))


def test_without_noise_nothing_is_left_to_chance():
    assert build_anonymizer("layered").random
    assert not build_anonymizer("layered:noise=0").random
