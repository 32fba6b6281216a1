"""DSFD (Li et al. 2019), the detector of DeepPrivacy's evaluation, as the package of its author runs it."""

from __future__ import annotations

import torch

from deepanon.detections import Detections
from deepanon.detectors.packaged import build, call, detections
from deepanon.geometry import Array
from deepanon.images import check_pixels


class Dsfd:
    """Finds faces with boxes and scores, no keypoints. Slow on a CPU: some 18 s for a 1024x687 picture.

    The weights (some 480 MB) come from the package's own download, into torch's hub folder, at construction.

    Args:
        threshold: lowest score to report; for average precision use a low one, say 0.02.
        nms: of two boxes with an IoU above this the lower one is dropped.
        max_resolution: larger pictures are reduced to this longest side (by the package, to the nearest pixel).
        device: where the network runs.

    Raises:
        OptionError: the package is not installed, or a value makes no sense.
        ModelError: the weights cannot be fetched or do not fit; the message says where they may be put by hand.
    """

    name = "dsfd"

    def __init__(
        self,
        threshold: float = 0.5,
        nms: float = 0.3,
        max_resolution: int | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.network, self.description = build("dsfd", threshold, nms, max_resolution, device)

    def __call__(self, image: Array, name: str = "") -> Detections:
        """Find faces in an (H, W, 3) uint8 RGB picture, best score first."""
        check_pixels(image)
        return detections(call(self.network.batched_detect, image)[0], None, image)
