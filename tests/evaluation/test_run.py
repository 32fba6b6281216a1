"""Several studies in one run: what is reported of those that failed, and of those that are still to come."""

import json

import numpy as np
import pytest

from deepanon.data.wider import AnnotatedPhoto
from deepanon.errors import DataError
from deepanon.evaluation import PhotoStudy, Regions, Scorer, Store, build_variants, run
from deepanon.evaluation.report import Results


@pytest.fixture
def build(photos, fixed, only, identity):
    """A study of drawn photos; more may be added."""
    eye = fixed(only(photos[1].boxes), "eye")

    def made(name, *more):
        variants = build_variants({"identity": identity()})
        return PhotoStudy(
            name, [*photos[1:], *more], Regions(eye), variants, {"eye": Scorer(eye)}, {}, Store(), resamples=20
        )

    return made


def broken(folder):
    (folder / "Jane_Doe").mkdir()
    (folder / "Jane_Doe" / "Jane_Doe_0001.jpg").write_bytes(b"no picture")
    box = np.array([[1, 1, 9, 9]], dtype=np.float32)
    return AnnotatedPhoto(folder / "Jane_Doe" / "Jane_Doe_0001.jpg", "Jane_Doe_0001.jpg", box, np.zeros(1, dtype=bool))


def texts(folder):
    return {path.name: path.read_text() for path in (folder / "report").iterdir()}


def test_a_face_outside_its_picture_counts_and_fails_nothing(build, photos, tmp_path):
    """It can be neither covered nor shown."""
    far = np.array([[5000, 5000, 5040, 5040]], dtype=np.float32)
    outside = AnnotatedPhoto(photos[0].path, "far.png", far, np.zeros(1, dtype=bool))
    results, failures = run([build("drawn", outside)], {}, tmp_path)
    assert failures == []
    (coverage,) = [v for v in results.values if v.metric == "coverage"]
    assert coverage.n == 7
    assert (tmp_path / "pictures" / "index.json").exists()


def test_drawn_faces_stay_beside_photographs(build, identity, tmp_path):
    """They are all that a report without photographs can show."""
    run([build("drawn")], {"identity": identity()}, tmp_path, no_photos=True)
    listed = json.loads((tmp_path / "pictures" / "index.json").read_text())
    assert {picture["real"] for picture in listed} == {True, False}
    assert texts(tmp_path)["index.html"].count("<img ") == sum(not picture["real"] for picture in listed) == 4


def test_no_file_of_a_report_says_where_photos_lie(build, tmp_path):
    _, failures = run([build("bad", broken(tmp_path)), build("good")], {}, tmp_path / "out")
    assert str(tmp_path) in failures[0]
    for name, text in texts(tmp_path / "out").items():
        assert str(tmp_path) not in text, name
        if name != "table.tex":
            assert "Not measured: bad: " in text.replace("\\_", "_"), name


def test_a_report_without_photos_does_not_name_them_either(build, tmp_path):
    _, failures = run([build("bad", broken(tmp_path)), build("good")], {}, tmp_path / "out", no_photos=True)
    assert "Jane_Doe" in failures[0]
    for name, text in texts(tmp_path / "out").items():
        assert "Jane" not in text, name
    assert "Not measured: bad" in Results.read(tmp_path / "out" / "report").notes


def test_a_report_that_is_not_finished_says_so(build, tmp_path):
    class Looks:
        """Reads the report that lies there when the next study begins."""

        name = "second"

        def observe(self, progress=iter):
            self.before = Results.read(tmp_path / "report")
            raise DataError("enough")

    second = Looks()
    results, failures = run([build("first"), second], {}, tmp_path)
    assert second.before.notes == ["Not measured yet: second"]
    assert {v.data for v in second.before.values} == {"first"}
    assert failures == ["second: enough"]
    assert results.notes == ["Not measured: second: enough"]
    assert "yet" not in json.dumps(Results.read(tmp_path / "report").notes)


def test_numbers_stand_even_if_their_pictures_cannot_be_shown(build, tmp_path, monkeypatch):
    study = build("first")

    def fails():
        raise DataError("no face to show")

    monkeypatch.setattr(study, "examples", fails)
    results, failures = run([study], {}, tmp_path)
    assert failures == ["first: no face to show"]
    assert results.notes == ["Measured, but not shown: first: no face to show"]
    assert {v.data for v in results.values} == {"first"} == set(results.sets)
