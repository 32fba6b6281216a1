"""Rules: what carries which label is replaced by its method, and what must not be seen reaches no other method."""

import numpy as np
import pytest

import deepanon.pipeline as pipeline
from deepanon import FaceAnonymizer, Seeds
from deepanon.anonymizers import ByLabel, build_anonymizer, build_rules
from deepanon.anonymizers.by_label import read_rules
from deepanon.crops import blank, cut
from deepanon.data.synthetic import draw_scene
from deepanon.detections import Detections
from deepanon.errors import DetectionError, OptionError
from deepanon.pasting import paste
from deepanon.pipeline import replace_faces

SEEDS = [11, 12, 13, 14]


@pytest.fixture(scope="module")
def scene():
    """Four faces; the second and the fourth are said to be plates."""
    image, faces = draw_scene(400, 300, 4, seed=6)
    labels = np.array(["face", "plate", "face", "plate"])
    return image, Detections(faces.boxes, faces.scores, faces.keypoints, labels)


def with_noise_under(image, boxes):
    changed, rng = image.copy(), np.random.default_rng(5)
    for x0, y0, x1, y1 in np.concatenate([np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])], 1).astype(int):
        part = changed[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
        part[:] = rng.integers(0, 256, part.shape, dtype=np.uint8)
    return changed


def test_each_label_has_its_method(scene):
    image, faces = scene
    out = replace_faces(image, faces, build_rules("face=gaussian9,plate=blackout"), SEEDS)
    for row, label in enumerate(faces.labels):
        x0, y0, x1, y1 = np.concatenate([np.ceil(faces.boxes[row, :2]), np.floor(faces.boxes[row, 2:])]).astype(int)
        black = (out[y0:y1, x0:x1] == 0).all()
        assert black == (label == "plate")
        assert (out[y0:y1, x0:x1] != image[y0:y1, x0:x1]).any()


@pytest.mark.parametrize("name", ["gan", "blackout", "gaussian9", "noise", "solid"])
def test_one_rule_for_everything_is_the_method_alone(name, scene):
    image, faces = scene
    alone = replace_faces(image, faces, build_anonymizer(name), SEEDS)
    for text in (f"*={name}", f"face={name},plate={name}", f"plate={name},*={name}"):
        assert np.array_equal(replace_faces(image, faces, build_rules(text), SEEDS), alone)


@pytest.mark.parametrize("text", ["face=gan,plate=gaussian9", "face=blackout,plate=noise", "face=solid,plate=plate"])
def test_what_lies_under_a_blind_rule_reaches_nothing(text, scene):
    """Also where a blurred plate lies over a face that must not be seen."""
    image, faces = scene
    over = faces.boxes.copy()
    over[1] = over[0] + 12  # each plate covers part of a face, and lies on top of it
    over[3] = over[2] - 9
    faces = Detections(over, faces.scores, faces.keypoints, faces.labels)
    hidden = over[faces.labels == "face"]
    outputs = [
        replace_faces(each, faces, build_rules(text), SEEDS) for each in (image, with_noise_under(image, hidden))
    ]
    assert np.array_equal(*outputs)


def test_where_the_rule_sees_the_same_test_fails(scene):
    image, faces = scene
    other = with_noise_under(image, faces.boxes[faces.labels == "plate"])
    rules = build_rules("face=gan,plate=gaussian9")
    assert not np.array_equal(*(replace_faces(each, faces, rules, SEEDS) for each in (image, other)))


class Recorder:
    """A method that keeps what it is given."""

    size, random, description = 32, False, "recorder"

    def __init__(self, name, sees_face):
        self.name, self.sees_face, self.crops = name, sees_face, []

    def __call__(self, crops, seeds):
        self.crops.append((crops, list(seeds)))
        return crops.context * 0 + 1


def test_blind_methods_get_every_box_grey_and_each_its_own_seeds(scene, monkeypatch):
    image, faces = scene
    blind, seeing = Recorder("blind", False), Recorder("seeing", True)
    replace_faces(image, faces, ByLabel({"face": blind, "plate": seeing}), SEEDS)
    assert [seeds for _, seeds in blind.crops] == [[11], [13]]  # in the order of detection
    assert [seeds for _, seeds in seeing.crops] == [[12], [14]]
    for crops, _ in blind.crops:
        inner = crops.mask.expand(-1, 3, -1, -1).bool().numpy()
        shrunk = inner & np.roll(inner, 1, -1) & np.roll(inner, -1, -1) & np.roll(inner, 1, -2) & np.roll(inner, -1, -2)
        assert np.ptp(crops.context.numpy()[shrunk]) < 0.02
    monkeypatch.setattr(pipeline, "BATCH", 2)
    blind.crops.clear()
    replace_faces(image, faces, ByLabel({"*": blind}), SEEDS)
    assert [seeds for _, seeds in blind.crops] == [[11, 12], [13, 14]]


def test_feathering_never_runs_over_another_label(scene):
    """White faces fade out around their box, but not into the black plate beside it."""
    image, _ = scene
    boxes = np.array([[100, 100, 140, 150], [142, 100, 190, 150]], np.float32)
    faces = Detections(boxes, np.ones(2), labels=np.array(["face", "plate"]))
    for order in ([0, 1], [1, 0]):
        out = replace_faces(
            image, faces[order], ByLabel({"face": Recorder("w", False), "plate": build_anonymizer("blackout")}), SEEDS
        )
        assert (out[100:150, 142:190] == 0).all()
        assert (out[100:150, 100:140] == 255).all()
        assert (out[100:150, 99] > image[100:150, 99]).mean() > 0.9  # it does fade out elsewhere


def test_a_label_without_a_rule_is_an_error_that_names_both(scene):
    image, faces = scene
    with pytest.raises(DetectionError, match=r"no rule for label 'plate'; the rules are face=blackout .*\*=blackout"):
        replace_faces(image, faces, build_rules("face=blackout"), SEEDS)
    replace_faces(image, faces[[0, 2]], build_rules("face=blackout"), SEEDS)


def test_a_dictionary_is_a_rule(scene):
    image, faces = scene
    methods = {"face": build_anonymizer("blackout"), "plate": build_anonymizer("solid")}
    made = FaceAnonymizer(None, methods, Seeds.from_seed(1))
    assert made.anonymizer.name == "face=blackout,plate=solid"
    assert np.array_equal(made(image, faces), replace_faces(image, faces, ByLabel(methods), SEEDS))


def test_it_says_of_itself_what_is_true_of_its_methods():
    rules = build_rules("*=noise, plate=blackout ,face=solid")
    assert rules.name == "face=solid,plate=blackout,*=noise"
    assert rules.sees_face
    assert rules.random
    assert all(build_anonymizer(name).description in rules.description for name in ("solid", "noise", "blackout"))
    blind = build_rules("face=solid,*=blackout")
    assert not blind.sees_face
    assert not blind.random
    assert build_rules("gan", {"gan": {"z": "zero"}}).description.endswith("zero z")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("face=gan,plate", "'plate' of 'face=gan,plate' is not LABEL=METHOD"),
        ("=gan", "not LABEL=METHOD"),
        ("face=", "not LABEL=METHOD"),
        ("face=gan,", "not LABEL=METHOD"),
        ("face=gan,face=blackout", "label 'face' has two rules"),
        ("face=blur", "unknown method 'blur'"),
        ("blackout,noise", "unknown method 'blackout,noise'"),
    ],
)
def test_rules_that_cannot_be_understood(text, message):
    with pytest.raises(OptionError, match=message):
        build_rules(text)


def test_options_are_for_methods_that_are_used():
    assert read_rules("gan") == {"*": "gan"}
    with pytest.raises(OptionError, match="method 'gan', which 'face=noise' does not use"):
        build_rules("face=noise", {"gan": {}})
    with pytest.raises(OptionError, match="no rule"):
        ByLabel({})


@pytest.mark.parametrize("name", ["gan", "gaussian9", "blackout"])
def test_a_plain_method_is_the_river_and_nothing_else(name, scene):
    """Blank all, cut, draw, paste, by hand: labels decide nothing where there are no rules."""
    image, faces = scene
    method = build_anonymizer(name)
    seen, by_hand = image if method.sees_face else blank(image, faces.boxes), image.copy()
    for rows in [[0, 1, 2, 3]] if method.size else [[0], [1], [2], [3]]:
        crops = cut(seen, faces, method.size, rows)
        by_hand = paste(by_hand, crops, method(crops, [SEEDS[row] for row in rows]), faces.boxes)
    assert np.array_equal(replace_faces(image, faces, method, SEEDS), by_hand)
