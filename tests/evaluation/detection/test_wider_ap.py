"""The official WIDER protocol against plain loops written from its description, and against hand-made cases."""

import dataclasses
import time

import numpy as np
import pytest

from deepanon.data.wider_truth import SUBSETS, WiderTruth, read_wider_truth
from deepanon.detections import Detections
from deepanon.errors import DataError, DetectionError, OptionError
from deepanon.evaluation.bootstrap import ratio_interval, resample
from deepanon.evaluation.detection.wider_ap import wider_tables


def plain_protocol(pictures, int32=False):
    """AP by plain loops over pictures, thresholds and detections, as the official program goes about it.

    `pictures`: of one subset, (faces [(x, y, w, h)], wanted [bool], detections [(x, y, w, h, score)]). No numpy inside.
    """
    pictures = [(faces, wanted, sorted(found, key=lambda row: -row[4])) for faces, wanted, found in pictures]
    single = (lambda value: float(np.float32(value))) if int32 else float
    scores = [single(row[4]) for _, _, found in pictures for row in found]
    low, high = (min(scores), max(scores)) if scores else (0.0, 0.0)
    span = single(high - low)
    detected, recalled, count = [0] * 1000, [0] * 1000, 0
    for faces, wanted, found in pictures:
        count += sum(wanted)
        if not faces or not found:
            continue
        valid, recalls = plain_matching(faces, wanted, found, plain_overlap_int32 if int32 else plain_overlap)
        scaled = [single(single(single(row[4]) - low) / span) if span else 1.0 for row in found]
        for t in range(1000):
            threshold, last = 1 - (t + 1) / 1000, len(scaled) - 1
            while last >= 0 and scaled[last] < threshold:
                last -= 1
            if last >= 0:
                detected[t] += valid[: last + 1].count(True)
                recalled[t] += recalls[last]
    if not count:
        return float("nan")
    precision = [r / d if d else 0.0 for r, d in zip(recalled, detected, strict=True)]
    return plain_area([r / count for r in recalled], precision)


def plain_matching(faces, wanted, found, overlap):
    """For every detection in order: whether it counts, and how many wanted faces were found up to it."""
    seen, valid, recalls = set(), [], []
    for row in found:
        best, face = -1.0, 0
        for i, other in enumerate(faces):
            value = overlap(other, row)
            if value > best:
                best, face = value, i
        valid.append(not (best >= 0.5 and not wanted[face]))
        if best >= 0.5 and wanted[face]:
            seen.add(face)
        recalls.append(len(seen))
    return valid, recalls


def plain_overlap(a, b):
    """IoU of x y w h boxes whose far edges belong to them."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]) + 1
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / ((a[2] + 1) * (a[3] + 1) + (b[2] + 1) * (b[3] + 1) - width * height)


def plain_overlap_int32(a, b):
    """The same where MATLAB's integers are contagious: `a` is int32, so is everything that touches it."""

    def whole(value):
        return int(value + 0.5) if value >= 0 else int(value - 0.5)

    width = min(a[0] + a[2], whole(b[0] + b[2])) - max(a[0], whole(b[0])) + 1
    height = min(a[1] + a[3], whole(b[1] + b[3])) - max(a[1], whole(b[1])) + 1
    if width <= 0 or height <= 0:
        return 0
    union = whole((a[2] + 1) * (a[3] + 1) + (b[2] + 1) * (b[3] + 1)) - width * height
    return whole(width * height / union)


def plain_area(recall, precision):
    recall, precision = [0.0, *recall, 1.0], [0.0, *precision, 0.0]
    for i in reversed(range(len(precision) - 1)):
        precision[i] = max(precision[i], precision[i + 1])
    return sum((recall[i + 1] - recall[i]) * precision[i + 1] for i in range(len(recall) - 1))


def plainly(truth, found, subset, **options):
    """`plain_protocol` on what `wider_tables` takes."""
    pictures = []
    for name, boxes, wanted in zip(truth.names, truth.boxes, truth.counts[subset], strict=True):
        faces = [(x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes.tolist()]
        pair = found[name]
        pair = (pair.boxes, pair.scores) if isinstance(pair, Detections) else pair
        rows = zip(np.asarray(pair[0], dtype=float).reshape(-1, 4).tolist(), np.asarray(pair[1]).tolist(), strict=True)
        pictures.append((faces, wanted.tolist(), [(x0, y0, x1 - x0, y1 - y0, s) for (x0, y0, x1, y1), s in rows]))
    return plain_protocol(pictures, **options)


def agree(truth, found, subsets=None):
    """Both arithmetics, every subset; returns the values in double precision."""
    values = []
    for arithmetic, int32 in (("matlab", True), ("double", False)):
        tables = wider_tables(truth, found, arithmetic)
        for subset in subsets or truth.counts:
            value = tables[subset].average_precision()
            assert value == pytest.approx(plainly(truth, found, subset, int32=int32), abs=1e-9, nan_ok=True)
            values.append(value)
    return values[len(values) // 2 :]


def draw_truth(rng, n=12):
    """Crowded whole-number boxes; a subset "few" inside "most"; picture 0 has no box, picture 1 none that is wanted."""
    boxes, most = [], []
    for i in range(n):
        low = rng.integers(0, 90, (0 if i == 0 else int(rng.integers(1, 9)), 2))
        boxes.append(np.concatenate([low, low + rng.integers(0, 45, low.shape)], axis=1).astype(np.float64))
        most.append(rng.random(len(low)) < (0 if i == 1 else 0.7))
    few = tuple(chosen & (rng.random(len(chosen)) < 0.5) for chosen in most)
    names = tuple(f"event/{i}.jpg" for i in range(n))
    return WiderTruth(names, tuple(boxes), {"few": few, "most": tuple(most)})


def jittered(truth, rng, decimals=None, noise=5, spread=3.0):
    """Faces moved a little, twice each, and false alarms; scores perhaps rounded so that many tie."""
    found = {}
    for name, boxes in zip(truth.names, truth.boxes, strict=True):
        low = rng.uniform(0, 90, (noise, 2))
        alarms = np.concatenate([low, low + rng.uniform(0, 30, low.shape)], axis=1)
        near = np.concatenate([boxes, boxes]) + rng.normal(0, spread, (2 * len(boxes), 4))
        rows = rng.permutation(np.concatenate([near, alarms]))
        scores = rng.random(len(rows))
        found[name] = (rows, scores if decimals is None else scores.round(decimals))
    return found


def one(boxes, wanted):
    """A set of one picture with one subset."""
    boxes = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    return WiderTruth(("a.jpg",), (boxes,), {"all": (np.array(wanted, dtype=bool),)})


def value(truth, boxes, scores, arithmetic="double"):
    """AP of the one picture; checked against the plain loops."""
    found = {"a.jpg": (np.array(boxes, dtype=np.float64).reshape(-1, 4), np.array(scores, dtype=np.float64))}
    ours = wider_tables(truth, found, arithmetic)["all"].average_precision()
    assert ours == pytest.approx(plainly(truth, found, "all", int32=arithmetic == "matlab"), abs=1e-12)
    return ours


@pytest.mark.parametrize("decimals", [None, 3, 1])
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_plain_loops_on_drawn_faces(seed, decimals):
    rng = np.random.default_rng(seed)
    truth = draw_truth(rng)
    few, most = agree(truth, jittered(truth, rng, decimals))
    assert 0.01 < few < 0.9
    assert 0.01 < most < 0.9


def test_agrees_on_perfect_and_empty_detections():
    rng = np.random.default_rng(7)
    truth = draw_truth(rng)
    apart = dataclasses.replace(truth, boxes=tuple(spaced(boxes) for boxes in truth.boxes))
    perfect = {name: (boxes, rng.random(len(boxes))) for name, boxes in zip(apart.names, apart.boxes, strict=True)}
    assert agree(apart, perfect) == pytest.approx([1, 1])
    nothing = {name: Detections.empty() for name in truth.names}
    assert agree(truth, nothing) == [0, 0]


def spaced(boxes):
    """The same boxes side by side, so that none lies over another."""
    return boxes - boxes[:, [0, 1, 0, 1]] + 100 * np.arange(len(boxes))[:, None] * np.array([1, 0, 1, 0])


def test_agrees_on_what_is_made_to_break_it():
    rng = np.random.default_rng(3)
    truth = draw_truth(rng)
    usual = jittered(truth, rng)
    for change in (
        lambda boxes, scores: (np.repeat(boxes, 3, axis=0), np.repeat(scores, 3)),  # each three times
        lambda boxes, scores: (boxes[:, [0, 1, 0, 1]], scores),  # without size
        lambda boxes, scores: (boxes[:, [2, 3, 0, 1]], scores),  # turned inside out
        lambda boxes, scores: (boxes, np.full(len(scores), 0.4)),  # every score the same
        lambda boxes, scores: (boxes, 40 * scores - 20),  # not probabilities
        lambda boxes, scores: (boxes, np.where(scores > 0.5, 1.0, 0.0)),  # two scores
        lambda boxes, scores: (boxes, 1 - (scores * 1000).astype(int) / 1000),  # exactly on the thresholds
        lambda boxes, scores: (boxes.round() + 0.5, scores),  # halves, which MATLAB rounds away from zero
        lambda boxes, scores: (boxes - 60, scores),  # half outside the picture
    ):
        agree(truth, {name: change(*pair) for name, pair in usual.items()})


def test_agrees_where_only_ignored_faces_are_found():
    rng = np.random.default_rng(5)
    truth = draw_truth(rng)
    found = {
        name: (boxes[~wanted], rng.random(int((~wanted).sum())))
        for name, boxes, wanted in zip(truth.names, truth.boxes, truth.counts["most"], strict=True)
    }
    agree(truth, found)
    table = wider_tables(truth, found)["most"]
    assert table.detections[1].max() == 0  # picture 1 has ignored faces only: all is struck out


def test_agrees_on_real_ground_truth(deepanon_data):
    truth = read_wider_truth(deepanon_data / "wider")
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(truth))[:200]
    truth = truth.only([truth.names[i] for i in rows])
    crowded = sum(len(boxes) for boxes in truth.boxes)
    assert crowded > 1500
    values = agree(truth, jittered(truth, rng, 3, spread=2))
    assert all(0.05 < ap < 0.95 for ap in values)
    perfect = {name: (boxes, np.ones(len(boxes))) for name, boxes in zip(truth.names, truth.boxes, strict=True)}
    assert agree(truth, perfect, ["easy"])[0] == pytest.approx(1, abs=0.01)


def test_a_detection_takes_its_best_face_and_no_other():
    """Both detections fit the first face best; the second face, which they would fit too, stays unfound."""
    truth = one([[0, 0, 99, 99], [0, 0, 99, 79]], [True, True])
    assert value(truth, [[0, 0, 99, 99], [0, 0, 99, 98]], [1, 0]) == 0.5


def test_a_second_detection_of_a_face_is_a_false_alarm():
    truth = one([[0, 0, 9, 9], [50, 50, 59, 59]], [True, True])
    assert value(truth, [[0, 0, 9, 9], [0, 0, 9, 9], [50, 50, 59, 59]], [1, 0.5, 0]) == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_detections_of_ignored_faces_are_struck_out():
    truth = one([[0, 0, 9, 9], [50, 50, 59, 59]], [False, True])
    assert value(truth, [[0, 0, 9, 9], [0, 0, 9, 9], [50, 50, 59, 59]], [1, 0.5, 0]) == 1


def test_an_ignored_face_takes_the_detection_of_a_real_one():
    """The detection overlaps the wanted face by more than half, and the ignored one by more."""
    truth = one([[0, 0, 9, 9], [0, 0, 9, 7]], [False, True])
    assert value(truth, [[0, 0, 9, 9]], [1]) == 0
    assert value(one([[0, 0, 9, 9], [0, 0, 9, 7]], [True, False]), [[0, 0, 9, 9]], [1]) == 1


def test_boxes_include_their_far_edges():
    """10 x 10 against 10 x 5 pixels is exactly half; so is 0 x 0 against a box of 1 x 0, which have 1 and 2 pixels."""
    assert value(one([[0, 0, 9, 9]], [True]), [[0, 0, 9, 4]], [1]) == 1
    assert value(one([[0, 0, 9, 9]], [True]), [[0, 0, 9, 3.99]], [1]) == 0
    assert value(one([[5, 5, 6, 5]], [True]), [[5, 5, 5, 5]], [1]) == 1


def test_false_alarms_are_free_only_where_no_box_is_listed():
    boxes = (np.array([[0.0, 0, 9, 9]]), np.zeros((0, 4)), np.array([[0.0, 0, 9, 9]]))
    wanted = (np.array([True]), np.zeros(0, dtype=bool), np.array([False]))
    truth = WiderTruth(("face", "none", "ignored"), boxes, {"all": wanted})
    found = {"face": (boxes[0], [0.5]), "none": ([[40, 40, 60, 60]], [1]), "ignored": ([[40, 40, 60, 60]], [0])}
    assert agree(truth, found) == [1]
    assert wider_tables(truth, found)["all"].detections[:, -1].tolist() == [1, 0, 1]
    found["ignored"] = ([[40, 40, 60, 60]], [1])
    assert agree(truth, found) == [0.5]


def test_equal_scores_count_as_ones_where_the_official_code_divides_by_zero():
    truth = one([[0, 0, 9, 9], [50, 50, 59, 59]], [True, True])
    for score in (1, 0.25, 0):
        assert value(truth, [[0, 0, 9, 9], [50, 50, 59, 59]], [score, score]) == 1


def test_only_a_thousand_thresholds_are_read():
    """Between two thresholds the order is not seen: the false alarm comes first and costs nothing more than last."""
    truth = one([[0, 0, 9, 9], [50, 50, 59, 59]], [True, True])
    boxes = [[0, 0, 9, 9], [80, 80, 89, 89], [50, 50, 59, 59]]
    assert value(truth, boxes, [1, 0.0004, 0]) == value(truth, boxes, [1, 0, 0.0004])
    assert value(truth, boxes, [1, 0.5, 0]) < value(truth, boxes, [1, 0, 0.5])


def test_recall_above_the_last_threshold_counts_nothing():
    assert value(one([[0, 0, 9, 9], [50, 50, 59, 59]], [True, True]), [[0, 0, 9, 9]], [1]) == 0.5


def test_matlab_takes_the_first_face_that_fits_and_rounds_coordinates():
    truth = one([[0, 0, 99, 79], [0, 0, 99, 99]], [True, False])
    best = [[0, 0, 99, 99]]
    assert (value(truth, best, [1]), value(truth, best, [1], "matlab")) == (0, 1)
    half = one([[0, 0, 9, 9]], [True])
    assert value(half, [[0, 0, 9, 3.6]], [1]) == 0  # 46 of 100 pixels, 50 if 3.6 is 4
    assert value(half, [[0, 0, 9, 3.6]], [1], "matlab") == 1


def test_scores_of_single_precision_may_miss_a_threshold():
    """0.9 is below 0.9 in single precision: the detection comes in one threshold later."""
    found = {"a.jpg": ([[0, 0, 9, 9], [20, 20, 29, 29], [40, 40, 49, 49]], [1.0, 0.9, 0.0])}
    truth = one([[0, 0, 9, 9]], [True])
    levels = [wider_tables(truth, found, name)["all"].detections[0].tolist().index(2) for name in ("double", "matlab")]
    assert levels == [99, 100]


def test_a_resample_is_the_set_with_pictures_repeated():
    rng = np.random.default_rng(1)
    truth = draw_truth(rng)
    found = jittered(truth, rng, 2)
    counts = resample(len(truth), 15, seed=1)
    ours = {subset: table.resampled(counts) for subset, table in wider_tables(truth, found).items()}
    every = np.concatenate([scores for _, scores in found.values()])
    low, high = every.min(), every.max()
    scale = {name: (boxes, (scores - low) / (high - low)) for name, (boxes, scores) in found.items()}
    for row, values in enumerate(zip(ours["few"], ours["most"], strict=True)):
        drawn = [i for i in range(len(truth)) for _ in range(counts[row, i])]
        names = tuple(f"{place}" for place in range(len(drawn)))
        again = WiderTruth(
            (*names, "scale"),
            (*(truth.boxes[i] for i in drawn), np.zeros((0, 4))),  # keeps the scale of the scores, counts nothing
            {k: (*(v[i] for i in drawn), np.zeros(0, dtype=bool)) for k, v in truth.counts.items()},
        )
        repeated = {name: scale[truth.names[i]] for name, i in zip(names, drawn, strict=True)}
        repeated["scale"] = (np.zeros((2, 4)), np.array([0.0, 1.0]))
        assert [plainly(again, repeated, subset) for subset in ("few", "most")] == pytest.approx(list(values))


def test_tables_bootstrap_a_ratio():
    rng = np.random.default_rng(2)
    truth = draw_truth(rng, 40)
    sharp, blurred = (wider_tables(truth, jittered(truth, rng, spread=s))["most"] for s in (1, 4))
    low, high = ratio_interval(blurred.resampled, sharp.resampled, resample(40, 300, seed=0))
    assert low < blurred.average_precision() / sharp.average_precision() < high < 1
    assert sharp.resampled(np.ones((1, 40)))[0] == pytest.approx(sharp.average_precision())
    assert ratio_interval(sharp.resampled, sharp.resampled, resample(40, 50, seed=0)) == (1, 1)


def test_a_subset_without_faces_has_no_value():
    tables = wider_tables(one([[0, 0, 9, 9]], [False]), {"a.jpg": Detections.empty()})
    assert np.isnan(tables["all"].average_precision())


def test_takes_detections():
    found = {"a.jpg": Detections(np.array([[0, 0, 9, 9]]), np.array([0.5]))}
    assert wider_tables(one([[0, 0, 9, 9]], [True]), found)["all"].average_precision() == 1


def test_says_what_is_wrong():
    truth = one([[0, 0, 9, 9]], [True])
    with pytest.raises(DataError, match=r"no detections for 1 of 1 pictures, the first is a.jpg"):
        wider_tables(truth, {})
    with pytest.raises(DataError, match=r"detections for b.jpg, which is not one of the 1 pictures"):
        wider_tables(truth, {"a.jpg": Detections.empty(), "b.jpg": Detections.empty()})
    with pytest.raises(DetectionError, match=r"a.jpg: expected boxes \(D, 4\) .* got \(1, 4\) and \(2,\)"):
        wider_tables(truth, {"a.jpg": ([[0, 0, 1, 1]], [1, 1])})
    with pytest.raises(DetectionError, match=r"a.jpg: boxes and scores must be finite"):
        wider_tables(truth, {"a.jpg": ([[0, 0, 1, 1]], [float("nan")])})
    with pytest.raises(OptionError, match="unknown arithmetic 'octave'; choose one of: double, matlab"):
        wider_tables(truth, {"a.jpg": Detections.empty()}, "octave")


def test_is_much_faster_than_plain_loops():
    """A small form of benchmarks/wider_ap.py, in CPU time of this process."""
    rng = np.random.default_rng(0)
    truth = draw_truth(rng, 60)
    found = jittered(truth, rng, noise=140)
    start = time.process_time()
    ours = wider_tables(truth, found)["most"].average_precision()
    between = time.process_time()
    assert ours == pytest.approx(plainly(truth, found, "most"), abs=1e-9)
    assert time.process_time() - between > 10 * (between - start)


def test_subsets_of_wider_lie_inside_each_other(deepanon_data):
    truth = read_wider_truth(deepanon_data / "wider")
    assert tuple(truth.counts) == SUBSETS
    found = {name: (boxes, np.ones(len(boxes))) for name, boxes in zip(truth.names, truth.boxes, strict=True)}
    tables = wider_tables(truth, found)
    assert [int(tables[subset].faces.sum()) for subset in SUBSETS] == [7211, 13319, 31958]
    assert all(table.average_precision() > 0.98 for table in tables.values())
