"""Matching and average precision against hand-made cases and against pycocotools."""

import contextlib
import io

import numpy as np
import pytest

from deepanon.detections import Detections
from deepanon.evaluation.ap import average_precision, resampled_average_precision, score

UNIT = [0, 0, 10, 10]


def detections(boxes, scores):
    return Detections(np.array(boxes, dtype=np.float32).reshape(-1, 4), np.array(scores, dtype=np.float32))


def compare(found, boxes, ignored=None):
    boxes = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    return score(found, boxes, np.zeros(len(boxes), dtype=bool) if ignored is None else np.array(ignored))


@pytest.mark.parametrize(
    ("scores", "hits", "faces", "expected"),
    [
        ([0.9, 0.8], [True, True], 2, 1.0),
        ([0.9, 0.8], [True, False], 2, 0.5),  # a false alarm after the last hit costs nothing
        ([0.9, 0.8], [False, True], 1, 0.5),  # a false alarm before it halves precision
        ([0.9, 0.8, 0.7], [True, False, True], 2, 0.5 + 0.5 * 2 / 3),
        ([0.9, 0.8, 0.7, 0.6], [False, True, True, True], 3, 0.75),  # the envelope lifts 1/2 and 2/3 to 3/4
        ([], [], 3, 0.0),
        ([0.9], [False], 3, 0.0),
    ],
)
def test_by_hand(scores, hits, faces, expected):
    assert average_precision(np.array(scores), np.array(hits, dtype=bool), faces) == pytest.approx(expected)


def test_without_faces_it_is_undefined():
    assert np.isnan(average_precision(np.array([0.5]), np.array([False]), 0))
    assert np.isnan(average_precision(np.zeros(0), np.zeros(0, dtype=bool), 0))


def test_ties_enter_together_whatever_their_order():
    hits = np.array([True, False, True, False])
    values = {average_precision(np.full(4, 0.5), hits[list(order)], 2) for order in np.ndindex(4, 4, 4, 4)
              if sorted(order) == [0, 1, 2, 3]}  # fmt: skip
    assert values == {0.5}


def test_order_of_the_input_does_not_matter():
    rng = np.random.default_rng(0)
    scores, hits = rng.random(50), rng.random(50) < 0.6
    shuffled = rng.permutation(50)
    assert average_precision(scores, hits, 40) == average_precision(scores[shuffled], hits[shuffled], 40)


def test_a_face_is_found_once():
    result = compare(detections([UNIT, [0, 0, 10, 9]], [0.8, 0.9]), [UNIT])
    assert (result.hits.tolist(), result.faces) == ([True, False], 1)
    np.testing.assert_allclose(result.scores, [0.9, 0.8], rtol=1e-6)


def test_overlap_of_exactly_half_is_enough():
    assert compare(detections([[0, 0, 10, 5]], [1]), [UNIT]).hits.tolist() == [True]
    assert compare(detections([[0, 0, 10, 4.9]], [1]), [UNIT]).hits.tolist() == [False]


def test_ignored_faces_count_neither_way():
    result = compare(detections([UNIT, [50, 50, 60, 60]], [0.9, 0.8]), [UNIT, [50, 50, 60, 60]], [True, False])
    assert (result.hits.tolist(), result.faces) == ([True], 1)
    missed = compare(detections([], []), [UNIT], [True])
    assert (len(missed.hits), missed.faces) == (0, 0)


def test_real_faces_come_before_ignored_ones():
    """The ignored box fits better, but the real face is free."""
    result = compare(detections([UNIT], [0.9]), [UNIT, [0, 0, 10, 8]], [True, False])
    assert result.hits.tolist() == [True]


def test_an_ignored_box_excuses_many():
    result = compare(detections([UNIT, [10, 0, 20, 10], [40, 0, 50, 10]], [0.9, 0.8, 0.7]), [[0, 0, 20, 10]], [True])
    assert result.hits.tolist() == [False]  # the third lies elsewhere


def test_picture_without_anything():
    result = compare(detections([], []), [])
    assert (len(result.scores), result.faces) == (0, 0)


def random_pictures(n, rng, ties):
    """Crowded random boxes, jittered detections, false alarms and ignored boxes."""
    for _ in range(n):
        low = rng.uniform(0, 80, (rng.integers(0, 9), 2))
        boxes = np.concatenate([low, low + rng.uniform(20, 40, low.shape)], axis=1).round(1)
        jittered = boxes + rng.normal(0, 3, boxes.shape)
        noise = rng.uniform(0, 80, (rng.integers(0, 5), 2))
        found = np.concatenate([jittered, jittered[::2] + 2, np.concatenate([noise, noise + 15], axis=1)])
        scores = rng.random(len(found))
        scores = scores.round(1) if ties else scores
        order = rng.permutation(len(found))
        yield boxes.astype(np.float32), rng.random(len(boxes)) < 0.25, detections(found[order], scores)


def coco(pictures):
    """The same pictures through pycocotools: (per-image matches, AP with 20,001 recall levels)."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def sides(box):
        return [float(v) for v in (box[0], box[1], box[2] - box[0], box[3] - box[1])]

    truth, found = [], []
    for i, (boxes, ignored, detected) in enumerate(pictures):
        for box, skip in zip(boxes, ignored, strict=True):
            truth.append({"id": len(truth) + 1, "image_id": i, "category_id": 1, "bbox": sides(box),
                          "area": sides(box)[2] * sides(box)[3], "iscrowd": int(skip)})  # fmt: skip
        found += [{"image_id": i, "category_id": 1, "bbox": sides(box), "score": float(s)}
                  for box, s in zip(detected.boxes, detected.scores, strict=True)]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        api = COCO()
        api.dataset = {"images": [{"id": i} for i in range(len(pictures))], "annotations": truth,
                       "categories": [{"id": 1}]}  # fmt: skip
        api.createIndex()
        run = COCOeval(api, api.loadRes(found), "bbox")
        run.params.iouThrs, run.params.recThrs = np.array([0.5]), np.linspace(0, 1, 20001)
        run.params.areaRng, run.params.areaRngLbl, run.params.maxDets = [[0, 1e10]], ["all"], [1000]
        run.evaluate()
        run.accumulate()
    return run.evalImgs, float(run.eval["precision"][0, :, 0, 0, 0].mean())


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_pycocotools(seed):
    pytest.importorskip("pycocotools")
    pictures = list(random_pictures(40, np.random.default_rng(seed), ties=False))
    images, reference = coco(pictures)
    ours = [score(found, boxes, ignored) for boxes, ignored, found in pictures]
    for image, mine in zip(images, ours, strict=True):
        if image is None:  # nothing annotated, nothing found
            assert (len(mine.scores), mine.faces) == (0, 0)
            continue
        counts = ~image["dtIgnore"][0].astype(bool)
        np.testing.assert_array_equal(mine.hits, image["dtMatches"][0][counts] > 0)
    value = resampled_average_precision(ours, np.ones((1, len(ours)), dtype=int))[0]
    assert 0.2 < value < 0.95
    assert value == pytest.approx(reference, abs=2e-4)


def test_ties_stay_near_pycocotools_which_takes_them_in_input_order():
    pytest.importorskip("pycocotools")
    pictures = list(random_pictures(60, np.random.default_rng(9), ties=True))
    _, reference = coco(pictures)
    ours = [score(found, boxes, ignored) for boxes, ignored, found in pictures]
    assert resampled_average_precision(ours, np.ones((1, 60), dtype=int))[0] == pytest.approx(reference, abs=0.03)


def test_agrees_with_torchmetrics():
    pytest.importorskip("pycocotools")
    detection = pytest.importorskip("torchmetrics.detection")
    import torch

    pictures = list(random_pictures(40, np.random.default_rng(5), ties=False))
    metric = detection.MeanAveragePrecision(
        iou_thresholds=[0.5],
        rec_thresholds=torch.linspace(0, 1, 2001).tolist(),
        max_detection_thresholds=[1, 10, 100],
    )
    metric.warn_on_many_detections = False
    for boxes, ignored, found in pictures:
        metric.update(
            [{"boxes": torch.tensor(found.boxes), "scores": torch.tensor(found.scores),
              "labels": torch.zeros(len(found), dtype=int)}],
            [{"boxes": torch.tensor(boxes), "labels": torch.zeros(len(boxes), dtype=int),
              "iscrowd": torch.tensor(ignored.astype(int))}],
        )  # fmt: skip
    ours = [score(found, boxes, ignored) for boxes, ignored, found in pictures]
    value = resampled_average_precision(ours, np.ones((1, len(ours)), dtype=int))[0]
    assert value == pytest.approx(float(metric.compute()["map"]), abs=1e-3)


def test_a_resample_is_the_set_with_pictures_repeated():
    rng = np.random.default_rng(1)
    ours = [score(found, boxes, ignored) for boxes, ignored, found in random_pictures(12, rng, ties=True)]
    counts = rng.multinomial(12, np.full(12, 1 / 12), size=20)
    expected = [
        average_precision(
            np.concatenate([p.scores for p, n in zip(ours, row, strict=True) for _ in range(n)]),
            np.concatenate([p.hits for p, n in zip(ours, row, strict=True) for _ in range(n)]),
            sum(p.faces * n for p, n in zip(ours, row, strict=True)),
        )
        for row in counts
    ]
    np.testing.assert_allclose(resampled_average_precision(ours, counts), expected, rtol=1e-12)
