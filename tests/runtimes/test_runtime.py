"""How many faces at a time: chosen, measured, kept, and never part of the result."""

import json
import logging

import pytest
import torch

from deepanon.cli import main
from deepanon.errors import ModelError
from deepanon.models.inference import TOLERANCE
from deepanon.runtimes import ENGINES, Pace, Runtime, installed, onnx_engine, runtime
from deepanon.runtimes.lanes import Lanes
from deepanon.runtimes.pace import PaceBook, machine
from deepanon.runtimes.torch_engine import TorchEngine
from deepanon.runtimes.tuning import measured, paces


@pytest.fixture
def two_threads():
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


@pytest.mark.parametrize("pace", [Pace(1, 1), Pace(2, 1), Pace(1, 2), Pace(3, 2), Pace(8, 4)])
def test_a_pace_changes_nothing_beyond_the_bound(pace, loader, given):
    loaded = loader()
    inputs = given(loaded.network, 7)
    drawn = Runtime(TorchEngine(loaded), pace)(*inputs)
    torch.testing.assert_close(drawn, loaded.network(*inputs), atol=TOLERANCE, rtol=0)


def test_one_face_a_call_on_one_thread_each_gives_the_same_to_the_bit(loader, given):
    loaded = loader()
    inputs = given(loaded.network, 5)
    alone = torch.cat([Runtime(TorchEngine(loaded), Pace())(*(t[i : i + 1] for t in inputs)) for i in range(5)])
    for streams in (1, 2, 3):
        assert torch.equal(Runtime(TorchEngine(loaded), Pace(1, streams))(*inputs), alone)


def test_lanes_leave_the_thread_count_alone(two_threads):
    lanes = Lanes(3, 1)
    assert torch.get_num_threads() == 2
    counts = lanes.draw(lambda part: torch.tensor(torch.get_num_threads()), [()] * 6)
    assert [int(one) for one in counts] == [1] * 6
    lanes.close()
    assert torch.get_num_threads() == 2


def test_a_pace_is_kept_for_one_machine_network_and_runtime(cache, loader, monkeypatch, two_threads):
    loaded = loader()
    first = Runtime(TorchEngine(loaded))
    assert first.pace == Pace(1, 2)
    monkeypatch.setattr(runtime, "measured", lambda *a: {Pace(1, 2): 0.2, Pace(2, 1): 0.1})
    first.tune()
    assert first.pace == Pace(2, 1)
    assert Runtime(TorchEngine(loaded)).pace == Pace(2, 1)  # in the next run
    assert Runtime(TorchEngine(loader(seed=1))).pace == Pace(1, 2)  # another network
    assert Runtime(TorchEngine(loaded), Pace(4, 1)).pace == Pace(4, 1)  # asked for
    torch.set_num_threads(3)
    assert Runtime(TorchEngine(loaded)).pace == Pace(1, 3)  # as good as another machine


def test_nothing_is_measured_unasked(cache, loader, given, two_threads):
    """A run that is killed and goes on makes the same bytes."""
    loaded = loader()
    first, inputs = Runtime(TorchEngine(loaded)), given(loaded.network, 8)
    drawn = [first(*inputs) for _ in range(20)]
    assert all(torch.equal(one, drawn[0]) for one in drawn)
    assert torch.equal(Runtime(TorchEngine(loaded))(*inputs), drawn[0])
    assert not cache.exists()


def test_measuring_is_real_and_the_best_is_taken(cache, loader):
    drawing = Runtime(TorchEngine(loader()))
    times = drawing.tune(rounds=1)
    assert set(times) <= set(paces(drawing.engine, 1))
    assert all(seconds > 0 for seconds in times.values())
    assert drawing.pace == min(times, key=times.get)
    kept = json.loads((cache / "paces.json").read_text())
    assert [(one["of"], one["batch"], one["streams"]) for one in kept.values()] == [
        (drawing.key, drawing.pace.batch, drawing.pace.streams)
    ]
    assert machine() in drawing.key


def test_what_is_hopeless_is_not_measured_again(loader, monkeypatch):
    clock, drawn = iter(range(10**6)), []

    def draw(pace, inputs):
        drawn.append(pace)
        for _ in range(20 if pace.batch == 8 else 1):
            next(clock)

    monkeypatch.setattr("deepanon.runtimes.tuning.time.perf_counter", lambda: float(next(clock)))
    times = measured(draw, TorchEngine(loader()), 1, rounds=3)
    assert drawn.count(Pace(8, 1)) == 2  # the first may have compiled something
    assert set(times) == {Pace(1, 1), Pace(2, 1)}


@pytest.mark.parametrize("content", ["{", "[]", '{"%s": 3}', '{"%s": {"batch": 0, "streams": "x"}}', "\x00"])
def test_a_damaged_book_is_as_good_as_none(content, cache):
    book = PaceBook()
    book.put("key", Pace(2, 1), 0.1)
    name = next(iter(json.loads(book.path.read_text())))
    book.path.write_text(content.replace("%s", name))
    assert book.get("key") is None
    assert book.seconds("key") is None
    book.put("key", Pace(4, 1), 0.1)
    assert book.get("key") == Pace(4, 1)


def test_a_book_that_cannot_be_written_is_said(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    book = PaceBook()
    with caplog.at_level(logging.WARNING):
        book.put("key", Pace(2, 1), 0.1)
    assert "measured anew in each run" in caplog.text
    assert book.get("key") is None


class Tight(TorchEngine):
    """Memory for so many faces at a time."""

    room = 2

    def opened(self, threads):
        def draw(inputs):
            if len(inputs[0]) > self.room:
                raise RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory")
            return self._draw(inputs)

        return draw


def test_short_memory_slows_down_and_is_said(loader, given, caplog):
    loaded = loader()
    inputs = given(loaded.network, 5)
    drawing = Runtime(Tight(loaded), Pace(4, 2))
    with caplog.at_level(logging.WARNING):
        drawn = drawing(*inputs)
    assert "memory is short: faces are drawn one after the other" in caplog.text
    assert drawing.pace == Pace()
    torch.testing.assert_close(drawn, loaded.network(*inputs), atol=TOLERANCE, rtol=0)


def test_no_memory_for_a_single_face_is_an_error(loader, given, monkeypatch):
    loaded = loader()
    monkeypatch.setattr(Tight, "room", 0)
    with pytest.raises(ModelError, match=r"does not suffice to draw a single face .*smaller generator"):
        Runtime(Tight(loaded), Pace(4, 2))(*given(loaded.network, 5))


class Failing(TorchEngine):
    """Fails in a way of its own."""

    def opened(self, threads):
        def draw(inputs):
            raise ZeroDivisionError("inside")

        return draw


@pytest.mark.parametrize("pace", [Pace(), Pace(1, 2)])
def test_a_failure_is_named(pace, loader, given):
    loaded = loader()
    with pytest.raises(ModelError, match="runtime 'torch' failed: inside"):
        Runtime(Failing(loaded), pace)(*given(loaded.network, 3))


@pytest.mark.parametrize("words", [[], ["--runtime", "torch"]])
def test_the_command_measures_and_keeps(words, cache, capsys):
    with pytest.raises(SystemExit) as end:
        main(["tune", "--model", "first", *words])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith("runtime torch, 1 threads\n")
    measured = 1 if words else len(installed())
    assert said.count("(kept)") == measured
    assert len(json.loads((cache / "paces.json").read_text())) == measured


@pytest.mark.parametrize(("version", "asked"), [("1.32.0", "spin"), ("1.26.1", "spin"), ("1.25.2", "allow")])
def test_threads_of_onnx_runtime_wait_a_moment_at_most(version, asked):
    """Older versions know no time, and would wait for milliseconds."""
    values = {"spin": {"spin_duration_us": "20"}, "allow": {"allow_spinning": "0"}}
    assert onnx_engine._spinning(version) == values[asked]


def test_openvino_draws_any_number_with_what_it_compiles(loader, given, cache):
    if absent := ENGINES["openvino"].absent():
        pytest.skip(f"not installed: {absent}")
    loaded = loader()
    drawing = Runtime(ENGINES["openvino"](loaded), Pace(4, 1))
    assert [len(part[0]) for part in drawing.engine._parts(given(loaded.network, 7))] == [4, 2, 1]
    for faces in (1, 3, 7):
        inputs = given(loaded.network, faces)
        torch.testing.assert_close(drawing(*inputs), loaded.network(*inputs), atol=TOLERANCE, rtol=0)


class Uneven(TorchEngine):
    """Draws too bright with two threads."""

    name = "uneven"

    def opened(self, threads):
        return lambda inputs: self._draw(inputs) + (threads - 1)


def test_each_way_to_draw_is_held_to_the_network(loader, given, two_threads):
    loaded = loader()
    drawing = Runtime(Uneven(loaded), Pace(1, 2))
    drawing(*given(loaded.network, 2))
    with pytest.raises(ModelError, match="draws something else than the network does, by up to 1"):
        drawing(*given(loaded.network, 1))
