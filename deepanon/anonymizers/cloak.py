"""A cloak: a change too small to be seen that misleads the recognisers it was made against. It anonymizes nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from deepanon import geometry
from deepanon.anonymizers.handling import read_handlings
from deepanon.anonymizers.perturbation import Face, Perturbation
from deepanon.anonymizers.visibility import dssim as structural
from deepanon.checks import check_count, check_weight
from deepanon.crops import Crops, box_mask
from deepanon.detections import FIVE
from deepanon.embedders.surrogate import Surrogate, build_surrogates
from deepanon.errors import OptionError, SchemaError
from deepanon.images import to_float, to_uint8

Distance = Callable[[Tensor, Tensor], Tensor]
HALVINGS = 6  # of the share of a change that a bound on visibility leaves


class Cloak:
    """Changes the pixels in the face box by a few levels so that chosen recognisers no longer know the face.

    People go on seeing who it is, and so do recognisers that it was not made against: see docs/cloak.md. A face that a
    surrogate cannot be shown (no keypoints, or all of them elsewhere) is blacked out: left, it would pass for cloaked.

    Args:
        weights: of the recognisers to work against: a file of yours, or several as "a.pt+b.pt".
        recogniser: what they are: "mobilefacenet", "facenet", "torchscript", or one for each file as in
            "mobilefacenet+facenet".
        surrogates: in place of both, recognisers as they are.
        eps: largest change of a value in levels of 255, whole; holds in the picture of 8 bits.
        steps: of the search; time grows with them.
        momentum: of the search.
        kernel: side in pixels of the translation-invariant kernel, odd; 1 is none.
        diversity: share of steps with input diversity.
        handling: what the cloak should survive, drawn by chance for each step: "jpeg+resize+blur", some of them, or
            "none".
        dssim: most structural dissimilarity of the face box, or None; where it is more the change becomes weaker.
            Fawkes' modes are 0.004, 0.012 and 0.017.
        distance: another measure of visibility, such as `Lpips`, from two (1, 3, H, W) in [-1, 1] to one number.
        most: of it, as `dssim`; LPIPS 0.05 is usual.
        target: a face to be taken for: `Crops` of it with the picture open; None moves away from the face's own vector.
        device: where the networks run.

    Raises:
        OptionError: nothing to work against, or a value makes no sense.
        FileNotFoundError: there is no such file.
        ModelError: a file holds something else.
    """

    name = "cloak"
    sees_face = True
    cosmetic = True  # whatever was measured: the face is there, and whoever wants can wait for another recogniser
    random = True
    size: int | None = None

    def __init__(
        self,
        weights: str | Path | None = None,
        recogniser: str = "mobilefacenet",
        surrogates: Sequence[Surrogate] = (),
        eps: int = 8,
        steps: int = 50,
        momentum: float = 1.0,
        kernel: int = 7,
        diversity: float = 0.5,
        handling: str = "jpeg+resize+blur",
        dssim: float | None = None,
        distance: Distance | None = None,
        most: float = 0.05,
        target: Crops | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.device = torch.device(device)
        self.search = Perturbation(
            _chosen(weights, recogniser, surrogates), check_count("eps", eps), check_count("steps", steps),
            check_weight("momentum", momentum), check_count("kernel", kernel), check_weight("diversity", diversity),
            read_handlings(handling),
        )  # fmt: skip
        if kernel % 2 == 0 or diversity > 1 or eps > 255:
            raise OptionError(
                f"kernel must be odd, diversity at most 1, eps at most 255; got {kernel}, {diversity:g}, {eps}"
            )
        self.dssim = None if dssim is None else check_weight("dssim", dssim)
        self.distance, self.most = distance, check_weight("most", most)
        self.target = None if target is None else self._vectors(self._face(target))
        self.description = self._described(handling)

    @torch.inference_mode(False)
    @torch.enable_grad()
    def __call__(self, crops: Crops, seeds: Sequence[int]) -> Tensor:
        """Return the crops with their own face box cloaked; (N, 3, S, S) float of whole levels in [-1, 1], on the CPU.

        Raises:
            SchemaError: a surrogate needs five keypoints, and these are others.
            ModelError: a surrogate gives values that are not finite.
        """
        if crops.schema != FIVE and any(surrogate.needs_keypoints for surrogate in self.search.surrogates):
            raise SchemaError(
                f"the surrogates of a cloak are shown faces by keypoints of schema {FIVE.name!r}, the detections have "
                f"{crops.schema.name!r}"
            )
        rows = [self._cloaked(crops[row : row + 1], seed) for row, seed in enumerate(seeds)]
        return torch.cat(rows) if rows else torch.zeros_like(crops.context)

    def _cloaked(self, crop: Crops, seed: int) -> Tensor:
        face = self._face(crop)
        if not self._can_be_shown(face):
            return _black(face)
        anchors, sign = (self._vectors(face), -1) if self.target is None else (self.target, 1)
        change = self.search.search(face, anchors, sign, np.random.default_rng(seed))
        return _black(face) if change is None else self._bounded(face, change).cpu()

    def _face(self, crop: Crops) -> Face:
        pixels = crop.context.clone().to(self.device)
        inside = box_mask(crop.boxes, crop.size).bool().to(self.device)
        return Face(pixels, crop.boxes.clone(), crop.keypoints * crop.size, inside)

    def _can_be_shown(self, face: Face) -> bool:
        """Whether every surrogate can cut the face."""
        aligned = [surrogate.cut.points for surrogate in self.search.surrogates if hasattr(surrogate.cut, "points")]
        points = face.keypoints[0].numpy()
        return all(np.isfinite(geometry.similarity(points, template)).all() for template in aligned)

    @torch.no_grad()
    def _vectors(self, face: Face) -> list[Tensor]:
        """(1, D) of each surrogate."""
        return [surrogate(face.pixels, face.box, face.keypoints) for surrogate in self.search.surrogates]

    def _bounded(self, face: Face, change: Tensor) -> Tensor:
        """The changed pixels: all of the change, or the largest share of it that the bounds on visibility allow."""
        low, high = 0.0, 1.0
        whole = self._added(face, change, high)
        if self._unseen(face, whole):
            return whole
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._unseen(face, self._added(face, change, middle)) else (low, middle)
        return self._added(face, change, low)

    def _added(self, face: Face, change: Tensor, share: float) -> Tensor:
        """Pixels with a share of the change, rounded towards none, so that the budget holds in 8 bits."""
        return to_float(to_uint8(face.pixels + (change * share).trunc() / 127.5)).to(face.pixels)

    def _unseen(self, face: Face, changed: Tensor) -> bool:
        """Whether the box is as much like it was as the bounds ask."""
        x0, y0, x1, y1 = geometry.clip(geometry.outward(face.box[0].numpy()), *face.pixels.shape[:1:-1])
        before, after = (picture[..., y0:y1, x0:x1] for picture in (face.pixels, changed))
        if self.dssim is not None and structural(to_uint8(before)[0], to_uint8(after)[0]) > self.dssim:
            return False
        return self.distance is None or float(self.distance(before, after)) <= self.most

    def _described(self, handling: str) -> str:
        search = self.search
        bounds = [f"DSSIM at most {self.dssim:g}"] if self.dssim is not None else []
        if self.distance is not None:
            bounds.append(f"{getattr(self.distance, 'name', 'distance')} at most {self.most:g}")
        parts = [
            f"cosmetic: at most {search.eps} levels in the box at native size",
            *bounds,
            "away from itself" if self.target is None else "towards another face",
            f"{search.steps} steps, momentum {search.momentum:g}, kernel {search.kernel}, diversity "
            f"{search.diversity:g}, over {handling}",
            "against " + " and ".join(surrogate.description for surrogate in search.surrogates),
        ]
        return "; ".join(parts)


def _black(face: Face) -> Tensor:
    """The box is black: a face that could not be cloaked must not pass for one that was."""
    return torch.where(face.inside, -torch.ones_like(face.pixels), face.pixels).cpu()


def _chosen(weights: str | Path | None, recogniser: str, surrogates: Sequence[Surrogate]) -> list[Surrogate]:
    if surrogates and weights is not None:
        raise OptionError("give a cloak either surrogates or weights, not both")
    if weights is None and not surrogates:
        raise OptionError(
            "method 'cloak' needs recognisers to work against, and none ship with this package: give it weights=FILE "
            "(and recogniser=mobilefacenet, facenet or torchscript). See docs/cloak.md first: a cloak anonymizes nobody"
        )
    return list(surrogates) if weights is None else build_surrogates(recogniser, weights)
