"""Any face detector that somebody has exported to ONNX, run on the CPU by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from deepanon import geometry
from deepanon.detections import FIVE, Detections
from deepanon.detectors.layouts import LAYOUTS, Found
from deepanon.detectors.suppression import suppressed
from deepanon.errors import ModelError, OptionError, lookup
from deepanon.files import named
from deepanon.geometry import Array
from deepanon.images import check_pixels

SIDE = 640  # px, of networks that take any size
MULTIPLE = 32  # of which their inputs must be
ORDERS = ("rgb", "bgr")


class Onnx:
    """Finds faces with boxes and scores, and with five keypoints if the network gives them.

    The picture is scaled, up or down, to fit the network's input, keeping its shape, and padded at the right and below.
    Nothing in such a file says how its network wants to be fed; `layout` knows what is usual, and the other arguments
    are for networks that are not.

    Args:
        weights: the ONNX file.
        layout: what the outputs mean: "scrfd", "yolo", "end2end" or "boxes", see `LAYOUTS`.
        threshold: lowest score to report, in [0, 1]; for average precision use a low one, say 0.02.
        nms: of two boxes with an IoU above this the lower one is dropped; None takes the layout's usual value ("boxes":
            nothing is dropped).
        size: longest side of the input in pixels, a multiple of 32, for networks that take any size (None: 640);
            smaller faces are found with larger ones.
        order: "rgb" or "bgr".
        mean: subtracted from the levels 0 … 255; None takes the layout's.
        std: what the rest is divided by; None takes the layout's.
        name: what to call it; None takes the file's name without suffix.
        label: what it finds.

    Raises:
        FileNotFoundError: there is no such file.
        ModelError: it cannot be loaded, or takes no picture.
        OptionError: a value makes no sense, or onnxruntime is not installed.
    """

    def __init__(
        self,
        weights: str | Path,
        layout: str,
        threshold: float = 0.5,
        nms: float | None = None,
        size: int | None = None,
        order: str = "rgb",
        mean: float | None = None,
        std: float | None = None,
        name: str | None = None,
        label: str = "face",
    ) -> None:
        self.layout, self.path = lookup(LAYOUTS, layout, "layout"), Path(weights)
        self.mean, self.std = self.layout.mean if mean is None else mean, self.layout.std if std is None else std
        self.threshold, self.nms, self.order = threshold, self.layout.nms if nms is None else nms, order
        if not (0 <= threshold <= 1 and (self.nms is None or 0 <= self.nms <= 1)):
            raise OptionError(f"threshold and nms must lie in [0, 1], got {threshold} and {nms}")
        if order not in ORDERS:
            raise OptionError(f"unknown channel order {order!r}; choose one of: {', '.join(ORDERS)}")
        if not self.std > 0:
            raise OptionError(f"std must be positive, got {std}")
        if not self.path.is_file():
            raise FileNotFoundError(f"no ONNX detector at {self.path}")
        self.session = open_session(self.path)
        self.fixed = fixed_size(self.session, self.path)
        self.side = _side(size, self.fixed, self.path)
        self.name, self.label = name or self.path.stem, label
        where = f"{self.fixed[1]}x{self.fixed[0]}" if self.fixed else f"longest side {self.side}"
        doubles = "no NMS" if self.nms is None else f"NMS {self.nms:g}"
        self.description = (
            f"ONNX, layout {layout}, {named(self.path)}; threshold {threshold:g}, {doubles}; {where} px, "
            f"{order.upper()}, (x - {self.mean:g}) / {self.std:g}" + ("" if label == "face" else f"; label {label}")
        )

    def __call__(self, image: Array, name: str = "") -> Detections:
        """Find faces in an (H, W, 3) uint8 RGB picture, best score first.

        Raises:
            ModelError: the network fails, or its outputs are not of the layout.
        """
        check_pixels(image)
        inputs, scale = self._prepared(image)
        try:
            outputs = self.session.run(None, {self.session.get_inputs()[0].name: inputs})
        except Exception as error:  # onnxruntime has exceptions of its own
            raise ModelError(f"{self.path} fails: {' '.join(str(error).split())}") from error
        try:
            found = self.layout.decode([np.asarray(output, dtype=np.float32) for output in outputs], inputs.shape[2:])
        except ModelError as error:
            raise ModelError(f"{self.path}: {error}") from error
        return self._chosen(found, scale, image)

    def _prepared(self, image: Array) -> tuple[Array, Array]:
        """The network's input (1, 3, h, w) float32, and input pixels a picture pixel along x and y."""
        height, width = image.shape[:2]
        room_y, room_x = self.fixed or (self.side, self.side)
        scale = min(room_y / height, room_x / width)
        new_y, new_x = (max(1, round(side * scale)) for side in (height, width))
        if not self.fixed:
            room_y, room_x = (-(-side // MULTIPLE) * MULTIPLE for side in (new_y, new_x))
        canvas = np.full((room_y, room_x, 3), self.layout.fill, np.uint8)
        canvas[:new_y, :new_x] = cv2.resize(image, (new_x, new_y), interpolation=cv2.INTER_LINEAR)
        canvas = canvas if self.order == "rgb" else canvas[..., ::-1]
        inputs = (canvas.astype(np.float32) - np.float32(self.mean)) / np.float32(self.std)
        return np.ascontiguousarray(inputs.transpose(2, 0, 1)[None]), np.array([new_x / width, new_y / height])

    def _chosen(self, found: Found, scale: Array, image: Array) -> Detections:
        """What is above the threshold, in picture pixels, without doubles."""
        keep = np.flatnonzero(found.scores >= self.threshold)
        boxes, scores = found.boxes[keep] / np.tile(scale, 2).astype(np.float32), found.scores[keep]
        if not (np.isfinite(found.scores).all() and np.isfinite(boxes).all() and (scores <= 1).all()):
            raise ModelError(f"{self.path}: boxes are not finite, or scores above 1: not a network of this layout?")
        solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        rows = np.flatnonzero(solid & geometry.inside(boxes, image.shape[1], image.shape[0]))
        rows = rows[np.argsort(-scores[rows], kind="stable")]
        if self.nms is not None:
            rows = rows[np.sort(suppressed(boxes[rows], scores[rows], self.nms))]
        points = None if found.points is None else (found.points[keep[rows]] / scale).astype(np.float32)
        return Detections(boxes[rows], scores[rows], points, np.full(len(rows), self.label), FIVE)


def open_session(path: Path) -> Any:
    """onnxruntime's session on the CPU, with as many threads as torch uses."""
    try:
        import onnxruntime
    except ImportError:
        raise OptionError("onnxruntime is not installed: pip install 'deepanon[onnx]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other steps run beside it
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has exceptions of its own
        raise ModelError(f"{path} is not an ONNX file: {' '.join(str(error).split())}") from error


def fixed_size(session: Any, path: Path) -> tuple[int, int] | None:
    """Height and width of the input, None if they are free."""
    shapes = [given.shape for given in session.get_inputs()]
    if len(shapes) != 1 or len(shapes[0]) != 4 or (isinstance(shapes[0][1], int) and shapes[0][1] != 3):
        raise ModelError(f"{path} takes inputs of shape {shapes}; a detector takes one (1, 3, H, W)")
    height, width = (side if isinstance(side, int) and side > 0 else None for side in shapes[0][2:])
    return (height, width) if height and width else None


def _side(size: int | None, fixed: tuple[int, int] | None, path: Path) -> int:
    """The longest side of the input."""
    if fixed:
        if size not in (None, max(fixed)):
            raise OptionError(f"{path} takes pictures of {fixed[1]}x{fixed[0]} px, not of size {size}")
        return max(fixed)
    side = SIDE if size is None else size
    if isinstance(side, bool) or not isinstance(side, int) or side < MULTIPLE or side % MULTIPLE:
        raise OptionError(f"size must be a multiple of {MULTIPLE} px, got {size!r}")
    return side
