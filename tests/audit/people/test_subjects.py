"""Which face of a photo is meant, and how its sample is cut."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.audit.controls.changes import no_op
from deepanon.audit.people.subjects import cut_samples, drawn_subjects, find_subjects
from deepanon.data.people import read_people
from deepanon.data.synthetic import draw_scene
from deepanon.detections import Detections
from deepanon.detectors import Given
from deepanon.errors import DataError


@pytest.fixture
def folder(tmp_path):
    """Three people, two drawn photos each; and the faces in them."""
    faces = {}
    for row, name in enumerate(f"{person}/{photo}.png" for person in ("ada", "bob", "cy") for photo in (1, 2)):
        image, found = draw_scene(200, 160, 1, row)
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), image[..., ::-1])
        faces[name] = found
    return tmp_path, faces


def test_people_are_numbered_and_photos_counted(folder):
    root, faces = folder
    found = find_subjects(read_people(root), Given(faces))
    assert [one.person for one in found.usable] == [0, 0, 1, 1, 2, 2]
    assert [one.number for one in found.usable] == list(range(6))
    assert found.real


def test_photos_without_a_face_or_keypoints_are_counted_not_dropped(folder):
    root, faces = folder
    faces["ada/1.png"] = Detections.empty()
    faces["bob/1.png"] = Detections(faces["bob/1.png"].boxes, faces["bob/1.png"].scores)
    found = find_subjects(read_people(root), Given(faces))
    assert (found.missed, found.unplaced, len(found.usable)) == (["ada/1.png"], ["bob/1.png"], 4)


def test_the_same_file_twice_is_refused(folder):
    root, faces = folder
    Path(root / "cy/2.png").write_bytes(Path(root / "ada/1.png").read_bytes())
    with pytest.raises(DataError, match="same file"):
        find_subjects(read_people(root), Given(faces))


def test_a_method_that_changes_nothing_gives_the_same_samples(people):
    clear, same = (cut_samples(people.usable[:8], method) for method in (None, no_op()))
    assert np.array_equal(clear.pictures, same.pictures)


def test_anonymized_samples_differ_in_the_box_alone(people):
    from deepanon.audit.people.windows import masks

    clear, black = (cut_samples(people.usable[:8], method) for method in (None, build_anonymizer("blackout")))
    changed = (clear.pictures != black.pictures).any(axis=3)
    inside = masks(clear)
    assert changed[inside].mean() > 0.95
    near = np.stack([cv2.dilate(mask.astype(np.uint8), np.ones((13, 13))) for mask in inside]).astype(bool)
    assert not changed[~near].any()


def test_keypoints_of_a_sample_are_where_they_were(people):
    """Cut by hand: the photo's point goes where scale and shift of the crop bring it."""
    from deepanon.audit.people.samples import sample_region

    one = people.usable[0]
    sample = cut_samples([one], None, size=80)
    x0, y0, x1, _ = sample_region(one.face, 112, 112)
    assert np.allclose(sample.keypoints[0], (one.face.points[0] - [x0, y0]) * 80 / (x1 - x0), atol=1e-3)
    assert sample.scales[0] == pytest.approx(80 / (x1 - x0))


def test_drawn_people_are_no_photographs():
    assert not drawn_subjects(2, 1, 0).real
