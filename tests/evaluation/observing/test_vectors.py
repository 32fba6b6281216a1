import json

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.crops import blank
from deepanon.data.pairs import make_pairs
from deepanon.data.people import read_people
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import COCO7, Detections
from deepanon.detectors import Given
from deepanon.embedders import Aligned, Margin, Onet, OpenVino, Recogniser
from deepanon.embedders.cuts import TEMPLATES
from deepanon.errors import OptionError, SchemaError
from deepanon.evaluation.identity import Seen, identity_values
from deepanon.evaluation.observing.stream import Record
from deepanon.evaluation.observing.vectors import Vectors
from deepanon.pipeline import replace_faces
from deepanon.seeds import Seeds

BOXES = np.array(
    [[5, 5, 45, 55], [60, 40, 110, 100], [115, 100, 158, 138]], dtype=np.float32
)  # the second in the middle


def faces(boxes=BOXES, schema=None):
    low, side = boxes[:, None, :2], (boxes[:, None, 2:] - boxes[:, None, :2])
    points = low + side * np.array(TEMPLATES["arcface"][1]) / 112
    return Detections(boxes, np.ones(len(boxes)), points)


def record(detections=None, seed=0):
    rng = np.random.default_rng(seed)
    original, anonymized = rng.integers(0, 256, (2, 140, 160, 3), dtype=np.uint8)
    photo = AnnotatedPhoto(None, "Ann/1.jpg", np.zeros((0, 4)), np.zeros(0, dtype=bool), person="Ann")
    return Record(photo, original, anonymized, faces() if detections is None else detections, "Ann/1.jpg")


@pytest.fixture(scope="module")
def recogniser():
    return Recogniser(Onet(), Aligned())


def test_the_subject_is_the_replaced_face_nearest_to_the_middle(recogniser):
    seen = record()
    vector = Vectors(recogniser)(seen)["vector"]
    np.testing.assert_allclose(vector, recogniser(seen.anonymized, faces())[1], atol=1e-5)
    assert np.abs(vector - recogniser(seen.original, faces())[1]).max() > 1e-3
    assert vector.dtype == np.float32


def test_the_attacker_takes_what_the_own_detector_finds(recogniser):
    shifted = faces(BOXES[[2, 1]] + 3)
    seen = record()
    vector = Vectors(recogniser, "own", Given({"Ann/1.jpg": shifted}))(seen)["vector"]
    np.testing.assert_allclose(vector, recogniser(seen.anonymized, shifted)[1], atol=1e-5)


def test_a_face_that_is_not_found_is_a_failed_detection(recogniser):
    elsewhere = faces(BOXES[[0, 2]])
    for found in (Detections.empty(), elsewhere):
        vector = Vectors(recogniser, "own", Given({"Ann/1.jpg": found}))(record())["vector"]
        assert vector.shape == (256,)
        assert np.isnan(vector).all()
    assert np.isnan(Vectors(recogniser)(record(Detections.empty()))["vector"]).all()


def test_keypoints_of_another_schema_are_refused(recogniser):
    seven = Detections(BOXES, np.ones(3), np.zeros((3, 7, 2)), schema=COCO7)
    with pytest.raises(SchemaError, match="schema 'five'"):
        Vectors(recogniser)(record(seven))


def test_the_key_says_all_that_vectors_depend_on(recogniser):
    keys = {
        Vectors(recogniser).key,
        Vectors(Recogniser(Onet(), Margin())).key,
        Vectors(recogniser, "own", Given({})).key,
    }
    assert len(keys) == 3
    assert recogniser.description in Vectors(recogniser).key


def test_impossible_options(recogniser):
    with pytest.raises(OptionError, match="choose one of: oracle, own"):
        Vectors(recogniser, "theirs")
    with pytest.raises(OptionError, match="'own' needs detector"):
        Vectors(recogniser, "own")
    with pytest.raises(OptionError, match="'oracle' takes no detector"):
        Vectors(recogniser, "oracle", Given({}))


@pytest.fixture(scope="module")
def measured(deepanon_data):
    """All values of one real recogniser on 30 people, 3 photos each, and the vectors of every method."""
    pytest.importorskip("openvino")
    weights, root = deepanon_data.parent / "weights" / "reid0095.xml", deepanon_data / "identities"
    if not (weights.is_file() and root.is_dir()):
        pytest.skip(f"no {weights} or no {root}")
    photos = [p for p in read_people(root / "identities.tar", limit=30) if p.name[-8:-4] in ("0001", "0002", "0003")]
    stored = json.loads((root / "detections.json").read_text())
    look = Vectors(Recogniser(OpenVino(weights, order="bgr"), Aligned("reid0095")))
    methods = {"nothing": None, "context": None, "blackout": build_anonymizer("blackout")}
    methods |= {name: build_anonymizer(name) for name in ("pixelate8", "pixelate16")}
    vectors = {name: [] for name in methods}
    for photo in photos:
        image, entry = photo.read(), stored[photo.name]
        found = Detections(np.array(entry["boxes"]), np.ones(len(entry["boxes"])), np.array(entry["keypoints"]))
        for name, method in methods.items():
            new = (
                image
                if method is None
                else replace_faces(image, found, method, Seeds.from_seed(0)(photo.name, len(found)))
            )
            new = blank(image, found.boxes) if name == "context" else new
            vectors[name].append(look(Record(photo, image, new, found))["vector"])
    arrays = {name: np.array(rows) for name, rows in vectors.items()}
    people, runs = [photo.person for photo in photos], {n: [rows] for n, rows in arrays.items() if n != "context"}
    seen = Seen("reid0095", "oracle", people, arrays["nothing"], runs, arrays["context"])
    pairs = make_pairs(photos, folds=3, per_fold=30)
    values = identity_values("identities", seen, pairs, fars=(0.1,), resamples=300)
    return {(value.method, value.metric): value for value in values if value.scope == "oracle"}


def test_real_photos_that_nothing_was_done_to_are_recognised(measured):
    for metric, least in (
        ("self_retrieval", 1),
        ("match_rate_1e-1", 1),
        ("rank_1", 0.97),
        ("lfw_accuracy", 0.97),
        ("pair_tar_1e-1", 0.97),
    ):
        nothing, clear = measured["nothing", metric], measured["none", metric]
        assert (nothing.value, nothing.low, nothing.high) == (clear.value, clear.low, clear.high)
        assert clear.value >= least, metric


def test_blackout_is_at_the_level_of_the_context_control(measured):
    """Not at chance: the edge of the face, hair and background stay. Grey on both sides says what they give away."""
    for metric in ("rank_1", "rank_5", "pair_auc"):
        black, grey = measured["blackout", metric], measured["context, both sides", metric]
        assert black.low <= grey.high, metric
        assert black.value < measured["none", metric].value / 2 or metric == "pair_auc"
    over = measured["blackout", "rank_1_over_context"]
    assert over.low <= 0
    assert measured["context, both sides", "pair_auc"].value > 0.55  # and that is not nothing


def test_real_methods_are_ranked(measured):
    for metric in ("rank_1", "pair_auc", "self_retrieval"):
        values = [measured[name, metric].value for name in ("none", "pixelate16", "pixelate8", "blackout")]
        assert values == sorted(values, reverse=True), metric
    assert measured["pixelate16", "pair_auc_over_context"].low > 0.1
