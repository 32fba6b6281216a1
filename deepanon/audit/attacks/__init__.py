"""The ladder: attackers from the naive one upward."""

from __future__ import annotations

from collections.abc import Callable

from deepanon.audit.attack import Attack
from deepanon.audit.attacks.analytic import Analytic
from deepanon.audit.attacks.blind import Blind

ATTACKS: dict[str, Callable[..., Attack]] = {
    "analytic": Analytic,
    "blind": Blind,
}
