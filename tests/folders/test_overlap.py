"""Photos are read, looked at, drawn and written at the same time, in order."""

import threading

import numpy as np
import pytest

from deepanon.folders import Files, anonymize_files
from deepanon.folders import run as running
from deepanon.images import read_image, write_image
from deepanon.pipeline import FaceAnonymizer

LONG = 60  # seconds after which nobody comes any more


class Steps:
    """Says when a step has begun with the n-th photo, and waits in it until the step before has the next one."""

    def __init__(self, count, overlap=True):
        self.begun = {step: [threading.Event() for _ in range(count)] for step in ("read", "find", "draw", "write")}
        self.count, self.overlap, self.lock, self.counts = (
            count,
            overlap,
            threading.Lock(),
            dict.fromkeys(self.begun, 0),
        )

    def __call__(self, step, before=None):
        with self.lock:
            number = self.counts[step]
            self.counts[step] += 1
        self.begun[step][number].set()
        if before and self.overlap and number + 1 < self.count:
            assert self.begun[before][number + 1].wait(LONG), f"no {before} while {step}"


def watched(photos, steps, monkeypatch):
    """An anonymizer each step of which goes through `steps`."""
    inner = photos.anonymizer("gaussian")

    class Watched(FaceAnonymizer):
        def replace(self, *arguments):
            steps("draw", "find")
            return super().replace(*arguments)

    def detector(image, name=""):
        steps("find", "read")
        return inner.detector(image, name)

    def read(path):
        steps("read")
        return read_image(path)

    def write(*arguments, **options):
        steps("write", "draw")
        write_image(*arguments, **options)

    monkeypatch.setattr(running, "read_image", read)
    monkeypatch.setattr(running, "write_image", write)
    return Watched(detector, inner.anonymizer, inner.seeds)


def pixels(folder, names):
    return {name: read_image(folder / name).pixels for name in names}


def test_each_step_has_the_next_photo_while_the_one_after_has_this(photos, tmp_path, monkeypatch):
    anonymizer = watched(photos, Steps(len(photos.names)), monkeypatch)
    before = threading.active_count()
    outcomes = list(anonymize_files(Files([photos.root], tmp_path / "out"), tmp_path / "out", anonymizer))
    assert [outcome.status for outcome in outcomes] == ["anonymized"] * len(photos.names), outcomes
    assert [outcome.name for outcome in outcomes] == [job.name for job in Files([photos.root]).jobs()]
    assert threading.active_count() == before
    plain = photos.anonymizer("gaussian")
    for name, made in pixels(tmp_path / "out", photos.names).items():
        np.testing.assert_array_equal(made, plain(read_image(photos.root / name).pixels, name=name))


def test_few_photos_are_held(many_photos, tmp_path, monkeypatch):
    photos = many_photos(tmp_path / "in", [f"{i:02d}.bmp" for i in range(30)])
    steps = Steps(30, overlap=False)
    work = anonymize_files(
        Files([photos.root], tmp_path / "out"), tmp_path / "out", watched(photos, steps, monkeypatch)
    )
    for done, _ in enumerate(work, 1):
        assert steps.counts["read"] - done <= 3 * running.ROOM + 4
    assert done == 30


@pytest.mark.parametrize("step", ["find", "draw"])
def test_a_photo_that_fails_in_a_thread_is_named_and_the_others_go_on(step, photos, tmp_path, monkeypatch):
    anonymizer = photos.anonymizer()
    real = getattr(anonymizer, "detector" if step == "find" else "replace")

    def fails(*arguments, **options):
        fails.count += 1
        if fails.count == 3:
            raise RuntimeError("broken here")
        return real(*arguments, **options)

    fails.count = 0
    setattr(anonymizer, "detector" if step == "find" else "replace", fails)
    outcomes = list(anonymize_files(Files([photos.root], tmp_path / "out"), tmp_path / "out", anonymizer))
    assert [outcome.status for outcome in outcomes].count("failed") == 1
    assert outcomes[2].status == "failed"
    assert "broken here" in outcomes[2].error
    assert not (tmp_path / "out" / outcomes[2].name).exists()
    assert all((tmp_path / "out" / one.name).exists() for one in outcomes if one.status == "anonymized")


def test_whoever_stops_in_the_middle_leaves_no_thread(photos, tmp_path):
    before = threading.active_count()
    work = anonymize_files(Files([photos.root], tmp_path / "out"), tmp_path / "out", photos.anonymizer())
    next(work)
    work.close()
    assert threading.active_count() == before
