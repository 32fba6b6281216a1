import numpy as np
import pytest
import torch

from deepanon.cli import main
from deepanon.detections import COCO7, FIVE
from deepanon.errors import OptionError
from deepanon.images import read_image
from deepanon.models import LeanGenerator
from deepanon.portraits import draw_portraits, pose
from deepanon.weights import LoadedGenerator, save_generator

LEARNT = {"settings": {"whole_crop": 0.1}}


@pytest.fixture
def model(tmp_path):
    def make(schema=FIVE, training=LEARNT):
        torch.manual_seed(0)
        network = LeanGenerator(32, {4: 16, 8: 12, 16: 8, 32: 6}, keypoints=len(schema)).eval()
        save_generator(tmp_path / "net.safetensors", LoadedGenerator(network, schema, True, training))
        return tmp_path / "net.safetensors"

    return make


def test_a_seed_is_a_portrait_and_another_is_another(model):
    file = model()
    one, other = draw_portraits([3, 4], file)
    assert one.shape == (32, 32, 3)
    assert one.dtype == np.uint8
    assert one.std() > 1  # no part of it is left grey
    assert np.abs(one.astype(int) - other).mean() > 1
    assert np.array_equal(draw_portraits([4], file)[0], other)


def test_poses_look_ahead_and_differ():
    poses = np.stack([pose(np.random.default_rng(seed)) for seed in range(200)])
    assert poses.shape == (200, 5, 2)
    assert poses.min() > 0.25
    assert poses.max() < 0.85
    left, right, nose, *mouth = poses.transpose(1, 0, 2)
    assert (left[:, 0] < nose[:, 0]).all()
    assert (nose[:, 0] < right[:, 0]).all()
    assert (np.minimum(*mouth)[:, 1] > nose[:, 1]).all()
    assert poses.std(axis=0).min() > 0.01


@pytest.mark.parametrize(
    ("schema", "training", "message"),
    [(FIVE, {}, "did not learn to draw whole portraits"), (COCO7, LEARNT, "takes keypoints of schema 'coco7'")],
)
def test_a_generator_that_cannot_is_refused(model, schema, training, message):
    with pytest.raises(OptionError, match=message):
        draw_portraits([0], model(schema, training))


def test_the_command_writes_pictures(model, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["portraits", "-o", str(tmp_path / "out"), "-n", "2", "--seed", "7", "--model", str(model())])
    assert end.value.code == 0
    files = [tmp_path / "out" / f"portrait-000{seed}.png" for seed in (7, 8)]
    assert capsys.readouterr().out.split() == [str(file) for file in files]
    drawn = draw_portraits([7, 8], tmp_path / "net.safetensors")
    assert all(np.array_equal(read_image(file).pixels, picture) for file, picture in zip(files, drawn, strict=True))


@pytest.mark.parametrize("wrong", [["-n", "0"], ["--seed", "-1"], []])
def test_what_cannot_be_drawn_ends_with_one_line(wrong, tmp_path, capsys):
    """The last: the bundled generator's own file may not have learnt it."""
    with pytest.raises(SystemExit) as end:
        main(["portraits", "-o", str(tmp_path / "out"), "--model", "first", *wrong])
    assert end.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
