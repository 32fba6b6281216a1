"""Before and after on drawn faces, which every report can show, because nobody is in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deepanon.anonymizers import Anonymizer
from deepanon.data.synthetic import draw_scene
from deepanon.evaluation.report.pictures import Picture, Pictures, face_pair
from deepanon.pipeline import replace_faces
from deepanon.seeds import Seeds

DRAWN = "drawn faces"
FACES, SCENE = 4, (880, 300)  # in one row; each with so much room that its crop shows no neighbour


def drawn_pictures(methods: Mapping[str, Anonymizer | None], seed: int, folder: str | Path) -> list[Picture]:
    """Draw a few faces, anonymize them with every method, and store each before and after.

    Args:
        methods: name -> method; None (untouched) shows nothing and is left out.
        seed: of the drawing and of the new faces.
        folder: of the sample pictures; see `Pictures`.

    Returns:
        What was stored; none of it is a photograph.
    """
    image, faces = draw_scene(*SCENE, FACES, seed)
    pictures = Pictures(folder)
    order = faces.boxes[:, 0].argsort()
    stored = []
    for name, method in methods.items():
        if method is None:
            continue
        after = replace_faces(image, faces, method, Seeds.from_seed(seed)("drawn", len(faces)))
        stored += [
            pictures.add(
                face_pair(image, after, faces.boxes[face]), set=DRAWN, method=name, photo=f"face {at}", real=False
            )
            for at, face in enumerate(order, 1)
        ]
    return stored
