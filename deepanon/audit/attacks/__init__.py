"""The ladder: attackers from the naive one upward."""

from __future__ import annotations

from collections.abc import Callable

from deepanon.audit.attack import Attack

ATTACKS: dict[str, Callable[..., Attack]] = {}
