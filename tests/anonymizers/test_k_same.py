"""k-Same-Pixel: groups as published, one mean for k people, and nothing of the face but the choice of a group."""

import numpy as np
import pytest
from PIL import Image

from deepanon.anonymizers import KSame, build_anonymizer, reference
from deepanon.anonymizers.k_same import grouped
from deepanon.anonymizers.reference import SIDE, ReferenceFaces, aligned, alignment, drawn_faces, folder_faces
from deepanon.data.synthetic import draw_scene, write_packed_crops
from deepanon.detections import COCO7, FIVE, Detections
from deepanon.errors import DataError, OptionError
from deepanon.pipeline import replace_faces


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """A folder of 9 packed crops of drawn faces."""
    folder = tmp_path_factory.mktemp("crowd")
    write_packed_crops(folder, "train", 9, seed=3, resolution=96)
    return folder


def published(features, k):
    """Newton et al. 2005, in plain words: sets of faces that shrink."""
    left, groups = list(range(len(features))), []
    while left:
        first = left[0]
        near = sorted(left, key=lambda i: (((features[i] - features[first]) ** 2).sum(), i))
        group = near if len(left) < 2 * k else near[:k]
        groups.append(set(group))
        left = [i for i in left if i not in group]
    return groups


@pytest.mark.parametrize(("count", "k"), [(1, 1), (7, 1), (10, 3), (12, 4), (11, 6), (11, 11), (40, 5)])
def test_groups_are_the_published_ones(count, k):
    features = np.random.default_rng(count).normal(size=(count, 6)).astype(np.float32)
    groups = grouped(features, k)
    ours = [set(np.flatnonzero(groups == group)) for group in range(groups.max() + 1)]
    assert ours == published(features, k)
    assert min(map(len, ours)) >= k  # so that a mean is of k people at least: 1/k at best
    assert sum(map(len, ours)) == count


def test_groups_of_equal_faces():
    groups = grouped(np.zeros((7, 4), np.float32), 3)
    assert np.bincount(groups).tolist() == [3, 4]


def test_a_person_of_the_set_becomes_the_mean_of_its_group(crowd):
    """The closed set: each of the reference faces, put through the method, gives the mean that k of them share."""
    method, people = KSame(k=3, faces=crowd), folder_faces(crowd)
    box = np.array([[20, 20, 108, 108]], np.float32)
    means = {}
    for row, face in enumerate(people.pictures):
        points = np.array(FIVE.template)[None]
        at = SIDE * (points + 0.25) / 1.5  # where an aligned face has its keypoints: nothing has to move
        out = replace_faces(face, Detections(box, np.ones(1), at), method, [1])
        members = method.groups == method.groups[row]
        assert members.sum() >= 3
        expected = people.pictures[members].astype(float).mean(axis=0)
        assert np.abs(out[20:108, 20:108] - expected[20:108, 20:108]).max() <= 1.5
        means.setdefault(method.groups[row], []).append(out[20:108, 20:108])
    for group in means.values():
        assert len(group) >= 3
        assert all(np.array_equal(group[0], other) for other in group)


def test_faces_are_laid_over_one_another():
    """Wherever, however large and turned: the keypoints come to lie where the template says, and go back."""
    template = (np.array(FIVE.template) + 0.25) * (SIDE / 1.5)
    for angle, scale, shift in ((0, 1, (0, 0)), (0.4, 2.5, (30, -8)), (-1.2, 0.3, (100, 50))):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
        points = np.array(FIVE.template) * 80 @ turn.T + shift
        matrix = alignment(np.array([0, 0, 80, 80]), points, FIVE)
        np.testing.assert_allclose(points @ matrix[:, :2].T + matrix[:, 2], template, atol=1e-9)
        some = points.copy()
        some[[1, 4]] = np.nan
        np.testing.assert_allclose(alignment(np.array([0, 0, 80, 80]), some, FIVE), matrix, atol=1e-9)
    seven = np.array(COCO7.template) * 80
    np.testing.assert_allclose(
        seven @ alignment(np.zeros(4), seven, COCO7)[:, :2].T, np.array(COCO7.template) * SIDE / 1.5, atol=1e-9
    )


@pytest.mark.parametrize("points", [np.full((5, 2), np.nan), np.full((5, 2), 33.0)])
def test_without_keypoints_the_box_decides(points):
    matrix = alignment(np.array([20, 40, 60, 120]), points, FIVE)
    corners = np.array([[40, 40], [40, 120], [20, 80]]) @ matrix[:, :2].T + matrix[:, 2]
    unit = SIDE / 1.5
    np.testing.assert_allclose(
        corners, [[0.75 * unit, 0.25 * unit], [0.75 * unit, 1.25 * unit], [0.5 * unit, 0.75 * unit]]
    )


def test_only_the_choice_of_a_group_is_left_of_the_face(crowd):
    """Two originals that fall into one group come out alike, pixel for pixel, whatever else they look like."""
    image, faces = draw_scene(320, 240, 3, seed=5)
    method, found = KSame(k=9, faces=crowd), []
    assert len(method.means) == 1  # everybody is in it
    for seed in (0, 1):
        other = image.copy()
        for x0, y0, x1, y1 in np.concatenate([np.floor(faces.boxes[:, :2]), np.ceil(faces.boxes[:, 2:])], 1).astype(
            int
        ):
            other[y0:y1, x0:x1] = np.random.default_rng(seed).integers(0, 256, (y1 - y0, x1 - x0, 3))
        found.append(replace_faces(other, faces, method, [1, 2, 3]))
    assert np.array_equal(*found)


def test_nobody_is_drawn_once_and_always_the_same(monkeypatch):
    first = drawn_faces()
    assert drawn_faces() is first
    assert first.pictures.shape == (64, SIDE, SIDE, 3)
    assert len(np.unique(first.pictures.reshape(64, -1), axis=0)) == 64
    assert "64 faces of nobody, drawn by research.safetensors (SHA-256 " in build_anonymizer("k_same").description
    monkeypatch.setattr(reference, "DRAWN", 4)
    assert np.array_equal(drawn_faces.__wrapped__().pictures, first.pictures[:4])


def test_a_folder_of_pictures(tmp_path):
    """MTCNN finds drawn faces too; the same pictures give the same faces, in the order of their names."""
    folder = tmp_path / "a+b, c"  # a name that has to be quoted
    (folder / "below").mkdir(parents=True)
    for name, seed in (("b.png", 3), ("below/a.png", 4)):
        Image.fromarray(draw_scene(320, 320, 1, seed=seed, face=140)[0]).save(folder / name)
    (folder / "notes.txt").write_text("no picture")
    method = build_anonymizer(f'k_same:k=2:faces="{folder}"')
    assert method.name == f'k_same:k=2:faces="{folder}"'
    assert "2 faces of a+b, c (SHA-256 " in method.description
    assert str(tmp_path) not in method.description
    assert np.array_equal(method.means, KSame(2, folder).means)
    Image.new("RGB", (64, 64), "white").save(folder / "empty.png")
    with pytest.raises(DataError, match=r"empty\.png: no face found; take the picture out"):
        folder_faces(folder)


def test_reference_faces_that_cannot_be(tmp_path, crowd):
    with pytest.raises(OptionError, match="k is 10, but there are 9 reference faces"):
        KSame(faces=crowd)
    with pytest.raises(OptionError, match="holds no picture"):
        folder_faces(tmp_path)
    with pytest.raises(OptionError, match="is none"):
        folder_faces(tmp_path / "nowhere")


def test_all_splits_of_packed_crops_count(tmp_path):
    write_packed_crops(tmp_path, "train", 3, seed=1, resolution=32)
    write_packed_crops(tmp_path, "val", 2, seed=2, resolution=32)
    people = folder_faces(tmp_path)
    assert isinstance(people, ReferenceFaces)
    assert len(people) == 5


def test_beyond_a_picture_its_edge_goes_on():
    image = np.full((40, 40, 3), 200, np.uint8)
    assert (aligned(image, alignment(np.array([-30, -30, 20, 20]), np.full((5, 2), np.nan), FIVE)) == 200).all()
