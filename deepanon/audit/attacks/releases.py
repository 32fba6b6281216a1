"""Attackers who have several releases of the same photo: fresh randomness is averaged away, the face stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from deepanon.audit.attack import Attack, NotApplicable, NotRun
from deepanon.audit.case import Case
from deepanon.audit.eye import Eye
from deepanon.audit.people.samples import Samples
from deepanon.audit.scores import Traces
from deepanon.checks import check_count
from deepanon.errors import DataError


class Releases:
    """Takes the mean of several anonymized versions of every photo, then makes another attack on these.

    The attacker's own photos are averaged likewise, so that what it learns from looks as what it attacks; and the clear
    gallery is anonymized as often, which whoever has the method can do.

    Args:
        inner: the attack on the means.
        releases: how many versions are averaged at most; 1 is the inner attack itself.
    """

    def __init__(self, inner: Attack, releases: int = 8) -> None:
        self.inner, self.releases = inner, check_count("releases", releases)
        self.name, self.gallery = f"{releases} releases, {inner.name}", inner.gallery
        self.knows = f"{inner.knows}, {releases} releases of a photo"

    @property
    def description(self) -> str:
        """All that results depend on."""
        return f"mean of {self.releases} releases of every photo; {self.inner.description}"

    def __call__(self, case: Case, eyes: Mapping[str, Eye]) -> dict[str, Traces]:
        """Traces of the inner attack.

        Raises:
            NotRun: there are not so many versions: the method has no randomness, or they were not made.
            DataError: versions are not of the same photos.
        """
        return self.inner(self._averaged(case), eyes)

    def _averaged(self, case: Case) -> Case:
        known, further = case.known, self.releases - 1
        if not further:
            return case
        if not case.again and not known.again:
            raise NotApplicable("the method has no randomness: every release of a photo is the same picture")
        if min(len(case.again), len(case.gallery_again), len(known.again)) < further:
            raise NotRun(
                f"{self.releases} releases need {further} more versions of every photo, there are {len(case.again)} of "
                f"the probes and {len(known.again)} of the attacker's own photos"
            )
        own = replace(known, anonymized=_mean(known.anonymized, known.again[:further]), again=())
        gallery = _mean(case.gallery_anonymized, case.gallery_again[:further])
        probes = _mean(case.probes, case.again[:further])
        return replace(case, known=own, gallery_anonymized=gallery, probes=probes, again=(), gallery_again=())


def _mean(first: Samples, further: Sequence[Samples]) -> Samples:
    if any(not np.array_equal(first.photos, other.photos) for other in further):
        raise DataError("versions are not of the same photos in the same order")
    total = first.pictures.astype(np.float32)
    for other in further:
        total += other.pictures
    return first.showing(np.rint(total / (1 + len(further))).astype(np.uint8))
