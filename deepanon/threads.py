"""How many threads PyTorch computes with, in one thread and no other."""

from __future__ import annotations

import threading

_SETTING = threading.Lock()


def compute_with(count: int) -> None:
    """From here on PyTorch computes with `count` threads in the calling thread; all others stay as they are.

    The count belongs to a thread, but one that begins takes what was set last anywhere: so that is set back.
    """
    import torch

    with _SETTING:
        before = torch.get_num_threads()  # which a thread takes over when it first asks: not later, over what is set
        torch.set_num_threads(count)
        other = threading.Thread(target=torch.set_num_threads, args=(before,))
        other.start()
        other.join()
