"""What an audit was made on, as plain values and as sentences."""

from __future__ import annotations

from typing import Any

import numpy as np

from deepanon.audit.ground import Ground
from deepanon.audit.people.subjects import Subjects
from deepanon.audit.verdict import Limits


def facts(name: str, subjects: Subjects, ground: Ground, limits: Limits, seed: int, resamples: int) -> dict[str, Any]:
    """For `AuditResult.facts`."""
    clear, split = ground.clear, ground.split
    known, sought = np.unique(clear.people[split.known]), np.unique(clear.people[split.gallery])
    return {
        "chance": 1 / len(sought),
        "data": {
            "name": name, "photos": len(clear), "people": len(np.unique(clear.people)), "real": subjects.real,
            "finder": subjects.finder, "missed": len(subjects.missed), "without_keypoints": len(subjects.unplaced),
            "unreadable": len(subjects.unreadable),
        },
        "split": {
            "attacker_people": len(known), "attacker_photos": len(split.known), "sought_people": len(sought),
            "gallery_photos": len(split.gallery), "probes": len(split.probes), "digest": split.digest(clear),
        },
        "limits": {"delta": limits.delta, "tau": limits.tau, "far": limits.far, "level": limits.level},
        "seed": seed,
        "resamples": resamples,
    }  # fmt: skip


def notes(subjects: Subjects, found: dict[str, Any]) -> list[str]:
    """What a reader must know to judge the numbers; `found` are the facts."""
    split = found["split"]
    left_out = [
        (len(subjects.missed), "show no face that the finder finds: in use they stay as they are, and whoever is on "
         "them is recognised; they"),
        (len(subjects.unplaced), "show a face without keypoints, and"),
        (len(subjects.unreadable), "cannot be read, and"),
    ]  # fmt: skip
    return [
        f"{split['attacker_photos']} photos of {split['attacker_people']} people are the attacker's own; "
        f"{split['probes']} anonymized photos of {split['sought_people']} other people are sought in "
        f"{split['gallery_photos']} other photos of them.",
        *[f"{count} photos {why} are not among the numbers." for count, why in left_out if count],
        "Every attacker is told where the face was. A probe of which an attack says nothing is a blind guess.",
        "A sample is the face and what surrounds it, 1.7 times its box; the rest of the photo is not attacked.",
        "Context control and shuffled labels are attacked by the whole ladder, the others by what costs seconds.",
    ]
