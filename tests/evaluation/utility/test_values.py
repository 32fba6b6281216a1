from pathlib import Path

import numpy as np
import pytest

from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import COCO7, FIVE, Detections
from deepanon.errors import DataError, OptionError, SchemaError
from deepanon.evaluation.metrics import METRICS
from deepanon.evaluation.utility import head_poses, utility_values, yaw
from deepanon.geometry import iou

FRONTAL = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
PHOTOS, A_PHOTO = 15, 3


def detections(boxes, scores=None, shift=(0.0, 0.0), grow=1.0):
    """Faces in boxes, points where a frontal face has them; all moved and the points spread."""
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    size = (boxes[:, 2:] - boxes[:, :2])[:, None]
    points = boxes[:, None, :2] + ((FRONTAL - 0.5) * grow + 0.5) * size + np.asarray(shift)
    boxes = boxes + np.tile(shift, 2)
    return Detections(boxes, np.ones(len(boxes)) if scores is None else scores, points)


@pytest.fixture(scope="module")
def photos():
    """Faces of 10 to 200 px on a grid, one in four ignored, occlusion 0 to 2."""
    rng, made = np.random.default_rng(0), []
    for number in range(PHOTOS):
        corner = np.arange(A_PHOTO + 1)[:, None] * [300.0, 0.0]
        side = rng.choice([12.0, 20, 40, 80, 200], size=(A_PHOTO + 1, 1))
        boxes = np.concatenate([corner, corner + side], axis=1).astype(np.float32)
        ignored = np.arange(A_PHOTO + 1) == number % (A_PHOTO + 1)
        labels = {"occlusion": rng.integers(0, 3, A_PHOTO + 1)}
        made.append(AnnotatedPhoto(Path(f"{number}.jpg"), f"{number}.jpg", boxes, ignored, labels))
    return made


@pytest.fixture(scope="module")
def originals(photos):
    return [detections(photo.boxes) for photo in photos]


def table(photos, originals, after, threshold=0.5, **options):
    """{(metric, scope): value} of one method."""
    found = utility_values("x", "d", photos, originals, {"m": after}, threshold, 40, **options)
    assert all(v.metric in METRICS and v.part == "utility" and v.by == "d" for v in found)
    return {(v.metric, v.scope): v for v in found}


def test_nothing_changed(photos, originals):
    values = table(photos, originals, [originals])
    faces = PHOTOS * A_PHOTO
    assert (values["found", "all"].value, values["found", "all"].n) == (1, faces)
    expected = {
        "detected": 1, "box_distance": 0, "box_distance_relative": 0, "box_iou": 1, "landmark_distance": 0, "nme": 0,
        "landmark_auc": 1, "landmark_failures": 0, "pose": 0, "pose_failures": 0,
    }  # fmt: skip
    assert {metric for metric, _ in values} == {"found", *expected}
    for metric, value in expected.items():
        one = values[metric, "all"]
        assert (one.value, one.low, one.high) == (value, value, value)
        assert one.n == faces
    assert "100.0% of 45 faces found again" in values["nme", "all"].note


def test_a_shift_is_what_it_is(photos, originals):
    """Faces 3 px to the right and 4 px down: 5 px, and as a share of what they are measured by."""
    large = [p for p in photos if (p.boxes[:, 2] - p.boxes[:, 0]).min() >= 20]
    before = [detections(p.boxes) for p in large]
    values = table(large, before, [[detections(p.boxes, shift=(3, 4)) for p in large]])
    counted = np.concatenate([p.boxes[~p.ignored] for p in large])
    moved = counted + np.array([3, 4, 3, 4])
    kept = np.diagonal(iou(counted, moved)) >= 0.5
    side = (counted[:, 2] - counted[:, 0])[kept]
    assert values["detected", "all"].value == pytest.approx(kept.mean())
    for metric, expected in {
        "box_distance": 5,
        "box_distance_relative": np.mean(5 / (side * np.sqrt(2))),
        "box_iou": np.diagonal(iou(counted, moved))[kept].mean(),
        "landmark_distance": 5,
        "nme": np.mean(5 / (0.4 * side)),
        "pose": 0,
    }.items():
        assert values[metric, "all"].value == pytest.approx(expected, abs=1e-3), metric
        assert values[metric, "all"].n == kept.sum()
    failed = np.where(kept, 5 / (0.4 * (counted[:, 2] - counted[:, 0])), np.inf)
    assert values["landmark_failures", "all"].value == pytest.approx((failed > 0.08).mean())
    grid = np.linspace(0, 0.08, 20001)
    area = np.mean([(failed <= edge).mean() for edge in grid])
    assert values["landmark_auc", "all"].value == pytest.approx(area, abs=1e-3)


def test_faces_not_found_again_are_counted(photos, originals):
    gone = [one[[0, 1]] for one in originals]
    values = table(photos, originals, [gone])
    rate = np.mean(np.concatenate([(np.arange(A_PHOTO + 1) < 2)[~p.ignored] for p in photos]))
    assert values["detected", "all"].value == pytest.approx(rate)
    assert values["landmark_failures", "all"].value == pytest.approx(1 - rate)
    assert values["landmark_auc", "all"].value == pytest.approx(rate)
    assert values["pose_failures", "all"].value == pytest.approx(1 - rate)
    assert values["nme", "all"].value == 0
    assert values["nme", "all"].n == round(rate * PHOTOS * A_PHOTO)
    assert f"{rate:.1%} of 45 faces found again" in values["nme", "all"].note
    assert values["detected", "all"].low < rate < values["detected", "all"].high


def test_nothing_found_again_is_no_number_but_a_rate(photos, originals):
    values = table(photos, originals, [[Detections.empty()] * PHOTOS])
    assert values["detected", "all"].value == 0
    assert values["landmark_failures", "all"].value == values["pose_failures", "all"].value == 1
    assert np.isnan(values["nme", "all"].value)
    assert "0.0% of 45 faces found again" in values["nme", "all"].note


def test_only_faces_found_before_count(photos, originals):
    """A detector that finds one face a photo, and on the anonymized picture all of them."""
    before = [one[[int(np.flatnonzero(~p.ignored)[0])]] for p, one in zip(photos, originals, strict=True)]
    values = table(photos, before, [originals])
    assert values["found", "all"].value == pytest.approx(1 / A_PHOTO)
    assert values["detected", "all"].value == 1
    assert values["detected", "all"].n == PHOTOS
    assert not any(scope == "yaw unknown" for _, scope in values)
    none = table(photos, [Detections.empty()] * PHOTOS, [originals])
    assert np.isnan(none["detected", "all"].value)
    assert none["detected", "all"].note == "no face of this kind is found on the original"


def test_low_scores_do_not_count(photos, originals):
    weak = [detections(p.boxes, np.full(A_PHOTO + 1, 0.4)) for p in photos]
    assert table(photos, originals, [weak])["detected", "all"].value == 0
    assert table(photos, originals, [weak], threshold=0.4)["detected", "all"].value == 1


def test_seeds_are_averaged(photos, originals):
    seeds = [originals, [one[[0, 1]] for one in originals], [Detections.empty()] * PHOTOS]
    values = table(photos, originals, seeds)
    value = values["detected", "all"]
    assert value.seeds[0] == 1
    assert value.seeds[2] == 0
    assert value.value == pytest.approx(np.mean(value.seeds))
    assert len(values["nme", "all"].seeds) == 3


def test_bins_part_the_faces(photos, originals):
    values = table(photos, originals, [originals])
    for prefix in ("size", "yaw", "occlusion"):
        parts = [v.n for (metric, scope), v in values.items() if metric == "detected" and scope.startswith(prefix)]
        assert len(parts) == {"size": 5, "yaw": 1, "occlusion": 3}[prefix]
        assert sum(parts) == PHOTOS * A_PHOTO
    counted = np.concatenate([p.boxes[~p.ignored] for p in photos])
    tiny = (counted[:, 3] - counted[:, 1] < 16).sum()
    assert values["found", "size 0-16 px"].n == values["detected", "size 0-16 px"].n == tiny
    assert "few faces" in values["detected", "size 0-16 px"].note
    assert not any(metric == "found" and scope.startswith("yaw") for metric, scope in values)
    assert not any("blur" in scope for _, scope in values)


def test_nme_is_measured_by_the_eyes_before(photos, originals):
    """Points spread by a fifth around the middle of the box."""
    values = table(photos, originals, [[detections(p.boxes, grow=1.2) for p in photos]])
    expected = np.linalg.norm(0.2 * (FRONTAL - 0.5), axis=1).mean() / 0.4
    assert values["nme", "all"].value == pytest.approx(expected, abs=1e-4)


def test_faces_are_binned_by_how_they_were_turned_before(photos, originals):
    """The nose of each photo's first face that counts lies far to one side, on the original alone."""
    turned = []
    for photo, one in zip(photos, originals, strict=True):
        points = one.points.copy()
        first = np.flatnonzero(~photo.ignored)[0]
        points[first, 2, 0] += 0.15 * (one.boxes[first, 2] - one.boxes[first, 0])
        turned.append(Detections(one.boxes, one.scores, points))
    values = table(photos, turned, [originals])
    scopes = {scope: v.n for (metric, scope), v in values.items() if metric == "pose" and scope.startswith("yaw")}
    angles = yaw(head_poses(np.stack([one.points[np.flatnonzero(~p.ignored)[0]]
                                      for p, one in zip(photos, turned, strict=True)])))  # fmt: skip
    assert ((angles > 15) & (angles < 60)).all()
    assert scopes.pop("yaw 0-15°") == PHOTOS * (A_PHOTO - 1)
    assert sum(scopes.values()) == PHOTOS
    assert values["pose", "yaw 0-15°"].value < 0.01 < values["pose", "all"].value


def test_the_pose_that_is_measured_is_that_of_the_points(photos):
    rng = np.random.default_rng(3)
    before = [detections(p.boxes) for p in photos]
    after = []
    for one in before:
        side = (one.boxes[:, 2] - one.boxes[:, 0])[:, None, None]
        after.append(Detections(one.boxes, one.scores, one.points + rng.normal(0, 0.02, one.points.shape) * side))
    counted = [~p.ignored for p in photos]
    a, b = (
        head_poses(np.concatenate([one.points[keep] for one, keep in zip(side, counted, strict=True)]))
        for side in (before, after)
    )
    angle = np.degrees(np.arccos(np.clip((np.einsum("nij,nij->n", a, b) - 1) / 2, -1, 1)))
    assert table(photos, before, [after])["pose", "all"].value == pytest.approx(angle.mean(), abs=1e-3)
    assert angle.mean() > 1


def test_detectors_without_landmarks_and_with_others(photos, originals):
    bare = [Detections(one.boxes, one.scores) for one in originals]
    values = table(photos, bare, [bare])
    assert values["detected", "all"].value == 1
    assert values["nme", "all"].note.startswith("the detector gives no landmarks")
    assert values["pose", "all"].note.startswith("no head pose from keypoints of schema 'five'")
    assert "yaw unknown" in {scope for _, scope in values}
    points = np.repeat(originals[0].boxes[:, None, :2], 7, axis=1) + np.arange(14).reshape(7, 2) ** 2
    seven = [Detections(originals[0].boxes, originals[0].scores, points, schema=COCO7)]
    moved = points.copy()
    moved[:, :5] += [3, 4]  # all but the shoulders
    after = [Detections(originals[0].boxes, originals[0].scores, moved, schema=COCO7)]
    values = table(photos[:1], seven, [after])
    assert values["landmark_distance", "all"].value == pytest.approx(5, abs=1e-4)
    eyes = np.linalg.norm(points[0, 1] - points[0, 2])
    assert values["nme", "all"].value == pytest.approx(5 / eyes, abs=1e-4)
    with pytest.raises(SchemaError, match="schema 'five' before and 'coco7' after"):
        table(photos[:1], originals[:1], [seven])
    assert FIVE != COCO7


def test_what_does_not_fit(photos, originals):
    with pytest.raises(DataError, match="15 photos, but detections of 14"):
        table(photos, originals[1:], [originals])
    with pytest.raises(DataError, match="no detections of method 'm'"):
        table(photos, originals, [])
    with pytest.raises(DataError, match="needs photos"):
        table([], [], [[]])
    with pytest.raises(OptionError, match="threshold must lie between 0 and 1"):
        table(photos, originals, [originals], threshold=2)
    bare = AnnotatedPhoto(Path("b.jpg"), "b.jpg", photos[0].boxes, photos[0].ignored)
    with pytest.raises(DataError, match=r"b\.jpg has no label 'occlusion', 1\.jpg has"):
        table([bare, photos[1]], originals[:2], [originals[:2]])


def test_a_set_without_faces_that_count(photos):
    empty = AnnotatedPhoto(Path("e.jpg"), "e.jpg", np.zeros((0, 4), np.float32), np.zeros(0, bool))
    values = table([empty], [Detections.empty()], [[Detections.empty()]])
    assert {scope for _, scope in values} == {"all"}
    assert np.isnan(values["found", "all"].value)
    assert values["found", "all"].note == "of 0 annotated faces"
