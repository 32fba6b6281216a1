"""The detectors that DeepPrivacy used, in the package of its author: `face-detection` (Hukkelås, Apache-2.0)."""

from __future__ import annotations

import importlib.metadata
import warnings
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import torch

from deepanon import geometry
from deepanon.detections import FIVE, Detections
from deepanon.errors import ModelError, OptionError, lookup
from deepanon.files import named
from deepanon.geometry import Array

SERVER = "https://folk.ntnu.no/haakohu/"
NETWORKS = {  # our name -> the package's name, and the file it fetches
    "resnet50": ("RetinaNetResNet50", "RetinaFace_ResNet50.pth"),
    "mobilenet": ("RetinaNetMobileNetV1", "RetinaFace_mobilenet025.pth"),
    "dsfd": ("DSFDDetector", "WIDERFace_DSFD_RES152.pth"),
}
HOW = "detectors 'retinaface' and 'dsfd' need the package that the paper used: pip install 'deepanon[dsfd]'"


def weight_file(network: str) -> Path:
    """Where the package keeps the weights of `network`, a key of `NETWORKS`: torch's hub folder."""
    return Path(torch.hub.get_dir()) / "checkpoints" / lookup(NETWORKS, network, "network")[1]


def build(
    network: str, threshold: float, nms: float, max_resolution: int | None, device: torch.device | str
) -> tuple[Any, str]:
    """The package's detector, and its description.

    Raises:
        OptionError: the package is not installed, or a value makes no sense.
        ModelError: the weights cannot be fetched, or are damaged; the message says where they may be put by hand.
    """
    kind, file = lookup(NETWORKS, network, "network")
    for name, value in (("threshold", threshold), ("nms", nms)):
        if not 0 <= value <= 1:
            raise OptionError(f"{name} must lie in [0, 1], got {value}")
    if max_resolution is not None and max_resolution < 32:
        raise OptionError(f"max_resolution must be 32 px or more, got {max_resolution}")
    try:
        from face_detection import build_detector
    except ImportError:
        raise OptionError(HOW) from None
    path = weight_file(network)
    options = {"confidence_threshold": threshold, "nms_iou_threshold": nms, "max_resolution": max_resolution}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it uses older names of torchvision's arguments
            detector = build_detector(kind, device=torch.device(device), **options)
    except (URLError, OSError) as error:
        raise ModelError(f"{path.name} cannot be fetched ({error}): get {SERVER}{file} and put it at {path}") from error
    except Exception as error:  # whatever the unpickler or the network says to another file
        raise ModelError(f"{path} is not the file of {kind}: {' '.join(str(error).split())[:200]}") from error
    side = f"longest side {max_resolution} px" if max_resolution else "whole picture"
    version = importlib.metadata.version("face-detection")
    return detector, (
        f"{kind} of face-detection {version}, {named(path)}; threshold {threshold:g}, NMS {nms:g}; {side}, RGB"
    )


def call(method: Any, image: Array) -> Any:
    """Run a method of the package on one (H, W, 3) picture, without its warnings on torch's older names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return method(np.ascontiguousarray(image)[None])


def detections(rows: Array, points: Array | None, image: Array) -> Detections:
    """(N, 5) x0 y0 x1 y1 score and (N, 5, 2) points of the package -> `Detections` of the picture, best score first."""
    rows = np.asarray(rows, dtype=np.float32).reshape(-1, 5)
    if not np.isfinite(rows).all():
        raise ModelError("the face-detection package gave boxes that are not numbers")
    boxes, scores = rows[:, :4], np.clip(rows[:, 4], 0, 1)
    solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    keep = np.flatnonzero(solid & geometry.inside(boxes, image.shape[1], image.shape[0]))
    keep = keep[np.argsort(-scores[keep], kind="stable")]
    kept = None if points is None else np.asarray(points, dtype=np.float32).reshape(-1, 5, 2)[keep]
    return Detections(boxes[keep], scores[keep], kept, schema=FIVE)
