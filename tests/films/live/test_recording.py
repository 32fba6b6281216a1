"""A recording is called finished when it is."""

import shutil

import numpy as np
import pytest

from deepanon.errors import FilmError, OptionError
from deepanon.films import Encoding
from deepanon.films.live.recording import Recording


def record(target, live, count=60, encoding=None):
    source = live.Shown([], rate=25)
    recording = Recording(target, source, encoding)
    pictures = live.walk(count, step=1)[0]
    for i, picture in enumerate(pictures):
        recording.write(i, picture)
    return recording, pictures


def playable(path, live):
    """The pictures of a file until it breaks off."""
    import av

    got = []
    with av.open(str(path)) as film:
        for packet in film.demux(film.streams.video[0]):
            try:
                got += [frame.to_ndarray(format="rgb24") for frame in packet.decode()]
            except av.FFmpegError:
                break
    return got


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".webm", ".m4v"])
def test_it_has_its_name_only_when_it_is_finished(tmp_path, live, suffix):
    target = tmp_path / f"out{suffix}"
    recording, pictures = record(target, live, 30)
    assert [path.name for path in tmp_path.iterdir()] == [f"out{suffix}.partial"]
    recording.finish()
    assert [path.name for path in tmp_path.iterdir()] == [f"out{suffix}"]
    shown = live.shown(target)
    assert [time for time, _ in shown] == pytest.approx([i / 25 for i in range(30)], abs=0.002)
    for picture, (_, pixels) in zip(pictures, shown, strict=True):
        assert np.abs(picture.astype(int) - pixels).mean() < 8
    assert live.heard(target) == []


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_what_is_broken_off_can_be_played_and_is_not_called_finished(tmp_path, live, suffix):
    recording, _ = record(tmp_path / f"out{suffix}", live, 60)
    recording.abort()
    (left,) = tmp_path.iterdir()
    assert left.name == f"out{suffix}.partial"
    assert len(playable(left, live)) == 60


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_what_a_kill_leaves_can_be_played_as_far_as_it_goes(tmp_path, live, suffix):
    recording, _ = record(tmp_path / f"out{suffix}", live, 240, Encoding(preset="ultrafast"))
    shutil.copy(recording.partial, tmp_path / "killed")  # what is on the disk now, without an end
    recording.abort()
    assert 50 <= len(playable(tmp_path / "killed", live)) <= 240


def test_a_recording_that_was_broken_off_is_not_overwritten(tmp_path, live):
    record(tmp_path / "out.mp4", live, 5)[0].abort()
    before = (tmp_path / "out.mp4.partial").read_bytes()
    with pytest.raises(OptionError, match=r"out\.mp4\.partial is left of a recording"):
        Recording(tmp_path / "out.mp4", live.Shown([]))
    assert (tmp_path / "out.mp4.partial").read_bytes() == before


def test_no_picture_leaves_no_file(tmp_path, live):
    Recording(tmp_path / "out.mp4", live.Shown([])).abort()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_refused_at_once(tmp_path, live):
    for encoding in (None, Encoding()):
        with pytest.raises(OptionError, match=r"\.avi"):
            Recording(tmp_path / "out.avi", live.Shown([]), encoding)
    with pytest.raises(OptionError, match="do not hold"):
        Recording(tmp_path / "out.webm", live.Shown([]), Encoding("h264"))
    with pytest.raises(FilmError, match="cannot be written"):
        Recording(tmp_path / "out.mp4", live.Shown([]), Encoding(preset="nonsense")).write(0, live.street())
    assert list(tmp_path.glob("*.mp4")) == []


@pytest.mark.parametrize(
    ("asked", "preset"), [(None, "veryfast"), (Encoding(crf=20), "veryfast"), (Encoding(preset="slow"), "slow")]
)
def test_it_is_quick_unless_it_is_told_otherwise(tmp_path, live, asked, preset):
    recording = Recording(tmp_path / "out.mp4", live.Shown([]), asked)
    assert recording.encoding.options["preset"] == preset
    recording.abort()


def test_an_odd_picture_is_made_even(tmp_path, live):
    recording = Recording(tmp_path / "out.mp4", live.Shown([], size=(61, 47)))
    recording.write(0, live.street(width=61, height=47))
    recording.finish()
    assert live.shown(tmp_path / "out.mp4")[0][1].shape == (48, 62, 3)
