"""Many files: in order, none twice, none half, none skipped, whatever happens in between."""

import errno
import json
import os

import numpy as np
import pytest

from deepanon.detectors import Sidecars
from deepanon.errors import OptionError, SaveError
from deepanon.folders import Files, Journal, Shard, anonymize_files
from deepanon.folders import run as running
from deepanon.folders.jobs import journal_folder
from deepanon.folders.sidecars import made_with
from deepanon.images import read_image


def contents(folder):
    """Name -> bytes of every file below a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def go(photos, output, anonymizer=None, shard=None, **options):
    """Do the folder with a journal; the outcomes and the names that were looked at."""
    anonymizer = anonymizer or photos.anonymizer()
    plan = Files([photos.root], output, shard)
    with Journal(output, plan.shard, made_with(anonymizer), anew=options.pop("anew", False)) as journal:
        outcomes = list(anonymize_files(plan, output, anonymizer, journal=journal, **options))
    return outcomes, getattr(anonymizer.detector, "asked", None)


def test_every_photo_is_done_in_order(photos, tmp_path):
    outcomes, asked = go(photos, tmp_path / "out")
    assert [outcome.name for outcome in outcomes] == asked
    assert sorted(asked) == sorted(photos.names)
    assert {outcome.status for outcome in outcomes} == {"anonymized"}
    for name in photos.names:
        before, after = read_image(photos.root / name).pixels, read_image(tmp_path / "out" / name).pixels
        x0, y0, x1, y1 = photos.faces[name].boxes[0].astype(int)
        assert (after[y0:y1, x0:x1] == 0).all()
        assert (after != before).any(-1).sum() <= 28 * 28  # the box and the ring around it
    assert sorted(contents(tmp_path / "out")) == sorted(photos.names)  # and nothing else


def test_nothing_is_done_twice(photos, tmp_path):
    out = tmp_path / "out"
    first, _ = go(photos, out)
    stamps = {name: os.stat(out / name).st_mtime_ns for name in photos.names}
    again, asked = go(photos, out)
    assert asked == []
    assert [o.to_json() for o in again] == [o.to_json() for o in first]
    assert all(o.earlier for o in again)
    assert {name: os.stat(out / name).st_mtime_ns for name in photos.names} == stamps


def test_what_is_new_changed_or_gone_is_done(photos, tmp_path):
    out = tmp_path / "out"
    photos.faces["new.png"] = photos.faces["a.png"]
    go(photos, out)
    (out / "sub/a.png").unlink()
    (out / "b.png").write_bytes(b"half")
    picture = (photos.root / "a.png").read_bytes()
    (photos.root / "a.png").write_bytes(picture + b"\0")
    (photos.root / "new.png").write_bytes(picture)
    _, asked = go(photos, out)
    assert sorted(asked) == ["a.png", "b.png", "new.png", "sub/a.png"]


def test_a_failure_stops_nothing_and_is_tried_again(photos, tmp_path):
    good = (photos.root / "sub/a.png").read_bytes()
    (photos.root / "sub/a.png").write_bytes(good[:99])
    outcomes, _ = go(photos, tmp_path / "out")
    assert [o.name for o in outcomes if o.status == "failed"] == ["sub/a.png"]
    assert "not a readable picture" in next(o for o in outcomes if o.status == "failed").error
    assert not (tmp_path / "out/sub/a.png").exists()
    (photos.root / "sub/a.png").write_bytes(good)
    outcomes, asked = go(photos, tmp_path / "out")
    assert asked == ["sub/a.png"]
    assert {o.status for o in outcomes} == {"anonymized"}


def test_other_settings_are_not_mixed(photos, tmp_path):
    go(photos, tmp_path / "out")
    with pytest.raises(OptionError, match=r"begun with drawn_by .*true black.*--anew"):
        go(photos, tmp_path / "out", photos.anonymizer("noise"))
    _, asked = go(photos, tmp_path / "out", photos.anonymizer("noise"), anew=True)
    assert len(asked) == len(photos.names)


def test_two_runs_at_once_are_refused(photos, tmp_path):
    anonymizer = photos.anonymizer()
    with Journal(tmp_path / "out", Shard(), made_with(anonymizer)), pytest.raises(OptionError, match="another run"):
        Journal(tmp_path / "out", Shard(), made_with(anonymizer))


def test_shards_make_together_what_one_makes(photos, tmp_path):
    go(photos, tmp_path / "whole", photos.anonymizer("noise"))
    for i in (1, 2, 3):
        go(photos, tmp_path / "parts", photos.anonymizer("noise"), Shard(i, 3))
    assert contents(tmp_path / "whole") == contents(tmp_path / "parts")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_stops_the_run_and_nothing_is_half(photos, tmp_path, monkeypatch, code):
    real, written = running.write_image, []

    def full(path, pixels, like=None, **options):
        if len(written) == 3:
            raise OSError(code, os.strerror(code))
        written.append(path)
        real(path, pixels, like, **options)

    monkeypatch.setattr(running, "write_image", full)
    with pytest.raises(SaveError, match="disk is full"):
        go(photos, tmp_path / "out")
    assert len(contents(tmp_path / "out")) == 3
    monkeypatch.setattr(running, "write_image", real)
    _, asked = go(photos, tmp_path / "out")
    assert len(asked) == len(photos.names) - 3


def test_what_a_killed_run_was_writing_is_removed(photos, tmp_path):
    out, anonymizer = tmp_path / "out", photos.anonymizer()
    with Journal(out, Shard(), made_with(anonymizer)) as journal:
        journal.begin(out / "b.png")
    out.mkdir()
    (out / ".b.0123abcd.part.png").write_bytes(b"half")
    (out / ".a.0123abcd.part.png").write_bytes(b"another shard is at it")
    go(photos, out)
    assert not (out / ".b.0123abcd.part.png").exists()
    assert (out / ".a.0123abcd.part.png").exists()


def test_sidecars_tell_everything_but_pixels_and_do_it_again(photos, tmp_path):
    side = tmp_path / "side"
    go(photos, tmp_path / "out", photos.anonymizer("noise"), sidecars=side)
    assert sorted(contents(side)) == sorted(f"{name}.json" for name in photos.names)
    stored = json.loads((side / "sub/deep/x.png.json").read_text())
    assert stored["images"]["sub/deep/x.png"]["width"] == 64
    assert stored["made"]["drawn_by"].startswith("Gaussian noise")
    assert stored["made"]["version"]
    assert len(stored["made"]["seeds"]) == 64

    again = photos.anonymizer("noise")
    again.detector = Sidecars(side)
    go(photos, tmp_path / "again", again)
    assert contents(tmp_path / "again") == contents(tmp_path / "out")


def test_an_edited_sidecar_is_done_again_alone(photos, tmp_path):
    side, out = tmp_path / "side", tmp_path / "out"
    go(photos, tmp_path / "first", sidecars=side)
    anonymizer, plan = photos.anonymizer(), Files([photos.root], out)
    anonymizer.detector = Sidecars(side)

    def replay():
        with Journal(out, plan.shard, made_with(anonymizer), given=side) as journal:
            return list(anonymize_files(plan, out, anonymizer, journal=journal))

    replay()
    edited = side / "a.png.json"
    stored = json.loads(edited.read_text())
    stored["images"]["a.png"]["faces"] = [{"box": [0, 0, 9, 9]}]
    edited.write_text(json.dumps(stored))
    (side / "b.png.json").unlink()
    outcomes = {o.name: o for o in replay()}
    assert [name for name, o in outcomes.items() if not o.earlier] == ["a.png", "b.png"]
    assert (read_image(out / "a.png").pixels[:9, :9] == 0).all()
    assert outcomes["b.png"].status == "failed"  # no file is no licence to copy


def test_photos_are_bounded_in_flight(many_photos, tmp_path, monkeypatch):
    """However many there are, only a few are in memory."""
    photos = many_photos(tmp_path / "in", [f"{i:03d}.png" for i in range(40)])
    read, written, most = [], [], []
    real_read, real_write = running.read_image, running.write_image

    def reading(path):
        read.append(path)
        most.append(len(read) - len(written))
        return real_read(path)

    def writing(path, *arguments, **options):
        real_write(path, *arguments, **options)
        written.append(path)

    monkeypatch.setattr(running, "read_image", reading)
    monkeypatch.setattr(running, "write_image", writing)
    go(photos, tmp_path / "out")
    assert len(written) == 40
    assert max(most) <= 9


def test_stopping_early_ends_the_threads_and_leaves_whole_files(photos, tmp_path):
    anonymizer = photos.anonymizer()
    plan = Files([photos.root], tmp_path / "out")
    with Journal(tmp_path / "out", plan.shard, made_with(anonymizer)) as journal:
        work = anonymize_files(plan, tmp_path / "out", anonymizer, journal=journal)
        next(work)
        next(work)
        work.close()
    assert len(contents(tmp_path / "out")) == 2
    assert np.array_equal(read_image(tmp_path / "out" / "a.png").pixels.shape, (64, 64, 3))
    _, asked = go(photos, tmp_path / "out")
    assert len(asked) == 5


def test_a_journal_beside_an_output_that_cannot_be_written(photos, tmp_path):
    (tmp_path / "wall").write_text("x")
    with pytest.raises(SaveError, match="no journal"):
        Journal(tmp_path / "wall" / "out", Shard(), {})
    assert journal_folder(tmp_path / "out").name == ".out.journal"
