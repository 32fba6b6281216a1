from pathlib import Path

import numpy as np
import pytest
import torch

from deepanon.cli import main
from deepanon.crops import box_mask
from deepanon.detections import COCO7, FIVE
from deepanon.errors import OptionError
from deepanon.geometry import iou
from deepanon.images import read_image
from deepanon.models import LeanGenerator
from deepanon.portraits import draw_portraits, face_box, pose
from deepanon.weights import LoadedGenerator, load_generator, save_generator

SAMPLES = sorted((Path(__file__).parents[1] / "data" / "samples").glob("*.png"))
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


def test_the_face_is_drawn_once_more_into_its_surroundings(model, monkeypatch):
    """The second drawing is shown all but the face of the first, and changes nothing but the face."""
    file, seen = model(), []
    network = type(load_generator(file).network)
    draw = network.forward

    def watched(self, context, mask, keypoints, z, **options):
        drawn = draw(self, context, mask, keypoints, z, **options)
        seen.append((context, mask, keypoints, z, drawn))
        return drawn

    monkeypatch.setattr(network, "forward", watched)
    draw_portraits([3], file)
    (context, mask, points, z, whole), (again, hole, same, other, drawn) = seen
    assert mask.min() == 1
    assert context.unique().numel() == 1  # nothing is known
    assert torch.equal(points, same)
    assert not torch.equal(z, other)
    box = torch.from_numpy(face_box(points[0].numpy())).float()[None]
    assert torch.equal(hole, box_mask(box * 32, 32))
    outside = (hole == 0).expand_as(whole)
    assert torch.equal(again[outside], whole.clamp(-1, 1)[outside])
    assert again[~outside].unique().numel() == 1
    assert torch.equal(drawn[outside], again[outside])


def test_the_box_of_a_face_is_what_a_detector_would_put_around_it():
    """The faces of the drawn scenes have both."""
    from deepanon.data.synthetic import draw_scene

    _, faces = draw_scene(600, 400, 6, seed=2)
    guessed = np.stack([face_box(points) for points in faces.points])
    assert (np.diagonal(iou(guessed, faces.boxes)) > 0.5).all()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_samples_are_what_the_bundled_generator_draws(path):
    """To the rounding of another processor."""
    (drawn,) = draw_portraits([int(path.stem.split("-")[1])])
    apart = np.abs(drawn.astype(int) - read_image(path).pixels)
    assert apart.mean() < 0.5
    assert apart.max() <= 8


def test_there_are_samples_and_each_shows_a_face():
    from deepanon import build_detector

    assert len(SAMPLES) >= 6
    detector = build_detector("mtcnn")
    for path in SAMPLES:
        picture = read_image(path).pixels
        assert len(detector(picture.repeat(2, 0).repeat(2, 1))) == 1, path.name


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
