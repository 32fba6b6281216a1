"""The check of a file or a whole folder: who looks, what is held against whom, and what became of each file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from deepanon import __version__
from deepanon.detectors import Detector
from deepanon.embedders import Recogniser
from deepanon.errors import DeepanonError, FilmError, OptionError
from deepanon.geometry import Array
from deepanon.images import read_image
from deepanon.verifying.eyes import Eyes, Limits, Look
from deepanon.verifying.findings import EXTRA, MISSING, SIMILAR, UNREADABLE, Checked, Finding, Verdict
from deepanon.verifying.likeness import FAR, FAR_HERE, measured_threshold, threshold_here
from deepanon.verifying.pairing import FILM, Pair, Pairs, kind_of, make_pairs
from deepanon.verifying.photos import check_photo, judged

Progress = Callable[[str, int, int | None], None]
UNCHECKED = "IDENTITY NOT CHECKED: no recogniser was chosen, so nobody knows whether a new face looks like the old one."


class Verifier:
    """Checks outputs against their originals. That nothing is found is no proof that nothing is there.

    Args:
        detector: finds faces in originals and outputs; better another than the one that found what was replaced.
        recogniser: compares old and new faces; None leaves identity unchecked, and the verdict says so.
        limits: what is held against whom. Without a similarity in it, and with a recogniser, the one measured for its
            network is taken, or else one from the photos at hand.
    """

    def __init__(self, detector: Detector, recogniser: Recogniser | None = None, limits: Limits | None = None) -> None:
        self.eyes, self.recogniser, self.limits = Eyes(detector, recogniser), recogniser, limits or Limits()
        self.threshold_from = "as given"
        if recogniser is None:
            self.limits = replace(self.limits, similarity=None)
        elif self.limits.similarity is None:
            self.limits = replace(self.limits, similarity=measured_threshold(recogniser))
            self.threshold_from = f"measured for this network at a false accept rate of {FAR:g}"

    def __call__(
        self,
        original: str | Path,
        output: str | Path,
        span: tuple[float | None, float | None] = (None, None),
        progress: Progress = lambda what, done, total: None,
        left: Callable[[int], Array] | None = None,
    ) -> Verdict:
        """Check one output, or all of a folder.

        Args:
            original: photo, film or folder.
            output: what was made of it; of a folder, a folder with the same names.
            span: start and end in seconds of the part of a film that was done.
            progress: told what is done, how much of it, and how much there is.
            left: for one film, number of a frame -> (M, 4) boxes of faces that were left on purpose.

        Raises:
            OptionError: there is nothing that can be compared, or no similarity is known that could be a limit.
        """
        pairs = make_pairs(original, output)
        films = [pair for pair in pairs.both if kind_of(pair.original) == FILM]
        if films and self.recogniser is not None and self.limits.similarity is None:
            raise OptionError(
                "no threshold is known for this recogniser, and a film gives none: give one (--threshold)"
            )
        looks: dict[str, Look] = {}
        files = []
        for number, pair in enumerate(pairs.both):
            checked, look = self._checked(pair, span, progress, left)
            files.append(checked)
            if look is not None:
                looks[pair.name] = look
            if pair not in films:
                progress("photos", number + 1, len(pairs.both))
        limits = self._settled(looks)
        if limits != self.limits:
            files = [self._again(checked, pair, looks, limits) for checked, pair in zip(files, pairs.both, strict=True)]
        files += [Checked(name, [Finding(MISSING, "in the original only")]) for name in pairs.missing]
        files += [Checked(name, [Finding(EXTRA, "in the output only, not checked")]) for name in pairs.extra]
        files.sort(key=lambda checked: checked.name)
        return Verdict(files, self._notes(files, pairs), self._about(limits))

    def _checked(
        self,
        pair: Pair,
        span: tuple[float | None, float | None],
        progress: Progress,
        left: Callable[[int], Array] | None,
    ) -> tuple[Checked, Look | None]:
        try:
            if kind_of(pair.original) != FILM:
                return check_photo(pair, self.eyes, self.limits)
            try:
                from deepanon.verifying.films import check_film, nobody
            except ImportError as error:
                raise FilmError(f"films need the package {error.name}: pip install 'deepanon[video]'") from error
            return check_film(pair, self.eyes, self.limits, span, progress, left or nobody), None
        except Exception as error:  # whatever it was, this file was not checked, and the others go on
            text = str(error) if isinstance(error, DeepanonError) else f"unexpected {type(error).__name__}: {error}"
            return Checked(pair.name, [Finding(UNREADABLE, text)]), None

    def _settled(self, looks: dict[str, Look]) -> Limits:
        """The limits with a similarity, from the photos if from nowhere else."""
        if self.recogniser is None or self.limits.similarity is not None:
            return self.limits
        alike = np.concatenate([np.zeros(0), *(look.strangers for look in looks.values())])
        limits = replace(self.limits, similarity=threshold_here(alike))
        self.threshold_from = (
            f"from {len(alike)} pairs of faces of one photo each, at a false accept rate of {FAR_HERE:g}"
        )
        return limits

    def _again(self, checked: Checked, pair: Pair, looks: dict[str, Look], limits: Limits) -> Checked:
        """Add what is too similar, now that it is known what that is."""
        look = looks.get(pair.name)
        if look is None or not any(wrong and wrong[0] == SIMILAR for wrong in map(limits, look.faces)):
            return checked
        similar = [found for found in judged(look, read_image(pair.output).pixels, limits) if found.kind == SIMILAR]
        return replace(checked, findings=[*checked.findings, *similar])

    def _notes(self, files: list[Checked], pairs: Pairs) -> list[str]:
        name, faces, compared = self.eyes.detector.name, sum(c.faces for c in files), sum(c.compared for c in files)
        notes = [
            f"Faces were looked for by {name} alone. One that it misses was not checked; if it also found the faces "
            "that were replaced, it misses them a second time: check with another (--detector).",
        ]
        if self.recogniser is None:
            notes.append(UNCHECKED)
        elif compared < faces:
            notes.append(
                f"IDENTITY NOT CHECKED for {faces - compared} of {faces} faces: without five keypoints the recogniser "
                "cannot look at them."
            )
        without = sum(checked.pictures > 0 and not checked.faces for checked in files)
        if without:
            notes.append(f"In {without} of {len(pairs.both)} originals no face was found at all; look at them.")
        if pairs.passed_over:
            listed = ", ".join(pairs.passed_over[:5]) + (", …" if len(pairs.passed_over) > 5 else "")
            notes.append(f"{len(pairs.passed_over)} files of the original are no known pictures, not checked: {listed}")
        return notes

    def _about(self, limits: Limits) -> dict[str, object]:
        about: dict[str, object] = {
            "version": __version__,
            "detector": self.eyes.detector.description,
            "covered at least": limits.covered,
            "shapes correlate at most": limits.follows,
            "recogniser": "none" if self.recogniser is None else self.recogniser.description,
        }
        if limits.similarity is not None:
            about |= {"similarity at most": round(limits.similarity, 4), "which is": self.threshold_from}
        return about
