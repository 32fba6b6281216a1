"""Blind restoration: networks that sharpen any face, held by somebody who knows nothing of the method."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from deepanon.audit.attack import NotApplicable, NotRun
from deepanon.audit.attacks.alignment import SIDE, aligned, put_back
from deepanon.audit.attacks.restorers import FromFile, Restorer
from deepanon.audit.case import Case
from deepanon.audit.eye import Eye
from deepanon.audit.people.samples import Samples
from deepanon.audit.scores import Traces
from deepanon.checks import check_count
from deepanon.files import named
from deepanon.geometry import Array

LEAST_PSNR = 18.0  # dB, of a clear face that was restored, to what it was
LEAST_LIKENESS = 0.6  # cosine of the same, by the eye that finds them most alike


def _file(weights: str | Path | None) -> str:
    """The file with its SHA-256, so that another one of that name is another attack."""
    if weights is None:
        return "no file"
    return named(weights) if Path(weights).is_file() else f"file {Path(weights).name}"


class Blind:
    """Restores every anonymized face, and compares it with clear photos.

    Before that the restorer must pass a self-test: clear faces of the attacker's people must come out as themselves.
    One that is fed wrongly spoils faces, and a spoilt attack must not pass for a failed one.

    Args:
        restorer: one of one's own.
        weights: or a file for `FromFile`; there is none without either, and the attack is not run.
        batch: so many faces are restored at a time.
        tested: so many clear faces are in the self-test.
        device: where a network from a file runs.
        seed: which clear faces those are.
    """

    knows = "nothing"
    gallery = "clear"

    def __init__(
        self,
        restorer: Restorer | None = None,
        weights: str | Path | None = None,
        batch: int = 4,
        tested: int = 12,
        device: str = "cpu",
        seed: int = 0,
    ) -> None:
        self.batch, self.tested, self.seed = check_count("batch", batch), check_count("tested", tested), seed
        self._restorer, self._weights, self._device = restorer, weights, device
        called = restorer.name if restorer else Path(weights).stem if weights else ""
        self.name = f"blind restoration ({called})" if called else "blind restoration"
        self.description = self._described(restorer.description if restorer else _file(weights))

    def __call__(self, case: Case, eyes: Mapping[str, Eye]) -> dict[str, Traces]:
        """Traces by name of the eye, with the restored pictures.

        Raises:
            NotRun: no restorer, spandrel is not installed, or the self-test failed.
            ModelError: the file is missing, or none that is known.
        """
        restorer = self._found()
        self.self_test(restorer, case.known.clear, eyes)
        made = put_back(case.probes, self._restored(restorer, aligned(case.probes)))
        return {
            name: Traces(eye(case.gallery), eye(made), deployable=True, pictures=made.pictures)
            for name, eye in eyes.items()
        }

    def _found(self) -> Restorer:
        if self._restorer is None:
            if self._weights is None:
                raise NotApplicable(
                    "no restorer: give the file of GFPGAN (GFPGANv1.4.pth), RestoreFormer (RestoreFormer.pth) or "
                    "CodeFormer (codeformer.pth, non-commercial); none comes with this package"
                )
            self._restorer = FromFile(self._weights, device=self._device)
            self.description = self._described(self._restorer.description)
        return self._restorer

    def _described(self, what: str) -> str:
        return (
            f"{what}, in FFHQ's frame at {SIDE} px by the untouched photo's keypoints; "
            f"self-test on {self.tested} clear faces (seed {self.seed})"
        )

    def self_test(self, restorer: Restorer, clear: Samples, eyes: Mapping[str, Eye]) -> tuple[float, float]:
        """PSNR in dB and likeness of restored clear faces to what they were.

        Raises:
            NotRun: one of them is too low, or there is no clear face to restore.
        """
        rows = np.random.default_rng(self.seed).permutation(len(clear))[: self.tested]
        if not len(rows) or not eyes:
            raise NotRun("the restorer cannot be tested: no clear faces of the attacker's people, or nobody who looks")
        some = clear[np.sort(rows)]
        before = aligned(some)
        after = self._restored(restorer, before)
        errors = np.square(after.astype(np.float64) - before).mean(axis=(1, 2, 3))
        psnr = float((10 * np.log10(255**2 / np.maximum(errors, 1e-6))).mean())
        made = put_back(some, after)
        alike = max(float((eye(made) * eye(some)).sum(axis=1).mean()) for eye in eyes.values())
        if not (psnr > LEAST_PSNR and alike > LEAST_LIKENESS):
            raise NotRun(
                f"restorer {restorer.name!r} failed its self-test: clear faces come out at {psnr:.1f} dB (must exceed "
                f"{LEAST_PSNR:.0f}) and likeness {alike:.2f} (must exceed {LEAST_LIKENESS}): damaged weights, or a "
                "range that it does not expect"
            )
        return psnr, alike

    def _restored(self, restorer: Restorer, faces: Array) -> Array:
        """(N, 512, 512, 3) uint8 -> the same, restored."""
        if not len(faces):
            return faces
        parts = []
        for start in range(0, len(faces), self.batch):
            given = torch.from_numpy(faces[start : start + self.batch]).permute(0, 3, 1, 2).float() / 255
            made = restorer.restore(given)
            if made.shape != given.shape or not torch.isfinite(made).all():
                raise NotRun(
                    f"restorer {restorer.name!r} makes {tuple(made.shape)} of {tuple(given.shape)}, or values that are "
                    "not numbers"
                )
            parts.append((made.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())
        return np.concatenate(parts)
