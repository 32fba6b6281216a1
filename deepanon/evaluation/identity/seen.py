"""What one recogniser saw of one set of photos: the vectors of all methods, checked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from deepanon.errors import DataError, OptionError
from deepanon.evaluation.observing.variants import CONTEXT, NONE
from deepanon.evaluation.observing.vectors import ALIGNMENTS, ORACLE
from deepanon.geometry import Array

LENGTH = 1e-3  # by which a vector may miss unit length


@dataclass(frozen=True, eq=False)
class Seen:
    """Vectors of N photos; a NaN row is a photo in which no face was found or cut.

    Attributes:
        by: name of the recogniser.
        alignment: with which the vectors were made, "oracle" or "own".
        people: (N,) who is in each photo.
        originals: (N, D) unit vectors of the untouched photos.
        anonymized: method -> one (N, D) for every seed.
        context: (N, D) of the photos with every face box grey, or None without this control.

    Raises:
        DataError: arrays that do not fit together, a method with a name that is taken, vectors that are not of unit
            length, or with "oracle" a photo whose anonymized face has no vector though the original has.
        OptionError: unknown alignment.
    """

    by: str
    alignment: str
    people: Sequence[str]
    originals: Array
    anonymized: Mapping[str, Sequence[Array]]
    context: Array | None = None

    def __post_init__(self) -> None:
        if self.alignment not in ALIGNMENTS:
            raise OptionError(f"unknown alignment {self.alignment!r}; choose one of: {', '.join(ALIGNMENTS)}")
        shape = self.originals.shape
        if len(shape) != 2 or len(self.people) != shape[0]:
            raise DataError(f"{len(self.people)} names for vectors of shape {shape}; expected (N, D) and N names")
        for method in (NONE, CONTEXT):
            if method in self.anonymized:
                raise DataError(f"{method!r} is no method: its vectors are the originals or the control")
        for method, several in self.runs.items():
            if not several:
                raise DataError(f"method {method!r} has no run")
            for run in several:
                self._check(method, run)

    @property
    def found(self) -> Array:
        """(N,) bool: a face was found in the original. The other photos are left out on both sides."""
        return np.asarray(np.isfinite(self.originals).all(axis=1))

    @property
    def runs(self) -> dict[str, Sequence[Array]]:
        """All methods, clear photos first and the control last."""
        control = {} if self.context is None else {CONTEXT: [self.context]}
        return {NONE: [self.originals], **self.anonymized, **control}

    def _check(self, method: str, run: Array) -> None:
        if run.shape != self.originals.shape:
            raise DataError(
                f"vectors of {method!r} have shape {run.shape}, those of the originals {self.originals.shape}"
            )
        norms = np.linalg.norm(run, axis=1)
        if np.isinf(run).any() or (np.abs(norms[~np.isnan(norms)] - 1) > LENGTH).any():
            raise DataError(f"vectors of {method!r} are not of unit length")
        lost = self.found & np.isnan(norms)
        if self.alignment == ORACLE and lost.any():  # the same box and keypoints can always be cut again
            raise DataError(
                f"alignment 'oracle': {method!r} has no vector for photo {lost.argmax()}, though the original has one"
            )
