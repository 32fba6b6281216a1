"""The generator as a method: draws a face that never existed from surroundings, keypoints and noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from deepanon.checks import check_count
from deepanon.crops import Crops, hide
from deepanon.errors import OptionError, SchemaError
from deepanon.files import named
from deepanon.runtimes import FLOAT32, Pace, build_runtime
from deepanon.weights import DEFAULT, load_generator, model_path

NOISES = ("random", "zero")


class Gan:
    """Replaces faces with drawn ones; it is given crops in which no face exists.

    A face whose keypoints are unknown is drawn without them if the generator was trained to do so, and blacked out if
    it was not.

    Args:
        model: name of a bundled generator, or path of a file made by `train.py`.
        device: where the network runs.
        z: "random" draws each face's noise from its seed; "zero" uses none, so that equal surroundings give equal faces
            (the paper's static z; its FID is measured like that).
        runtime: what runs the network: "torch", "onnx", "openvino", or "auto" (see `runtimes.build_runtime`). In
            float32 none deviates from the plain network by more than `models.inference.TOLERANCE`: at most one of 255
            levels.
        batch: faces a call, 0 = what suits the machine (see `runtimes.Runtime`).
        streams: calls at once, 0 = what suits the machine; with either given the other is 1.
        precision: "float32"; or "bf16" where that is faster, which draws the same faces but not the same pixels (see
            `runtimes.PRECISIONS`).

    Raises:
        OptionError: another `z`, `runtime` or `precision`, a runtime that is not installed, a precision that it does
            not have or that is not faster, or a device that is not there.
        FileNotFoundError: there is no such generator.
        ModelError: the file is not usable, or not by that runtime.
    """

    name = "gan"
    sees_face = False
    cosmetic = False

    def __init__(
        self,
        model: str | Path = DEFAULT,
        device: torch.device | str = "cpu",
        z: str = "random",
        runtime: str = "torch",
        batch: int = 0,
        streams: int = 0,
        precision: str = FLOAT32,
    ) -> None:
        if z not in NOISES:
            raise OptionError(f"unknown z {z!r}; choose one of: {', '.join(NOISES)}")
        pace = _pace(batch, streams)
        self.device = _usable(device)
        self.loaded = load_generator(model, self.device)
        self.runtime = build_runtime(runtime, self.loaded, pace, precision)
        self.random = z == "random"
        self.description = (
            f"{self.loaded.network.architecture} generator at {self.loaded.network.resolution} px, "
            f"{named(model_path(model))}, run by {self.runtime.name}, {z} z"
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
        context = hide(crops.context, crops.mask)  # resampling left a rim of half-grey pixels; training has none
        pixels = self.runtime(context, crops.mask, crops.keypoints, self._noise(seeds))
        if self.loaded.pose_free:
            return pixels
        known = torch.isfinite(crops.keypoints).all(dim=(1, 2))
        return torch.where(known[:, None, None, None], pixels, -torch.ones_like(pixels))

    def _noise(self, seeds: Sequence[int]) -> Tensor:
        """(N, noise, 4, 4) standard normal, each face's from its own seed, so that batches do not matter; or zeros."""
        shape = (self.loaded.network.noise, 4, 4)
        if not self.random:
            return torch.zeros(len(seeds), *shape)
        drawn = [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return torch.stack(drawn) if drawn else torch.zeros(0, *shape)


def _pace(batch: int, streams: int) -> Pace | None:
    if check_count("batch", batch, 0) == check_count("streams", streams, 0) == 0:
        return None
    return Pace(batch or 1, streams or 1)


def _usable(device: torch.device | str) -> torch.device:
    try:
        return torch.zeros(0, device=device).device
    except (RuntimeError, AssertionError) as error:  # no such kind, or no such device in this machine
        raise OptionError(f"device {str(device)!r} cannot be used ({str(error).splitlines()[0]}); try cpu") from None
