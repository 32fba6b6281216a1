"""Drawn people and recognisers for them: an audit that needs no data and takes less than a minute."""

from __future__ import annotations

from deepanon.audit.eye import Sight
from deepanon.audit.fisher import Fisher, aligned_grey, boxed_colour
from deepanon.audit.people.subjects import Subjects, cut_samples, drawn_subjects

PEOPLE, PHOTOS = 150, 5  # who is attacked
TEACHERS, LESSONS = 100, 5  # on whom the recognisers learn: other people


def smoke_people(seed: int = 0) -> Subjects:
    """Drawn people to attack."""
    return drawn_subjects(PEOPLE, PHOTOS, seed)


def smoke_sights(seed: int = 0) -> list[Sight]:
    """Two recognisers of drawn people, learnt from others."""
    teachers = cut_samples(drawn_subjects(TEACHERS, LESSONS, 1_000_003 + seed).usable, None)
    return [Fisher("fisher grey", aligned_grey, teachers), Fisher("fisher colour", boxed_colour, teachers)]
