"""LPIPS (Zhang et al. 2018), through torchmetrics; the user brings the backbone's weights."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from deepanon.embedders.pixels import levels
from deepanon.errors import ImageError, ModelError, OptionError, lookup

BACKBONES = {  # torchvision's file, and where its convolutions lie in it
    "alex": ("alexnet-owt-7be5be79.pth", "7be5be79"),
    "vgg": ("vgg16-397923af.pth", "397923af"),
}
URL = "https://download.pytorch.org/models/"
BATCH = 32  # pairs a pass
LEAST = {"alex": 31, "vgg": 16}  # px, below which a map of the backbone vanishes


class Lpips:
    """Perceptual distance of two pictures, version 0.1: 0 for equal ones.

    The linear layers ship with torchmetrics; the ImageNet weights of the backbone are a file of torchvision's, which
    is not downloaded here.

    Args:
        net: "alex" (what the field reports for diversity) or "vgg".
        weights: the backbone's published file; None looks into torch's hub folder, where torchvision keeps it.

    Raises:
        FileNotFoundError: the file is not there; the message says where it comes from and belongs.
        ModelError: it is another file. With other weights the number would be no LPIPS.
        OptionError: unknown backbone, or a torchmetrics without LPIPS.
    """

    def __init__(self, net: str = "alex", weights: str | Path | None = None) -> None:
        file, digest = lookup(BACKBONES, net, "LPIPS backbone")
        path = Path(torch.hub.get_dir()) / "checkpoints" / file if weights is None else Path(weights)
        self.net, self.name = net, f"lpips({net})"
        self.network = _built(net, _features(path, file, digest))

    @property
    def description(self) -> str:
        """How pictures were compared, for reports."""
        file, _ = BACKBONES[self.net]
        return f"LPIPS 0.1, {self.net} ({file}) with torchmetrics' linear layers, pictures as they are, not resized"

    @torch.no_grad()
    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, 3, H, W) float in [-1, 1], twice -> (N,) float32; clipped and rounded to 256 levels as for embedders.

        Raises:
            ImageError: shapes differ, or the pictures are too small for the backbone.
        """
        if a.shape != b.shape:
            raise ImageError(f"LPIPS compares pictures of one shape, got {tuple(a.shape)} and {tuple(b.shape)}")
        if min(a.shape[-2:]) < LEAST[self.net]:
            raise ImageError(f"LPIPS with {self.net} needs pictures of {LEAST[self.net]} px, got {tuple(a.shape[-2:])}")
        network = self.network.to(a.device)
        sides = [(levels(x) / 127.5 - 1).split(BATCH) for x in (a, b)]
        found = [network(x, y).flatten() for x, y in zip(*sides, strict=True)]
        return torch.cat(found) if found else a.new_zeros(0)


def _features(path: Path, file: str, digest: str) -> dict[str, Tensor]:
    """The backbone's convolutions by torchvision's names, without "features."."""
    if not path.is_file():
        raise FileNotFoundError(
            f"no LPIPS backbone at {path}: put {URL}{file} there, or name another place (weights=FILE)"
        )
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if not found.startswith(digest):
        raise ModelError(
            f"{path} is not the published file: its SHA-256 begins {found[:8]}, not {digest}; with other weights the "
            f"distance is no LPIPS (get {URL}{file})"
        )
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the unpickler meets
        raise ModelError(f"{path} does not hold plain weights: {error}") from error
    return {name.removeprefix("features."): value for name, value in stored.items() if name.startswith("features.")}


def _built(net: str, features: dict[str, Tensor]) -> torch.nn.Module:
    try:
        from torchmetrics.functional.image.lpips import _NoTrainLpips  # its public class only downloads
    except ImportError as error:
        raise OptionError(f"this torchmetrics has no LPIPS ({error}): pip install -U torchmetrics") from None
    with torch.random.fork_rng(devices=[]):  # a seeded run stays what it is without it
        network: Any = _NoTrainLpips(net=net, pnet_rand=True)  # type: ignore[arg-type]
    numbered = {
        f"slice{slot}.{name}": features.get(name)
        for slot, part in ((n, getattr(network.net, f"slice{n}")) for n in range(1, 6))
        for name in part.state_dict()
    }
    missing = [name for name, value in numbered.items() if value is None]
    if missing:
        raise ModelError(f"the LPIPS backbone lacks {', '.join(missing)}")
    network.net.load_state_dict(numbered)
    module: torch.nn.Module = network.requires_grad_(False)
    return module
