import numpy as np
import pytest
import torch

from deepanon.crops import box_mask
from deepanon.data.crops import PackedCrops
from deepanon.data.synthetic import write_packed_crops
from deepanon.errors import DataError
from deepanon.evaluation.newfaces.strangers import donors, exchanged

SIDE = 64


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    root = tmp_path_factory.mktemp("crops")
    write_packed_crops(root, "val", 12, seed=2, resolution=SIDE)
    return PackedCrops(root, "val", SIDE)


@pytest.mark.parametrize("people", ["abcdefgh", "aabbccdd", "aaaaaaab", "ab" * 50, "aaaabbbc"])
def test_nobody_gets_a_face_of_their_own(people):
    chosen = donors(list(people))
    assert all(people[i] != people[j] for i, j in enumerate(chosen))
    assert chosen.tolist() == donors(list(people)).tolist()  # the same each time


def test_every_face_is_given_once_where_people_are_many():
    assert sorted(donors([str(i) for i in range(200)])) == list(range(200))


def test_one_person_alone_is_refused():
    with pytest.raises(DataError, match="all crops are of one person"):
        donors(["a"] * 5)


def test_only_the_box_changes_and_it_is_the_other_face(crops):
    rows, given = [0, 1, 2], [5, 6, 7]
    drawn, boxes = exchanged(crops, rows, given, SIDE)
    own = crops.read(rows, SIDE)
    inside = (box_mask(boxes, SIDE) > 0).expand_as(drawn)
    assert torch.equal(drawn[~inside], own.images[~inside])
    assert (drawn != own.images).flatten(1).float().mean(1).min() > 0.05
    torch.testing.assert_close(boxes, own.boxes * SIDE)


def test_a_face_laid_on_itself_is_itself(crops):
    drawn, _ = exchanged(crops, [3, 4], [3, 4], SIDE)
    assert (drawn.int() - crops.read([3, 4], SIDE).images.int()).abs().max() <= 1


def test_eyes_come_to_lie_where_eyes_were(crops):
    """A spot at the donor's left eye is found at the other's."""
    given, row = 5, 0
    batch = crops.read([given], SIDE)
    marked = torch.zeros_like(batch.images)
    x, y = (batch.keypoints[0, 0] * SIDE).int().tolist()
    marked[0, :, y - 1 : y + 2, x - 1 : x + 2] = 255

    class Marked:
        def read(self, rows, side):
            found = crops.read(rows, side)
            return type(found)(marked, found.boxes, found.keypoints) if rows == [given] else found

    drawn, boxes = exchanged(Marked(), [row], [given], SIDE)
    inside = (box_mask(boxes, SIDE) > 0)[0, 0].numpy()
    white = np.argwhere((drawn[0, 0].numpy() > 128) & inside)
    at = crops.read([row], SIDE).keypoints[0, 0].numpy() * SIDE
    assert len(white)
    assert np.abs(np.median(white[:, ::-1], axis=0) - at).max() < 5  # five points fit but as well as they can


def test_without_keypoints_boxes_are_laid_on_each_other(crops):
    class Pointless:
        def read(self, rows, side):
            found = crops.read(rows, side)
            return type(found)(found.images, found.boxes, torch.full_like(found.keypoints, torch.nan))

    drawn, _ = exchanged(Pointless(), [0], [5], SIDE)
    assert (drawn != crops.read([0], SIDE).images).any()
