"""Who is recognised after anonymization: the standard numbers, each under its own name, by an unadapted attacker."""

from deepanon.evaluation.identity.seen import Seen
from deepanon.evaluation.identity.study import BOTH, FARS, identity_values

__all__ = ["BOTH", "FARS", "Seen", "identity_values"]
