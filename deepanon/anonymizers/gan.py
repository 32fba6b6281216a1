"""The generator as a method: draws a face that never existed from surroundings, keypoints and noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from deepanon.crops import Crops, hide
from deepanon.errors import OptionError, SchemaError
from deepanon.files import named
from deepanon.weights import DEFAULT, load_generator, model_path

NOISES = ("random", "zero")
MICRO_BATCH = 2  # faces a forward pass; larger batches are slower per face on a CPU


class Gan:
    """Replaces faces with drawn ones; it is given crops in which no face exists.

    A face whose keypoints are unknown is drawn without them if the generator was trained to do so, and blacked out if
    it was not.

    Args:
        model: name of a bundled generator, or path of a file made by `train.py`.
        device: where the network runs.
        z: "random" draws each face's noise from its seed; "zero" uses none, so that equal surroundings give equal faces
            (the paper's static z; its FID is measured like that).

    Raises:
        OptionError: another `z`, or a device that is not there.
        FileNotFoundError: there is no such generator.
        ModelError: the file is not usable.
    """

    name = "gan"
    sees_face = False
    cosmetic = False

    def __init__(self, model: str | Path = DEFAULT, device: torch.device | str = "cpu", z: str = "random") -> None:
        if z not in NOISES:
            raise OptionError(f"unknown z {z!r}; choose one of: {', '.join(NOISES)}")
        self.device = _usable(device)
        self.loaded = load_generator(model, self.device)
        self.random = z == "random"
        self.description = (
            f"{self.loaded.network.architecture} generator at {self.loaded.network.resolution} px, "
            f"{named(model_path(model))}, {z} z"
        )
        self.size: int | None = self.loaded.network.resolution

    @torch.inference_mode()
    def __call__(self, crops: Crops, seeds: Sequence[int]) -> Tensor:
        """Return (N, 3, S, S) float pixels, nominally in [-1, 1], on the CPU.

        Raises:
            SchemaError: the keypoints are not of the schema that the generator was trained with.
        """
        if crops.schema != self.loaded.schema:
            raise SchemaError(
                f"the generator was trained with keypoint schema {self.loaded.schema.name!r}, "
                f"the detections have {crops.schema.name!r}"
            )
        noise = self._noise(seeds)
        parts = [
            self._draw(crops[start : start + MICRO_BATCH], noise[start : start + MICRO_BATCH])
            for start in range(0, len(crops), MICRO_BATCH)
        ]
        return torch.cat(parts) if parts else torch.zeros_like(crops.context)

    def _noise(self, seeds: Sequence[int]) -> Tensor:
        """(N, noise, 4, 4) standard normal, each face's from its own seed, so that batches do not matter; or zeros."""
        shape = (self.loaded.network.noise, 4, 4)
        if not self.random:
            return torch.zeros(len(seeds), *shape)
        drawn = [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return torch.stack(drawn) if drawn else torch.zeros(0, *shape)

    def _draw(self, crops: Crops, z: Tensor) -> Tensor:
        context = hide(crops.context, crops.mask)  # resampling left a rim of half-grey pixels; training has none
        inputs = (context, crops.mask, crops.keypoints, z)
        pixels: Tensor = self.loaded.network(*(tensor.to(self.device) for tensor in inputs)).cpu()
        if self.loaded.pose_free:
            return pixels
        known = torch.isfinite(crops.keypoints).all(dim=(1, 2))
        return torch.where(known[:, None, None, None], pixels, -torch.ones_like(pixels))


def _usable(device: torch.device | str) -> torch.device:
    try:
        return torch.zeros(0, device=device).device
    except (RuntimeError, AssertionError) as error:  # no such kind, or no such device in this machine
        raise OptionError(f"device {str(device)!r} cannot be used ({str(error).splitlines()[0]}); try cpu") from None
