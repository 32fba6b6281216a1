"""`deepanon anonymize-set`: other tools read the result as they read the original, and no face is left in it."""

import json

import numpy as np
import pytest
from PIL import Image

from deepanon.cli import main
from deepanon.data.synthetic import draw_scene
from deepanon.detections import FIVE
from deepanon.detectors.given import write_detections
from deepanon.images import read_image, write_image

FORMS = {
    "folder": ["a/1.png", "b.jpg"],
    "lfw": ["Ann/Ann_0001.jpg", "Bo/Bo_0001.jpg"],
    "coco": ["val2017/1.jpg", "val2017/2.png"],
    "yolo": ["images/train/1.jpg", "images/val/2.png"],
}


def run(*arguments):
    """Exit code of the command."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    return stop.value.code or 0


def annotate(root, form, names):
    """Write what the form keeps beside its pictures; returns the names of these files."""
    if form == "lfw":
        texts = {"pairs.txt": "1 1\nAnn 1 Bo 1\n"}
    elif form == "coco":
        size = {"width": 200, "height": 160}
        images = [{"id": i, "file_name": name.split("/")[1]} | size for i, name in enumerate(names)]
        boxes = [{"id": i, "image_id": i, "bbox": [1, 2, 3, 4]} for i in range(len(names))]
        texts = {"annotations/person_val2017.json": json.dumps({"images": images, "annotations": boxes}, indent=3)}
    elif form == "yolo":
        texts = {"data.yaml": "train: images/train\r\n"}
        texts |= {name.replace("images", "labels").rpartition(".")[0] + ".txt": f"{i} 0.5 0.5 0.1 0.1\n"
                  for i, name in enumerate(names)}  # fmt: skip
    else:
        texts = {}
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    return list(texts)


@pytest.fixture
def make(tmp_path):
    """Function: form -> (root, pictures, kept files), with a secret beside them, and the faces in faces.json."""

    def build(form):
        root, faces = tmp_path / "in", {}
        for seed, name in enumerate(FORMS[form]):
            image, found = draw_scene(200, 160, 1, seed, face=70)
            write_image(root / name, image)
            faces[name] = (found, 200, 160)
        write_detections(tmp_path / "faces.json", faces, FIVE)
        (root / ".cache").mkdir()
        (root / ".cache" / "thumbnails.db").write_bytes(b"faces")
        return root, FORMS[form], annotate(root, form, FORMS[form])

    return build


def files(root):
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


@pytest.mark.parametrize("form", FORMS)
def test_names_sizes_and_annotations_stay_and_faces_go(make, tmp_path, capsys, form):
    root, pictures, kept = make(form)
    out, report = tmp_path / "new.v1", tmp_path / "report.json"
    options = ["--form", form, "--method", "blackout", "--detections", tmp_path / "faces.json", "--json", report]
    assert run("anonymize-set", root, "-o", out, *options) == 0
    assert files(out) == sorted([*pictures, *kept])
    for name in kept:
        assert (out / name).read_bytes() == (root / name).read_bytes()
    for seed, name in enumerate(pictures):
        before, after = read_image(root / name).pixels, read_image(out / name).pixels
        assert before.shape == after.shape
        with Image.open(root / name) as old, Image.open(out / name) as new:
            assert old.format == new.format
        x0, y0, x1, y1 = draw_scene(200, 160, 1, seed, face=70)[1].boxes[0].astype(int)
        assert after[y0 + 4 : y1 - 4, x0 + 4 : x1 - 4].max() < 30
    captured = capsys.readouterr()
    assert "2 files: 2 anonymized, 0 failed; 2 faces" in captured.out
    assert f"{len(kept)} annotation files kept" in captured.out
    assert "left out (neither picture nor known annotation)" in captured.err
    assert "thumbnails.db" in captured.err
    facts = json.loads(report.read_text())
    assert (facts["form"], facts["kept"], facts["left_out"]) == (form, sorted(kept), [".cache/thumbnails.db"])


def test_pycocotools_reads_the_result(make, tmp_path):
    pycocotools = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    root, _, _ = make("coco")
    out = tmp_path / "out"
    assert run("anonymize-set", root, "-o", out, "--form", "coco", "--detections", tmp_path / "faces.json") == 0
    coco = pycocotools.COCO(str(out / "annotations" / "person_val2017.json"))
    for image in coco.loadImgs(coco.getImgIds()):
        assert read_image(out / "val2017" / image["file_name"]).pixels.shape == (image["height"], image["width"], 3)
        assert len(coco.getAnnIds(image["id"])) == 1


def test_a_picture_that_fails_is_missing_and_said(make, tmp_path, capsys):
    root, pictures, kept = make("yolo")
    whole = (root / pictures[0]).read_bytes()
    (root / pictures[0]).write_bytes(whole[: len(whole) // 2])
    options = ["--form", "yolo", "--method", "blackout", "--detections", tmp_path / "faces.json"]
    assert run("anonymize-set", root, "-o", tmp_path / "out", *options) == 1
    errors = capsys.readouterr().err
    assert f"FAILED {pictures[0]}" in errors
    assert "lacks 1 pictures" in errors
    assert files(tmp_path / "out") == sorted([pictures[1], *kept])
    (root / pictures[0]).write_bytes(whole)  # mended: the same command again
    assert run("anonymize-set", root, "-o", tmp_path / "out", *options) == 0
    assert files(tmp_path / "out") == sorted([*pictures, *kept])


def test_pictures_without_faces_fail_unless_a_copy_is_asked_for(make, tmp_path):
    root, pictures, _ = make("coco")
    plain = np.full((160, 200, 3), 90, np.uint8)
    write_image(root / pictures[1], plain)
    write_detections(tmp_path / "faces.json", {name: (draw_scene(9, 9, 0, 1)[1], 200, 160) for name in pictures}, FIVE)
    options = ["--form", "coco", "--method", "blackout", "--detections", tmp_path / "faces.json"]
    assert run("anonymize-set", root, "-o", tmp_path / "out", *options) == 1
    assert not (tmp_path / "out" / pictures[1]).exists()
    assert run("anonymize-set", root, "-o", tmp_path / "out", *options, "--on-no-face", "copy") == 0
    assert np.array_equal(read_image(tmp_path / "out" / pictures[1]).pixels, plain)


def test_a_detector_and_seeds_as_in_anonymize(make, tmp_path):
    root, pictures, _ = make("lfw")

    def result(name, seed):
        assert run("anonymize-set", root, "-o", tmp_path / name, "--form", "lfw", "--seed", seed) == 0
        return read_image(tmp_path / name / pictures[0]).pixels

    first, second, other = result("a", 1), result("b", 1), result("c", 2)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_wrong_places_and_forms(make, tmp_path, capsys):
    root, _, _ = make("folder")
    (tmp_path / "file").write_text("x")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "original.jpg").write_text("x")
    before = files(root)
    for out, form, message in ((root, "folder", "lie in each other"), (root / "out", "folder", "lie in each other"),
                               (tmp_path, "folder", "lie in each other"), (tmp_path / "file", "folder", "is a file"),
                               (tmp_path / "used", "folder", "original.jpg is not of this data set"),
                               (tmp_path / "o", "voc", "coco, folder, lfw, yolo"),
                               (tmp_path / "o", "coco", "no COCO annotations")):  # fmt: skip
        assert run("anonymize-set", root, "-o", out, "--form", form, "--method", "blackout") == 2
        captured = capsys.readouterr()
        assert message in captured.err
        assert len(captured.err.strip().splitlines()) == 1
    assert files(root) == before
    assert not (tmp_path / "o").exists()
