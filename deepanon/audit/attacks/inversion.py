"""Undoing a known method: Wiener's filter, Richardson and Lucy's, and gradients through the 8-bit operator.

Faces are (N, 3, s, s) float in [0, 1]. Nothing here is learnt from pairs: the method is known, and of faces at most
what clear photos of other people say of faces in general (`Faces`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepanon.audit.attacks.projection import Projection
from deepanon.checks import check_count, check_weight
from deepanon.geometry import Array

RATE = 0.02  # of Adam, in shares of the range
LEVELS = 255
SMALL = 1e-4


@dataclass(frozen=True, eq=False)
class Faces:
    """What is known of faces in general: mean, how alike rows and columns are, and the subspace that holds most.

    Attributes:
        mean: (3, s, s) float32.
        rows: (s, s) float32 square root of the covariance of rows, with `columns` that of whole faces (matrix normal).
        columns: (s, s) float32.
        subspace: (k, 3 * s * s) float32, orthonormal.
    """

    mean: Tensor
    rows: Tensor
    columns: Tensor
    subspace: Tensor

    @classmethod
    def fitted(cls, windows: Array, components: int = 128) -> Faces:
        """Of (N, s, s, 3) uint8 clear faces in the box frame."""
        faces = torch.from_numpy(windows).permute(0, 3, 1, 2).float() / LEVELS
        mean = faces.mean(dim=0)
        away = (faces - mean).reshape(-1, *mean.shape[1:])
        across = torch.einsum("nij,nkj->ik", away, away) / (len(away) * away.shape[2])
        down = torch.einsum("nij,nik->jk", away, away) / (len(away) * away.shape[1])
        variance = max(float(away.square().mean()), 1e-8)
        return cls(mean, _root(across / variance**0.5), _root(down / variance**0.5), _leading(faces - mean, components))

    def to(self, device: str) -> Faces:
        """The same on another device."""
        return Faces(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


def _root(covariance: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance.double())
    return (vectors * values.clamp(min=1e-10).sqrt()).float()


def _leading(away: Tensor, components: int) -> Tensor:
    """(k, D) the directions in which faces differ most, at most a third of as many as there are faces."""
    flat = away.flatten(1)
    count = max(1, min(components, len(flat) // 3))
    _, vectors = torch.linalg.eigh(flat @ flat.T)
    directions = vectors[:, -count:].T @ flat
    return torch.nn.functional.normalize(directions, dim=1)


def wiener(projection: Projection, faces: Faces, noise: float) -> Tensor:
    """The most probable faces if pixels and noise are normal: (N, 3, s, s), not clipped.

    Borders are the method's own, because its matrices are decomposed, not its spectrum.

    Args:
        projection: of the method.
        faces: in general.
        noise: variance of the noise; rounding to 256 levels has 1.3e-6.
    """
    check_weight("noise", noise, positive=True)
    u, s, v = torch.linalg.svd(projection.rows @ faces.rows, full_matrices=False)
    p, t, q = torch.linalg.svd(projection.columns @ faces.columns, full_matrices=False)
    mean = faces.mean.expand(len(projection), -1, -1, -1)
    away = projection.seen - projection(mean) * projection.known
    inner = torch.einsum("nhi,nchw,nwj->ncij", u, away, p)
    gain = (s[:, :, None] * t[:, None, :])[:, None]
    inner = inner * gain / (gain.square() + noise)
    white = torch.einsum("nir,ncij,njs->ncrs", v, inner, q)
    return mean + faces.rows @ white @ faces.columns.T


def richardson_lucy(projection: Projection, steps: int) -> Tensor:
    """Faces after `steps` multiplications with what is missing (Richardson 1972, Lucy 1974): (N, 3, s, s), positive."""
    check_count("steps", steps)
    weight = projection.transposed(projection.known.expand_as(projection.seen)).clamp(min=SMALL)
    made = (projection.transposed(projection.seen) / weight).clamp(min=SMALL)
    for _ in range(steps):
        ratio = projection.known * projection.seen / projection(made).clamp(min=SMALL)
        made = made * projection.transposed(ratio) / weight
    return made


def rounded(values: Tensor) -> Tensor:
    """To 256 levels of [0, 1], with the gradient of what was not rounded (straight through)."""
    levels = (values * LEVELS).round() / LEVELS
    return values + (levels - values).detach()


def descend(
    projection: Projection, start: Tensor, faces: Faces, *, variation: float, strange: float, steps: int
) -> Tensor:
    """Faces whose 8-bit anonymized picture is what is seen: argmin ||seen - round(G(x))||² + priors, by Adam.

    Args:
        projection: G.
        start: (N, 3, s, s).
        faces: in general.
        variation: weight of the total variation.
        strange: weight of what lies outside the faces' subspace.
        steps: of Adam.
    """
    check_count("steps", steps)
    made = start.clone().clamp(0, 1).requires_grad_(True)
    adam = torch.optim.Adam([made], lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for _ in range(steps):
        adam.zero_grad()
        with torch.enable_grad():
            _cost(projection, made, faces, variation, strange).backward()
        adam.step()
        schedule.step()
        with torch.no_grad():
            made.clamp_(0, 1)
    return made.detach()


def _cost(projection: Projection, made: Tensor, faces: Faces, variation: float, strange: float) -> Tensor:
    """One number: every sample's cost added up, so that none depends on its neighbours."""
    missing = (projection.seen - rounded(projection(made))) * projection.known
    cost = (missing.square().sum(dim=(1, 2, 3)) / (3 * projection.known.sum(dim=(1, 2, 3)).clamp(min=1))).sum()
    if variation:
        down, across = made.diff(dim=2).abs().mean(dim=(1, 2, 3)), made.diff(dim=3).abs().mean(dim=(1, 2, 3))
        cost = cost + variation * (down + across).sum()
    if strange:
        away = (made - faces.mean).flatten(1)
        outside = away - (away @ faces.subspace.T) @ faces.subspace
        cost = cost + strange * outside.square().mean(dim=1).sum()
    return cost


def levels(faces: Tensor) -> Array:
    """(N, 3, s, s) in [0, 1] -> (N, s, s, 3) float32 in [0, 255], as `with_windows` takes them."""
    return np.ascontiguousarray((faces.clamp(0, 1) * LEVELS).permute(0, 2, 3, 1).cpu().numpy(), dtype=np.float32)
