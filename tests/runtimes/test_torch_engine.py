"""The generator traced for the processor: the same to the bit each time, or step by step with a note."""

import logging

import pytest
import torch

from deepanon.models import GENERATORS
from deepanon.models.inference import TOLERANCE
from deepanon.runtimes.precision import BF16, FLOAT32, PRECISIONS
from deepanon.runtimes.torch_engine import TorchEngine


@pytest.mark.parametrize("precision", [FLOAT32, BF16])
@pytest.mark.parametrize("architecture", GENERATORS)
def test_what_is_traced_draws_any_number_and_the_same_each_time(architecture, precision, loader, given):
    """PyTorch rearranges what it traced in the first calls, for each shape anew: that must show in no bit."""
    loaded = loader(architecture)
    engine = TorchEngine(loaded, precision)
    assert isinstance(engine.form, torch.jit.ScriptModule)
    for faces in (2, 1, 3, 1, 5):
        inputs = given(loaded.network, faces)
        first, *others = (engine.opened(1)(inputs) for _ in range(4))
        assert all(torch.equal(first, other) for other in others)
        with torch.inference_mode():
            apart = (first - loaded.network(*inputs)).abs().max()
        assert apart <= PRECISIONS[precision].largest


def fails(*_, **__):
    raise RuntimeError("not in\nthis year")


class TooBright(torch.nn.Module):
    def __init__(self, form, given, **_):
        super().__init__()
        self.form = form

    def forward(self, *inputs):
        return self.form(*inputs) + 2 * TOLERANCE


@pytest.mark.parametrize(
    ("trace", "why"), [(fails, "not in this year"), (TooBright, "not close")], ids=["fails", "draws otherwise"]
)
def test_what_cannot_be_traced_runs_step_by_step_with_a_note(trace, why, loader, given, monkeypatch, caplog):
    loaded = loader()
    monkeypatch.setattr(torch.jit, "trace", trace)
    monkeypatch.setattr(torch.jit, "freeze", lambda traced: traced)
    with caplog.at_level(logging.WARNING):
        engine = TorchEngine(loaded)
    (said,) = caplog.messages
    assert why in said
    assert "it runs step by step, which is slower" in said
    inputs = given(loaded.network, 3)
    with torch.inference_mode():
        torch.testing.assert_close(engine.opened(1)(inputs), loaded.network(*inputs), atol=TOLERANCE, rtol=0)
