"""The progress bar: where in the schedule training is, how fast it goes and when it will be done."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import Any, TextIO

import lightning as L
from tqdm import tqdm

from deepanon.checks import check_weight
from deepanon.training.schedule import Progress, duration, work


class GrowthBar(L.Callback):
    """Shows phase, resolution, fade, images seen, images a second, and the time left over the whole schedule.

    Later phases cost more an image; the time left allows for it by the work that each takes. In a terminal it is a bar;
    elsewhere (a log file, a batch job) a line at the start, at each growth, at the end, and every `line_seconds`.

    Args:
        refresh_seconds: shortest time between two states of the bar.
        line_seconds: the same for lines.
        stream: where it is shown; None is stderr.
    """

    def __init__(self, refresh_seconds: float = 0.5, line_seconds: float = 60.0, stream: TextIO | None = None) -> None:
        self.refresh_seconds = check_weight("refresh_seconds", refresh_seconds)
        self.line_seconds, self.stream = check_weight("line_seconds", line_seconds), stream

    def on_train_start(self, trainer: L.Trainer, module: Any) -> None:
        """Show where training starts; one process does so for all."""
        self._bar: tqdm[Any] | None = None
        self._shown = trainer.is_global_zero
        if not self._shown:
            return
        stream = self.stream or sys.stderr
        self._progress = Progress(module.growth, work(module.generator, module.discriminator, module.growth))
        self._recent = deque([(time.perf_counter(), module.images_seen)], maxlen=60)
        self._index = module.growth.at(module.images_seen).index
        if stream.isatty():
            layout = "{l_bar}{bar}| {postfix}"
            self._bar = tqdm(
                total=module.growth.total_images, initial=module.images_seen, file=stream, bar_format=layout,
                dynamic_ncols=True, mininterval=0,
            )  # fmt: skip
        self._show(module)

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        """Show what has changed, if it is time."""
        if not self._shown:
            return
        now, index = time.perf_counter(), module.growth.at(module.images_seen).index
        if now - self._recent[-1][0] >= self.refresh_seconds:
            self._recent.append((now, module.images_seen))
            if self._bar is not None:
                self._show(module)
        if self._bar is None and (index != self._index or now - self._last >= self.line_seconds):
            self._show(module)
        self._index = index

    def on_train_end(self, trainer: L.Trainer, module: Any) -> None:
        """Show the end."""
        if self._shown:
            self._recent.append((time.perf_counter(), module.images_seen))
            self._show(module)
            self._close()

    def on_exception(self, trainer: L.Trainer, module: Any, exception: BaseException) -> None:
        """Leave the terminal to the message."""
        self._close()

    def _close(self) -> None:
        if getattr(self, "_bar", None) is not None:
            self._bar.close()  # type: ignore[union-attr]

    def _show(self, module: Any) -> None:
        where, how_far = self.describe(module)
        self._last = time.perf_counter()
        if self._bar is None:
            print(f"{where}: {how_far}", file=self.stream or sys.stderr, flush=True)
            return
        self._bar.n = min(module.images_seen, module.growth.total_images)
        self._bar.set_description_str(where, refresh=False)
        self._bar.set_postfix_str(how_far)

    def describe(self, module: Any) -> tuple[str, str]:
        """Where in the schedule training is, and how far: two texts."""
        growth, seen = module.growth, module.images_seen
        state = growth.at(min(seen, growth.total_images - 1))
        where = f"phase {state.index + 1}/{len(growth.phases)}, {state.resolution} px"
        where += f", fade {state.alpha:.2f}" if state.alpha < 1 else ""
        how_far = f"{seen:,}/{growth.total_images:,} images"
        (start, first), (end, last) = self._recent[0], self._recent[-1]
        work_done = self._progress.done(last) - self._progress.done(first)
        if work_done > 0 and end > start:
            left = self._progress.left(seen) * (end - start) / work_done
            how_far += f", {(last - first) / (end - start):.3g} images/s, {duration(left)} left"
        return where, how_far
