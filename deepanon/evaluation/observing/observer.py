"""Who looks at the pictures."""

from __future__ import annotations

from typing import Protocol

from deepanon.evaluation.observing.stream import Record
from deepanon.geometry import Array


class Observer(Protocol):
    """Looks at one picture before and after, and keeps a few small arrays.

    Attributes:
        key: what it is, with all that its arrays depend on: network, SHA-256 of its weights, options. What was written
            down under the same key is not looked at again.
    """

    @property
    def key(self) -> str:
        """See above."""
        ...

    def __call__(self, record: Record) -> dict[str, Array]:
        """Small numpy arrays; an empty one where there is nothing to see, never a missing one."""
        ...
