import shutil

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from deepanon.data.wider import AnnotatedPhoto, read_wider
from deepanon.data.wider_truth import FILES, SUBSETS, WiderTruth, read_wider_truth
from deepanon.errors import DataError

EVENTS = {"0--Parade": ["0_Parade_a_1", "0_Parade_b_2"], "1--Handshaking": ["1_Handshaking_c_3"]}
SIDES = [[[10, 20, 30, 40], [1, 2, 0, 4]], [[0, 0, 0, 0]], [[5, 6, 7, 8], [50, 60, 10, 10], [9, 9, 9, 9]]]
CHOSEN = {"easy": [[1], [], [2]], "medium": [[1], [], [2]], "hard": [[1], [], [1, 2]]}


def cells(values):
    """A MATLAB cell array, a column."""
    column = np.empty((len(values), 1), dtype=object)
    for i, value in enumerate(values):
        column[i, 0] = value
    return column


def by_event(values):
    """One value a picture -> cells in cells, as in the official files."""
    rest = iter(values)
    return cells([cells([next(rest) for _ in names]) for names in EVENTS.values()])


def write(folder, sides=SIDES, chosen=CHOSEN, events=tuple(EVENTS)):
    """The four official files, for three pictures of two events."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {"event_list": cells(list(events)), "file_list": by_event([n for names in EVENTS.values() for n in names])}
    boxes = by_event([np.array(rows, dtype=np.int32).reshape(-1, 4) for rows in sides])
    savemat(folder / "wider_face_val.mat", names | {"face_bbx_list": boxes})
    for subset in SUBSETS:
        numbers = by_event([np.array(rows, dtype=np.uint8).reshape(-1, 1) for rows in chosen[subset]])
        savemat(folder / f"wider_{subset}_val.mat", names | {"face_bbx_list": boxes, "gt_list": numbers})
    return folder


@pytest.mark.parametrize("home", ["eval_tools/ground_truth", "ground_truth", "wider_face_split", "."])
def test_reads_boxes_and_subsets_where_they_may_lie(tmp_path, home):
    write(tmp_path / home)
    truth = read_wider_truth(tmp_path)
    assert truth.names == (
        "0--Parade/0_Parade_a_1.jpg", "0--Parade/0_Parade_b_2.jpg", "1--Handshaking/1_Handshaking_c_3.jpg"
    )  # fmt: skip
    assert [boxes.tolist() for boxes in truth.boxes] == [
        [[10, 20, 40, 60], [1, 2, 1, 6]], [[0, 0, 0, 0]], [[5, 6, 12, 14], [50, 60, 60, 70], [9, 9, 18, 18]]
    ]  # fmt: skip
    assert {boxes.dtype for boxes in truth.boxes} == {np.dtype(np.float64)}
    assert [chosen.tolist() for chosen in truth.counts["hard"]] == [[True, False], [False], [True, True, False]]
    assert [truth.faces(subset).tolist() for subset in SUBSETS] == [[1, 0, 1], [1, 0, 1], [1, 0, 2]]


def test_only_some_pictures(tmp_path):
    truth = read_wider_truth(write(tmp_path)).only(
        ["1--Handshaking/1_Handshaking_c_3.jpg", "0--Parade/0_Parade_a_1.jpg"]
    )
    assert [len(boxes) for boxes in truth.boxes] == [3, 2]
    assert truth.faces("hard").tolist() == [2, 1]
    with pytest.raises(DataError, match=r"no picture 'x.jpg' \(1 of 1 unknown\)"):
        truth.only(["x.jpg"])


def test_other_photos_have_one_subset(tmp_path):
    boxes = np.array([[0, 0, 5, 5], [1, 1, 9, 9]], dtype=np.float32)
    truth = WiderTruth.of_photos([AnnotatedPhoto(tmp_path / "a.jpg", "a.jpg", boxes, np.array([False, True]))])
    assert (truth.names, truth.faces("all").tolist()) == (("a.jpg",), [1])
    assert truth.boxes[0].tolist() == boxes.tolist()


def test_says_what_is_missing_and_where_it_belongs(tmp_path):
    with pytest.raises(DataError, match=r"needs wider_face_val.mat, .* in .*eval_tools/ground_truth; .*eval_tools.zip"):
        read_wider_truth(tmp_path)
    write(tmp_path / "wider_face_split")
    (tmp_path / "wider_face_split/wider_easy_val.mat").unlink()
    with pytest.raises(DataError, match=r"needs wider_easy_val.mat in .*wider_face_split; "):
        read_wider_truth(tmp_path)


def test_the_split_alone_is_not_enough(tmp_path):
    """The annotations of WIDER come with a `wider_face_val.mat` too; the rest belongs to the evaluation tools."""
    write(tmp_path / "wider_face_split")
    for subset in SUBSETS:
        (tmp_path / f"wider_face_split/wider_{subset}_val.mat").unlink()
    with pytest.raises(DataError, match=r"needs wider_face_val.mat, .*wider_hard_val.mat in .*eval_tools/ground_truth"):
        read_wider_truth(tmp_path)


@pytest.mark.parametrize("damage", [0, 60, 200, 400])
def test_damaged_file(tmp_path, damage):
    path = write(tmp_path) / "wider_medium_val.mat"
    path.write_bytes(path.read_bytes()[:damage])
    with pytest.raises(DataError, match=r"wider_medium_val.mat is not the file of WIDER FACE's evaluation tools"):
        read_wider_truth(tmp_path)


def test_other_contents(tmp_path):
    savemat(write(tmp_path) / "wider_hard_val.mat", {"a": np.zeros(3)})
    with pytest.raises(DataError, match=r"wider_hard_val.mat is not the file .*'event_list'"):
        read_wider_truth(tmp_path)
    write(tmp_path, chosen=CHOSEN | {"hard": [[3], [], []]})
    with pytest.raises(DataError, match=r"wider_hard_val.mat: names faces 3 to 3 of a picture that has 2"):
        read_wider_truth(tmp_path)
    write(tmp_path, chosen=CHOSEN | {"hard": [[0], [], []]})
    with pytest.raises(DataError, match=r"names faces 0 to 0"):
        read_wider_truth(tmp_path)
    other = write(tmp_path / "other", events=("2--Meeting", "1--Handshaking")) / "wider_easy_val.mat"
    shutil.copy(other, write(tmp_path) / "wider_easy_val.mat")
    with pytest.raises(DataError, match=r"wider_easy_val.mat lists other pictures than wider_face_val.mat"):
        read_wider_truth(tmp_path)


def test_real_files(deepanon_data):
    truth = read_wider_truth(deepanon_data / "wider")
    assert (len(truth), sum(len(boxes) for boxes in truth.boxes)) == (3226, 39708)
    content = loadmat(deepanon_data / "wider" / FILES[0])
    invalid = [flags[0].ravel() > 0 for event in content["invalid_label_list"][:, 0] for flags in event]
    for smaller, larger in (("easy", "medium"), ("medium", "hard")):
        pairs = zip(truth.counts[smaller], truth.counts[larger], strict=True)
        assert all((inside <= outside).all() for inside, outside in pairs)
    assert not any((chosen & flags).any() for chosen, flags in zip(truth.counts["hard"], invalid, strict=True))


def test_names_are_those_of_the_list_of_boxes(deepanon_data, tmp_path):
    """`read_wider` and `read_wider_truth` agree on what a picture is called, and on its boxes."""
    source = deepanon_data / "wider/wider_face_val_bbx_gt.txt"
    (tmp_path / "wider_face_split").mkdir()
    shutil.copy(source, tmp_path / "wider_face_split")
    truth = read_wider_truth(deepanon_data / "wider")
    for name in truth.names:
        (tmp_path / "WIDER_val/images" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "WIDER_val/images" / name).touch()
    photos = read_wider(tmp_path)
    assert tuple(photo.name for photo in photos) == truth.names
    for photo, boxes in zip(photos, truth.boxes, strict=True):
        whole = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)  # the reader of lists drops what has no size
        np.testing.assert_array_equal(photo.boxes, boxes[whole])
