"""A real face in drawn films whose truth is known, found by the detector that everybody has."""

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from deepanon.anonymizers import build_anonymizer
from deepanon.films import Encoding, FilmAnonymizer, FilmOptions
from deepanon.films.looking import film_detector
from deepanon.seeds import Seeds

HEAD = (166, 30, 282, 206)  # of the portrait, with some hair and neck
INNER = (0.22, 0.33, 0.80, 0.88)  # the face within it, as shares: chin, forehead, cheeks
WIDTH, HEIGHT = 320, 180
COUNT = 50


def paste_head(picture, x, y, height, lost):
    """Put the head with its corner at (x, y); where it is lost, no detector finds it. Returns the box of its face."""
    head = astronaut()[HEAD[1] : HEAD[3], HEAD[0] : HEAD[2]]
    width = round(height * head.shape[1] / head.shape[0])
    head = cv2.resize(head, (width, height), interpolation=cv2.INTER_AREA)
    if lost:
        head = np.full_like(head, 150) // 2 + head[::-1] // 4  # upside down and pale
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + width, WIDTH), min(y + height, HEIGHT)
    if x1 > x0 and y1 > y0:
        picture[y0:y1, x0:x1] = head[y0 - y : y1 - y, x0 - x : x1 - x]
    return (x + INNER[0] * width, y + INNER[1] * height, x + INNER[2] * width, y + INNER[3] * height)


STORIES = {  # frame -> heads as (x, y, height, lost)
    "blinks": lambda i: [(40 + 3 * i, 40, 90, i in (5, *range(12, 17), *range(25, 45)))],
    "enters and leaves": lambda i: [(-70 + 9 * i, 40, 90, i % 9 == 4)],
    "crosses": lambda i: [(10 + 5 * i, 20, 80, False), (250 - 5 * i, 80, 80, 20 < i < 30)],
    "shrinks": lambda i: [(120 + i, 30, 120 - i, i > 40)],
    "two scenes": lambda i: [(60, 30, 90, i > 18)] if i < 25 else [(180, 60, 90, i < 32)],
}


@pytest.mark.parametrize("story", STORIES)
def test_no_face_is_exposed_and_frame_by_frame_some_would_be(tmp_path, kit, story):
    pictures, truth = [], []
    for i in range(COUNT):
        second = story == "two scenes" and i >= 25
        picture = kit.street(width=WIDTH, height=HEIGHT, seed=4 if second else 0)
        truth.append([paste_head(picture, *head) for head in STORIES[story](i)])
        pictures.append(picture)
    source = kit.write(tmp_path / "in.mp4", pictures, sound=False)
    detector = film_detector("mtcnn")
    anonymizer = FilmAnonymizer(detector, build_anonymizer("blackout"), Seeds.from_seed(1))
    outcome = anonymizer(source, tmp_path / "out.mp4", FilmOptions(Encoding(preset="ultrafast")))

    covered = [share(boxes, outcome.plan.covers.at(i)[0].boxes) for i, boxes in enumerate(truth)]
    alone = [share(boxes, detector(pixels).boxes) for boxes, (_, pixels) in zip(truth, kit.shown(source), strict=True)]
    assert [i for i, shares in enumerate(covered) if min(shares, default=1) < 0.9] == []
    assert sum(min(shares, default=1) < 0.9 for shares in alone) >= 4


def share(truth, boxes):
    """How much of each face, as far as it lies in the picture, the boxes cover."""
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for x0, y0, x1, y1 in np.clip(boxes, 0, max(WIDTH, HEIGHT)).astype(int):
        mask[y0 : y1 + 1, x0 : x1 + 1] = True
    shares = []
    for box in truth:
        x0, y0, x1, y1 = (round(edge) for edge in box)
        part = mask[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
        if part.size:
            shares.append(part.mean())
    return shares
