"""Standard input and output as ways for pictures, and what must be said of such pictures."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from fractions import Fraction
from io import FileIO

from deepanon.errors import OptionError

PIPE = "-"


@contextmanager
def claimed_stdin() -> Iterator[FileIO]:
    """Standard input without a buffer, waiting for bytes."""
    os.set_blocking(0, True)  # whoever shares it may have changed that
    with open(0, "rb", buffering=0, closefd=False) as stream:
        yield stream


@contextmanager
def claimed_stdout() -> Iterator[FileIO]:
    """Standard output for pictures alone: whatever else is written there goes to stderr, also by libraries in C."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.set_blocking(kept, True)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr), open(kept, "wb", buffering=0, closefd=False) as stream:
            yield stream
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def size_of(text: str) -> tuple[int, int]:
    """Width and height of "640x480"; `OptionError` if it is written in another way."""
    if not (found := re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)):
        raise OptionError(f"--size {text}: give width and height in pixels, as in 640x480")
    return int(found[1]), int(found[2])


def rate_of(text: str) -> Fraction:
    """Pictures a second, as "30" or "30000/1001"; `OptionError` if it is no such number."""
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise OptionError(f"--rate {text}: give pictures a second, as in 30 or 30000/1001") from None
    if not 0 < rate <= 1000:
        raise OptionError(f"--rate {text}: must be above 0 and at most 1000")
    return rate
