"""Frozen networks for `ProjectedDiscriminator`, with the weights that they learnt elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from deepanon.errors import ModelError, OptionError
from deepanon.models import MobileNetFeatures, NetworkFeatures

PREFIXES = ("module.", "body.")  # what stands in front of a name when it was trained by several, or in a larger network


def retinaface_features(weights: str | Path, side: int = 128) -> MobileNetFeatures:
    """The backbone of RetinaFace with MobileNet 0.25, from its common PyTorch port.

    Args:
        weights: `mobilenet0.25_Final.pth`, or any state dict with its names; what else it holds is left out.
        side: pixels to which crops are brought.

    Raises:
        FileNotFoundError: there is no such file.
        ModelError: it does not fit.
    """
    path = Path(weights)
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}: RetinaFace's mobilenet0.25_Final.pth is wanted there")
    features = MobileNetFeatures(side)
    try:
        stored: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # zip, pickle and tensor code each raise their own on damaged files
        raise ModelError(f"{path} does not hold weights that can be read: {type(error).__name__}: {error}") from error
    try:
        stored = stored.get("state_dict", stored)
        for prefix in PREFIXES:
            stored = {name.removeprefix(prefix): value for name, value in stored.items()}
        wanted = features.state_dict()
        missing = [name for name in wanted if name not in stored and not name.endswith("num_batches_tracked")]
        if missing:
            raise ModelError(
                f"{path} is not RetinaFace's MobileNet: {missing[0]} and {len(missing) - 1} more are missing"
            )
        features.load_state_dict({name: stored.get(name, value) for name, value in wanted.items()})
    except (RuntimeError, AttributeError) as error:
        raise ModelError(f"{path} does not hold the weights of RetinaFace's MobileNet: {error}") from error
    return features


def torchvision_features(
    network: str = "efficientnet_b0", weights: str | None = "DEFAULT", layers: tuple[str, ...] = (), side: int = 128
) -> NetworkFeatures:
    """Maps of a classifier of torchvision.

    Args:
        network: its name in torchvision.
        weights: name of weights in torchvision, which are downloaded; or None for none, for tests.
        layers: names of its layers, fine to coarse, each at half the resolution of the one before; by default those of
            `efficientnet_b0`.
        side: pixels to which crops are brought.

    Raises:
        OptionError: no such network, weights or layer.
        ModelError: the weights cannot be fetched.
    """
    from torchvision.models import get_model
    from torchvision.models.feature_extraction import create_feature_extractor

    layers = tuple(layers) or ("features.1", "features.2", "features.3", "features.5", "features.8")
    try:
        classifier = get_model(network, weights=weights)
        return NetworkFeatures(create_feature_extractor(classifier, list(layers)), side=side)
    except ValueError as error:
        raise OptionError(f"torchvision's {network} cannot be used: {error}") from error
    except OSError as error:
        raise ModelError(f"weights {weights!r} of torchvision's {network} cannot be fetched: {error}") from error
