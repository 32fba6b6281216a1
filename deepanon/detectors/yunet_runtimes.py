"""What runs YuNet: OpenCV, or ONNX Runtime with the decoding of OpenCV's FaceDetectorYN written out."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from deepanon.detectors.onnx import fixed_size, open_session
from deepanon.detectors.suppression import suppressed
from deepanon.errors import DeepanonError, ModelError, OptionError, lookup
from deepanon.geometry import Array

TOP = 5000  # boxes that are looked at before the lower of two are dropped; crowds need many
STRIDES = (8, 16, 32)
OUTPUTS = [f"{part}_{stride}" for part in ("cls", "obj", "bbox", "kps") for stride in STRIDES]
Runtime = Callable[[Array], Array]  # (H, W, 3) uint8 RGB -> (N, 15) float32: x y width height, five points, score


class OpenCvRuntime:
    """`cv2.FaceDetectorYN`.

    Raises:
        ModelError: OpenCV cannot load the file.
    """

    def __init__(self, weights: Path, threshold: float, nms: float) -> None:
        try:
            self.network = cv2.FaceDetectorYN.create(str(weights), "", (320, 320), float(threshold), float(nms), TOP)
        except cv2.error as error:
            raise ModelError(f"{weights} is not a YuNet file that OpenCV can load: {error}") from error
        self.description = f"OpenCV {cv2.__version__}"

    def __call__(self, image: Array) -> Array:
        """(H, W, 3) uint8 RGB -> (N, 15) float32, best score first."""
        height, width = image.shape[:2]
        self.network.setInputSize((width, height))
        try:
            _, rows = self.network.detect(np.ascontiguousarray(image[..., ::-1]))  # expects BGR
        except cv2.error as error:
            raise DeepanonError(f"YuNet failed on a {width}x{height} picture: {error}") from error
        return np.zeros((0, 15), np.float32) if rows is None else np.asarray(rows, dtype=np.float32)


class OnnxRuntime:
    """ONNX Runtime on the CPU, with as many threads as torch uses.

    Raises:
        ModelError: it cannot load the file, the file takes pictures of one size only, or it is no YuNet.
        OptionError: onnxruntime is not installed.
    """

    def __init__(self, weights: Path, threshold: float, nms: float) -> None:
        self.session, self.path = open_session(weights), weights
        self.threshold, self.nms = threshold, nms
        if size := fixed_size(self.session, weights):
            raise ModelError(f"{weights} takes pictures of {size[1]}x{size[0]} px only in ONNX Runtime; use OpenCV")
        if missing := set(OUTPUTS) - {output.name for output in self.session.get_outputs()}:
            raise ModelError(f"{weights} is no YuNet file: no outputs {', '.join(sorted(missing))}")
        import onnxruntime

        self.description = f"ONNX Runtime {onnxruntime.__version__}"

    def __call__(self, image: Array) -> Array:
        """(H, W, 3) uint8 RGB -> (N, 15) float32, best score first."""
        height, width = image.shape[:2]
        canvas = np.zeros((1, 3, *(-(-side // STRIDES[-1]) * STRIDES[-1] for side in (height, width))), np.float32)
        canvas[0, :, :height, :width] = image[..., ::-1].transpose(2, 0, 1)
        try:
            outputs = self.session.run(OUTPUTS, {self.session.get_inputs()[0].name: canvas})
        except Exception as error:  # onnxruntime has exceptions of its own
            raise DeepanonError(
                f"YuNet failed on a {width}x{height} picture: {' '.join(str(error).split())}"
            ) from error
        rows = np.concatenate([self._decoded(outputs[i::3], i, canvas.shape[3]) for i in range(len(STRIDES))])
        rows = rows[np.argsort(-rows[:, 14], kind="stable")][:TOP]
        whole = np.trunc(rows[:, :4])  # OpenCV compares boxes of whole pixels
        corners = np.concatenate([whole[:, :2], whole[:, :2] + whole[:, 2:]], axis=1)
        return np.asarray(rows[suppressed(corners, rows[:, 14], self.nms)])

    def _decoded(self, outputs: list[Array], level: int, width: int) -> Array:
        """Scores (1, C, 1) twice, boxes (1, C, 4) and points (1, C, 10) of one stride -> rows above the threshold."""
        stride = STRIDES[level]
        face, there, boxes, points = (np.asarray(output[0], dtype=np.float32) for output in outputs)
        scores = np.sqrt(np.clip(face[:, 0], 0, 1) * np.clip(there[:, 0], 0, 1))
        chosen = np.flatnonzero(scores >= self.threshold)
        cells = np.stack([chosen % (width // stride), chosen // (width // stride)], axis=1).astype(np.float32)
        size = np.exp(boxes[chosen, 2:]) * stride
        low = (cells + boxes[chosen, :2]) * stride - size / 2
        at = (points[chosen].reshape(-1, 5, 2) + cells[:, None]) * stride
        return np.concatenate([low, size, at.reshape(-1, 10), scores[chosen, None]], axis=1)


RUNTIMES: dict[str, Callable[[Path, float, float], OpenCvRuntime | OnnxRuntime]] = {
    "onnxruntime": OnnxRuntime,
    "opencv": OpenCvRuntime,
}
AUTO = "auto"


def open_runtime(runtime: str, weights: Path, threshold: float, nms: float) -> OpenCvRuntime | OnnxRuntime:
    """Load YuNet's file with the runtime called so; "auto" is ONNX Runtime where it is installed and can, else OpenCV.

    Raises:
        OptionError: there is no such runtime, or it is not installed.
        ModelError: the file cannot be loaded.
    """
    if runtime == AUTO:
        if importlib.util.find_spec("onnxruntime") is not None:
            try:
                return OnnxRuntime(weights, threshold, nms)
            except ModelError:  # of one size, as OpenCV's own file is, or damaged: OpenCV says so then
                pass
        return OpenCvRuntime(weights, threshold, nms)
    if runtime not in RUNTIMES:
        raise OptionError(f"unknown runtime {runtime!r}; choose one of: {', '.join([AUTO, *RUNTIMES])}")
    return lookup(RUNTIMES, runtime, "runtime")(weights, threshold, nms)
