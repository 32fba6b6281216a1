"""A generator that draws any number of faces, at a pace that suits the machine."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from deepanon.errors import DeepanonError, ModelError
from deepanon.runtimes.engine import Draw, Engine, Inputs, example, joined, line
from deepanon.runtimes.exports import fingerprint
from deepanon.runtimes.lanes import Lanes
from deepanon.runtimes.pace import Pace, PaceBook, machine
from deepanon.runtimes.precision import FLOAT32, PRECISIONS
from deepanon.runtimes.tuning import measured
from deepanon.runtimes.worth import check_worth
from deepanon.weights import LoadedGenerator

log = logging.getLogger(__name__)

NO_ROOM = ("out of memory", "not enough memory", "can't allocate", "bad_alloc")  # what runtimes say of it
GPU_BATCH = 16  # faces a call; the pipeline gives no more


class Runtime:
    """Draws faces with an engine.

    Faces are drawn `pace.batch` a call, and `pace.streams` calls at once. How many changes no value of float32 by more
    than `TOLERANCE`, which is at most one of 255 levels after rounding. But another last bit may become another level,
    and a run that was killed is to go on with the same bytes: so a pace is never measured unasked, only by `tune`.

    Args:
        engine: what does the arithmetic.
        pace: faces at a time; None takes what `tune` found on this machine, else one face a call on every thread.
        book: where measured paces are kept.

    Raises:
        ModelError: the engine draws something else than the network does.
        OptionError: its precision is not faster than float32 here.
    """

    def __init__(self, engine: Engine, pace: Pace | None = None, book: PaceBook | None = None) -> None:
        self.engine, self.name, self.book = engine, engine.title, book or PaceBook()
        self.threads = torch.get_num_threads()
        self.device = next(engine.loaded.network.parameters()).device
        self.lanes: dict[int, Lanes] = {}
        self.draws: dict[int, Draw] = {}
        self.lock = threading.RLock()
        self.pace = self._suited() if pace is None else pace
        draw = self._draw(1)
        if engine.precision != FLOAT32:
            check_worth(engine, draw, self.book, self.key, 1, 1 if self.device.type == "cpu" else self.pace.batch)

    @property
    def key(self) -> str:
        """What a measured pace belongs to."""
        return pace_key(self.name, self.engine.loaded)

    def __call__(self, context: Tensor, mask: Tensor, keypoints: Tensor, z: Tensor) -> Tensor:
        """Draw; see `Generator.forward`. Returns float32 on the CPU.

        Raises:
            ModelError: the runtime fails, or memory does not suffice for a single face.
        """
        inputs = context, mask, keypoints, z
        if not len(context):
            return torch.zeros_like(context, device="cpu")
        with self.lock:
            try:
                return self.at(self.pace, inputs)
            except (MemoryError, RuntimeError) as error:
                if not _short_of_memory(error):
                    raise
            return self._carefully(inputs)

    def at(self, pace: Pace, inputs: Inputs) -> Tensor:
        """Draw at a pace of one's own."""
        parts = _parts(inputs, pace.batch)
        streams = 1 if len(parts) == 1 else pace.streams
        each = max(1, self.threads // streams)
        # a thread of its own for many faces, where the caller computes with fewer threads than there are; a second team
        # of OpenMP's makes all teams sleep sooner than work comes, which costs more than it brings for one face
        if streams == 1 and (len(inputs[0]) == 1 or torch.get_num_threads() == each):
            draw = self._draw(each)
            return self._tried(lambda: joined([draw(part) for part in parts]))
        if streams not in self.lanes:
            self.lanes[streams] = Lanes(streams, each)
        return self._tried(lambda: joined(self.lanes[streams].draw(self._draw(each), parts)))

    def tune(self, rounds: int = 3) -> dict[Pace, float]:
        """Measure seconds a face at every pace that makes sense here, take the best and keep it; a second or two."""
        with self.lock:
            times = measured(self.at, self.engine, self.threads, rounds)
            self.pace = min(times, key=lambda pace: times[pace])
            self.book.put(self.key, self.pace, times[self.pace])
            for streams in list(self.lanes):
                if streams != self.pace.streams:
                    self.lanes.pop(streams).close()
        return times

    def _suited(self) -> Pace:
        if self.device.type != "cpu":
            return Pace(GPU_BATCH)
        found = self.book.get(self.key)
        if found is not None and found.batch in self.engine.batches and found.streams <= self.threads:
            return found
        return Pace(1, self.threads)

    def _draw(self, threads: int) -> Draw:
        if threads not in self.draws:
            draw = self.engine.opened(threads)
            if self.name != "torch":  # whose form in float32 is held to the network by tests
                self._check(draw)
            self.draws[threads] = draw
        return self.draws[threads]

    def _tried(self, run: Callable[[], Tensor]) -> Tensor:
        try:
            return run()
        except (MemoryError, DeepanonError):
            raise
        except Exception as error:  # each runtime has exceptions of its own
            if _short_of_memory(error):
                raise MemoryError(line(error)) from error
            raise ModelError(f"runtime {self.name!r} failed: {line(error)}; try --runtime torch") from error

    def _carefully(self, inputs: Inputs) -> Tensor:
        """One face after the other, from now on."""
        log.warning("memory is short: faces are drawn one after the other from here on")
        self.pace = Pace()
        try:
            return self.at(self.pace, inputs)
        except (MemoryError, RuntimeError) as error:
            raise ModelError(
                f"memory does not suffice to draw a single face ({line(error)}): end other programs, or use a smaller "
                "generator (--model)"
            ) from error

    def _check(self, draw: Draw) -> None:
        """An export that draws something else must never be used."""
        inputs = example(self.engine.loaded)
        with torch.inference_mode():
            expected = self.engine.loaded.network(*(one.to(self.device) for one in inputs))
        deviation = (self._tried(lambda: draw(inputs)) - expected.cpu()).abs()
        largest, mean = float(deviation.max()), float(deviation[inputs[1].expand_as(deviation) > 0].mean())
        bound = PRECISIONS[self.engine.precision]
        if not (largest <= bound.largest and mean <= bound.mean):
            raise ModelError(
                f"runtime {self.name!r} draws something else than the network does, by up to {largest:.2g} and on "
                f"average {mean:.2g} where {bound.largest:g} and {bound.mean:g} are allowed: use --runtime torch"
            )


def pace_key(name: str, loaded: LoadedGenerator) -> str:
    """What the pace of a runtime with a generator belongs to, on this machine."""
    return f"{machine()}; {name}; {fingerprint(loaded)}"


def _parts(inputs: Inputs, batch: int) -> Sequence[Inputs]:
    context, mask, keypoints, z = (tensor.split(batch) for tensor in inputs)
    return list(zip(context, mask, keypoints, z, strict=True))


def _short_of_memory(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(words in text for words in NO_ROOM)
