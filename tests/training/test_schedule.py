from collections import Counter

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from deepanon.models import DeepPrivacyDiscriminator, DeepPrivacyGenerator, Growth, Phase
from deepanon.training.schedule import Progress, Timing, duration, parts, table, work

GROWTH = Growth([Phase(8, 16, 0, 100), Phase(16, 8, 20, 40)])
WIDTHS = {4: 8, 8: 8, 16: 4}


def walked(growth):
    """Steps by phase and whether it fades, by walking through the schedule."""
    counts, seen = Counter(), 0
    while seen < growth.total_images:
        state = growth.at(seen)
        counts[state.index, state.alpha < 1] += 1
        seen += state.batch_size
    return counts


@pytest.mark.parametrize(
    "growth",
    [
        GROWTH,
        Growth([Phase(8, 16, 0, 64), Phase(16, 8, 64, 64)]),
        Growth([Phase(8, 64, 0, 8), Phase(16, 4, 4, 80)]),
        Growth([Phase(8, 16, 0, 64), Phase(16, 8, 20, 0), Phase(32, 8, 20, 40)]),
    ],
)
def test_steps_are_those_that_training_takes(growth):
    assert Counter({(part.index, part.fading): part.steps for part in parts(growth)}) == walked(growth)
    assert sum(part.images for part in parts(growth)) == growth.total_images


def test_the_schedule_is_a_table_with_its_sum_and_says_how_times_were_found():
    text = table(GROWTH, [Timing(0.5, 16), Timing(2.0, 4)]).splitlines()
    assert [" ".join(line.split()) for line in text[:5]] == [
        "phase px alpha batch images so far steps ms/image time",
        "1 8 1 16 100 100 7 500 50 s",
        "2 16 0 to 1 8 20 120 1 2,000 40 s",
        "2 16 1 8 40 160 5 2,000 1 min 20 s",
        "160 13 2 min 50 s",
    ]
    assert text[5:] == ["phase 2 was timed with batches of 4; larger ones may be faster an image"]
    assert len({len(line) for line in text[:5]}) == 1
    assert "phase 1 was not timed" in table(GROWTH, [Timing(0.5, 0), Timing(2.0, 8)])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59, "59 s"),
        (200, "3 min 20 s"),
        (18180, "5 h 03 min"),
        (90000, "1 day 1 h"),
        (1e6, "11 days 13 h"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_work_is_counted_on_the_networks_and_leaves_them_as_they_are():
    torch.manual_seed(0)
    generator, discriminator = DeepPrivacyGenerator(16, WIDTHS), DeepPrivacyDiscriminator(16, WIDTHS)
    costs = work(generator, discriminator, GROWTH)
    mask, keypoints = torch.zeros(1, 1, 8, 8), torch.zeros(1, 5, 2)
    with torch.no_grad(), FlopCounterMode(display=False) as drawing:
        generator(torch.zeros(1, 3, 8, 8), mask, keypoints, torch.zeros(1, 32, 4, 4))
    with torch.no_grad(), FlopCounterMode(display=False) as judging:
        discriminator(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8), mask, keypoints)
    assert costs[0] == 3 * drawing.get_total_flops() + 12 * judging.get_total_flops() > 0
    assert costs[1] > 1.5 * costs[0]
    assert next(generator.parameters()).device.type == "cpu"


def test_progress_weighs_phases_by_what_they_cost():
    progress = Progress(GROWTH, [1.0, 5.0])
    assert [progress.done(n) for n in (0, 50, 100, 110, 160, 999)] == [0, 50, 100, 150, 400, 400]
    assert progress.left(110) == 250
