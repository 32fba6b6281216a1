"""Where features are kept between runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from deepanon.geometry import Array


class ArrayCache(Protocol):
    """Arrays by name; the name says all that they depend on."""

    def array(self, key: str, make: Callable[[], Mapping[str, Array]]) -> dict[str, Array]:
        """What is kept under `key`; made, and kept, if there is nothing."""
        ...


class Memory:
    """Keeps arrays as long as it lives."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Array]] = {}

    def array(self, key: str, make: Callable[[], Mapping[str, Array]]) -> dict[str, Array]:
        """What is kept under `key`; made, and kept, if there is nothing."""
        if key not in self._kept:
            self._kept[key] = dict(make())
        return self._kept[key]
