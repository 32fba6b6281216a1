"""`deepanon anonymize` on folders: photos and films together, sidecars, shards, going on."""

import json

import av
import numpy as np
import pytest
from skimage.data import astronaut

from deepanon.cli import FAILED, MISUSED, main
from deepanon.images import read_image, write_image


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A NASA portrait as a photo, in a film of six frames, and in a film whose kind cannot be written."""
    root = tmp_path_factory.mktemp("archive") / "in"
    portrait = np.ascontiguousarray(astronaut()[:256, 96:352])
    write_image(root / "photo.png", portrait)
    for name, codec in (("films/a.mp4", "libx264"), ("films/b.avi", "mpeg4")):
        (root / name).parent.mkdir(exist_ok=True)
        with av.open(str(root / name), "w") as output:
            stream = output.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 256, 256, "yuv420p"
            for _ in range(6):
                output.mux(stream.encode(av.VideoFrame.from_ndarray(portrait, format="rgb24")))
            output.mux(stream.encode(None))
    return root


def test_photos_and_films_of_a_folder_are_done(archive, tmp_path, capsys):
    out, side = tmp_path / "out", tmp_path / "side"
    assert run("anonymize", archive, "-o", out, "--seed", 3, "--sidecars", side, "--preset", "ultrafast") == 0
    found = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    assert found == ["films/a.mp4", "films/b.avi.mp4", "photo.png"]
    captured = capsys.readouterr()
    assert "3 files: 3 anonymized, 0 failed; 3 faces" in captured.out
    assert json.loads((side / "films/a.mp4.json").read_text())["kind"] == "film"
    assert json.loads((side / "photo.png.json").read_text())["images"]["photo.png"]["faces"]

    report = tmp_path / "report.json"
    assert run("anonymize", archive, "-o", out, "--seed", 3, "--preset", "ultrafast", "--json", report) == 0
    assert "(3 in an earlier run)" in capsys.readouterr().out
    files = {entry["name"]: entry for entry in json.loads(report.read_text())["files"]}
    assert files["films/a.mp4"]["frames"] == 6
    assert files["films/b.avi.mp4"]["drawn"] == 6


def test_sidecars_are_edited_and_done_again(archive, tmp_path):
    side = tmp_path / "side"
    options = ("--method", "blackout", "--preset", "ultrafast")
    assert run("anonymize", archive, "-o", tmp_path / "one", *options, "--sidecars", side) == 0
    photo = side / "photo.png.json"
    stored = json.loads(photo.read_text())
    stored["images"]["photo.png"]["faces"].append({"box": [0, 0, 20, 20]})
    photo.write_text(json.dumps(stored))
    (side / "films/b.avi.mp4.json").unlink()
    assert run("anonymize", archive, "-o", tmp_path / "two", *options, "--detections", side) == FAILED
    assert (read_image(tmp_path / "two/photo.png").pixels[:20, :20] == 0).all()
    assert (tmp_path / "two/films/a.mp4").read_bytes() == (tmp_path / "one/films/a.mp4").read_bytes()
    assert not (tmp_path / "two/films/b.avi.mp4").exists()


def test_a_film_that_fails_stops_nothing(archive, tmp_path, capsys):
    broken = tmp_path / "in"
    broken.mkdir()
    (broken / "a.mp4").write_bytes((archive / "films/a.mp4").read_bytes()[:200])
    write_image(broken / "b.png", read_image(archive / "photo.png").pixels)
    assert run("anonymize", broken, "-o", tmp_path / "out", "--method", "blackout") == FAILED
    captured = capsys.readouterr()
    assert "FAILED a.mp4" in captured.err
    assert (tmp_path / "out/b.png").is_file()
    assert "2 files: 1 anonymized, 1 failed" in captured.out


def test_wrong_shards_and_other_settings_are_misuse(archive, tmp_path, capsys):
    photo = archive.parent / "photos"
    write_image(photo / "a.png", read_image(archive / "photo.png").pixels)
    assert run("anonymize", photo, "-o", tmp_path / "o", "--shard", "3/2") == MISUSED
    assert run("anonymize", photo, "-o", tmp_path / "o", "--method", "blackout") == 0
    assert run("anonymize", photo, "-o", tmp_path / "o", "--method", "mosaic") == MISUSED
    assert "--anew" in capsys.readouterr().err
    assert run("anonymize", photo, "-o", tmp_path / "o", "--method", "mosaic", "--anew") == 0


def test_what_is_drawn_can_be_checked_in_place(archive, tmp_path, capsys):
    out = tmp_path / "out"
    options = ("--seed", 3, "--preset", "ultrafast", "--verify")
    assert run("anonymize", archive, "-o", out, *options) == 0
    assert "checked as they were drawn: 0 faces drawn again, 0 black after all" in capsys.readouterr().out
    assert run("verify", archive, out) == 0
    assert run("anonymize", archive, "-o", out, "--recogniser", "facenet") == MISUSED
    assert "--recogniser goes with --verify" in capsys.readouterr().err


def test_what_hides_nothing_is_black_when_checked(archive, tmp_path, capsys):
    photo, out = archive / "photo.png", tmp_path / "o.png"
    assert run("anonymize", photo, "-o", out, "--method", "gaussian9", "--verify") == 0
    assert "0 faces drawn again, 1 black after all" in capsys.readouterr().out
    assert (read_image(out).pixels == 0).all(-1).mean() > 0.05
    film, told = tmp_path / "film.mp4", tmp_path / "film.json"
    blurred = ("anonymize", archive / "films/a.mp4", "-o", film, "--method", "gaussian9", "--verify")
    assert run(*blurred, "--json", told) == 0
    assert "0 faces drawn with another seed, 1 black after all" in capsys.readouterr().err
    stored = json.loads(told.read_text())
    assert {face["redacted"] for face in stored["tracks"][0]["faces"]} == {"each new face was too like the old one"}
    told.write_text(json.dumps(stored | {"tracks": []}))  # nobody is replaced, and nothing is tried
    film.unlink()
    again = tmp_path / "again.json"
    assert run(*blurred, "--detections", told, "--on-no-face", "copy", "--json", again) == FAILED
    assert not film.exists()  # it does not look finished
    assert (tmp_path / "film.exposed.mp4").exists()
    assert json.loads(again.read_text())["kind"] == "film"  # to be edited


def test_a_film_bears_its_name_only_when_it_was_checked(archive, tmp_path, monkeypatch):
    from deepanon.verifying import Verifier

    def interrupted(self, source, made, *_):
        assert [path.name for path in tmp_path.glob("*.mp4")] == [made.name] == ["film.unchecked.mp4"]
        raise KeyboardInterrupt

    monkeypatch.setattr(Verifier, "__call__", interrupted)
    film = archive / "films/a.mp4"
    assert run("anonymize", film, "-o", tmp_path / "film.mp4", "--method", "blackout", "--verify") == 130
    assert not (tmp_path / "film.mp4").exists()
    assert run("anonymize", film, "-o", film, "--method", "blackout", "--verify") == MISUSED
