"""Attackers who learn nothing: a recogniser as it is, with clear or anonymized photos on either side."""

from __future__ import annotations

from collections.abc import Mapping

from deepanon.audit.case import Case
from deepanon.audit.eye import Eye
from deepanon.audit.scores import Traces


class Naive:
    """Who is on this anonymized photo? A gallery of clear ones, and a recogniser that does not know the method."""

    name, knows, gallery = "naive", "nothing", "clear"
    description = "recogniser as it is; clear gallery, anonymized probes"

    def __call__(self, case: Case, eyes: Mapping[str, Eye]) -> dict[str, Traces]:
        """Traces for every eye."""
        return {name: Traces(eye(case.gallery), eye(case.probes), deployable=True) for name, eye in eyes.items()}


class Reverse:
    """Where in an anonymized archive is this person? The clear photo looks, the anonymized ones are looked through."""

    name, knows, gallery = "reverse", "nothing", "anonymized"
    description = "recogniser as it is; clear photos search the anonymized ones"

    def __call__(self, case: Case, eyes: Mapping[str, Eye]) -> dict[str, Traces]:
        """Traces for every eye, with roles swapped."""
        return {
            name: Traces(eye(case.probes), eye(case.gallery), deployable=True, swapped=True)
            for name, eye in eyes.items()
        }


class ParrotGallery:
    """Clear photos of the people sought are anonymized too, so that like is held against like."""

    name, knows, gallery = "parrot gallery", "the method", "anonymized"
    description = "recogniser as it is; gallery anonymized as the probes are"

    def __call__(self, case: Case, eyes: Mapping[str, Eye]) -> dict[str, Traces]:
        """Traces for every eye."""
        return {name: Traces(eye(case.gallery_anonymized), eye(case.probes)) for name, eye in eyes.items()}
