"""`deepanon anonymize` on a film, with the detector and the generator that everybody has."""

import json

import av
import numpy as np
import pytest
from skimage.data import astronaut

from deepanon.cli import FAILED, MISUSED, main


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Twelve frames of a NASA portrait that moves."""
    path = tmp_path_factory.mktemp("film") / "in.mp4"
    wide = astronaut()[:256, 96:416]
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 256, 256, "yuv420p"
        for i in range(12):
            picture = np.ascontiguousarray(wide[:, 4 * i : 4 * i + 256])
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))
    return path


def pictures(path):
    with av.open(str(path)) as opened:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]).astype(int)


def test_a_film_is_anonymized(film, tmp_path, capsys):
    assert run("anonymize", film, "-o", tmp_path / "out.mp4", "--seed", 1) == 0
    assert "in.mp4: 12 frames, 1 faces; drawn 12 times, redacted 0 times" in capsys.readouterr().out
    change = np.abs(pictures(film) - pictures(tmp_path / "out.mp4")).mean(-1)
    assert change.shape == (12, 256, 256)
    assert np.median(change, axis=(1, 2)).max() < 4  # most of the picture stays
    assert (change > 30).mean((1, 2)).min() > 0.02  # and in every frame a face is another


@pytest.mark.parametrize("wrong", ["in.mp4", "out.mp4", "."])
def test_a_report_does_not_take_the_place_of_a_film(wrong, film, tmp_path, capsys):
    source = tmp_path / "in.mp4"
    source.write_bytes(film.read_bytes())
    told = ("--json", tmp_path / wrong)
    assert run("anonymize", source, "-o", tmp_path / "out.mp4", "--method", "blackout", *told) == MISUSED
    assert source.read_bytes() == film.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_preview_is_shorter_and_may_be_strict(film, tmp_path):
    out = tmp_path / "out.mkv"
    assert (
        run("anonymize", film, "-o", out, "--preview", 0.2, "--method", "blackout", "--strict", "--preset", "ultrafast")
        == 0
    )
    assert len(pictures(out)) == 5


def test_a_film_without_faces_fails(tmp_path, capsys):
    path = tmp_path / "in.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        output.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")))
        output.mux(stream.encode(None))
    assert run("anonymize", path, "-o", tmp_path / "out.mp4") == FAILED
    assert "no face found in 1 frames" in capsys.readouterr().err
    assert run("anonymize", path, "-o", tmp_path / "out.mp4", "--on-no-face", "copy") == 0
    assert len(pictures(tmp_path / "out.mp4")) == 1


def test_faces_of_a_film_that_are_left_are_said(film, tmp_path, capsys):
    out, told = tmp_path / "out.mp4", tmp_path / "out.json"
    options = ("anonymize", film, "-o", out, "--seed", 1, "--json", told, "--preset", "ultrafast")
    assert run(*options, "--min-size", 200, "--zone", "0,0,5,5", "--preview", 0.12) == 0
    said = capsys.readouterr()
    assert "LEFT OPEN in in.mp4: 1 smaller than 200 px" in said.err
    assert "drawn 0 times, redacted 0 times" in said.out
    assert np.abs(pictures(film)[:3] - pictures(out)).mean() < 3
    stored = json.loads(told.read_text())
    assert stored["tracks"][0]["left"] == "smaller than 200 px"
    assert "faces from 200 px" in stored["selection"]
    del stored["tracks"][0]["left"]
    told.write_text(json.dumps(stored))
    assert run(*options[:6], "--preset", "ultrafast", "--detections", told, "--preview", 0.12) == 0
    said = capsys.readouterr()
    assert "LEFT OPEN" not in said.err
    assert "drawn 3 times" in said.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-o", "out.avi"), "cannot write .avi"),
        (("-o", "out.mp4", "--codec", "ffv1"), "do not hold 'ffv1'"),
        (("-o", "out.mp4", "--keep-metadata"), "--keep-metadata goes with photos"),
        (("-o", "out.mp4", "--start", "2", "--end", "1"), "must lie before"),
        (("-o", "out.mp4", "--padding", "-1"), "padding must be 0 or more"),
        (("-o", "in.mp4"), "same file"),
    ],
)
def test_a_wrong_wish_is_misuse(film, tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(film.parent)
    assert run("anonymize", "in.mp4", *options) == MISUSED
    assert message in capsys.readouterr().err


def test_two_films_of_one_name_are_refused(film, tmp_path, capsys):
    assert run("anonymize", film, film, "-o", tmp_path) == MISUSED
    assert "would both become in.mp4" in capsys.readouterr().err


def test_what_is_no_film_fails(tmp_path, capsys):
    (tmp_path / "in.mp4").write_bytes(b"no film" * 99)
    assert run("anonymize", tmp_path / "in.mp4", "-o", tmp_path / "out.mp4") == FAILED
    assert "not a film" in capsys.readouterr().err
