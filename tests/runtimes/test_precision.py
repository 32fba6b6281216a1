"""bf16: the same faces within a bound of its own, only where it is faster, and said."""

import pytest
import torch

from deepanon.anonymizers import Gan
from deepanon.errors import ModelError, OptionError
from deepanon.models import GENERATORS
from deepanon.models.inference import cells_of, inference_form
from deepanon.runtimes import ENGINES, PRECISIONS, Pace, Runtime, build_runtime, runtime
from deepanon.runtimes.engine import example
from deepanon.runtimes.pace import PaceBook
from deepanon.runtimes.precision import BF16, FLOAT32, Bound
from deepanon.runtimes.torch_engine import TorchEngine
from deepanon.runtimes.worth import check_worth
from deepanon.weights import load_generator

OFFERED = [(name, one) for name, engine in ENGINES.items() for one in engine.precisions if one != FLOAT32]


@pytest.fixture
def worth_it(monkeypatch):
    """What is so small is no faster."""
    monkeypatch.setattr(runtime, "check_worth", lambda *whatever: None)


def installed(name):
    if absent := ENGINES[name].absent():
        pytest.skip(f"not installed: {absent}")
    return name


def test_what_is_offered():
    assert set(OFFERED) == {("torch", BF16), ("openvino", BF16)}


@pytest.mark.parametrize("architecture", GENERATORS)
@pytest.mark.parametrize(("name", "precision"), OFFERED)
def test_draws_the_same_within_its_bound_and_says_so(name, precision, architecture, cache, loader, given, worth_it):
    loaded = loader(architecture)
    drawing, bound = build_runtime(installed(name), loaded, None, precision), PRECISIONS[precision]
    assert drawing.name == f"{name} in {precision}"
    inputs = given(loaded.network, 3)
    plain, drawn = loaded.network(*inputs), drawing(*inputs)
    inside = (inputs[1] > 0).expand_as(plain)
    deviation = (drawn - plain).abs()
    assert drawn.dtype == torch.float32
    assert 0 < deviation[inside].mean() <= bound.mean
    assert deviation.max() <= bound.largest
    assert deviation[~inside].max() == 0  # known pixels are nobody's arithmetic


@torch.inference_mode()
def test_bf16_moves_no_keypoint_to_the_pixel_beside_it():
    """0.24999 of 128 px is pixel 31; in eight bits it would be 32."""
    network = load_generator("research").network
    context, mask, points, z = example(load_generator("research"))
    points[:] = 0.24999
    assert int(points.bfloat16()[0, 0, 0] * 128) == 32
    drawn = inference_form(network, torch.bfloat16)(context, mask, points, z)
    assert (drawn - network(context, mask, points, z)).abs().max() < 0.12


def test_openvino_is_told_pixels_in_whole_numbers(cache, loader, worth_it):
    loaded = loader()
    engine = build_runtime(installed("openvino"), loaded, None, BF16).engine
    inputs = example(loaded)
    inputs[2][0, 0] = torch.nan
    cells = engine._given(inputs)[-1]
    assert cells.dtype == torch.int32
    assert torch.equal(cells.long(), cells_of(inputs[2], 16))
    assert cells[0, 0].tolist() == [-1, -1]


def test_one_that_is_no_faster_is_refused_and_one_that_is_is_not_measured_again(cache, loader, monkeypatch):
    loaded = loader()
    monkeypatch.setattr("deepanon.runtimes.worth.least", lambda *whatever: [0.003, 0.002])
    for _ in range(2):
        with pytest.raises(OptionError, match=r"bf16 is not faster .* runtime torch: 3\.0 ms a face instead of 2\.0"):
            build_runtime("torch", loaded, None, BF16)
    monkeypatch.setattr("deepanon.runtimes.worth.least", lambda *whatever: [0.002, 0.003])
    build_runtime("torch", loaded, None, BF16)
    monkeypatch.setattr("deepanon.runtimes.worth.least", lambda *whatever: pytest.fail("measured again"))
    build_runtime("torch", loaded, None, BF16)


def test_worth_is_measured_beside_float32(cache, loader):
    engine, slow = TorchEngine(loader(), BF16), []

    def draw(inputs):
        for _ in range(20):
            slow.append(engine.form(*inputs))

    with pytest.raises(OptionError, match="not faster than float32"):
        check_worth(engine, draw, PaceBook(), "key", 1)
    check_worth(engine, lambda inputs: None, PaceBook(), "key", 1)
    assert PaceBook().seconds("key; faster than float32") > 0


def test_what_a_runtime_does_not_compute_in_is_refused(loader):
    with pytest.raises(OptionError, match="runtime 'onnx' computes in float32, not in bf16"):
        build_runtime(installed("onnx"), loader(), None, BF16)
    with pytest.raises(OptionError, match="'auto' computes in float32; bf16 goes with one of: torch, openvino"):
        build_runtime("auto", loader(), None, BF16)
    with pytest.raises(OptionError, match="unknown precision 'f16'; choose one of: bf16, float32"):
        build_runtime("torch", loader(), None, "f16")


def test_one_that_draws_something_else_is_never_used(loader, monkeypatch, worth_it):
    monkeypatch.setitem(PRECISIONS, BF16, Bound(0.2, 1e-9))
    with pytest.raises(ModelError, match=r"'torch in bf16' draws something else .* on average .* 1e-09 are allowed"):
        build_runtime("torch", loader(), None, BF16)


def test_a_pace_belongs_to_a_precision(cache, loader, worth_it):
    loaded = loader()
    narrow, plain = (Runtime(TorchEngine(loaded, one)) for one in (BF16, FLOAT32))
    assert narrow.key != plain.key
    PaceBook().put(plain.key, Pace(2, 1), 0.1)
    assert Runtime(TorchEngine(loaded)).pace == Pace(2, 1)
    assert Runtime(TorchEngine(loaded, BF16)).pace == Pace(1, 1)


def test_the_description_names_it(cache, worth_it):
    assert "run by torch in bf16, random z" in Gan("first", precision=BF16).description
    assert "run by torch, random z" in Gan("first").description
