"""Every runtime draws what the plain network draws, or is not used."""

import logging

import numpy as np
import pytest
import torch

from deepanon.anonymizers import Gan, build_anonymizer
from deepanon.data.synthetic import draw_scene
from deepanon.errors import ModelError, OptionError
from deepanon.models import GENERATORS
from deepanon.models.inference import TOLERANCE
from deepanon.pipeline import replace_faces
from deepanon.runtimes import ENGINES, NAMES, Pace, build_runtime, installed
from deepanon.runtimes.engine import Engine
from deepanon.runtimes.pace import PaceBook
from deepanon.runtimes.runtime import pace_key

OTHERS = [name for name in ENGINES if name != "torch"]


@pytest.fixture(params=ENGINES)
def runtime(request):
    if absent := ENGINES[request.param].absent():
        pytest.skip(f"not installed: {absent}")
    return request.param


@pytest.mark.parametrize("architecture", GENERATORS)
def test_draws_what_the_plain_network_draws(runtime, architecture, loader, given):
    loaded = loader(architecture)
    drawing = build_runtime(runtime, loaded)
    for faces in (1, 3):
        inputs = given(loaded.network, faces)
        with torch.inference_mode():
            plain = loaded.network(*inputs)
        torch.testing.assert_close(drawing(*inputs), plain, atol=TOLERANCE, rtol=0)
    assert drawing(*(one[:0] for one in inputs)).shape == (0, 3, 16, 16)


def test_a_picture_differs_by_a_level_at_most(runtime):
    """The promised bound of what ships, in pixels, and the description that caches are keyed by."""
    image, faces = draw_scene(200, 200, 2, seed=2)
    gan = build_anonymizer("gan", runtime=runtime, model="first")
    fast = replace_faces(image, faces, gan, [1, 2])
    assert f"run by {runtime}" in gan.description
    gan.runtime = gan.loaded.network
    plain = replace_faces(image, faces, gan, [1, 2])
    assert np.abs(fast.astype(int) - plain).max() <= 1


def test_a_pixel_under_a_box_reaches_no_runtime(runtime):
    image, faces = draw_scene(200, 200, 2, seed=2)
    other = image.copy()
    for x0, y0, x1, y1 in faces.boxes.astype(int):
        other[y0 : y1 + 1, x0 : x1 + 1] = 255 - other[y0 : y1 + 1, x0 : x1 + 1]
    gan = Gan("first", runtime=runtime)
    inside = [replace_faces(one, faces, gan, [1, 2]) for one in (image, other)]
    assert not np.array_equal(image, other)
    assert np.array_equal(*inside)


@pytest.mark.parametrize("name", OTHERS)
def test_one_that_is_not_installed_is_named_with_its_extra(name, loader, monkeypatch):
    monkeypatch.setattr(ENGINES[name], "packages", ("nowhere_to_be_found",))
    wanted = rf"runtime '{name}' needs nowhere_to_be_found: pip install 'deepanon\[{name}\]'"
    with pytest.raises(OptionError, match=wanted):
        build_runtime(name, loader())


def test_unknown_names_are_refused_with_the_known_ones(loader):
    with pytest.raises(OptionError, match="unknown runtime 'cuda'; choose one of: auto, onnx, openvino, torch"):
        build_runtime("cuda", loader())


def test_auto_is_the_quickest_that_was_measured(loader, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert set(NAMES) == {"auto", *ENGINES}
    loaded = loader()
    assert build_runtime("auto", loaded).name == "torch"  # nothing was measured
    for number, name in enumerate(installed()):
        PaceBook().put(pace_key(name, loaded), Pace(), 0.1 / (number + 1))
        assert build_runtime("auto", loaded).name == name
    assert build_runtime("auto", loader(seed=1)).name == "torch"  # another generator
    with monkeypatch.context() as patch:
        for name in OTHERS:
            patch.setattr(ENGINES[name], "packages", ("nowhere_to_be_found",))
        assert build_runtime("auto", loaded).name == "torch"


class Wrong(Engine):
    """A runtime that draws a little too bright."""

    name = "wrong"

    def opened(self, threads):
        return lambda inputs: self.loaded.network(*inputs) + 2 * TOLERANCE


class Broken(Engine):
    """A runtime that cannot load its model."""

    name = "broken"

    def opened(self, threads):
        raise ModelError("the library is of another year")


def test_one_that_draws_something_else_is_never_used(loader, monkeypatch, caplog, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(ENGINES, "onnx", Wrong)
    monkeypatch.setitem(ENGINES, "openvino", Broken)
    with pytest.raises(ModelError, match=r"draws something else than the network does, by up to 0\.0002"):
        build_runtime("onnx", loader())
    with pytest.raises(ModelError, match="another year"):
        build_runtime("openvino", loader())
    loaded = loader()
    for name, seconds in (("onnx", 0.1), ("openvino", 0.2), ("torch", 0.3)):
        PaceBook().put(pace_key(name, loaded), Pace(), seconds)
    with caplog.at_level(logging.WARNING):
        assert build_runtime("auto", loaded).name == "torch"
    assert "runtime openvino is passed over: the library is of another year" in caplog.text
    assert "runtime onnx is passed over" in caplog.text
