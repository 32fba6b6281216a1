"""What the numbers of quality mean."""

from __future__ import annotations

from deepanon.evaluation.metric import Metric

METRICS = {
    "fid": Metric(
        "FID", "distance", "low",
        "Fréchet distance of Inception features, drawn to real, the same crops.",
    ),
    "fid_train": Metric("FID to train", "distance", "low", "The same, to the training crops."),
    "fid_half": Metric(
        "FID of halves", "distance", "low",
        "Drawn faces of one half of the crops to real ones of the other; for untouched pictures, the floor.",
    ),
    "kid": Metric("KID", "distance", "low", "Kernel distance of Inception features, drawn to real, the same crops."),
    "kid_train": Metric("KID to train", "distance", "low", "The same, to the training crops."),
    "kid_half": Metric("KID of halves", "distance", "low", "Drawn faces of one half to real ones of the other."),
    "fd": Metric(
        "FD", "distance", "low",
        "Fréchet distance of the named embedder's features, drawn to real, the same crops. Not FID.",
    ),
    "fd_train": Metric("FD to train", "distance", "low", "The same, to the training crops. Not FID."),
    "fd_half": Metric(
        "FD of halves", "distance", "low",
        "Drawn faces of one half of the crops to real ones of the other; for untouched pictures, the floor. Not FID.",
    ),
    "kd": Metric("KD", "distance", "low", "Kernel distance of the named embedder's features. Not KID."),
    "kd_train": Metric("KD to train", "distance", "low", "The same, to the training crops. Not KID."),
    "kd_half": Metric("KD of halves", "distance", "low", "Drawn faces of one half to real ones of the other. Not KID."),
    "precision": Metric(
        "precision", "share", "high", "Drawn faces that lie where real ones lie (k = 3), the same crops."
    ),
    "recall": Metric("recall", "share", "high", "Real faces that lie where drawn ones lie (k = 3), the same crops."),
    "precision_half": Metric(
        "precision of halves", "share", "high",
        "Precision of one half's drawn faces among the other half's real ones; for untouched pictures, the ceiling.",
    ),
    "recall_half": Metric(
        "recall of halves", "share", "high",
        "Recall of one half's real faces by the other half's drawn ones; for untouched pictures, the ceiling.",
    ),
    "lpips_diversity": Metric("LPIPS of two draws", "distance", "high", "LPIPS between two draws of the same crop."),
    "diversity": Metric(
        "diversity", "distance", "high", "Distance of the named embedder's features between two draws of the same crop."
    ),
    "diversity_share": Metric(
        "diversity, relative", "share", "high",
        "The same as a share of the mean distance between the real faces of two different crops.",
    ),
    "pixel_diversity": Metric(
        "pixel diversity", "share", "", "Mean absolute difference of two draws of the same crop, 1 = black to white."
    ),
}  # fmt: skip
