"""Films by label: tracks keep what they are, plates need no keypoints, and no label stops one midway."""

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer, build_rules
from deepanon.detections import FIVE, Detections
from deepanon.errors import DetectionError
from deepanon.films import Encoding, FilmAnonymizer, FilmOptions, work_folder
from deepanon.seeds import Seeds

FAST = FilmOptions(Encoding("ffv1"))


class Traffic:
    """A detector that knows where the face and the plate are: both move on by a pixel a frame."""

    name = description = "traffic"

    def __call__(self, image, name=""):
        at = float(image[0, 0, 0])
        boxes = np.array([[20 + at, 24, 52 + at, 56], [90 + at, 60, 138 + at, 72]], np.float32)
        points = np.array([np.array(FIVE.template) * 32 + boxes[0, :2], np.full((5, 2), np.nan)])
        return Detections(boxes, np.ones(2), points, np.array(["face", "plate"]))


@pytest.fixture
def source(tmp_path, kit):
    pictures = [kit.street() for _ in range(8)]
    for i, picture in enumerate(pictures):
        picture[0, 0] = i
    return kit.write(tmp_path / "in.mkv", pictures, codec="ffv1", options={}, sound=False, pix_fmt="bgr0")


def film(rules):
    return FilmAnonymizer(Traffic(), rules, Seeds.from_seed(1))


def test_each_label_has_its_method(source, tmp_path, kit):
    outcome = film(build_rules("face=gaussian9,plate=solid"))(source, tmp_path / "out.mkv", FAST)
    assert outcome.made["method"] == "face=gaussian9,plate=solid"
    assert "median colour" in outcome.made["drawn_by"]
    assert outcome.plan.tracks == 2
    for i, (_, pixels) in enumerate(kit.shown(tmp_path / "out.mkv")):
        plate = pixels[62:70, 94 + i : 134 + i].reshape(-1, 3).astype(int)
        assert np.ptp(plate, axis=0).max() <= 6  # one colour, but for the film's own rounding
        assert plate.min() > 40  # and not black
        assert np.ptp(pixels[26:54, 24 + i : 48 + i].astype(int)) > 10


def test_one_rule_for_everything_is_the_method_alone(source, tmp_path, kit):
    for name, method in (("a.mkv", build_anonymizer("solid")), ("b.mkv", build_rules("*=solid"))):
        film(method)(source, tmp_path / name, FAST)
    a, b = (kit.shown(tmp_path / name) for name in ("a.mkv", "b.mkv"))
    assert all((before == after).all() for (_, before), (_, after) in zip(a, b, strict=True))


def test_a_label_without_a_rule_is_said_before_a_frame_is_made(source, tmp_path):
    target = tmp_path / "out.mkv"
    with pytest.raises(DetectionError, match="no rule for label 'plate'"):
        film(build_rules("face=blackout"))(source, target, FAST)
    assert not target.exists()
    assert not list(work_folder(target).glob("*.npz"))
