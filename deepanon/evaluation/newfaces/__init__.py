"""Whom a generator draws: what recognisers and detectors make of drawn faces in held-out crops."""

from deepanon.evaluation.newfaces.cost import Cost, measure_cost
from deepanon.evaluation.newfaces.study import NewFaces

__all__ = ["Cost", "NewFaces", "measure_cost"]
