"""Number plates: the YOLOv9 networks of the project open-image-models (Anken, MIT), run as any ONNX network is."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from deepanon.detectors.onnx import Onnx
from deepanon.errors import ModelError, OptionError, lookup

LABEL = "plate"
BEST = "yolo-v9-s-608-license-plate-end2end"  # finds 92 % of the plates of its makers' test set, the smallest 80 %
HOW = "without weights of your own detector 'plates' needs open-image-models: pip install 'deepanon[plates]'"


def plates(weights: str | Path | None = None, model: str = BEST, threshold: float = 0.1) -> Onnx:
    """A detector of number plates: boxes with label "plate" and scores, no keypoints.

    The package is asked for its weights and for nothing else: where its own detector fails inside onnxruntime it
    reports a picture without plates.

    Args:
        weights: an ONNX file in layout "end2end" that finds plates and nothing else; None takes the package's, which
            downloads it once.
        model: which of the package's networks.
        threshold: lowest score to report, in [0, 1]; low, because a plate found in vain costs nothing but a box. The
            network may have a threshold of its own inside.

    Raises:
        FileNotFoundError: there is no file at `weights`.
        ModelError: the download failed, or the file does not fit.
        OptionError: the package is not installed, or has no such network.
    """
    return Onnx(_fetched(model) if weights is None else weights, "end2end", threshold, name="plates", label=LABEL)


def _fetched(model: str) -> Path:
    """Where the package keeps the weights; it downloads them if they are not there."""
    try:
        hub: Any = import_module("open_image_models.detection.core.hub")
    except ImportError as error:
        raise OptionError(f"{HOW} ({error})") from None
    networks = hub.DETECTION_MODELS
    lookup({name: name for name in networks if "license-plate" in name}, model, "plate network")
    url, folder = networks[model].url, hub.MODEL_CACHE_DIR / model
    try:
        return Path(hub.download_model(model))
    except Exception as error:  # whatever the network says
        raise ModelError(f"{model} cannot be fetched ({error}): get {url} and put it into {folder}") from error
