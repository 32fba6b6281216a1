"""Who is recognised after anonymization: the standard numbers, each under its own name, by an unadapted attacker."""

from deepanon.evaluation.identity.study import BOTH, CONTEXT, FARS, NONE, identity_values
from deepanon.evaluation.identity.vectors import ALIGNMENTS, Vectors

__all__ = ["ALIGNMENTS", "BOTH", "CONTEXT", "FARS", "NONE", "Vectors", "identity_values"]
