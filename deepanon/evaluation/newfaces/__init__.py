"""Whom a generator draws: what recognisers and detectors make of drawn faces in held-out crops."""

from deepanon.evaluation.newfaces.book import FaceBook
from deepanon.evaluation.newfaces.study import NewFaces

__all__ = ["FaceBook", "NewFaces"]
