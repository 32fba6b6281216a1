"""The Inception network of FID (2015-12-05), through torch-fidelity; the user brings its weights."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from deepanon.embedders.pixels import levels
from deepanon.errors import ModelError, OptionError
from deepanon.files import sha256

URL = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
NAMES = ("weights-inception-2015-12-05-6726825d.pth", "pt_inception-2015-12-05-6726825d.pth")  # one file, two names
SHA256 = "6726825d"  # first digits, as published in the names
BATCH = 32  # pictures a pass: 299 px need 0.3 GB at that


class Inception:
    """The 2048 pooled features that FID is defined on (Heusel et al. 2017). Only with these may a number be called FID.

    Pictures are resized to 299 px by TensorFlow 1's bilinear filter, without antialiasing, as the original code does.

    Args:
        weights: the published file; None looks where torch-fidelity and pytorch-fid keep it, torch's hub folder.

    Raises:
        FileNotFoundError: the file is not there; the message says where it comes from and belongs.
        ModelError: it is another file. With other weights the number would be no FID.
        OptionError: torch-fidelity is not installed.
    """

    name = "inception"
    size = 299
    description = (
        f"Inception 2015-12-05 ({SHA256}) of torch-fidelity, pool3, 2048 features; 299 px RGB, (x - 128) / 128; "
        "bilinear of TensorFlow 1"
    )

    def __init__(self, weights: str | Path | None = None) -> None:
        try:
            from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
        except ImportError:
            raise OptionError("embedder 'inception' needs torch-fidelity: pip install 'deepanon[fid]'") from None
        path = _found(weights)
        _check(path)
        with torch.random.fork_rng(devices=[]):  # a seeded run stays what it is without this embedder
            self.network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(path))

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float in [-1, 1] -> (N, 2048) float32 on the same device."""
        network, pictures = self.network.to(images.device), levels(images).to(torch.uint8)
        return torch.cat([network(part)[0] for part in pictures.split(BATCH)])


def _found(weights: str | Path | None) -> Path:
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    places = [folder / name for name in NAMES] if weights is None else [Path(weights)]
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(
        f"no Inception weights at {places[0]}: put {URL} there, or name another place (weights=FILE)"
    )


def _check(path: Path) -> None:
    found = sha256(path)
    if not found.startswith(SHA256):
        raise ModelError(
            f"{path} is not the published file: its SHA-256 begins {found[:8]}, not {SHA256}; with other weights the "
            f"distance is no FID (get {URL})"
        )
    try:
        torch.load(path, map_location="cpu", weights_only=True)  # torch-fidelity unpickles without this caution
    except Exception as error:  # whatever the unpickler meets
        raise ModelError(f"{path} does not hold plain weights: {error}") from error
