"""A made-up evaluation with everything a report can hold; its numbers are drawn, none was measured."""

import math

import numpy as np
import pytest

from deepanon.evaluation.detection.retention import MEAN
from deepanon.evaluation.metric import Metric
from deepanon.evaluation.metrics import METRICS
from deepanon.evaluation.report.results import Results
from deepanon.evaluation.values import Value

STAND_INS = {
    "self_retrieval": Metric("re-ID rate", "share", "low", "Queries whose own original is the most similar of all."),
    "match_rate_1e-3": Metric("match rate", "share", "low", "Pairs above a threshold that was fixed on real pairs."),
    "rank_1": Metric("rank 1", "share", "low", "Queries whose nearest other photo is of the same person."),
    "rank_5": Metric("rank 5", "share", "low", "The same among the five nearest."),
    "rank_50": Metric("rank 50", "share", "low", "The same among the fifty nearest."),
    "lfw_tar_1e-3": Metric("LFW TAR", "share", "low", "Pairs told to be one person at that rate of errors."),
    "failure_rate": Metric("no face found", "share", "", "Queries in which the recogniser got no face."),
    "fd": Metric("FD(onet)", "distance", "low", "Fréchet distance between two sets of features."),
    "kd": Metric("KD(onet)", "distance", "low", "Kernel distance between two sets of features."),
    "precision": Metric("precision", "share", "high", "New faces that lie among real ones."),
    "recall": Metric("recall", "share", "high", "Real faces that lie among new ones."),
    "detected": Metric("found again", "share", "high", "Faces that are found again at IoU 0.5."),
    "nme": Metric("NME", "share", "low", "Distance of keypoints over the distance of the eyes."),
    "box_iou": Metric("box IoU", "share", "high", "Overlap of the boxes."),
    "box_distance": Metric("box", "pixels", "low", "How far the four sides of the box move, mean."),
    "pose": Metric("pose", "degrees", "low", "Angle between the two poses of the head."),
}
LEVELS = {
    "none": 1.0, "jpeg": 0.998, "gan": 0.987, "pixelate8": 0.951, "pixelate8_crop": 0.944, "pixelate16": 0.991,
    "mosaic": 0.9, "gaussian9": 0.989, "heavy_blur": 0.902, "noise": 0.41, "blackout": 0.36,
}  # fmt: skip
METHODS = {
    "none": {"label": "none", "description": "untouched", "sees_face": True, "random": False, "seeds": []},
    "jpeg": {"label": "JPEG 90", "description": "encoded again, nothing hidden", "random": False},
    "gan": {"label": "gan", "description": "never saw the face", "sees_face": False, "random": True, "seeds": [0, 1]},
    "pixelate8": {"label": "pixelate8", "sees_face": True, "random": False},
    "pixelate8_crop": {"label": "pixelate8, whole 128 px crop (June 2019)", "sees_face": True},
    "pixelate16": {}, "mosaic": {}, "gaussian9": {}, "heavy_blur": {}, "noise": {"random": True, "seeds": [0, 1]},
    "blackout": {"sees_face": False},
    "context": {"label": "context", "description": "face boxes grey", "kind": "control"},
    "context, both sides": {"description": "face boxes grey in the gallery too"},
}  # fmt: skip
SETS = {
    "wild": {
        "photos": 64,
        "faces": 431,
        "ignored": 77,
        "replaced": "annotated",
        "finder": "mtcnn",
        "notes": ["A few."],
    },
    "street and portrait photos, hand-made boxes": {"photos": 340, "faces": 1558, "notes": []},
    "WIDER FACE val": {"photos": 3226, "faces": 39708, "fingerprint": "ab" * 32},
    "identities": {"photos": 2433, "people": 370, "notes": ["Nobody of these was trained on & <none> is shown."]},
}


class Draw:
    """Makes values with intervals around given levels."""

    def __init__(self):
        self.rng = np.random.default_rng(3)
        self.values = []

    def add(self, part, data, by, method, metric, level, scope="all", wide=0.01, n=431, note=""):
        value = level + self.rng.normal(0, wide / 3) if math.isfinite(level) else math.nan
        value = min(value, 1.0) if STAND_INS.get(metric, METRICS.get(metric)).unit == "share" else value
        seeds = (value - wide / 4, value + wide / 4) if method in ("gan", "noise") and math.isfinite(level) else ()
        low, high = (value - wide, value + wide * 0.8) if method != "none" or metric != "retention" else (1.0, 1.0)
        self.values.append(Value(part, data, by, method, metric, scope, value, low, high, n, seeds, note))


def detection(draw):
    for data, scopes in zip(SETS, (["all"], ["all"], ["easy", "medium", "hard", MEAN]), strict=False):
        for by in ("yunet", "mtcnn"):
            for method, level in LEVELS.items():
                changed = 0.0 if method in ("none", "jpeg") else 0.996
                draw.values.append(Value("detection", data, by, method, "coverage", value=changed, n=431))
                for at, scope in enumerate(scopes):
                    draw.add("detection", data, by, method, "ap", 0.93 * level - 0.1 * at, scope)
                    draw.add("detection", data, by, method, "retention", level - 0.01 * at, scope)
                    if method not in ("none", "jpeg", "gan"):
                        draw.add("detection", data, by, method, "difference", level - 0.987, scope)


def identity(draw):
    for by in ("reid0095", "mobilefacenet_y1"):
        levels = {name: 0.3 + 0.7 * max(level - 0.4, 0) for name, level in LEVELS.items()}
        levels |= {"none": 0.995, "gan": 0.38, "noise": 0.34, "blackout": 0.33, "context": 0.345}
        levels["context, both sides"] = 0.41
        for method, level in levels.items():
            for scope, shift in (("oracle", 0), ("own, miss", -0.03), ("own, skip", 0.02)):
                if method == "context, both sides" and scope != "oracle":
                    continue
                for metric in ("self_retrieval", "rank_1", "rank_5", "rank_50"):
                    here = min(level + 0.05 * (metric == "rank_5"), 1) + shift
                    draw.add("identity", "identities", by, method, metric, here, scope, 0.02, 2063, "chance 1/2063")
                draw.add("identity", "identities", by, method, "match_rate_1e-3", level, scope, 0.02, 2063)
            note = "300 pairs of different people are too few for a FAR of 1e-3"
            draw.add("identity", "identities", by, method, "lfw_tar_1e-3", math.nan, "oracle", note=note)
            draw.add("identity", "identities", by, method, "failure_rate", 0.04, "own", n=2063)


def quality(draw):
    for scope, times in (("crop", 1), ("face", 2.6)):
        for method, level in {"real": 0.8, "gan": 14.2, "pixelate8": 61.0, "blackout": 210.0, "noise": 183.0}.items():
            draw.add("quality", "identities", "onet", method, "fd", level * times, scope, level / 20, 2433)
            draw.add("quality", "identities", "onet", method, "kd", level * times / 1000, scope, level / 9000, 2433)
            draw.add("quality", "identities", "onet", method, "precision", 1 / (1 + level / 30), scope, 0.01, 2433)
            draw.add("quality", "identities", "onet", method, "recall", 1 / (1 + level / 10), scope, 0.01, 2433)


def utility(draw):
    bins = ("size 0-32 px", "size 32-64 px", "size 64-128 px", "size 128+ px", "pose typical", "pose atypical")
    for method, level in LEVELS.items():
        for at, scope in enumerate(("all", *bins)):
            lower = 0.03 * (4 - at if 0 < at < 5 else 0)
            said = f"{level:.1%} of the faces found again"  # differs from row to row
            draw.add("utility", "wild", "yunet", method, "detected", level - lower, scope, 0.015, note=said)
            gone = method == "blackout" and scope == "size 0-32 px"
            note = "no face of this bin is found in both" if gone else ""
            draw.add("utility", "wild", "yunet", method, "nme", math.nan if gone else 0.12 * (1.02 - level) + lower / 9,
                     scope, 0.003, note=note)  # fmt: skip
        draw.add("utility", "wild", "yunet", method, "box_distance", 30 * (1.01 - level), wide=0.4)
        draw.add("utility", "wild", "yunet", method, "pose", 28 * (1.05 - level), wide=0.8)


def made_up():
    """The whole of it."""
    draw = Draw()
    for part in (detection, identity, quality, utility):
        part(draw)
    values = {(v.part, v.data, v.by, v.method, v.metric, v.scope): v for v in draw.values}
    values = list(values.values())
    provenance = {
        "deepanon": "0.0", "command": "evaluate.py data.root=wild", "finished": "2031-01-02T03:04:05Z", "seeds": [0, 1],
        "weights": {"yunet": "cd" * 32, "reid0095": "ef" * 32}, "packages": {"torch": "2.15.0", "numpy": "2.4.1"},
    }  # fmt: skip
    notes = [
        "Made-up numbers of a test: nothing here was measured.",
        "Keypoints come from mtcnn; overlaps: later on top.",
    ]
    return Results(values, provenance, dict(SETS), dict(METHODS), notes)


@pytest.fixture(scope="session")
def metrics():
    """Meanings of every metric of `sample`."""
    return METRICS | STAND_INS  # the words of tests, whatever the rooms call theirs


@pytest.fixture(scope="session")
def sample():
    """`Results` of every part, on several sets, by several scorers, with NaN, long names and what HTML must escape."""
    return made_up()
