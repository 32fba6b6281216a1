"""What the numbers on drawn people mean."""

from __future__ import annotations

from deepanon.evaluation.metric import Metric

METRICS = {
    "found_again": Metric(
        "found again", "share", "high", "Replaced faces that the detector finds, of those that it found before."
    ),
    "z_spread": Metric(
        "two draws", "share", "high",
        "Distance between two draws of one crop, as a share of that between two different people.",
    ),
    "drawn_match": Metric(
        "taken for the original", "share", "low",
        "Drawn faces that are taken for the person who was there, at the threshold that accepts one in a thousand "
        "pairs of different people.",
    ),
    "drawn_match_over_stranger": Metric(
        "more than a stranger", "share", "low",
        "The same, less the share at which the face of another real person in the same surroundings is taken for them.",
    ),
    "nearest": Metric(
        "nearest of training", "distance", "high",
        "Distance (1 - cosine) of a face to the nearest of the training set, in the mean.",
    ),
    "nearest_over_stranger": Metric(
        "nearer than a stranger", "distance", "high",
        "The same, less that of the original, whom the generator never saw; above 0, nobody was learnt by heart.",
    ),
}  # fmt: skip
