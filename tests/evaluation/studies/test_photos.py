"""What a study of photos says of methods whose effect is known."""

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import Detections
from deepanon.detectors import build_detector
from deepanon.embedders import Margin
from deepanon.errors import DataError, OptionError
from deepanon.evaluation import PhotoStudy, Regions, Scorer, Store, add_examples, build_variants
from deepanon.evaluation.observing import Attributes
from deepanon.evaluation.report import Pictures
from deepanon.images import read_image


class Darkness:
    """A network of sorts: two classes, dark and light."""

    name, size, description = "darkness", 8, "mean level, class 0 below the middle"

    def __call__(self, images):
        import torch

        mean = images.mean(dim=(1, 2, 3))
        return torch.stack([-mean, mean], dim=1)


@pytest.fixture(scope="module")
def study(photos, identity):
    detector = build_detector("mtcnn")
    methods = {
        "identity": identity(),
        "gaussian9": build_anonymizer("gaussian9"),
        "blackout": build_anonymizer("blackout"),
    }
    attributes = {"darkness": Attributes(Darkness(), Margin(size=8))}
    made = PhotoStudy(
        "drawn", photos, Regions(detector), build_variants(methods), {"mtcnn": Scorer(detector, 0.7)}, attributes,
        Store(), reference="identity", resamples=100,
    )  # fmt: skip
    made.observe()
    return made


@pytest.fixture(scope="module")
def values(study):
    return {(v.method, v.metric, v.scope): v for v in study.values()}


def test_a_method_that_changes_nothing_keeps_everything_and_covers_nobody(values):
    for scope in ("AP50", "AP50:95", "AP50:95 medium"):
        same = values["identity", "retention", scope]
        assert (same.value, same.low, same.high) == (1, 1, 1)
    assert values["identity", "coverage", "all"].value == 0
    assert values["identity", "replaced", "all"].value == 9
    assert values["identity", "detected", "all"].value == 1
    assert values["identity", "nme", "all"].value == pytest.approx(0, abs=1e-6)
    assert values["identity", "pose", "all"].value == pytest.approx(0, abs=1e-3)
    assert values["identity", "agreement", "all"].value == 1


def test_blackout_costs_the_detector_its_faces(values):
    gone = values["blackout", "retention", "AP50"]
    assert gone.value < 0.3
    assert gone.high < 0.6
    assert values["blackout", "coverage", "all"].value == 1
    assert values["blackout", "detected", "all"].value < 0.3
    assert values["blackout", "difference", "AP50"].value == pytest.approx(gone.value - 1)
    assert values["blackout", "agreement", "all"].value < 1


def test_a_light_blur_costs_less(values):
    blur = values["gaussian9", "retention", "AP50"]
    assert blur.value > 0.6
    assert blur.low <= blur.value <= blur.high


def test_undetected_faces_count(values):
    """Nine annotated faces, one of which nobody can find."""
    assert values["none", "ap", "AP50"].n == 9
    assert 0.6 < values["none", "ap", "AP50"].value <= 8 / 9 + 0.02


def test_examples_show_all_sizes_and_what_went_wrong(study, tmp_path):
    examples = study.examples()
    grid = [e for e in examples if e.kind == "grid"]
    assert {e.variant.method for e in grid} == {"identity", "gaussian9", "blackout"}
    worst = {(e.variant.method, e.reason) for e in examples if e.kind == "worst"}
    assert ("identity", "not changed") in worst
    assert ("blackout", "not found by mtcnn any more") in worst
    assert ("blackout", "not changed") not in worst
    pictures = Pictures(tmp_path)
    add_examples(pictures, "drawn", study.observations, examples[:3])
    assert len(pictures.pictures) == 3
    assert all(picture.real for picture in pictures.pictures)
    pair = read_image(tmp_path / pictures.pictures[0].file).pixels
    assert pair.shape[1] > 2 * pair.shape[0]


@pytest.mark.parametrize(
    ("scorer", "source", "expected"),
    [
        ("finder", "annotated", "judge also placed the keypoints"),
        ("finder", "detected", "judge also found the faces"),
        ("other", "annotated", None),
    ],
)
def test_notes_say_whether_the_scorer_also_found_the_faces(photos, fixed, scorer, source, expected):
    nothing = Detections.empty()
    regions = Regions(fixed(nothing, "finder"), source)
    study = PhotoStudy("x", photos, regions, build_variants({}), {"judge": Scorer(fixed(nothing, scorer))}, {}, Store())
    notes = "\n".join(study.notes)
    assert (expected in notes) if expected else ("judge also" not in notes)
    assert "9 faces to find, 0 ignored" in notes
    assert study.facts["fingerprint"] == study.observations.fingerprint


def test_what_cannot_be_measured_is_an_error(photos, fixed):
    nobody = AnnotatedPhoto(photos[0].path, "x", np.zeros((0, 4), dtype=np.float32), np.zeros(0, dtype=bool))
    blind = fixed(Detections.empty())
    with pytest.raises(DataError, match="nothing to find"):
        PhotoStudy("x", [nobody], Regions(blind), build_variants({}), {}, {}, Store())
    with pytest.raises(OptionError, match="threshold of a scorer"):
        Scorer(blind, 2)
    study = PhotoStudy("x", photos, Regions(blind), build_variants({}), {"judge": Scorer(blind)}, {}, Store())
    study.observe()
    (retention,) = [v for v in study.values() if v.metric == "retention" and v.scope == "AP50" and v.method == "none"]
    assert retention.note == "judge finds none of the 9 faces on the originals"
