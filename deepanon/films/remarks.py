"""What a film is refused for before it is made, and what a user should know of one that was."""

from __future__ import annotations

from deepanon.errors import FilmError, NoFaceError
from deepanon.films.frames import Source
from deepanon.films.options import FilmOptions
from deepanon.films.plan import FilmPlan

LISTED = 20  # unresolved spans that a message names
COMPLETE = 0.98  # of the promised frames; an average rate promises one more or less


def check_plan(plan: FilmPlan, film: Source, options: FilmOptions) -> None:
    """Refuse what is empty, what holds no face, and in strict mode what is in doubt.

    Raises:
        NoFaceError: there is no face in it, and `options.on_no_face` is "raise".
        FilmError: it holds no frames, or `options.strict` and there are doubts.
    """
    if not len(plan):
        raise FilmError(f"{film.path}: holds no frames" + (" in that span" if options.start or options.end else ""))
    if not plan.tracks and options.on_no_face == "raise":
        raise NoFaceError(
            f"{film.path}: no face found in {len(plan)} frames; look at it, and ask for a copy "
            "(on_no_face='copy') if that is true"
        )
    if options.strict and plan.doubts:
        spans = [f"{doubt.start:.2f}-{doubt.end:.2f} s {doubt.reason}" for doubt in plan.doubts[:LISTED]]
        more = f" and {len(plan.doubts) - LISTED} more" if len(plan.doubts) > LISTED else ""
        raise FilmError(
            f"{film.path}: {len(plan.doubts)} unresolved spans: {'; '.join(spans)}{more}; "
            "nothing was written (--strict)"
        )


def notes_on(film: Source, plan: FilmPlan, options: FilmOptions) -> list[str]:
    """What is kept, what is left out and what could not be read, one sentence each."""
    notes = list(film.notes)
    if film.sound and options.sound:
        notes.append("the sound is as it was: a voice identifies too (--audio drop leaves it out)")
    if film.left_out:
        notes.append(f"left out: {', '.join(film.left_out)}")
    if len(plan.damaged):
        notes.append(f"{len(plan.damaged)} of {len(plan)} frames could not be decoded and are black")
    whole = options.start is None and options.end is None
    if whole and film.promised and len(plan) < COMPLETE * film.promised:
        notes.append(f"the file promises {film.promised} frames and holds {len(plan)}: it ends early")
    return notes
