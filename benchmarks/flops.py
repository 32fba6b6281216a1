"""How many operations a piece of PyTorch takes, counted and not estimated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class Operations(TorchDispatchMode):
    """Counts floating-point operations of convolutions and matrix products (torch's own counter fails on penalties)."""

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func.overloadpacket in flop_registry:
            self.total += flop_registry[func.overloadpacket](*args, **(kwargs or {}), out_val=out)
        return out


def counted(step: Callable[[], None], steps: int = 8) -> float:
    """Operations of an average step."""
    with Operations() as counter:
        for _ in range(steps):
            step()
    return counter.total / steps
