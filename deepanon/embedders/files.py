"""Embedders from files of the user: TorchScript, ONNX and OpenVINO."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deepanon.checks import check_count
from deepanon.embedders.pixels import FILTER, levels, resized, unrounded
from deepanon.errors import ModelError, OptionError
from deepanon.files import sha256_of

ORDERS = ("rgb", "bgr")


class FileEmbedder:
    """What the three have in common: pictures are resized, their channels ordered, and (level - mean) / std is taken.

    Nothing in such a file says how its network wants to be fed, and a wrong guess gives plausible nonsense: look it up.
    Networks of the Open Model Zoo mostly take BGR levels as they are; ArcFace's RGB, mean 127.5, std 127.5 or 128;
    those trained on ImageNet RGB, mean (123.675, 116.28, 103.53), std (58.395, 57.12, 57.375).

    Args:
        weights: the file.
        size: side of the network's square input in pixels; None reads it from the file, where that is said.
        order: "rgb" or "bgr".
        mean: subtracted from the levels 0 … 255; one number, or one a channel in the network's order.
        std: what the rest is divided by.
        name: what to call it; None takes the file's name without suffix.

    Raises:
        FileNotFoundError: there is no such file.
        ModelError: it cannot be loaded, or is no network from one picture to one vector.
        OptionError: an option makes no sense, or the library that runs such files is not installed.
    """

    def __init__(
        self,
        weights: str | Path,
        size: int | None = None,
        order: str = "rgb",
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 1.0,
        name: str | None = None,
    ) -> None:
        self.path = Path(weights)
        if not self.path.is_file():
            raise FileNotFoundError(f"no network at {self.path}")
        if order not in ORDERS:
            raise OptionError(f"unknown channel order {order!r}; choose one of: {', '.join(ORDERS)}")
        self.name, self.order = name or self.path.stem, order
        self.mean, self.std = _per_channel("mean", mean), _per_channel("std", std)
        if not (self.std > 0).all():
            raise OptionError(f"std must be positive, got {std}")
        said = self._load()
        size = said if size is None else size
        if size is None:
            raise OptionError(f"{self.path} does not say how large its input is: give size")
        self.size = check_count("size", size)
        if said not in (None, size):
            raise OptionError(f"{self.path} takes pictures of {said} px, not of size {size}")

    @property
    def description(self) -> str:
        """How pictures were turned into features, for reports."""
        mean, std = (" ".join(f"{v:g}" for v in t.flatten().tolist()) for t in (self.mean, self.std))
        how = f"{self.size} px {self.order.upper()}, (x - {mean}) / {std}; {FILTER}"
        return f"{self.path.name} (SHA-256 {self.digest}); {how}"

    @cached_property
    def digest(self) -> str:
        """First 16 digits of the SHA-256 of the file, or of each if the network has two."""
        return "+".join(sha256_of(path)[:16] for path in self._files)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float in [-1, 1] -> (N, D) float32 on the same device.

        Raises:
            ModelError: the network fails, or does not give one vector a picture.
        """
        return self._vectors(levels(images))

    def _vectors(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) levels 0 … 255 -> (N, D)."""
        inputs = resized(images, self.size)
        inputs = inputs.flip(1) if self.order == "bgr" else inputs
        inputs = (inputs - self.mean.to(inputs)) / self.std.to(inputs)
        try:
            features = self._run(inputs.contiguous())
        except Exception as error:  # each library has exceptions of its own
            raise ModelError(f"{self.path} cannot take {tuple(inputs.shape)} pictures: {_line(error)}") from error
        vectors = features.float().flatten(1) if features.ndim > 1 else features
        if vectors.ndim != 2 or len(vectors) != len(images):
            raise ModelError(f"{self.path} gives {tuple(features.shape)} for {len(images)} pictures, not a vector each")
        return vectors.to(images.device)

    @property
    def _files(self) -> list[Path]:
        """All that the network is read from."""
        return [self.path]

    def _load(self) -> int | None:
        """Load the file and return the side of its input, if it says so."""
        raise NotImplementedError

    def _run(self, inputs: Tensor) -> Tensor:
        """(N, 3, size, size) float32 -> (N, …)."""
        raise NotImplementedError


class TorchScript(FileEmbedder):
    """A network saved by `torch.jit.save`; `size` must be given. Of several outputs the first one counts."""

    network: torch.nn.Module

    def features(self, images: Tensor) -> Tensor:
        """The same as a call, not rounded and with gradients; see `Differentiable`.

        Raises:
            ModelError: as of a call, or the file was frozen in a way that no gradient passes.
        """
        vectors = self._vectors(unrounded(images))
        if images.requires_grad and torch.is_grad_enabled() and not vectors.requires_grad:
            raise ModelError(f"{self.path} lets no gradient pass: save the network without freezing or detaching")
        return vectors

    def _load(self) -> None:
        try:
            self.network = torch.jit.load(self.path, map_location="cpu").eval()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{self.path} is not a TorchScript file: {_line(error)}") from error
        for weight in self.network.parameters():  # such a module has no `requires_grad_` of its own
            weight.requires_grad_(False)

    def _run(self, inputs: Tensor) -> Tensor:
        found = self.network.to(inputs.device)(inputs)
        features: Tensor = found[0] if isinstance(found, tuple | list) else found
        return features


class Onnx(FileEmbedder):
    """An ONNX file, run on the CPU by onnxruntime; the first output counts."""

    def _load(self) -> int | None:
        try:
            import onnxruntime
        except ImportError:
            raise OptionError("embedder 'onnx' needs onnxruntime: pip install 'deepanon[onnx]'") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        try:
            self.session = onnxruntime.InferenceSession(self.path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no base of their own
            raise ModelError(f"{self.path} is not an ONNX file that onnxruntime can load: {_line(error)}") from error
        shape = _image_shape(self.path, [entry.shape for entry in self.session.get_inputs()])
        self.one_by_one = shape[0] == 1
        return _side(shape)

    def _run(self, inputs: Tensor) -> Tensor:
        name = self.session.get_inputs()[0].name
        parts = inputs.cpu().split(1 if self.one_by_one else len(inputs))
        return torch.from_numpy(np.concatenate([self.session.run(None, {name: part.numpy()})[0] for part in parts]))


class OpenVino(FileEmbedder):
    """An OpenVINO network (`.xml` with its `.bin` beside it), run on the CPU in float32; the first output counts."""

    @property
    def _files(self) -> list[Path]:
        return [path for path in (self.path, self.path.with_suffix(".bin")) if path.is_file()]

    def _load(self) -> int | None:
        try:
            import openvino
        except ImportError:
            raise OptionError("embedder 'openvino' needs openvino: pip install 'deepanon[openvino]'") from None
        exact = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
        try:
            model = openvino.Core().read_model(self.path)
            self.network = openvino.compile_model(model, "CPU", exact)
        except Exception as error:  # one exception for everything, and not always that one
            raise ModelError(f"{self.path} is not a network that OpenVINO can load: {_line(error)}") from error
        sizes = [[d.get_length() if d.is_static else -1 for d in i.get_partial_shape()] for i in model.inputs]
        shape = _image_shape(self.path, sizes)
        self.one_by_one = shape[0] == 1
        return _side(shape)

    def _run(self, inputs: Tensor) -> Tensor:
        parts = inputs.cpu().split(1 if self.one_by_one else len(inputs))
        return torch.from_numpy(np.concatenate([self.network(part.numpy())[0] for part in parts]))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _per_channel(name: str, values: Any) -> Tensor:
    """One number or three -> (1, 1 or 3, 1, 1) float32."""
    try:
        tensor = torch.as_tensor(values, dtype=torch.float32).reshape(1, -1, 1, 1)
    except (TypeError, ValueError, RuntimeError):
        raise OptionError(f"{name} must be a number or one a channel, got {values!r}") from None
    if tensor.shape[1] not in (1, 3) or not torch.isfinite(tensor).all():
        raise OptionError(f"{name} must be a finite number or three, got {values!r}")
    return tensor


def _image_shape(path: Path, shapes: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """The shape of the only input; `ModelError` unless that can be (N, 3, S, S)."""
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] != 3:
        raise ModelError(
            f"{path} takes inputs of shape {[list(s) for s in shapes]}; an embedder takes one (N, 3, S, S)"
        )
    return shapes[0]


def _side(shape: Sequence[Any]) -> int | None:
    return shape[2] if isinstance(shape[2], int) and shape[2] > 0 else None
