"""Which faces of an audit are shown, and where they are kept until the report is written."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deepanon.audit.assault import Assault
from deepanon.audit.people.samples import Samples
from deepanon.audit.report import add_faces
from deepanon.evaluation.report import Pictures

SHOWN = 6  # faces a method, each of another person


def keeper(pictures: Pictures, data: str, real: bool) -> Callable[[str, Samples, Samples, Assault], None]:
    """What `Audit` calls with each method: it stores the probes of the first people, and what was rebuilt of them.

    Args:
        pictures: where.
        data: name of the data.
        real: whether they are photographs of people.
    """

    def keep(method: str, clear: Samples, anonymized: Samples, made: Assault) -> None:
        _, first = np.unique(clear.people, return_index=True)
        for face, row in enumerate(first[:SHOWN].tolist()):
            rebuilt = {attack: every[row] for attack, every in made.rebuilt.items()}
            sides = {"original": clear.pictures[row], "anonymized": anonymized.pictures[row]}
            add_faces(pictures, set=data, method=method, face=str(face), rebuilt=rebuilt, real=real, **sides)

    return keep
