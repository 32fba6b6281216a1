"""What retention means, on drawn faces."""

import json
import math

import numpy as np
import pytest

from deepanon import geometry
from deepanon.anonymizers import build_anonymizer
from deepanon.data.synthetic import draw_scene
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import Detections
from deepanon.detectors import build_detector
from deepanon.errors import DataError, DeepanonError, ImageError, OptionError
from deepanon.evaluation import NONE, Record, Regions, RetentionStudy, Stream, rows, table
from deepanon.evaluation.retention import changed
from deepanon.evaluation.stream import with_keypoints
from deepanon.images import write_image
from deepanon.seeds import Seeds


class Fixed:
    """A detector that says what it is told, for every picture."""

    def __init__(self, detections, name="fixed"):
        self.detections, self.name, self.calls = detections, name, 0

    def __call__(self, image, name=""):
        self.calls += 1
        return self.detections


class Identity:
    """A method that changes nothing."""

    name, sees_face, size = "identity", True, None

    def __call__(self, crops, seeds):
        return crops.context


def boxes_only(boxes):
    boxes = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    return Detections(boxes, np.ones(len(boxes)))


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Four drawn scenes of two faces; one more face is annotated where there is only background."""
    folder = tmp_path_factory.mktemp("drawn")
    made = []
    for seed in range(4):
        image, faces = draw_scene(320, 180, 2, seed, face=80)
        write_image(folder / f"{seed}.png", image)
        made.append(AnnotatedPhoto(folder / f"{seed}.png", f"{seed}.png", faces.boxes, np.zeros(2, dtype=bool)))
    nobody = np.append(made[0].boxes, [[1, 1, 5, 5]], axis=0).astype(np.float32)
    made[0] = AnnotatedPhoto(made[0].path, made[0].name, nobody, np.zeros(3, dtype=bool))
    return made


@pytest.fixture(scope="session")
def study(photos):
    detector = build_detector("mtcnn")
    return RetentionStudy(photos, Regions(detector), detector, resamples=200)


@pytest.fixture(scope="session")
def nothing(study):
    return study.measure(NONE, None)


def test_untouched_pictures_keep_exactly_everything(nothing):
    assert (nothing.retention, nothing.low, nothing.high) == (1, 1, 1)
    assert (nothing.coverage, nothing.replaced, nothing.ap_anonymized) == (0, 0, nothing.ap_original)


def test_a_method_that_changes_nothing_keeps_everything_and_covers_nobody(study):
    result = study.measure("identity", Identity())
    assert (result.retention, result.low, result.high, result.coverage) == (1, 1, 1, 0)
    assert result.replaced == 9


def test_undetected_faces_count(nothing):
    """Nine annotated faces, one of which nobody can find."""
    assert nothing.faces == 9
    assert nothing.ap_original <= 8 / 9
    assert nothing.ap_original > 0.6


def test_blackout_costs_the_detector_its_faces(study, nothing):
    result = study.measure("blackout", build_anonymizer("blackout"))
    assert result.retention < 0.3
    assert result.high < 0.6
    assert result.coverage == 1
    assert result.keypoints == pytest.approx(8 / 9, abs=0.12)
    assert result.ap_original == nothing.ap_original


def test_a_light_blur_costs_less(study):
    blur = study.measure("gaussian9", build_anonymizer("gaussian9"))
    assert blur.retention > 0.6
    assert blur.low <= blur.retention <= blur.high


def test_detections_on_the_originals_are_computed_once(photos):
    scorer, finder = Fixed(boxes_only(photos[1].boxes), "one"), Fixed(Detections.empty(), "two")
    study = RetentionStudy(photos[1:2], Regions(finder), scorer, resamples=10)
    for _ in range(3):
        study.measure(NONE, None)
    assert (scorer.calls, finder.calls) == (1 + 3, 1)


def test_faces_that_were_not_replaced_lower_coverage(photos):
    """The finder sees the first face only; with detected regions the second stays as it was."""
    finder = Fixed(boxes_only(photos[1].boxes[:1]))
    scorer = Fixed(boxes_only(photos[1].boxes), "other")
    regions = Regions(finder, source="detected")
    result = RetentionStudy(photos[1:2], regions, scorer, resamples=10).measure("mosaic", build_anonymizer("mosaic"))
    assert (result.coverage, result.replaced, result.keypoints) == (0.5, 1, 0)


def test_ignored_faces_are_replaced_but_not_scored(photos):
    photo = AnnotatedPhoto(photos[1].path, "x", photos[1].boxes, np.array([False, True]))
    scorer = Fixed(boxes_only(photo.boxes))
    result = RetentionStudy([photo], Regions(scorer), scorer, resamples=5).measure("mosaic", build_anonymizer("mosaic"))
    assert (result.faces, result.replaced, result.ap_original, result.coverage) == (1, 2, 1, 1)


@pytest.mark.parametrize(
    ("scorer", "source", "expected"),
    [
        ("finder", "annotated", "The scoring detector also placed the keypoints."),
        ("finder", "detected", "The scoring detector also found the faces."),
        ("other", "annotated", "Another detector (finder) placed the keypoints."),
        ("other", "detected", "Another detector (finder) found the faces."),
    ],
)
def test_notes_say_whether_the_scorer_also_found_the_faces(photos, scorer, source, expected):
    regions = Regions(Fixed(Detections.empty(), "finder"), source)
    study = RetentionStudy(photos, regions, Fixed(Detections.empty(), scorer))
    notes = "\n".join(study.notes)
    assert expected in notes
    assert study.setup["scorer_is_finder"] is (scorer == "finder")
    assert "nothing is encoded again" in notes
    assert "9 faces to find, 0 ignored" in notes


def test_what_cannot_be_measured_is_an_error(photos):
    nobody = AnnotatedPhoto(photos[0].path, "x", np.zeros((0, 4), dtype=np.float32), np.zeros(0, dtype=bool))
    blind = Fixed(Detections.empty())
    with pytest.raises(DataError, match="nothing to find"):
        RetentionStudy([nobody], Regions(blind), blind)
    with pytest.raises(DataError, match="finds none of the 9"):
        RetentionStudy(photos, Regions(blind), blind).measure(NONE, None)
    with pytest.raises(OptionError, match="annotated, detected"):
        Regions(blind, source="all")


def test_a_photo_that_fails_stops_the_measurement(photos, tmp_path):
    class Broken(Identity):
        def __call__(self, crops, seeds):
            raise DeepanonError("no")

    stream = Stream(photos[:1], Regions(Fixed(Detections.empty())), Broken(), Seeds.from_seed(0))
    with pytest.raises(DeepanonError, match=r"0.png: identity: no"):
        list(stream)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    bad = AnnotatedPhoto(tmp_path / "bad.png", "bad", photos[0].boxes, photos[0].ignored)
    with pytest.raises(ImageError, match=r"bad\.png"):
        list(Stream([bad], Regions(Fixed(Detections.empty())), None, Seeds.from_seed(0)))


def test_the_stream_is_lazy_and_repeatable(photos):
    regions = Regions(Fixed(Detections.empty()))
    stream = Stream(photos, regions, build_anonymizer("noise"), Seeds.from_seed(3))
    assert len(stream) == 4
    first, again = next(iter(stream)), next(iter(stream))
    assert regions.finder.calls == 1
    assert (first.anonymized == again.anonymized).all()
    assert (first.anonymized != first.original).any()
    outside = np.ones(first.original.shape[:2], dtype=bool)
    for x0, y0, x1, y1 in geometry.outward(first.detections.boxes):
        outside[y0:y1, x0:x1] = False
    assert (first.anonymized == first.original)[outside].all()


def test_keypoints_go_to_the_box_they_fit_best():
    image = np.zeros((100, 100, 3), dtype=np.uint8)
    points = np.arange(30, dtype=np.float32).reshape(3, 5, 2)
    found = Detections(np.array([[0, 0, 20, 22], [0, 0, 20, 20], [60, 60, 70, 70]]), np.ones(3), points)
    boxes = np.array([[50, 50, 80, 80], [0, 0, 20, 20], [90, 90, 120, 120], [200, 0, 210, 10]], dtype=np.float32)
    result = with_keypoints(boxes, found, image)
    assert result.boxes.tolist() == [[50, 50, 80, 80], [0, 0, 20, 20], [90, 90, 100, 100]]
    assert result.has_keypoints.tolist() == [False, True, False]
    np.testing.assert_array_equal(result.points[1], points[1])


def test_a_face_counts_as_changed_if_most_of_it_is(photos):
    original = np.zeros((40, 40, 3), dtype=np.uint8)
    anonymized = original.copy()
    anonymized[:, :18, 2] = 1
    boxes = np.array([[0, 0, 10, 10], [10, 0, 30, 10], [0, 30, 20, 50], [50, 50, 60, 60]], dtype=np.float32)
    photo = AnnotatedPhoto(photos[0].path, "x", boxes, np.zeros(4, dtype=bool))
    assert changed(Record(photo, original, anonymized, Detections.empty())).tolist() == [True, False, True, False]


def test_table_is_aligned_and_rows_are_json(study, nothing):
    result = study.measure("identity", Identity())
    lines = table([nothing, result]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split()[:2] == ["method", "faces"]
    assert "100.0 %  [100.0 %, 100.0 %]" in lines[1]
    first = rows([nothing])[0]
    assert math.isnan(nothing.keypoints)
    assert first["keypoints"] is None
    assert json.loads(json.dumps(first, allow_nan=False))["retention"] == 1
