"""What retention means, on faces and finds that are known."""

import numpy as np
import pytest

from deepanon.data.wider import AnnotatedPhoto
from deepanon.data.wider_truth import WiderTruth
from deepanon.detections import Detections
from deepanon.errors import OptionError
from deepanon.evaluation.bootstrap import resample
from deepanon.evaluation.detection import PROTOCOLS, coverage_values, detection_values, scoring

RNG = np.random.default_rng(0)


def faces(n):
    low = np.stack([60.0 * np.arange(n), np.zeros(n)], axis=1)
    return np.concatenate([low, low + 40], axis=1).astype(np.float32)


PHOTOS = [AnnotatedPhoto(None, f"{i}.png", faces(1 + i % 3), np.zeros(1 + i % 3, dtype=bool)) for i in range(12)]
COUNTS = resample(12, 300, 0)
BOXES = [photo.boxes for photo in PHOTOS]


def found(boxes, scores=None):
    return Detections(boxes, np.full(len(boxes), 0.9) if scores is None else scores)


ALL = [found(boxes) for boxes in BOXES]
FIRST = [found(boxes[:1]) for boxes in BOXES]  # 12 of 24 faces
NOTHING = [found(boxes[:0]) for boxes in BOXES]


def measured(anonymized, originals=ALL, protocol="coco", reference="gan"):
    values = detection_values("set", "eye", scoring(protocol, PHOTOS), originals, anonymized, COUNTS, reference)
    return {(value.method, value.metric, value.scope): value for value in values}


@pytest.mark.parametrize(("protocol", "scope"), [("coco", "AP50"), ("wider", "all"), ("wider-matlab", "all")])
def test_what_is_found_again_is_retained(protocol, scope):
    values = measured({"none": [ALL], "half": [FIRST], "blackout": [NOTHING]}, protocol=protocol)
    none, half, nothing = (values[method, "retention", scope] for method in ("none", "half", "blackout"))
    assert (none.value, none.low, none.high, none.n) == (1, 1, 1, 24)
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)
    assert half.value == pytest.approx(0.5, abs=0.01)
    assert 0.4 < half.low < half.value < half.high < 0.7
    assert values["half", "ap", scope].value == pytest.approx(half.value)


def test_every_protocol_has_a_test():
    assert list(PROTOCOLS) == ["coco", "wider", "wider-matlab"]
    with pytest.raises(OptionError, match="unknown protocol 'voc'; choose one of: coco, wider, wider-matlab"):
        scoring("voc", PHOTOS)


def test_subsets_follow_their_own_faces():
    values = measured({"half": [FIRST]})
    assert {scope for _, _, scope in values} == {"AP50", "AP50:95", "AP50:95 small", "AP50:95 medium", "AP50:95 large"}
    assert values["half", "retention", "AP50:95 medium"].n == 24
    small = values["half", "retention", "AP50:95 small"]
    assert np.isnan(small.value)
    assert small.note == "no face of this size or subset"


def test_with_widers_subsets_there_is_their_mean():
    """All faces are easy but the last of each photo, which is hard alone."""
    boxes = tuple(b.astype(float) for b in BOXES)
    easy = tuple(np.arange(len(b)) < max(1, len(b) - 1) for b in BOXES)
    every = tuple(np.ones(len(b), dtype=bool) for b in BOXES)
    truth = WiderTruth(tuple(p.name for p in PHOTOS), boxes, {"easy": easy, "medium": easy, "hard": every})
    score = scoring("wider", PHOTOS, truth)
    values = detection_values("set", "eye", score, ALL, {"none": [ALL], "half": [FIRST, ALL]}, COUNTS, "none")
    of = {(v.method, v.metric, v.scope): v for v in values}
    three = [of["half", "retention", subset] for subset in ("easy", "medium", "hard")]
    mean = of["half", "retention", "mean of subsets"]
    assert mean.value == pytest.approx(np.mean([v.value for v in three]))
    assert mean.seeds == pytest.approx(np.mean([v.seeds for v in three], axis=0))
    assert three[2].value < mean.value < three[0].value
    assert mean.low < mean.value < mean.high
    assert of["half", "difference", "mean of subsets"].value == pytest.approx(mean.value - 1)
    assert ("half", "ap", "mean of subsets") not in of


def test_nothing_found_on_the_originals_is_said():
    value = measured({"gan": [FIRST]}, originals=NOTHING)["gan", "retention", "AP50"]
    assert np.isnan(value.value)
    assert value.note == "eye finds none of the 24 faces on the originals"


def test_seeds_are_averaged_and_kept():
    value = measured({"gan": [ALL, FIRST, NOTHING]})["gan", "retention", "AP50"]
    assert value.seeds == pytest.approx((1, 51 / 101, 0))
    assert value.value == pytest.approx((1 + 51 / 101) / 3)
    assert measured({"gan": [ALL]})["gan", "retention", "AP50"].seeds == ()


def test_differences_are_paired():
    """Both lose the same half of each photo's faces: each is uncertain, their difference is not."""
    values = measured({"gan": [FIRST], "twin": [FIRST], "blackout": [NOTHING]})
    twin = values["twin", "difference", "AP50"]
    assert (twin.value, twin.low, twin.high, twin.note) == (0, 0, 0, "less gan")
    black = values["blackout", "difference", "AP50"]
    gan = values["gan", "retention", "AP50"]
    assert (black.value, black.low, black.high) == pytest.approx((-gan.value, -gan.high, -gan.low))
    assert ("gan", "difference", "AP50") not in values
    assert not any(metric == "difference" for _, metric, _ in measured({"twin": [FIRST]}))


def test_false_alarms_cost():
    boxes = [np.concatenate([b, b[:1] + 500]) for b in BOXES]
    alarmed = [found(b, np.linspace(0.5, 1, len(b))) for b in boxes]
    value = measured({"alarmed": [alarmed]})["alarmed", "retention", "AP50"]
    assert value.high > 0.3
    assert value.value < 0.8


def test_coverage_counts_every_face_that_counts():
    photos = [
        AnnotatedPhoto(None, "a", faces(2), np.array([False, True])),
        AnnotatedPhoto(None, "b", faces(2), np.array([False, False])),
    ]
    seen = [
        {"shares": np.array([0.6, 0.0]), "keypoints": np.array([True, False])},
        {"shares": np.array([1.0, 0.5]), "keypoints": np.array([True])},
    ]
    values = {value.metric: value for value in coverage_values("set", photos, {"gan": [seen, seen]})}
    assert (values["coverage"].value, values["coverage"].n) == (pytest.approx(2 / 3), 3)  # half is not more than half
    assert values["coverage"].seeds == pytest.approx((2 / 3, 2 / 3))
    assert (values["keypoints"].value, values["replaced"].value) == (pytest.approx(2 / 3), 3)
    nothing = [{"shares": np.zeros(2), "keypoints": np.zeros(0, dtype=bool)}] * 2
    assert {v.metric for v in coverage_values("set", photos, {"blackout": [nothing]})} == {"coverage", "replaced"}
    assert coverage_values("set", photos, {"none": [nothing], "jpeg": [nothing]}) == []
