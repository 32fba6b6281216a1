"""`deepanon anonymize` on pipes, and on a film file that stands in for a camera."""

import os
import signal
import subprocess
import sys
import threading
import time

import av
import numpy as np
import pytest
from skimage.data import astronaut

from deepanon.cli import FAILED, MISUSED, live, main

SIDE = 256
RAW = ("anonymize", "-", "--size", f"{SIDE}x{SIDE}", "--method", "blackout")
GREY = bytes([90]) * (64 * 64 * 3)
INTERRUPTED = 130


def portraits(count):
    """A NASA portrait that moves."""
    wide = astronaut()[:SIDE, 96 : 96 + SIDE + 4 * count]
    return np.stack([wide[:, 4 * i : 4 * i + SIDE] for i in range(count)])


def run(*arguments):
    """Exit code; no thread may be left."""
    before = set(threading.enumerate())
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert set(threading.enumerate()) - before == set()
    return ended.value.code


@pytest.fixture
def piped(tmp_path):
    """Puts bytes on standard input."""
    kept = os.dup(0)

    def put(data):
        path = tmp_path / "stdin"
        path.write_bytes(data)
        file = os.open(path, os.O_RDONLY)
        os.dup2(file, 0)
        os.close(file)

    yield put
    os.dup2(kept, 0)
    os.close(kept)


def black_faces(made, before):
    """Whether in each picture a part as large as a face is black, and the border is as it was."""
    dark = (made.max(-1) == 0).mean((1, 2)) - (before.max(-1) == 0).mean((1, 2))
    return bool((dark > 0.05).all() and (made[:, -8:] == before[:, -8:]).all())


def test_a_pipe_gives_pictures_and_nothing_else(piped, capfdbinary):
    before = portraits(4)
    piped(before.tobytes() + b"half a picture")
    assert run(*RAW, "-o", "-", "--delay", 0.1) == 0
    out, error = capfdbinary.readouterr()
    made = np.frombuffer(out, dtype=np.uint8).reshape(before.shape)
    assert black_faces(made, before)
    said = error.decode()
    assert "14 bytes" in said
    assert "4 pictures, 1 faces; drawn 4 times" in said
    assert "IS" not in said.split("stdin: 4")[1]
    assert "SHOWN" in said
    assert f"{live.RATE} a second" in said


def test_pixels_of_another_kind_go_in_and_out(piped, capfdbinary):
    from deepanon.films.live.pixels import PixelFormat

    format_, before = PixelFormat("yuv420p", SIDE, SIDE), portraits(2)
    piped(b"".join(map(format_.write, before)))
    assert run(*RAW, "-o", "-", "--pixels", "yuv420p") == 0
    out = capfdbinary.readouterr().out
    made = np.stack([format_.read(out[i * format_.size :][: format_.size]) for i in range(2)]).astype(int)
    assert len(out) == 2 * format_.size
    change = np.abs(made - before)
    assert np.median(change) <= 3
    assert (made.max(-1) <= 2).mean() > 0.05


def test_a_pipe_becomes_a_film(piped, tmp_path, capfd):
    before = portraits(5)
    piped(before.tobytes())
    assert run(*RAW, "-o", tmp_path / "out.mkv", "--rate", 10, "--preset", "ultrafast") == 0
    assert "5 pictures, 1 faces" in capfd.readouterr().out
    with av.open(str(tmp_path / "out.mkv")) as film:
        shown = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in film.decode(video=0)]
    assert [at for at, _ in shown] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert ((np.stack([pixels for _, pixels in shown]).max(-1) < 20).mean((1, 2)) > 0.05).all()


def film_of(path, count=12):
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        for picture in portraits(count):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        output.mux(stream.encode(None))
    return str(path)


def test_a_camera_becomes_a_film(tmp_path, monkeypatch, capfd):
    film = film_of(tmp_path / "in.mp4")
    monkeypatch.setattr(live, "camera_of", lambda name: film if name == "0" else None)
    assert run("anonymize", "0", "-o", tmp_path / "out.mp4", "--method", "blackout") == 0
    said = capfd.readouterr()
    assert "SHOWN" in said.err
    assert " pictures, 1 faces; drawn " in said.out
    with av.open(str(tmp_path / "out.mp4")) as made:
        pictures = [frame.to_ndarray(format="rgb24") for frame in made.decode(video=0)]
    assert 1 <= len(pictures) <= 12
    assert all((pixels.max(-1) < 20).mean() > 0.05 for pixels in pictures)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


def test_what_fails_is_one_line_and_leaves_what_is_called_partial(piped, tmp_path, capfd, monkeypatch):
    from deepanon.films.live import recording

    usual = recording.Recording.write

    def full(self, pts, pixels):
        if self.frames == 2:
            raise OSError(28, "No space left on device")
        usual(self, pts, pixels)

    monkeypatch.setattr(recording.Recording, "write", full)
    piped(np.full((9, SIDE, SIDE, 3), 90, dtype=np.uint8).tobytes())
    assert run(*RAW, "-o", tmp_path / "out.mp4", "--delay", 0) == FAILED
    said = capfd.readouterr().err
    assert [line for line in said.splitlines() if "FAILED" in line] == [
        "deepanon: FAILED [Errno 28] No space left on device"
    ]
    assert "out.mp4.partial" in said.splitlines()[-1]
    assert "Traceback" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4.partial", "stdin"]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (["--audio", "keep"], "--audio"),
        (["--start", "1"], "--start"),
        (["--end", "1"], "--end"),
        (["--preview", "1"], "--preview"),
        (["--json", "x.json"], "--json"),
        (["--detections", "x.json"], "--detections"),
        (["--verify"], "--verify"),
        (["--sidecars", "x"], "--sidecars"),
        (["--shard", "1/2"], "--shard"),
        (["--anew"], "--anew"),
        (["--keep-metadata"], "--keep-metadata"),
        (["--keep", "x"], "--keep"),
        (["--only", "x"], "--only"),
        (["--min-size", "9"], "--min-size"),
        (["--zone", "0,0,9,9"], "--zone"),
        (["--recogniser", "facenet"], "--recogniser"),
        (["--crf", "20"], "--crf"),
        (["--start", "1", "--json", "x"], "--start, --json"),
    ],
)
def test_options_without_meaning_are_refused_in_one_line_that_names_them(capsys, more, named):
    assert run(*RAW, "-o", "-", *more) == MISUSED
    out, error = capsys.readouterr()
    assert out == ""
    assert error == f"deepanon: {named}: has no meaning for - -> -\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-", "-o", "-"], "give --size"),
        (["-", "in.jpg", "-o", "out"], "one input"),
        (["in.mp4", "-o", "-"], "only what comes from a camera"),
        (["in.mp4", "-o", "out.mp4", "--delay", "1", "--rate", "2"], "--delay, --rate: goes with a camera"),
        (["-", "-o", "-", "--size", "640"], "as in 640x480"),
        (["-", "-o", "-", "--size", "9x9", "--rate", "x"], "30000/1001"),
        (["-", "-o", "-", "--size", "9x9", "--rate", "0"], "above 0"),
        (["-", "-o", "-", "--size", "9x9", "--pixels", "rgba"], "choose one of"),
        (["-", "-o", "-", "--size", "9x9", "--pixels", "nv12"], "even"),
        (["-", "-o", "-", "--size", "8x8", "--delay", "99"], "from 0 to 10"),
        (["-", "-o", "out.avi", "--size", "8x8"], "cannot write .avi"),
        (["97", "-o", "out.mp4", "--pixels", "nv12"], "--pixels: has no meaning"),
        (["97", "-o", "out.mp4"], "camera 97 cannot be opened"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(piped, capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    piped(b"")
    assert run("anonymize", *arguments, "--method", "blackout") == MISUSED
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("out*"))


def test_a_folder_with_a_number_for_a_name_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert live.camera_of("0") == 0
    (tmp_path / "0").mkdir()
    assert live.camera_of("0") is None
    assert live.camera_of("/dev/video2") == "/dev/video2"
    assert live.camera_of("12.jpg") is None


def test_a_terminal_is_no_pipe(piped, capsys, monkeypatch):
    piped(b"")
    for terminal, what in ((0, "piped in"), (1, "there to take raw pictures")):
        monkeypatch.setattr(live.os, "isatty", lambda number, terminal=terminal: number == terminal)
        assert run(*RAW, "-o", "-") == MISUSED
        assert f"-: is a terminal; nothing is {what}" in capsys.readouterr().err


def test_enter_ends_a_camera_and_nothing_else_does(piped, monkeypatch):
    monkeypatch.setattr(live.os, "isatty", lambda number: number == 0)
    read, write = os.pipe()
    piped(b"")
    os.dup2(read, 0)
    stop = live._enter()
    assert not stop()
    os.write(write, b"\n")
    assert stop()
    monkeypatch.setattr(live.os, "isatty", lambda number: False)
    assert not live._enter()()
    os.close(read)
    os.close(write)


HEARD = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a background job ignores it


def started(*arguments, **more):
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"{HEARD}; from deepanon.cli import main; main()",
            "anonymize",
            "-",
            "--size",
            "64x64",
            "--method",
            "blackout",
            *map(str, arguments),
        ],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **more,
    )


@pytest.mark.timeout(600)
def test_ctrl_c_leaves_a_recording_that_does_not_look_finished(tmp_path):
    process = started("-o", tmp_path / "out.mp4", "--delay", 0)
    process.stdin.write(GREY * 40)  # returns when all but what a pipe holds are taken
    process.stdin.flush()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    try:
        error = process.communicate(timeout=280)[1].decode()
    finally:
        process.kill()
    assert process.returncode == INTERRUPTED, error
    assert "Traceback" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4.partial"]
    with av.open(str(tmp_path / "out.mp4.partial")) as film:
        assert len(list(film.decode(video=0))) > 20


@pytest.mark.timeout(600)
def test_a_reader_that_has_seen_enough_ends_it_without_a_word():
    process = started("-o", "-", "--delay", 0, stdout=subprocess.PIPE)
    writer = threading.Thread(target=lambda: _write_all(process.stdin), daemon=True)
    writer.start()
    try:
        assert process.stdout.read(len(GREY)) == GREY
        process.stdout.close()
        code = process.wait(timeout=280)
        writer.join(timeout=60)
        error = process.stderr.read().decode()
    finally:
        process.kill()
    process.stderr.close()
    assert code == FAILED, error
    assert "Broken" not in error
    assert "Traceback" not in error
    assert error.count("\n") == 2  # what it says when it starts


def _write_all(stream):
    """Pictures until nobody reads them."""
    try:
        for _ in range(2000):
            stream.write(GREY)
        stream.close()
    except BrokenPipeError:
        pass
