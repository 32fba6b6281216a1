"""What the numbers of utility mean."""

from __future__ import annotations

from deepanon.evaluation.metric import Metric

METRICS = {
    "found": Metric(
        "found before", "share", "", "Annotated faces that the detector finds on the original; all else is of these."
    ),
    "detected": Metric("found again", "share", "high", "Faces found on the original that are found again."),
    "box_distance": Metric(
        "box distance", "pixels", "low", "Mean distance of the two corners of the box found before and after."
    ),
    "box_distance_relative": Metric(
        "box distance, relative", "share", "low", "The same as a share of the diagonal of the box found before."
    ),
    "box_iou": Metric("box IoU", "share", "high", "Intersection over union of the box found before and after."),
    "landmark_distance": Metric(
        "landmark distance", "pixels", "low", "Mean distance of the landmarks found before and after."
    ),
    "nme": Metric("NME", "share", "low", "The same as a share of the distance between the eyes found before."),
    "landmark_auc": Metric(
        "AUC@0.08",
        "share",
        "high",
        "Area under the curve of faces over NME up to 0.08; faces not found again have none.",
    ),
    "landmark_failures": Metric(
        "FR@0.08", "share", "low", "Faces with an NME above 0.08; those not found again are among them."
    ),
    "pose": Metric(
        "pose", "degrees", "low", "Angle between the head poses before and after, from five points and a generic head."
    ),
    "pose_failures": Metric(
        "pose lost", "share", "low", "Faces with a pose before and none after; those not found again are among them."
    ),
    "agreement": Metric("agreement", "share", "high", "Faces for which the named classifier's first choice stays."),
    "coefficients": Metric(
        "coefficients", "distance", "low", "Distance between the named network's outputs before and after."
    ),
}
