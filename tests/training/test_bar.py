import io

import pytest
import torch

from deepanon.models import DeepPrivacyDiscriminator, DeepPrivacyGenerator, Growth, Phase
from deepanon.training import GANTrainer, GrowthBar, bar

WIDTHS = {4: 8, 8: 8, 16: 4}


class Trainer:
    is_global_zero = True


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only when the test says so."""

    class Clock:
        now = 100.0

        def perf_counter(self):
            return self.now

    made = Clock()
    monkeypatch.setattr(bar, "time", made)
    return made


def run(progress, clock, *, seconds, until=160, start=0):
    """A training of 8-image batches, each of which takes `seconds`."""
    torch.manual_seed(0)
    growth = Growth([Phase(8, 8, 0, 80), Phase(16, 8, 40, 40)])
    module = GANTrainer(DeepPrivacyGenerator(16, WIDTHS), DeepPrivacyDiscriminator(16, WIDTHS), growth)
    module.images_seen = start
    progress.on_train_start(Trainer, module)
    while module.images_seen < until:
        clock.now += seconds
        module.images_seen += 8
        progress.on_train_batch_end(Trainer, module)
    progress.on_train_end(Trainer, module)
    return module


def test_a_log_file_gets_a_line_at_the_start_each_growth_the_end_and_now_and_then(clock):
    stream = io.StringIO()
    run(GrowthBar(line_seconds=60, stream=stream), clock, seconds=7)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "phase 1/2, 8 px: 0/160 images"
    assert lines[1].startswith("phase 1/2, 8 px: 72/160 images, 1.14 images/s, ")  # after 63 s
    assert lines[2].startswith("phase 2/2, 16 px, fade 0.00: 80/160 images, 1.14 images/s, ")
    assert lines[-1] == "phase 2/2, 16 px: 160/160 images, 1.14 images/s, 0 s left"
    assert len(lines) == 5


def test_the_time_left_knows_that_larger_pictures_take_longer(clock):
    """Half the images are seen, but by the networks' work far less than half is done."""
    progress = GrowthBar(stream=io.StringIO())
    module = run(progress, clock, seconds=1, until=80)
    first, second = progress._progress.costs
    assert progress.describe(module)[1] == f"80/160 images, 8 images/s, {round(10 * second / first)} s left"
    assert second / first > 1.5


def test_a_terminal_gets_one_bar_that_is_closed(clock):
    stream = Terminal()
    progress = GrowthBar(stream=stream)
    run(progress, clock, seconds=1, start=80)
    shown = stream.getvalue()
    assert shown.count("\n") == 1  # the end
    assert "phase 2/2, 16 px, fade 0.40:  60%|" in shown
    assert "96/160 images, 8 images/s" in shown
    assert progress._bar.disable


def test_a_fast_run_does_not_redraw_at_every_step(clock):
    stream = Terminal()
    run(GrowthBar(refresh_seconds=0.5, stream=stream), clock, seconds=0.001)
    assert stream.getvalue().count("\r") < 10


def test_only_the_first_process_shows_it(clock, monkeypatch):
    monkeypatch.setattr(Trainer, "is_global_zero", False)
    stream = io.StringIO()
    run(GrowthBar(stream=stream), clock, seconds=100)
    assert stream.getvalue() == ""
