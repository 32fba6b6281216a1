"""The stack on which a thread answers signals, which a library may take and not give back."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Stack(ctypes.Structure):
    """`stack_t` of Linux."""

    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextmanager
def kept_signal_stack() -> Iterator[None]:
    """Whatever is done within, this thread answers signals on the stack on which it did before.

    OpenVINO's plugin for the processor gives the thread that loads it a stack of its own (Linux, `sigaltstack`) and
    unmaps it when the last model is gone. Another thread may do that, or one plugin may go before another that was
    loaded later: then the thread is left with a stack that does not exist, and the next signal that Python handles,
    such as Ctrl-C or the end of a child, ends the process without a word. A stack that is not in use is unmapped
    without harm, so the one before is put back at once. Elsewhere than on Linux nothing is done, as nothing is taken.

    Raises:
        OSError: the stack cannot be read or put back.
    """
    if sys.platform != "linux":
        yield
        return
    change = ctypes.CDLL(None, use_errno=True).sigaltstack
    before = _Stack()
    _succeeds(change(None, ctypes.byref(before)))
    try:
        yield
    finally:
        _succeeds(change(ctypes.byref(before), None))


def _succeeds(status: int) -> None:
    if status:
        raise OSError(ctypes.get_errno(), "the stack for signals cannot be kept")
