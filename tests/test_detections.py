import numpy as np
import pytest

from deepanon.detections import COCO7, FIVE, SCHEMAS, Detections, schema_for
from deepanon.errors import DetectionError, SchemaError

BOXES = [[0, 0, 10, 20], [5.5, -3, 12, 8], [100, 100, 101, 101]]


def three(**changes):
    points = np.arange(30, dtype=float).reshape(3, 5, 2)
    fields = {"boxes": BOXES, "scores": [0.9, 0.5, 1.0], "keypoints": points, "labels": ["face", "face", "plate"]}
    return Detections(**fields | changes)


def test_fields_have_the_promised_types():
    faces = three()
    assert (faces.boxes.dtype, faces.scores.dtype, faces.keypoints.dtype) == (np.float32,) * 3
    assert faces.labels.tolist() == ["face", "face", "plate"]
    assert len(faces) == 3


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("boxes", np.zeros((3, 5)), r"boxes must have shape \(3, 4\), got \(3, 5\)"),
        ("boxes", [1, 2, 3, 4], "boxes must have shape"),
        ("boxes", 7, "boxes must have shape"),
        ("boxes", None, "boxes must have shape"),
        ("boxes", [["a", 0, 1, 1]] * 3, "boxes must be numbers"),
        ("boxes", [BOXES[0], [0, 0, np.nan, 1], BOXES[2]], r"boxes must be finite, got \[nan\]"),
        ("boxes", [BOXES[0], [0, 0, np.inf, 1], BOXES[2]], r"boxes must be finite, got \[inf\]"),
        ("boxes", [BOXES[0], [0, 0, 1e300, 1], BOXES[2]], "boxes must be finite"),
        ("boxes", [BOXES[0], BOXES[1], [5, 5, 5, 9]], r"box 2 has no area.*\[5.0, 5.0, 5.0, 9.0\]"),
        ("boxes", [BOXES[0], [9, 9, 10, 8], BOXES[2]], "box 1 has no area"),
        ("scores", [0.1, 0.2], r"scores must have shape \(3,\)"),
        ("scores", [0.1, 0.2, 1.01], r"scores must lie in \[0, 1\]"),
        ("scores", [0.1, -0.01, 1], r"scores must lie in \[0, 1\]"),
        ("scores", [0.1, np.nan, 1], "scores must be finite"),
        ("keypoints", np.zeros((3, 7, 2)), r"keypoints must have shape \(3, 5, 2\)"),
        ("keypoints", np.full((3, 5, 2), np.inf), "keypoints must be finite"),
        ("labels", ["face"], r"labels must have shape \(3,\)"),
    ],
)
def test_refuses(field, value, message):
    with pytest.raises(DetectionError, match=message):
        three(**{field: value})


def test_keypoints_may_be_unknown():
    points = np.zeros((3, 5, 2))
    points[1, 2, 0] = np.nan
    assert three(keypoints=points).has_keypoints.tolist() == [True, False, True]
    assert three(keypoints=None).has_keypoints.tolist() == [False] * 3
    assert np.isnan(three(keypoints=None).points).all()
    assert three(keypoints=None).points.shape == (3, 5, 2)


def test_is_immutable_and_owns_its_arrays():
    boxes = np.array(BOXES, dtype=np.float32)
    faces = three(boxes=boxes)
    boxes[0] = 999
    assert faces.boxes[0].tolist() == BOXES[0]
    for array in (faces.boxes, faces.scores, faces.keypoints, faces.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]
    with pytest.raises(AttributeError):
        faces.boxes = boxes


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (1, [1]),
        (-1, [2]),
        (np.int64(2), [2]),
        (np.array(0), [0]),
        (slice(1, None), [1, 2]),
        (slice(None, None, -1), [2, 1, 0]),
        ([2, 0], [2, 0]),
        ([], []),
        (np.array([True, False, True]), [0, 2]),
        ([False, False, False], []),
    ],
)
def test_indexing(index, rows):
    faces = three()
    chosen = faces[index]
    assert isinstance(chosen, Detections)
    assert len(chosen) == len(rows)
    for name in ("boxes", "scores", "keypoints", "labels"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(faces, name)[rows])


@pytest.mark.parametrize("index", [3, -4, [0, 3], np.array([True, False])])
def test_index_out_of_range(index):
    with pytest.raises(IndexError):
        three()[index]


def test_iteration_gives_single_faces():
    assert [face.boxes.tolist() for face in three()] == [[box] for box in BOXES]


def test_empty():
    none = Detections.empty(COCO7)
    assert (len(none), none.boxes.shape, none.points.shape) == (0, (0, 4), (0, 7, 2))
    assert len(Detections([], [])) == 0
    assert list(none) == []
    assert none.has_keypoints.shape == (0,)


def test_merge_keeps_order_and_fills_unknown_keypoints():
    both = Detections.merge([three(keypoints=None), Detections.empty(), three()])
    assert both.boxes.tolist() == BOXES * 2
    assert both.labels.tolist() == ["face", "face", "plate"] * 2
    assert both.has_keypoints.tolist() == [False] * 3 + [True] * 3
    assert Detections.merge([three(keypoints=None)] * 2).keypoints is None
    assert len(Detections.merge([])) == 0


def test_merge_refuses_mixed_schemas():
    with pytest.raises(SchemaError, match=r"coco7.*five"):
        Detections.merge([three(), Detections.empty(COCO7)])


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=list(SCHEMAS))
def test_schema_flip_is_an_involution_that_swaps_left_and_right(schema):
    assert len(schema) == len(schema.flip) == len(schema.template) == len(set(schema.points))
    assert [schema.flip[i] for i in schema.flip] == list(range(len(schema)))
    for name, other in zip(schema.points, schema.flip, strict=True):
        swapped = name.replace("left", "L").replace("right", "left").replace("L", "right")
        assert schema.points[other] == swapped


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=list(SCHEMAS))
def test_schema_template_is_its_own_mirror_image(schema):
    mirrored = [(1 - x, y) for x, y in (schema.template[i] for i in schema.flip)]
    np.testing.assert_allclose(mirrored, schema.template, atol=1e-9)


def test_schema_for():
    assert schema_for("five") is FIVE
    with pytest.raises(SchemaError, match=r"'six'.*coco7, five"):
        schema_for("six")
