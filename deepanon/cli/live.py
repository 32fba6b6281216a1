"""The command anonymize on a camera, and on raw pictures through standard input and output."""

from __future__ import annotations

import argparse
import os
import re
import select
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from deepanon.cli import selecting
from deepanon.cli.piping import PIPE, claimed_stdin, claimed_stdout, rate_of, size_of
from deepanon.cli.shared import FAILED, check_detector, perhaps_reduced
from deepanon.errors import FilmError, OptionError

if TYPE_CHECKING:
    from io import FileIO

    from deepanon.films import Encoding
    from deepanon.films.live import LiveAnonymizer, LiveOptions, LiveOutcome, Recording
    from deepanon.films.live.ends import LiveSource, Sink
    from deepanon.films.live.pixels import PixelFormat

RATE = "25"  # what FFmpeg takes raw pictures for
ONLY_LIVE = {
    "delay": "--delay",
    "size": "--size",
    "rate": "--rate",
    "pixels": "--pixels",
    "duration": "--duration",
}
ONLY_FILES = {
    name: f"--{name.replace('_', '-')}"
    for name in (
        *("audio", "start", "end", "preview", "json", "detections", "sidecars", "anew", "keep_metadata", "verify"),
        *("recogniser", "recogniser_weights", "recogniser_template", "recogniser_order", "recogniser_mean"),
        *("recogniser_std", "recogniser_size", "threshold"),
    )
} | selecting.OPTIONS
ENCODING = {"codec": "--codec", "crf": "--crf", "preset": "--preset"}


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options that only cameras and pipes have."""
    group = command.add_argument_group(
        "cameras and pipes", "IN is the number of a camera, or - for raw pictures from stdin; OUT is a film file, or -."
    )
    group.add_argument(
        "--delay", type=float, metavar="SECONDS", help="hold pictures back, to cover a face before it is found (0.5)"
    )
    group.add_argument("--size", metavar="WxH", help="of raw pictures, or to ask of a camera")
    group.add_argument("--rate", metavar="N", help=f"pictures a second, such as 30 or 30000/1001 (raw ones: {RATE})")
    group.add_argument("--pixels", metavar="NAME", help="rgb24 bgr24 gray yuyv422 yuv420p nv12 (default: rgb24)")
    group.add_argument("--duration", type=float, metavar="SECONDS", help="end after so long")


def is_live(options: argparse.Namespace) -> bool:
    """Whether a camera or a pipe is meant; `OptionError` if options are given that only go with these."""
    if options.output == PIPE or any(name == PIPE or camera_of(name) is not None for name in options.inputs):
        return True
    given = [option for name, option in ONLY_LIVE.items() if getattr(options, name) is not None]
    if given:
        raise OptionError(f"{', '.join(given)}: goes with a camera or -, not with files")
    return False


def camera_of(name: str) -> int | str | None:
    """The camera that is called so: a number, unless a file or folder has that name; or a device of Linux."""
    if re.fullmatch(r"\d{1,3}", name) and not Path(name).exists():
        return int(name)
    return name if re.fullmatch(r"/dev/video\d+", name) else None


def anonymize_live(options: argparse.Namespace) -> int:
    """Do what a camera sees or what comes in through a pipe, until it ends."""
    _check(options)
    try:
        from deepanon.films.live import LiveOptions
    except ImportError as error:
        raise FilmError(f"cameras and pipes need the package {error.name}: pip install 'deepanon[video]'") from error
    from deepanon.films import Rules
    from deepanon.films.live.options import DELAY
    from deepanon.films.looking import sure_score

    sure = sure_score(options.detector) if options.sure is None else options.sure
    chosen = LiveOptions(
        delay=DELAY if options.delay is None else options.delay,
        rules=Rules(sure=sure, padding=options.padding),
        strict=options.strict,
        duration=options.duration,
    )
    with ExitStack() as stack:
        out = stack.enter_context(claimed_stdout()) if options.output == PIPE else None
        encoding, pipe = _encoding(options), _pipe(options, stack)  # what is wrong is said before networks are loaded
        anonymizer = _anonymizer(options)  # and these are loaded before a camera runs, whose pictures would wait
        source = pipe or _camera(options, stack)
        sink = _sink(options, source, out, encoding)
        return _run(anonymizer, source, sink, chosen)


def _run(anonymizer: LiveAnonymizer, source: LiveSource, sink: Sink, chosen: LiveOptions) -> int:
    from deepanon.films.live import Recording

    _say_what_it_is(source, chosen)
    recording = sink if isinstance(sink, Recording) else None
    try:
        outcome = anonymizer(source, sink, chosen, _say, _enter() if not source.waits else lambda: False)
    except BrokenPipeError:  # whoever read has seen enough
        return FAILED
    except KeyboardInterrupt:
        _say_what_is_left(recording)
        raise
    except Exception as error:  # also of OpenCV and FFmpeg: one line, and not a success
        print(f"deepanon: FAILED {error or type(error).__name__}", file=sys.stderr)
        _say_what_is_left(recording)
        return FAILED
    if left := getattr(source, "left", 0):
        _say(f"the last picture came in only in part, {left} bytes of it, and was dropped")
    print(_report(source.name, outcome))
    return 0


def _check(options: argparse.Namespace) -> None:
    """Refuse what has no meaning here, before a network is loaded."""
    if len(options.inputs) > 1:
        raise OptionError("a camera or - is done alone: give one input")
    name, target = options.inputs[0], options.output
    if name != PIPE and camera_of(name) is None:
        raise OptionError(f"{name}: only what comes from a camera or - can be written to -; name a file")
    usual = _usual()
    given = [option for name, option in ONLY_FILES.items() if getattr(options, name) != getattr(usual, name)]
    given += ["--shard"] if options.shard != "1/1" else []
    given += [option for name, option in ENCODING.items() if getattr(options, name) is not None and target == PIPE]
    given += ["--pixels"] if options.pixels is not None and PIPE not in (name, target) else []
    if given:
        raise OptionError(f"{', '.join(given)}: has no meaning for {name} -> {target}")
    if name == PIPE and options.size is None:
        raise OptionError("raw pictures do not say their size: give --size WxH")
    for number, what, wanted in ((0, name, "piped in"), (1, target, "there to take raw pictures")):
        if what == PIPE and os.isatty(number):
            raise OptionError(f"-: is a terminal; nothing is {wanted}")


def _usual() -> argparse.Namespace:
    """What the options are if nobody says anything; a 0 that was said is another thing."""
    from deepanon.cli import parser

    return parser().parse_args(["anonymize", PIPE, "-o", PIPE])


def _anonymizer(options: argparse.Namespace) -> LiveAnonymizer:
    from deepanon.cli.replacing import chosen_method, chosen_seeds
    from deepanon.films.live import LiveAnonymizer
    from deepanon.films.looking import film_detector

    method, detector = chosen_method(options), film_detector(options.detector, **check_detector(options))
    return LiveAnonymizer(perhaps_reduced(detector, options), method, chosen_seeds(options))


def _pipe(options: argparse.Namespace, stack: ExitStack) -> LiveSource | None:
    """Standard input; None if a camera is meant."""
    from deepanon.films.live import PipeSource

    if options.inputs[0] != PIPE:
        return None
    format_ = _format(options, *size_of(options.size))
    return PipeSource(stack.enter_context(claimed_stdin()), format_, rate_of(options.rate or RATE))


def _camera(options: argparse.Namespace, stack: ExitStack) -> LiveSource:
    from deepanon.films.live import Camera

    which = camera_of(options.inputs[0])
    assert which is not None  # see `_check`
    size = None if options.size is None else size_of(options.size)
    return stack.enter_context(Camera(which, size, None if options.rate is None else rate_of(options.rate)))


def _encoding(options: argparse.Namespace) -> Encoding | None:
    """As asked; None for the usual one, and for pipes. `OptionError` if there is no film file of that name."""
    from deepanon.films import Encoding

    if options.output == PIPE:
        return None
    wishes = (options.codec, options.crf, options.preset)
    encoding = Encoding.for_file(options.output, *wishes)
    return encoding if any(wish is not None for wish in wishes) else None


def _sink(options: argparse.Namespace, source: LiveSource, out: FileIO | None, encoding: Encoding | None) -> Sink:
    from deepanon.films.live import PipeSink, Recording

    if out is not None:
        return PipeSink(out, _format(options, source.width, source.height))
    return Recording(options.output, source, encoding)


def _format(options: argparse.Namespace, width: int, height: int) -> PixelFormat:
    from deepanon.films.live.pixels import PixelFormat

    return PixelFormat(options.pixels or "rgb24", width, height)


def _enter() -> Callable[[], bool]:
    """Whether somebody has pressed Enter; never, where nobody could."""
    if os.name != "posix" or not os.isatty(0):
        return lambda: False
    _say("Enter ends it; Ctrl-C breaks it off")
    return lambda: bool(select.select([0], [], [], 0)[0])


def _say(text: str) -> None:
    print(f"deepanon: {text}", file=sys.stderr)


def _say_what_it_is(source: LiveSource, chosen: LiveOptions) -> None:
    count = int(chosen.delay * source.rate) + 1
    megabytes = count * source.width * source.height * 3 / 1e6
    rate = f"{source.width}x{source.height}, {float(source.rate):g} a second"
    _say(f"{source.name}: {rate}; up to {count} pictures are held back ({megabytes:.0f} MB)")
    _say(
        f"one pass: a face is covered from {chosen.delay:g} s before it is first found; what is not found by then is "
        "SHOWN. A film that is recorded first is done in two passes, and is safer"
    )


def _say_what_is_left(recording: Recording | None) -> None:
    if recording is not None and recording.partial.exists():
        _say(f"not whole: what was recorded until then is {recording.partial}")


def _report(name: str, outcome: LiveOutcome) -> str:
    lost = f"; {outcome.dropped} pictures left out" if outcome.dropped else ""
    lost += f"; {outcome.black} pictures black" if outcome.black else ""
    return (
        f"{name}: {outcome.frames} pictures, {outcome.tracks} faces; "
        f"drawn {outcome.drawn} times, redacted {outcome.redacted} times{lost}"
    )
