"""What an attacker is given: pairs of other people, a gallery, and the anonymized photos whose people are sought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepanon.audit.people.samples import Samples
from deepanon.errors import DataError
from deepanon.geometry import Array


@dataclass(frozen=True, eq=False)
class Known:
    """Photos of people whom the attacker knows, and what the method makes of them: whoever has the method has these.

    None of these people is in the gallery or on a probe.

    Attributes:
        clear: samples of untouched photos.
        anonymized: the same photos after the method.
        tuning: (N,) bool, people on whom hyper-parameters are chosen: nothing is fitted to them.
        again: further anonymized versions of all of them with fresh randomness; empty for methods without any.
    """

    clear: Samples
    anonymized: Samples
    tuning: Array
    again: tuple[Samples, ...] = ()

    @property
    def fitting(self) -> Array:
        """(N,) bool, samples that are learnt from."""
        return ~self.tuning


@dataclass(frozen=True, eq=False)
class Case:
    """One method, ready to be attacked.

    Attributes:
        known: of the attacker's own people.
        gallery: samples of untouched photos of everybody who is sought.
        gallery_anonymized: the same photos after the method.
        probes: anonymized samples: who is it? Their `people` are for the measures alone, no attack may read them.
        again: further anonymized versions of the probes with fresh randomness.
        gallery_again: the same of the anonymized gallery.
        method: name of the library's method ("gaussian9"), for attackers who know its operator; "" if it is none of the
            library's.

    Raises:
        DataError: a photo is in the gallery and among the probes, a person is on both sides of the split, or a probe's
            person is not in the gallery.
    """

    known: Known
    gallery: Samples
    gallery_anonymized: Samples
    probes: Samples
    again: tuple[Samples, ...] = ()
    gallery_again: tuple[Samples, ...] = ()
    method: str = ""

    def __post_init__(self) -> None:
        if set(self.gallery.photos) & set(self.probes.photos):
            raise DataError("a photo is in the gallery and among the probes: what is recognised is the photo")
        if set(self.known.clear.people) & (set(self.gallery.people) | set(self.probes.people)):
            raise DataError("people of the attacker are in the gallery: they were seen in training")
        if set(self.probes.people) - set(self.gallery.people):
            raise DataError("a probe shows somebody who is not in the gallery")
        if not np.array_equal(self.gallery.photos, self.gallery_anonymized.photos):
            raise DataError("the two galleries are not of the same photos")
