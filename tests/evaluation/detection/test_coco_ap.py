"""COCO's average precision against hand-made cases, pycocotools' own summary and torchmetrics."""

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import Detections
from deepanon.errors import DataError
from deepanon.evaluation.detection.coco_ap import Matched, coco_tables

UNIT = [0, 0, 10, 10]
BY_SIZE = tuple(f"AP50:95 {size}" for size in ("small", "medium", "large"))


def detections(boxes, scores):
    return Detections(np.array(boxes, dtype=np.float32).reshape(-1, 4), np.array(scores, dtype=np.float32))


def photo(boxes, ignored=None, name="0"):
    boxes = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    return AnnotatedPhoto(
        Path(name), name, boxes, np.zeros(len(boxes), bool) if ignored is None else np.array(ignored, bool)
    )


def ap50(found, boxes, ignored=None):
    return coco_tables([photo(boxes, ignored)], {"0": found})["AP50"]


def ranked(scores, hits, faces):
    """AP of one picture."""
    table = Matched(np.array(scores, float), np.array(hits, bool), np.zeros(len(scores), int), np.array([faces]))
    return table.areas(np.ones((1, 1), int))[0]


@pytest.mark.parametrize(
    ("scores", "hits", "faces", "expected"),
    [
        ([0.9, 0.8], [True, True], 2, 1.0),
        ([0.9, 0.8], [True, False], 2, 51 / 101),  # recalls 0, .01, ... .50 are reached
        ([0.9, 0.8], [False, True], 1, 0.5),  # a false alarm before the hit halves precision
        ([0.9, 0.8, 0.7], [True, False, True], 2, (51 + 50 * 2 / 3) / 101),
        ([0.9, 0.8, 0.7, 0.6], [False, True, True, True], 3, 0.75),  # the envelope lifts 1/2 and 2/3 to 3/4
        ([], [], 3, 0.0),
        ([0.9], [False], 3, 0.0),
        ([0.5, 0.5, 0.5, 0.5], [False, False, True, True], 2, 0.5),  # one score: all enter together
        ([0.5, 0.5, 0.5, 0.5], [True, True, False, False], 2, 0.5),
    ],
)
def test_by_hand(scores, hits, faces, expected):
    assert ranked(scores, hits, faces) == pytest.approx(expected, abs=1e-12)


def test_without_faces_it_is_undefined():
    assert np.isnan(ranked([0.5], [False], 0))
    assert np.isnan(ranked([], [], 0))
    assert np.isnan(ap50(detections([], []), []).average_precision())


def test_a_face_is_found_once():
    table = ap50(detections([UNIT, [0, 0, 10, 9]], [0.8, 0.9]), [UNIT]).parts[0]
    assert dict(zip(table.scores.round(3), table.hits, strict=True)) == {0.9: True, 0.8: False}
    assert table.faces.tolist() == [1]


def test_overlap_of_exactly_half_is_enough():
    assert ap50(detections([[0, 0, 10, 5]], [1]), [UNIT]).average_precision() == 1
    assert ap50(detections([[0, 0, 10, 4.9]], [1]), [UNIT]).average_precision() == 0


def test_ignored_faces_count_neither_way():
    table = ap50(detections([UNIT, [50, 50, 60, 60]], [0.9, 0.8]), [UNIT, [50, 50, 60, 60]], [True, False]).parts[0]
    assert (table.hits.tolist(), table.faces.tolist()) == ([True], [1])
    assert ap50(detections([], []), [UNIT], [True]).n_faces == 0


def test_an_ignored_box_excuses_many():
    found = detections([UNIT, [10, 0, 20, 10], [40, 0, 50, 10]], [0.9, 0.8, 0.7])
    assert ap50(found, [[0, 0, 20, 10]], [True]).parts[0].hits.tolist() == [False]  # the third lies elsewhere


def test_sizes_are_cocos():
    boxes = [[0, 0, 31, 31], [100, 0, 132, 32.5], [200, 0, 300, 300]]
    tables = coco_tables([photo(boxes)], {"0": detections(boxes[:2], [1, 1])})
    assert [tables[name].n_faces for name in (*BY_SIZE, "AP50:95")] == [1, 1, 1, 3]
    assert [tables[name].average_precision() for name in BY_SIZE] == [1, 1, 0]


def test_more_than_a_hundred_faces_in_a_picture_count():
    boxes = [[20 * i, 0, 20 * i + 10, 10] for i in range(150)]
    assert ap50(detections(boxes, np.linspace(1, 0.1, 150)), boxes).average_precision() == 1


def test_a_picture_without_an_entry_is_an_error():
    with pytest.raises(DataError, match="no detections for 1 of 2 photos, the first is b"):
        coco_tables([photo([UNIT], name="a"), photo([UNIT], name="b")], {"a": detections([], [])})


def random_set(n, rng, ties=False):
    """Crowded random boxes, jittered detections, false alarms and ignored boxes."""
    photos, found = [], {}
    for i in range(n):
        low = rng.uniform(0, 300, (rng.integers(0, 9), 2))
        boxes = np.concatenate([low, low + rng.uniform(10, 120, low.shape)], axis=1).round(1)
        jittered = boxes + rng.normal(0, 3, boxes.shape)
        noise = rng.uniform(0, 300, (rng.integers(0, 5), 2))
        alarms = np.concatenate([noise, noise + rng.uniform(10, 130, noise.shape)], axis=1)
        made = np.concatenate([jittered, jittered[::2] + 2, alarms])
        made[:, 2:] = np.maximum(made[:, 2:], made[:, :2] + 1)
        scores = rng.random(len(made)).round(1 if ties else 6)
        photos.append(photo(boxes, rng.random(len(boxes)) < 0.25, str(i)))
        order = rng.permutation(len(made))
        found[str(i)] = detections(made[order], scores[order])
    return photos, found


def summary(photos, found):
    """pycocotools' own numbers, with as many detections a picture as there are."""

    def sides(box):
        return [float(v) for v in (box[0], box[1], box[2] - box[0], box[3] - box[1])]

    truth, results = [], []
    for i, p in enumerate(photos):
        for box, skip in zip(p.boxes.astype(float), p.ignored, strict=True):
            truth.append({"id": len(truth) + 1, "image_id": i, "category_id": 1, "bbox": sides(box),
                          "area": sides(box)[2] * sides(box)[3], "iscrowd": int(skip)})  # fmt: skip
        d = found[p.name]
        results += [{"image_id": i, "category_id": 1, "bbox": sides(box.astype(float)), "score": float(s)}
                    for box, s in zip(d.boxes, d.scores, strict=True)]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        api = COCO()
        api.dataset = {
            "images": [{"id": i} for i in range(len(photos))],
            "annotations": truth,
            "categories": [{"id": 1}],
        }
        api.createIndex()
        run = COCOeval(api, api.loadRes(results), "bbox")
        run.params.maxDets = [1, 10, 100]
        run.evaluate()
        run.accumulate()
        run.summarize()
    return dict(zip(("AP50:95", "AP50", "", *BY_SIZE), run.stats[:6], strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_pycocotools_summary(seed):
    photos, found = random_set(40, np.random.default_rng(seed))
    tables, reference = coco_tables(photos, found), summary(photos, found)
    for name, table in tables.items():
        assert 0.03 < reference[name] < 1
        assert table.average_precision() == pytest.approx(reference[name], abs=1e-9), name


def test_ties_stay_near_pycocotools_which_takes_them_in_the_order_of_pictures():
    photos, found = random_set(60, np.random.default_rng(9), ties=True)
    assert coco_tables(photos, found)["AP50"].average_precision() == pytest.approx(
        summary(photos, found)["AP50"], abs=0.03
    )


def test_agrees_with_torchmetrics():
    detection = pytest.importorskip("torchmetrics.detection")
    photos, found = random_set(40, np.random.default_rng(5))
    metric = detection.MeanAveragePrecision(max_detection_thresholds=[1, 10, 100])
    metric.warn_on_many_detections = False
    for p in photos:
        d = found[p.name]
        nothing = np.zeros(len(d), dtype=int), np.zeros(len(p.boxes), dtype=int)
        metric.update(
            [{"boxes": torch.tensor(d.boxes), "scores": torch.tensor(d.scores), "labels": torch.tensor(nothing[0])}],
            [{"boxes": torch.tensor(p.boxes), "labels": torch.tensor(nothing[1]),
              "iscrowd": torch.tensor(p.ignored.astype(int))}],
        )  # fmt: skip
    ours, theirs = coco_tables(photos, found), metric.compute()
    for name, key in (("AP50:95", "map"), ("AP50", "map_50"), (BY_SIZE[2], "map_large")):
        assert ours[name].average_precision() == pytest.approx(float(theirs[key]), abs=1e-5), name


def test_a_resample_is_the_set_with_pictures_repeated():
    rng = np.random.default_rng(1)
    photos, found = random_set(12, rng, ties=True)
    tables = coco_tables(photos, found)
    counts = rng.multinomial(12, np.full(12, 1 / 12), size=6)
    for row, value in zip(counts, tables["AP50:95"].resampled(counts), strict=True):
        again = [
            AnnotatedPhoto(p.path, f"{p.name}-{copy}", p.boxes, p.ignored)
            for p, n in zip(photos, row, strict=True)
            for copy in range(n)
        ]
        expected = coco_tables(again, {p.name: found[p.name.split("-")[0]] for p in again})[
            "AP50:95"
        ].average_precision()
        assert value == pytest.approx(expected, abs=1e-12)
    whole = np.ones((1, 12), dtype=int)
    assert tables["AP50:95"].resampled(whole)[0] == tables["AP50:95"].average_precision()
