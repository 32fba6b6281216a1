"""An anonymizer of films that tries its seeds before it draws."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deepanon.checks import check_count
from deepanon.embedders import Recogniser
from deepanon.files import replacing
from deepanon.films import FilmAnonymizer, FilmOptions, FilmPlan
from deepanon.films.frames import Source
from deepanon.films.sightings import Progress
from deepanon.verifying.again import TRIES, limits_for
from deepanon.verifying.trial import FRAMES, Trial, Tried


class VerifiedFilmAnonymizer(FilmAnonymizer):
    """A `FilmAnonymizer` that gives a track another seed if its face came out too like the old one, and black at last.

    Up to five frames of each track are looked at, so that this is no check of the whole film.

    Args:
        arguments: of `FilmAnonymizer`.
        recogniser: compares old and new faces; None checks pixels and shapes alone.
        threshold: similarity above which a new face is too like the old one; None takes the one measured for the
            recogniser's network.
        tries: how often a track is drawn at most.
        options: of `FilmAnonymizer`.

    Raises:
        OptionError: a recogniser for which no threshold is known, a threshold without one, or no try at all.
    """

    def __init__(
        self,
        *arguments: Any,
        recogniser: Recogniser | None = None,
        threshold: float | None = None,
        tries: int = TRIES,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self.recogniser, self.limits = recogniser, limits_for(recogniser, threshold)
        self.tries = check_count("tries", tries)
        who = "no recogniser" if recogniser is None else recogniser.description
        self.checked_by = f"{who}, {self.limits}, {FRAMES} frames a face, {tries} tries"

    def settle(
        self,
        film: Source,
        plan: FilmPlan,
        seeds: Sequence[int],
        options: FilmOptions,
        folder: Path,
        progress: Progress,
    ) -> tuple[FilmPlan, Sequence[int], list[str]]:
        """See `Trial`; what came of it is kept in `folder`, so that a run that goes on does not try again."""
        path = folder / "tried.json"
        if path.exists():
            stored = json.loads(path.read_text())
            tried = Tried({int(track): count for track, count in stored["drawings"].items()}, tuple(stored["black"]))
        else:
            trial = Trial(self.anonymizer, self.redactor, self.recogniser, self.limits, self.tries)
            tried = trial(film, plan, seeds, (options.start, options.end), progress)
            with replacing(path) as temporary:
                temporary.write_text(json.dumps({"drawings": tried.drawings, "black": tried.black}))
        return plan.blackened(tried.black), tried.seeds(seeds), [tried.summary]
