"""Networks that make faces sharp, trained by others on degradations of their own; their files come from the user."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from deepanon.audit.attack import NotRun
from deepanon.checks import check_weight
from deepanon.errors import ModelError
from deepanon.files import named

log = logging.getLogger(__name__)

NEEDS = "restoring faces needs spandrel: pip install 'deepanon[audit]'"
NON_COMMERCIAL = "CodeFormer's licence (S-Lab 1.0) allows non-commercial use only"

# How the bare networks are called, on faces in [-1, 1]; spandrel's own call feeds GFPGAN and CodeFormer [0, 1] and cuts
# their answer off at 0: half of it would be lost, and the attack look weaker than it is.
ARCHITECTURES: dict[str, Callable[[Any, Tensor, float], Tensor]] = {
    "GFPGAN": lambda net, faces, fidelity: net(faces, randomize_noise=False)[0],
    "RestoreFormer": lambda net, faces, fidelity: net(faces)[0],
    "CodeFormer": lambda net, faces, fidelity: net(faces, weight=fidelity)[0],
}


class Restorer(Protocol):
    """Makes faces sharp.

    Attributes:
        name: in reports.
        description: all that its results depend on.
    """

    name: str
    description: str

    def restore(self, faces: Tensor) -> Tensor:
        """(N, 3, 512, 512) float in [0, 1] -> the same; RGB, in FFHQ's frame."""
        ...


class FromFile:
    """GFPGAN (1.2 to 1.4), RestoreFormer or CodeFormer from its published file, loaded by spandrel.

    Which of them it is, the file says. CodeFormer needs the package spandrel_extra_arches too, and is licensed for
    non-commercial use only.

    Args:
        weights: `GFPGANv1.4.pth`, `RestoreFormer.pth`, `codeformer.pth`, or the same as safetensors.
        fidelity: of CodeFormer, 0 = handsome, 1 = faithful; its authors' default.
        device: where the network runs.

    Raises:
        NotRun: spandrel is not installed.
        ModelError: there is no such file, or it is none of these networks.
    """

    def __init__(self, weights: str | Path, fidelity: float = 0.5, device: str = "cpu") -> None:
        self.fidelity, self.device = check_weight("fidelity", fidelity), torch.device(device)
        self.net, self.name = _loaded(Path(weights), device)
        self._call = ARCHITECTURES[self.name]
        how = f", fidelity {fidelity}" if self.name == "CodeFormer" else ""
        self.description = f"{self.name} ({named(weights)}){how}"
        if self.name == "CodeFormer":
            log.warning("%s", NON_COMMERCIAL)
            self.description += f"; {NON_COMMERCIAL}"

    def restore(self, faces: Tensor) -> Tensor:
        """See `Restorer`."""
        with torch.no_grad():
            made = self._call(self.net, faces.to(self.device) * 2 - 1, self.fidelity)
        return ((made + 1) / 2).clamp(0, 1).to(faces.device)


def _loaded(path: Path, device: str) -> tuple[Any, str]:
    """The bare network and the name of its architecture."""
    if not path.is_file():
        raise ModelError(f"restorer file {path} does not exist")
    try:
        import spandrel
    except ImportError as error:
        raise NotRun(NEEDS) from error
    _more_architectures()
    try:
        found = spandrel.ModelLoader(device=device).load_from_file(str(path))
    except Exception as error:  # spandrel and the unpickler raise whatever they like
        raise ModelError(
            f"{path}: not a restorer that can be loaded ({error}); known: {', '.join(ARCHITECTURES)} "
            "(CodeFormer: pip install spandrel_extra_arches)"
        ) from error
    name = str(found.architecture.id)
    if name not in ARCHITECTURES:
        raise ModelError(f"{path}: holds a network of kind {name!r}, not one of: {', '.join(ARCHITECTURES)}")
    return found.model.eval().requires_grad_(False), name


def _more_architectures() -> None:
    """CodeFormer, if its package is there."""
    try:
        import spandrel_extra_arches
    except ImportError:
        return
    spandrel_extra_arches.install(ignore_duplicates=True)
