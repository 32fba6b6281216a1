"""What finds faces. Every detector is called with a picture and returns `Detections`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from deepanon.detections import Detections
from deepanon.detectors.cascade import Cascade
from deepanon.detectors.dsfd import Dsfd
from deepanon.detectors.given import Given
from deepanon.detectors.keypoint_rcnn import KeypointRcnn
from deepanon.detectors.mtcnn import Mtcnn
from deepanon.detectors.mtcnn_packaged import MtcnnPackaged
from deepanon.detectors.onnx import Onnx
from deepanon.detectors.plates import plates
from deepanon.detectors.reduced import Reduced
from deepanon.detectors.retinaface import RetinaFace
from deepanon.detectors.sidecars import Sidecars
from deepanon.detectors.together import Together
from deepanon.detectors.yunet import YuNet
from deepanon.errors import OptionError, lookup
from deepanon.geometry import Array


class Detector(Protocol):
    """Finds the faces of one picture.

    Attributes:
        name: what it is called in logs and reports.
        description: one line with everything that its detections depend on: network, SHA-256 of its weights,
            thresholds, what is done to the picture. Reports print it, and detections are only reused under the same
            line.
    """

    name: str

    @property
    def description(self) -> str:
        """See above."""
        ...

    def __call__(self, image: Array, name: str = "") -> Detections:
        """Find faces in an (H, W, 3) uint8 RGB picture; `name` is what the picture is called in a detections file."""
        ...


DETECTORS: dict[str, Callable[..., Detector]] = {
    "mtcnn": Mtcnn,
    "mtcnn_packaged": MtcnnPackaged,
    "given": Given,
    "yunet": YuNet,
    "cascade": Cascade,
    "onnx": Onnx,
    "retinaface": RetinaFace,
    "dsfd": Dsfd,
    "keypoint_rcnn": KeypointRcnn,
    "plates": plates,
}


def build_detector(name: str, /, **options: Any) -> Detector:
    """Build a detector by name; `OptionError` lists the valid names.

    "mtcnn+plates" builds two that work as one. `options` are dictionaries by name then: `plates={"weights": FILE}`.
    """
    names = name.split("+")
    if len(names) == 1:
        return lookup(DETECTORS, name, "detector")(**options)
    if lost := sorted(set(options) - set(names)):
        raise OptionError(f"options of {name!r} go to one of its detectors by name, not to {', '.join(lost)}")
    return Together([build_detector(part, **options.get(part, {})) for part in names])


__all__ = [
    "DETECTORS",
    "Cascade",
    "Detector",
    "Dsfd",
    "Given",
    "KeypointRcnn",
    "Mtcnn",
    "MtcnnPackaged",
    "Onnx",
    "Reduced",
    "RetinaFace",
    "Sidecars",
    "Together",
    "YuNet",
    "build_detector",
    "plates",
]
