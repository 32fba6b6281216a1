"""YuNet (Wu et al. 2023) through OpenCV; the user brings the ONNX file from OpenCV's model zoo."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from deepanon import geometry
from deepanon.detections import FIVE, Detections
from deepanon.errors import DeepanonError, ModelError
from deepanon.files import named
from deepanon.geometry import Array
from deepanon.images import check_pixels

TOP = 5000  # boxes that are looked at before the lower of two are dropped; crowds need many


class YuNet:
    """Finds faces with boxes, scores and five keypoints.

    Args:
        weights: path of `face_detection_yunet_*.onnx`.
        threshold: lowest score to report, in [0, 1]; for average precision use a low one, say 0.02.
        nms: of two boxes with an IoU above this the lower one is dropped.

    Raises:
        FileNotFoundError: there is no file at `weights`.
        ModelError: OpenCV cannot load it.
    """

    name = "yunet"

    def __init__(self, weights: str | Path, threshold: float = 0.6, nms: float = 0.3) -> None:
        if not Path(weights).is_file():
            raise FileNotFoundError(f"no YuNet weights at {weights}; download the ONNX file from OpenCV's model zoo")
        try:
            self.network = cv2.FaceDetectorYN.create(str(weights), "", (320, 320), float(threshold), float(nms), TOP)
        except cv2.error as error:
            raise ModelError(f"{weights} is not a YuNet file that OpenCV can load: {error}") from error
        self.description = (
            f"YuNet of OpenCV {cv2.__version__}, {named(weights)}; threshold {threshold:g}, NMS {nms:g}; "
            "whole picture, BGR"
        )

    def __call__(self, image: Array, name: str = "") -> Detections:
        """Find faces in an (H, W, 3) uint8 RGB picture, best score first."""
        check_pixels(image)
        height, width = image.shape[:2]
        self.network.setInputSize((width, height))
        try:
            _, rows = self.network.detect(np.ascontiguousarray(image[..., ::-1]))  # expects BGR
        except cv2.error as error:
            raise DeepanonError(f"YuNet failed on a {width}x{height} picture: {error}") from error
        if rows is None:
            return Detections.empty(FIVE)
        rows = rows.astype(np.float32)
        boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        real = geometry.inside(boxes, width, height)
        # its points start with the subject's right eye, which is the left one in the picture
        return Detections(boxes[real], np.clip(rows[real, 14], 0, 1), rows[real, 4:14].reshape(-1, 5, 2), schema=FIVE)
