"""One pass over the photos: made once, looked at once, resumed where it stopped."""

from dataclasses import replace

import numpy as np
import pytest

from deepanon import geometry
from deepanon.anonymizers import build_anonymizer
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import COCO7, Detections
from deepanon.detectors import Given
from deepanon.errors import DataError, DeepanonError, OptionError, SchemaError
from deepanon.evaluation.observing import Changes, Faces, Observations, Record, Regions, Store, build_variants, faces_of
from deepanon.evaluation.observing.looks import changed
from deepanon.evaluation.observing.stream import with_keypoints
from deepanon.images import read_image

METHODS = {"noise": build_anonymizer("noise"), "blackout": build_anonymizer("blackout")}


def observations(photos, finder, observers, **options):
    options = {"variants": build_variants(METHODS, (0, 1)), "store": Store()} | options
    return Observations(photos, Regions(finder), observers=observers, **options)


class Counting:
    """An observer that counts."""

    def __init__(self, key="counting"):
        self.key, self.records = key, []

    def __call__(self, record):
        if record.name:  # not the rehearsal
            self.records.append(record.name)
        return {"mean": np.array(record.anonymized.mean())}


def test_every_variant_is_shown_once_and_remembered(photos, fixed, only, tmp_path):
    finder, first, late = fixed(Detections.empty()), Counting(), Counting("late")
    store = Store(tmp_path / "s")
    made = observations(photos, finder, [first], store=store)
    made.make()
    assert finder.calls == ["", *(f"none/{i}.png" for i in range(4))]  # the rehearsal, and every photo
    assert len(first.records) == 4 * 5
    assert first.records[:5] == ["none/0.png", "jpeg/0.png", "noise-0/0.png", "noise-1/0.png", "blackout/0.png"]
    again = observations(photos, finder, [first, late], store=Store(tmp_path / "s"))
    again.make()
    assert (len(finder.calls), len(first.records), len(late.records)) == (1 + 4 + 1, 20, 20)
    none, blackout = again.variants[0], again.variants[-1]
    means = [[float(e["mean"]) for e in again.of(v, first)] for v in (none, blackout)]
    assert means[0] == [pytest.approx(p.read().mean()) for p in photos]
    assert all(dark < light for light, dark in zip(*means, strict=True))
    assert [len(faces) for faces in again.replaced] == [3, 2, 2, 2]


@pytest.mark.parametrize(
    "change",
    [
        lambda p: [replace(p[0], boxes=p[0].boxes[:1], ignored=p[0].ignored[:1]), *p[1:]],
        lambda p: [replace(p[0], path=p[1].path), *p[1:]],
    ],
)
def test_other_annotations_or_pixels_under_one_name_are_looked_at_again(photos, fixed, change):
    counting, store = Counting(), Store()
    observations(photos, fixed(Detections.empty()), [counting], store=store).make()
    observations(change(photos), fixed(Detections.empty()), [counting], store=store).make()
    assert len(counting.records) == 20 + 5


def test_another_finder_is_another_observation(photos, fixed):
    counting, store = Counting(), Store()
    for name in ("one", "two", "one"):
        observations(photos, fixed(Detections.empty(), name), [counting], store=store).make()
    assert len(counting.records) == 2 * 20


def test_what_was_not_observed_is_an_error(photos, fixed):
    made = observations(photos, fixed(Detections.empty()), [Counting()])
    with pytest.raises(DataError, match="not every photo has been observed under none by counting"):
        made.of(made.variants[0], Counting())


def test_a_photo_that_fails_stops_no_other(photos, fixed, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    bad = AnnotatedPhoto(tmp_path / "bad.png", "bad.png", photos[0].boxes, photos[0].ignored)
    gone = replace(bad, path=tmp_path / "gone.png", name="gone.png")
    counting = Counting()
    with pytest.raises(DataError, match=r"bad\.png.*the other 4 are observed and kept"):
        observations([bad, *photos], fixed(Detections.empty()), [counting]).make()
    assert len(counting.records) == 20
    with pytest.raises(DataError, match=r"gone\.png cannot be read"):
        observations([gone], fixed(Detections.empty()), [counting]).make()


def test_a_failing_method_is_named(photos, fixed, identity):
    class Broken(identity):
        def __call__(self, crops, seeds):
            raise DeepanonError("no")

    made = observations(photos[:1], fixed(Detections.empty()), [], variants=build_variants({"broken": Broken()}))
    made = replace(made, observers=[Counting()])
    with pytest.raises(DataError, match=r"0\.png: broken: no"):
        made.make()
    assert len(made.store.get(made._key(photos[0], made.variants[0], "counting"))) == 1  # what came before is kept


def test_pictures_are_written_if_asked(photos, fixed, tmp_path):
    made = observations(photos[:2], fixed(Detections.empty()), [Counting()], pictures=tmp_path)
    made.make()
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.png"))[:3] == [
        "blackout/0.png", "blackout/1.png", "jpeg/0.png",
    ]  # fmt: skip
    assert (read_image(tmp_path / "none/0.png").pixels == photos[0].read()).all()
    (tmp_path / "none/0.png").unlink()
    made.make()
    assert (tmp_path / "none/0.png").is_file()


def test_two_photos_of_one_name_are_refused(photos, fixed):
    twin = replace(photos[0], name="0.jpg")
    with pytest.raises(DataError, match=r"photos 0\.png and 0\.jpg would be one 0\.png"):
        observations([photos[0], twin], fixed(Detections.empty()), [])


def test_faces_survive_the_store(photos, fixed):
    points = np.arange(20, dtype=np.float32).reshape(2, 5, 2)
    points[1, 3] = np.nan
    found = Detections(np.array([[0, 0, 9, 9], [4, 4, 20, 30]]), np.array([0.5, 0.25]), points)
    for faces in (found, Detections.empty()):
        observer = Faces(fixed(faces))
        made = observations(photos[:1], fixed(Detections.empty()), [observer])
        made.make()
        again = faces_of(made.of(made.variants[0], observer)[0])
        for a, b in ((again.boxes, faces.boxes), (again.scores, faces.scores), (again.points, faces.points)):
            np.testing.assert_array_equal(a, b)


def test_only_the_boxes_change(photos, fixed):
    record = None

    class Keep(Counting):
        def __call__(self, r):
            nonlocal record
            record = r
            return {}

    made = observations(photos[:1], fixed(Detections.empty()), [Keep()], variants=build_variants(METHODS)[-1:])
    made.make()
    outside = np.ones(record.original.shape[:2], dtype=bool)
    for x0, y0, x1, y1 in geometry.outward(record.detections.boxes):
        outside[y0:y1, x0:x1] = False
    assert (record.anonymized == record.original)[outside].all()
    assert (record.anonymized != record.original).any()


def test_keypoints_go_to_the_box_they_fit_best():
    points = np.arange(30, dtype=np.float32).reshape(3, 5, 2)
    found = Detections(np.array([[0, 0, 20, 22], [0, 0, 20, 20], [60, 60, 70, 70]]), np.ones(3), points)
    boxes = np.array([[50, 50, 80, 80], [0, 0, 20, 20], [90, 90, 120, 120], [200, 0, 210, 10]], dtype=np.float32)
    result = with_keypoints(boxes, found, 100, 100)
    assert result.boxes.tolist() == [[50, 50, 80, 80], [0, 0, 20, 20], [90, 90, 100, 100]]
    assert result.has_keypoints.tolist() == [False, True, False]
    np.testing.assert_array_equal(result.points[1], points[1])


def test_detected_regions_are_what_the_finder_found(photos, fixed, only):
    found = only([[1, 2, 30, 40]])
    assert Regions(fixed(found), "detected").choose(photos[0], found, 320, 180) is found
    with pytest.raises(OptionError, match="annotated, detected"):
        Regions(fixed(found), source="all")


def test_shares_of_changed_pixels(photos):
    original = np.zeros((40, 40, 3), dtype=np.uint8)
    anonymized = original.copy()
    anonymized[:, :18, 2] = 1
    boxes = np.array([[0, 0, 10, 10], [10, 0, 30, 10], [0, 30, 20, 50], [50, 50, 60, 60]], dtype=np.float32)
    photo = AnnotatedPhoto(photos[0].path, "x", boxes, np.zeros(4, dtype=bool))
    record = Record(photo, original, anonymized, Detections.empty())
    assert changed(record).tolist() == [1, 0.4, 0.9, 0]
    assert Changes()(record)["keypoints"].shape == (0,)


def test_keypoints_that_do_not_fit_are_met_before_any_photo_is(photos, fixed):
    """A finder of seven points and a generator for five: said at once, not after every photo has been looked at."""
    counting = Counting()
    finder = fixed(Detections.empty(COCO7))
    made = observations(photos, finder, [counting], variants=build_variants({"gan": build_anonymizer("gan")}))
    with pytest.raises(SchemaError, match=r"'five'.*'coco7'"):
        made.make()
    assert (finder.calls, counting.records) == ([""], [])


def test_a_finder_that_reads_a_file_does_not_know_the_rehearsal(photos, fixed):
    known = {f"none/{i}.png": Detections.empty() for i in range(4)}
    counting = Counting()
    observations(photos, Given(known), [counting]).make()
    assert len(counting.records) == 20


def test_the_fingerprint_knows_what_is_ignored(photos, fixed):
    made = observations(photos, fixed(Detections.empty()), [])
    other = [replace(photos[0], ignored=~photos[0].ignored), *photos[1:]]
    assert made.fingerprint != observations(other, fixed(Detections.empty()), []).fingerprint
    assert made.fingerprint == observations(photos[::-1], fixed(Detections.empty()), []).fingerprint
