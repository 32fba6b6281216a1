"""How far what the generator draws is from real faces that it never saw, and which generator is the best so far."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor

from deepanon.checks import check_count
from deepanon.data.cropset import CropSet
from deepanon.distance import Moments, frechet_distance, kernel_distance
from deepanon.embedders import Embedder, distance_names, face_windows
from deepanon.geometry import Array
from deepanon.models.growth import GrowthState
from deepanon.training.batches import prepare
from deepanon.training.callbacks import Every
from deepanon.training.record import grown_generator
from deepanon.weights import save_generator

log = logging.getLogger(__name__)

BEST = "best.safetensors"
BATCH = 64  # crops drawn at a time; values do not depend on it
PARTS = ("crop", "face")  # whole crops; the face box alone, so that known surroundings cannot hide a bad face


class HeldOutDistance(Every):
    """Measures the averaged generator on held-out crops and keeps the best one as `best.safetensors`.

    Every crop is drawn once, always from the same noise, at the resolution that has fully grown: that is the generator
    that would be exported now, and while a resolution fades in its numbers are those of the one below. Real and drawn
    crops are compared at that same resolution: a distance at 8 px says how good 8 px pictures are, and distances of
    different resolutions cannot be compared.

    Logged are `fd/<embedder>/crop`, `…/face` (Fréchet) and `kd/<embedder>/…` (kernel, unbiased); `fid/…` and `kid/…`
    with FID's own network. The best is the one with the smallest Fréchet distance of the face box; a higher resolution
    always takes its place. Training is not disturbed: nothing here draws from the random numbers of the process.

    Put it before `Checkpoints`, so that `last.ckpt` knows of a best that was found at the same moment.

    Args:
        data: held-out crops.
        embedder: whose features are compared.
        folder: where `best.safetensors` goes; None keeps no best.
        images: how often.
        limit: crops to draw, spread over the split; None draws all. Values of other counts are not comparable.
    """

    def __init__(
        self,
        data: CropSet,
        embedder: Embedder,
        folder: str | Path | None = None,
        images: int = 20_000,
        limit: int | None = None,
    ) -> None:
        super().__init__(images)
        faces = len(data) if limit is None else min(check_count("limit", limit), len(data))
        if faces < 2:
            raise ValueError(f"a distance needs at least 2 held-out crops, got {faces} (limit {limit} of {len(data)})")
        self.rows = np.linspace(0, len(data) - 1, faces).astype(int).tolist()
        self.data, self.embedder = data, embedder
        self.folder = None if folder is None else Path(folder)
        self.best: dict[str, Any] | None = None
        self.latest: dict[str, Any] | None = None
        self._real: tuple[int, dict[str, Array], dict[str, Moments]] | None = None  # of one resolution

    @property
    def state_key(self) -> str:
        """One a embedder, so that several can watch one training."""
        return self._generate_state_key(embedder=self.embedder.name)

    @property
    def facts(self) -> dict[str, Any]:
        """For the generator file and its card."""
        return {} if self.latest is None else {"distances": {self.embedder.name: self.latest}}

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint must know of selection."""
        return {"best": self.best, "latest": self.latest}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with the best so far."""
        self.best, self.latest = state["best"], state["latest"]

    def act(self, module: Any) -> None:
        """Measure, log and, if it is the best, keep the generator; in one process of a distributed run."""
        if not module.trainer.is_global_zero or (self.latest and self.latest["images_seen"] == module.images_seen):
            return
        self.latest = new = self.measure(module)
        self._log(module.trainer, new)
        best = self._is_best(new)
        log.info(
            "%s after %d images, %d px: crop %.4g, face %.4g%s",
            new["name"], new["images_seen"], new["resolution"], new["crop"], new["face"], " (best)" * best,
        )  # fmt: skip
        if best:
            self.best = new
            if self.folder is not None:
                save_generator(self.folder / BEST, grown_generator(module))

    def measure(self, module: Any) -> dict[str, Any]:
        """Distances of the generator as it is now, as plain values.

        Raises:
            FloatingPointError: it draws pixels that are not finite.
        """
        resolution = module.growth.grown(module.images_seen)
        drawn = self._features(module, resolution, draw=True)
        real, moments = self._reference(module, resolution)
        name = distance_names(self.embedder)[0]
        with warnings.catch_warnings(record=True) as said:  # of too few crops; once is enough, and as a line of the log
            warnings.simplefilter("always")
            values: dict[str, Any] = {part: frechet_distance(moments[part], Moments.of(drawn[part])) for part in PARTS}
        if said and self.latest is None:
            log.warning("%s", said[0].message)
        values |= {f"kernel_{part}": kernel_distance(real[part], drawn[part]) for part in PARTS}
        about = {"name": name, "embedder": self.embedder.description, "resolution": resolution}
        return about | values | {"faces": len(self.rows), "images_seen": module.images_seen}

    def _reference(self, module: Any, resolution: int) -> tuple[dict[str, Array], dict[str, Moments]]:
        """Features and moments of the real crops, computed once a resolution."""
        if self._real is None or self._real[0] != resolution:
            real = self._features(module, resolution, draw=False)
            self._real = resolution, real, {part: Moments.of(real[part]) for part in PARTS}
        return self._real[1:]

    @torch.no_grad()
    def _features(self, module: Any, resolution: int, *, draw: bool) -> dict[str, Array]:
        """(faces, D) features of the real or the drawn crops, by part."""
        state = GrowthState(0, resolution, BATCH, 1.0)
        rng = torch.Generator().manual_seed(0)
        found: dict[str, list[Tensor]] = {part: [] for part in PARTS}
        for start in range(0, len(self.rows), BATCH):
            batch = self.data.read(self.rows[start : start + BATCH], resolution).to(module.device)
            pictures, crops = prepare(batch, module.schema, state)
            if draw:
                z = torch.randn(len(pictures), module.ema.noise, 4, 4, generator=rng).to(pictures.device)
                pictures = module.ema(crops.context, crops.mask, crops.keypoints, z)
                if not torch.isfinite(pictures).all():
                    raise FloatingPointError(
                        f"the generator draws pixels that are not finite after {module.images_seen} images; "
                        "go on with a lower lr"
                    )
            found["crop"].append(self.embedder(pictures).cpu())
            windows = face_windows(pictures, crops.boxes, self.embedder.size)
            found["face"].append(self.embedder(windows).cpu())
        return {part: torch.cat(features).numpy() for part, features in found.items()}

    def _is_best(self, new: dict[str, Any]) -> bool:
        old = self.best
        if old is None or (self.folder is not None and not (self.folder / BEST).is_file()):
            return True
        if (new["embedder"], new["faces"]) != (old["embedder"], old["faces"]):  # another ruler
            return True
        if new["resolution"] != old["resolution"]:
            return bool(new["resolution"] > old["resolution"])
        return bool(new["face"] < old["face"])

    def _log(self, trainer: L.Trainer, new: dict[str, Any]) -> None:
        """Into every logger at once, by images seen as the other metrics are."""
        fid = new["name"] == "FID"
        frechet, kernel = ("fid", "kid") if fid else (f"fd/{self.embedder.name}", f"kd/{self.embedder.name}")
        values = {f"{frechet}/{part}": new[part] for part in PARTS}
        values |= {f"{kernel}/{part}": new[f"kernel_{part}"] for part in PARTS}
        try:
            for logger in trainer.loggers:
                logger.log_metrics(values, step=new["images_seen"])
                logger.save()
        except OSError as error:
            log.warning("the distance could not be written to the log (%s); training goes on", error)
