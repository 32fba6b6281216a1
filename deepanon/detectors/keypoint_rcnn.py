"""Keypoint R-CNN (He et al. 2017) of torchvision: finds people, and says where their faces must be."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepanon import geometry
from deepanon.detections import COCO7, Detections
from deepanon.errors import ModelError, OptionError
from deepanon.files import named, sha256_of
from deepanon.geometry import Array
from deepanon.images import check_pixels, unit

URL = "https://download.pytorch.org/models/keypointrcnn_resnet50_fpn_coco-fc266e95.pth"  # torchvision's COCO_V1
OFFICIAL = "fc266e95"  # its SHA-256 begins so
FACE = slice(0, 5)  # of COCO's points: nose, eyes, ears
SHAPE = 1.25  # height of a face box over its width


class KeypointRcnn:
    """Finds people with seven keypoints (schema "coco7"), and a rough face box from five of them.

    The box: nose, eyes and ears are taken to lie as in a face seen from the front (`COCO7.template`); the spread of the
    five points about their mean gives its width, their mean its place, and its height is 1.25 times the width. Turned
    heads keep their centre but come out narrower than they are. It is good for finding people and their keypoints
    (DeepPrivacy takes these from the same network); as a face detector it is a rough one.

    Args:
        weights: a file with a state dict of this network; None downloads torchvision's COCO_V1 to torch's hub folder.
        threshold: lowest score of a person to report, in [0, 1].
        nms: of two people whose boxes have an IoU above this the lower one is dropped.
        visible: lowest mean of the five points' scores (the network's heatmap values, not probabilities) for a face to
            be reported; None reports everybody, also people seen from behind.
        min_size: the shorter side is scaled to this …
        max_size: … unless the longer one would exceed this, in pixels.
        device: where the network runs.

    Raises:
        FileNotFoundError: there is no file at `weights`.
        ModelError: the download failed, or the file does not fit; the message says what to do.
        OptionError: a value makes no sense.
    """

    name = "keypoint_rcnn"

    def __init__(
        self,
        weights: str | Path | None = None,
        threshold: float = 0.5,
        nms: float = 0.5,
        visible: float | None = None,
        min_size: int = 800,
        max_size: int = 1333,
        device: torch.device | str = "cpu",
    ) -> None:
        if not (0 <= threshold <= 1 and 0 <= nms <= 1):
            raise OptionError(f"threshold and nms must lie in [0, 1], got {threshold} and {nms}")
        if not 1 <= min_size <= max_size:
            raise OptionError(f"sizes must be 1 <= min_size <= max_size, got {min_size} and {max_size}")
        self.visible, self.device = visible, torch.device(device)
        path, state = _state(weights)
        self.network = _network(
            state, path, box_score_thresh=threshold, box_nms_thresh=nms, min_size=min_size, max_size=max_size
        ).to(self.device)
        faces = "" if visible is None else f", face points from {visible:g}"
        self.description = (
            f"Keypoint R-CNN of torchvision, {named(path)}; threshold {threshold:g}, NMS {nms:g}{faces}; sides "
            f"{min_size} to {max_size} px, RGB; face boxes from nose, eyes and ears"
        )

    @torch.inference_mode()
    def __call__(self, image: Array, name: str = "") -> Detections:
        """Find people in an (H, W, 3) uint8 RGB picture, best score first; boxes are those of their faces."""
        check_pixels(image)
        picture = (unit(torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)) + 1) / 2  # 3,H,W in [0, 1]
        found = {key: value.cpu() for key, value in self.network([picture.to(self.device)])[0].items()}
        points = found["keypoints"][:, : len(COCO7), :2].float().numpy()
        boxes = face_boxes(points)
        keep = np.isfinite(points).all(axis=(1, 2)) & (boxes[:, 2] > boxes[:, 0])
        if self.visible is not None:
            keep &= found["keypoints_scores"][:, FACE].mean(1).numpy() >= self.visible
        keep[keep] = geometry.inside(boxes[keep], image.shape[1], image.shape[0])
        scores = found["scores"].float().numpy().clip(0, 1)
        return Detections(boxes[keep], scores[keep], points[keep], schema=COCO7)


def face_boxes(points: Array) -> Array:
    """(N, 7, 2) points of schema "coco7" in pixels -> (N, 4) face boxes; see `KeypointRcnn`."""
    usual = np.array(COCO7.template)[FACE] * [1, SHAPE]  # in widths of the face
    centre = usual.mean(axis=0)
    middle = points[:, FACE].mean(axis=1)  # N,2
    spread = np.sqrt(((points[:, FACE] - middle[:, None]) ** 2).sum(axis=(1, 2)))
    width = spread / np.sqrt(((usual - centre) ** 2).sum())
    low = middle - centre * width[:, None]
    return np.concatenate([low, low + width[:, None] * [1, SHAPE]], axis=1).astype(np.float32)


def weight_file(weights: str | Path | None = None) -> Path:
    """The file that is read: `weights`, or torchvision's where torch keeps it."""
    return Path(torch.hub.get_dir()) / "checkpoints" / URL.rsplit("/", 1)[1] if weights is None else Path(weights)


def _state(weights: str | Path | None) -> tuple[Path, dict[str, Tensor]]:
    """The weights and the file they are in; downloaded if none is named."""
    path = weight_file(weights)
    if weights is not None and not path.is_file():
        raise FileNotFoundError(f"no Keypoint R-CNN weights at {path}; without weights torchvision's are downloaded")
    try:
        if weights is None:
            return path, torch.hub.load_state_dict_from_url(URL, map_location="cpu", check_hash=True, weights_only=True)
        return path, torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # no network, a wrong sum, whatever the unpickler meets
        reason = " ".join(str(error).split())[:200]
        if weights is None:
            raise ModelError(
                f"the Keypoint R-CNN weights cannot be had ({reason}): get {URL} and put it at {path}, or name it "
                "(weights=FILE)"
            ) from error
        raise ModelError(f"{path} does not hold plain weights: {reason}") from error


def _network(state: dict[str, Tensor], path: Path, **options: Any) -> nn.Module:
    """torchvision's network with these weights, in eval mode."""
    from torchvision.models.detection import keypointrcnn_resnet50_fpn

    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():  # a seeded run stays what it is without it
        warnings.simplefilter("ignore")
        network = keypointrcnn_resnet50_fpn(
            weights=None, weights_backbone=None, num_classes=2, num_keypoints=17, **options
        )
    _freeze(network, 0.0 if sha256_of(path).startswith(OFFICIAL) else 1e-5)  # torchvision does so for COCO_V1 alone
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} does not fit Keypoint R-CNN: {' '.join(str(error).split())[:200]}") from error
    return network.eval().requires_grad_(False)


def _freeze(network: nn.Module, eps: float) -> None:
    """Replace batch normalisation by the frozen kind that the published weights were made for."""
    from torchvision.ops import FrozenBatchNorm2d

    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, FrozenBatchNorm2d(child.num_features, eps))
