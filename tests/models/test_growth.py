import pytest

from deepanon.models import Growth, Phase

PAPER = [Phase(8, 256, 0, 1_200_000), *(Phase(r, 64, 1_200_000, 1_200_000) for r in (16, 32, 64, 128))]


@pytest.mark.parametrize(
    ("images", "resolution", "alpha"),
    [
        (0, 8, 1),
        (1_199_999, 8, 1),
        (1_200_000, 16, 0),
        (1_800_000, 16, 0.5),
        (2_400_000, 16, 1),
        (3_599_999, 16, 1),
        (3_600_000, 32, 0),
        (6_000_000, 64, 0),
        (8_400_000, 128, 0),
        (9_000_000, 128, 0.5),
        (9_600_000, 128, 1),
        (50_000_000, 128, 1),
    ],
)
def test_papers_schedule(images, resolution, alpha):
    state = Growth(PAPER).at(images)
    assert (state.resolution, state.alpha) == (resolution, pytest.approx(alpha))
    assert state.batch_size == (256 if resolution == 8 else 64)
    assert state.index == [8, 16, 32, 64, 128].index(resolution)


def test_totals():
    assert Growth(PAPER).total_images == 10_800_000
    assert Growth(PAPER).final_resolution == 128


def test_alpha_never_falls_in_a_phase():
    growth = Growth([Phase(16, 4, 0, 10), Phase(32, 4, 10, 0), Phase(64, 2, 7, 3)])
    states = [growth.at(i) for i in range(40)]
    assert [s.resolution for s in states] == [16] * 10 + [32] * 10 + [64] * 20
    assert [round(s.alpha, 2) for s in states[10:20]] == [i / 10 for i in range(10)]
    assert [s.alpha for s in states[20:28]] == [*(i / 7 for i in range(7)), 1]


@pytest.mark.parametrize(
    ("phases", "error", "message"),
    [
        ([], ValueError, "at least one phase"),
        ([Phase(8, 4, 5, 5)], ValueError, "nothing to fade in from"),
        ([Phase(8, 4, 0, 5), Phase(32, 4, 5, 5)], ValueError, r"double the resolution, got \[8, 32\]"),
        ([Phase(8, 4, 0, 5), Phase(8, 4, 5, 5)], ValueError, "double the resolution"),
        ([{"resolution": 8}], TypeError, "must be `Phase` objects"),
    ],
)
def test_impossible_schedules(phases, error, message):
    with pytest.raises(error, match=message):
        Growth(phases)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"resolution": 4}, ValueError, "power of two >= 8, got 4"),
        ({"resolution": 24}, ValueError, "power of two"),
        ({"batch_size": 0}, ValueError, "must be positive"),
        ({"batch_size": "x"}, TypeError, "batch_size must be a whole number, got 'x'"),
        ({"batch_size": True}, TypeError, "whole number"),
        ({"stable": 1e5}, TypeError, "stable must be a whole number, got 100000.0"),
        ({"fade": -1}, ValueError, "fade must be 0 or more"),
        ({"fade": 0, "stable": 0}, ValueError, "must be positive"),
    ],
)
def test_impossible_phases(changes, error, message):
    with pytest.raises(error, match=message):
        Phase(**{"resolution": 8, "batch_size": 4, "fade": 1, "stable": 5} | changes)


def test_negative_clock():
    with pytest.raises(ValueError, match="must not be negative"):
        Growth(PAPER).at(-1)


def test_what_has_fully_grown_is_what_the_last_image_was_drawn_with():
    growth = Growth([Phase(8, 4, 0, 20), Phase(16, 4, 20, 20), Phase(32, 4, 8, 4)])
    grown = {seen: growth.grown(seen) for seen in (0, 4, 20, 21, 40, 41, 60, 61, 68, 69, 72, 1000)}
    assert list(grown.values()) == [8, 8, 8, 8, 8, 16, 16, 16, 16, 32, 32, 32]


def test_a_phase_that_ends_with_its_fade_has_grown_then():
    growth = Growth([Phase(8, 4, 0, 20), Phase(16, 4, 20, 0), Phase(32, 4, 8, 0)])
    grown = {seen: growth.grown(seen) for seen in (20, 24, 39, 40, 41, 47, 48, 50, 1000)}
    assert list(grown.values()) == [8, 8, 8, 16, 16, 16, 32, 32, 32]


def test_images_since_a_phase_began():
    growth = Growth([Phase(8, 4, 0, 100), Phase(16, 4, 50, 50), Phase(32, 4, 0, 10)])
    assert [growth.since(images) for images in (0, 99, 100, 160, 200, 500)] == [0, 99, 0, 60, 0, 300]
