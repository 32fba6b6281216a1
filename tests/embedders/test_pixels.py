import pytest
import torch

from deepanon.embedders.pixels import face_windows, levels, resized
from deepanon.errors import ImageError
from deepanon.images import unit


def test_levels_are_whole_and_never_wrap():
    values = torch.tensor([-1.004, -1.0, 0.0, 0.003, 1.0, 1.004, 9.0]).reshape(1, 1, 1, 7).expand(1, 3, 1, 7)
    assert levels(values)[0, 0, 0].tolist() == [0, 0, 128, 128, 255, 255, 255]
    every = torch.arange(256, dtype=torch.uint8).expand(1, 3, 1, 256)
    assert torch.equal(levels(unit(every)), every.float())


@pytest.mark.parametrize(
    "images", [torch.zeros(3, 8, 8), torch.zeros(1, 1, 8, 8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8)]
)
def test_levels_take_pictures_only(images):
    with pytest.raises(ImageError, match=r"takes \(N, 3, H, W\) float pictures"):
        levels(images)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_no_pixels(bad):
    images = torch.zeros(2, 3, 4, 4)
    images[1, 2, 3, 0] = bad
    with pytest.raises(ImageError, match="not finite"):
        levels(images)


def test_resizing_keeps_levels_and_averages_where_it_reduces():
    flat = torch.full((1, 3, 40, 40), 17.0)
    assert torch.allclose(resized(flat, 48), torch.full((1, 3, 48, 48), 17.0))
    stripes = (torch.arange(96) % 2 * 200.0).expand(1, 3, 96, 96)
    inner = resized(stripes, 48)[..., 4:-4, 4:-4]
    assert (inner - 100).abs().max() < 1  # without antialiasing one stripe would win
    assert resized(flat, 40) is flat


def test_windows_hold_the_box_and_nothing_else():
    images = torch.full((2, 3, 16, 16), -1.0)
    images[0, :, 4:10, 2:9] = 0.5  # rows 4…9, columns 2…8
    images[1, :, :, :8] = 0.25
    windows = face_windows(images, torch.tensor([[2.4, 4.0, 8.2, 9.5], [-3.0, 0.0, 7.1, 20.0]]), 12)
    assert windows.shape == (2, 3, 12, 12)
    assert torch.allclose(windows[0], torch.tensor(0.5))  # a pixel of the surroundings would show
    assert torch.allclose(windows[1], torch.tensor(0.25))


def test_windows_keep_what_is_left_right_up_and_down():
    images = torch.zeros(1, 3, 8, 8)
    images[0, 0, 2:4, 2:4], images[0, 1, 2:4, 4:6], images[0, 2, 4:6, 2:4] = 1, 1, 1
    window = face_windows(images, torch.tensor([[2.0, 2.0, 6.0, 6.0]]), 4)[0]
    assert torch.equal(window, images[0, :, 2:6, 2:6])


def test_a_box_outside_has_no_window():
    with pytest.raises(ImageError, match="picture 1 lies outside its 8 px"):
        face_windows(torch.zeros(2, 3, 8, 8), torch.tensor([[0.0, 0, 4, 4], [9.0, 0, 12, 4]]), 4)
    assert face_windows(torch.zeros(0, 3, 8, 8), torch.zeros(0, 4), 4).shape == (0, 3, 4, 4)
