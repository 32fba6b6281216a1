"""Our inference of MTCNN against the package's, on pictures of every odd kind."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from deepanon.data.synthetic import draw_scene
from deepanon.data.wider import read_wider
from deepanon.detectors import build_detector
from deepanon.detectors.mtcnn_networks import Judge, Proposer, packaged_networks
from deepanon.errors import ImageError, OptionError
from deepanon.geometry import iou


@pytest.fixture(scope="module")
def both():
    return build_detector("mtcnn"), build_detector("mtcnn_packaged")


def agree(ours, theirs):
    """The same faces in the same order, to rounding."""
    assert len(ours) == len(theirs)
    assert np.abs(ours.boxes - theirs.boxes).max(initial=0) < 0.02
    assert np.abs(ours.points - theirs.points).max(initial=0) < 0.02
    assert np.abs(ours.scores - theirs.scores).max(initial=0) < 1e-4


@pytest.mark.parametrize(("width", "height", "faces"), [(640, 480, 4), (331, 517, 2), (1000, 90, 3)])
def test_drawn_scenes_give_what_the_package_gives(both, width, height, faces):
    image, _ = draw_scene(width, height, faces, seed=3)
    ours, theirs = (detector(image) for detector in both)
    assert len(theirs) > 0
    agree(ours, theirs)


def test_a_portrait_with_other_options_too(astronaut):
    options = {"min_face_size": 37, "thresholds": (0.3, 0.2, 0.1)}
    ours, theirs = (build_detector(name, **options)(astronaut) for name in ("mtcnn", "mtcnn_packaged"))
    assert len(theirs) > 1
    agree(ours, theirs)


@pytest.mark.parametrize("side", [1, 13, 39, 40, 61])
def test_pieces_of_a_face_at_the_border_of_small_pictures(both, astronaut, side):
    image = np.ascontiguousarray(astronaut[75 : 75 + side, 185 : 185 + side])
    agree(*(detector(image) for detector in both))


def test_a_picture_in_tiles(both, astronaut, monkeypatch):
    monkeypatch.setattr("deepanon.detectors.tiles.TILE", 300)
    monkeypatch.setattr("deepanon.detectors.tiles.OVERLAP", 130)
    assert len(both[1](astronaut)) > 0
    agree(*(detector(astronaut) for detector in both))


def test_thousands_of_crops_are_no_more_than_a_few_at_a_time(astronaut, monkeypatch):
    """Low thresholds make crops of nearly every window; memory must not follow."""
    most, inner = [], Judge.__call__
    monkeypatch.setattr(Judge, "__call__", lambda self, crops: most.append(len(crops)) or inner(self, crops))
    build_detector("mtcnn", thresholds=(0.05, 0.7, 0.7))(astronaut)
    assert sum(most) > 500
    assert max(most) <= 32


@pytest.mark.parametrize("shape", [(13, 13), (14, 31), (75, 54), (60, 201)])
def test_the_first_network_is_the_packages(shape):
    rng = np.random.default_rng(0)
    levels = rng.uniform(0, 255, (*shape, 4)).astype(np.float32)
    network = packaged_networks()[0]
    with torch.inference_mode():
        at, scores, shifts = Proposer(network, torch.device("cpu"))(levels, 0.0)
        wanted, probabilities = network((torch.from_numpy(levels[None, ..., :3]).permute(0, 3, 1, 2) - 127.5) / 128)
    assert len(at) == probabilities[0, 1].numel()
    torch.testing.assert_close(scores, probabilities[0, 1, at[:, 1], at[:, 0]], atol=1e-5, rtol=0)
    torch.testing.assert_close(shifts, wanted[0][:, at[:, 1], at[:, 0]].T, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("which", "pools", "side"), [(1, (3, 3, 0), 24), (2, (3, 3, 2, 0), 48)])
def test_the_other_networks_are_the_packages(which, pools, side):
    levels = np.random.default_rng(0).uniform(0, 255, (5, side, side, 4)).astype(np.float32)
    network = packaged_networks()[which]
    with torch.inference_mode():
        scores, shifts, points = Judge(network, pools, torch.device("cpu"))(levels)
        theirs = network((torch.from_numpy(levels[..., :3]).permute(0, 3, 1, 2) - 127.5) / 128)
    torch.testing.assert_close(scores, theirs[-1][:, 1], atol=1e-5, rtol=0)
    torch.testing.assert_close(shifts, theirs[0], atol=1e-4, rtol=0)
    assert points.shape == (5, 10 if which == 2 else 0)
    if which == 2:
        torch.testing.assert_close(points, theirs[1], atol=1e-4, rtol=0)


def test_levels_and_crops_are_means_over_the_packages_windows():
    from deepanon.detectors.summed_area import SummedArea

    image = np.random.default_rng(0).integers(0, 256, (97, 131, 3), dtype=np.uint8)
    table, planes = SummedArea(image), torch.from_numpy(image).permute(2, 0, 1)[None].float()
    for height, width in ((58, 79), (7, 131), (150, 200)):
        wanted = F.interpolate(planes, size=(height, width), mode="area")[0].permute(1, 2, 0).numpy()
        rows = np.concatenate([table.rows(0, 3, height, width), table.rows(3, height, height, width)])
        np.testing.assert_allclose(rows[..., :3], wanted, rtol=1e-5)
    regions = np.array([[0, 0, 131, 97], [5, 7, 6, 8], [100, 3, 131, 20]])
    for region, crop in zip(regions, table.crops(regions, 24), strict=True):
        x0, y0, x1, y1 = region
        wanted = F.interpolate(planes[..., y0:y1, x0:x1], size=(24, 24), mode="area")[0].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(crop[..., :3], wanted, rtol=1e-5)


def test_sums_that_wrap_around_do_no_harm():
    from deepanon.detectors.summed_area import SummedArea

    table = SummedArea(np.full((3072, 3072, 3), 255, np.uint8))
    assert table.sums.min() < 0
    assert (table.crops(np.array([[0, 0, 3072, 3072], [3000, 3000, 3072, 3072]]), 24) == 255).all()
    assert (table.rows(800, 810, 811, 811) == 255).all()


@pytest.mark.parametrize("name", ["mtcnn", "mtcnn_packaged"])
def test_options_that_make_no_sense(name):
    for options in ({"thresholds": (0.6, 0.7)}, {"thresholds": (0.6, 0.7, 1.1)}, {"min_face_size": 0}):
        with pytest.raises(OptionError, match=next(iter(options))):
            build_detector(name, **options)


def test_rgba_and_grey_are_refused_with_words(both):
    for detector in both:
        for shape in ((64, 64), (64, 64, 4), (64, 64, 1)):
            with pytest.raises(ImageError, match="RGB"):
                detector(np.zeros(shape, np.uint8))


def test_their_lines_differ(both):
    assert both[0].description != both[1].description


def test_photographs_give_what_the_package_gives(both, deepanon_data):
    photos = [photo for name in ("masks", "wild") if (deepanon_data / name).is_dir()
              for photo in read_wider(deepanon_data / name)[::32]]  # fmt: skip
    if not photos:
        pytest.skip("neither masks nor wild in DEEPANON_DATA")
    shared, faces = [], 0
    for photo in photos:
        ours, theirs = (detector(photo.read()) for detector in both)
        shared += iou(theirs.boxes, ours.boxes).max(axis=1, initial=0).tolist()
        faces += len(ours)
    assert len(shared) > 20
    assert abs(faces - len(shared)) <= 1
    assert np.mean(np.array(shared) > 0.99) > 0.99
