"""What each part of the modern model is worth: the same crops, the same number of images, one change at a time.

    python benchmarks/ablation.py DATA [--images 30000] [--only paper modern …] [--seed 0] [--embedder openvino FILE]

Trains every variant at 32 px (narrow networks, batches of 8) on one thread and measures it on the held-out split after
each third of the images; a variant that was stopped is gone on with, one that is done is left alone. Writes `table.md`
of all that the folder holds, and pictures with all variants side by side. Takes a quarter of an hour (modern) to
three quarters (paper) a variant on one CPU core.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from PIL import Image
from skimage.data import astronaut
from torch import Tensor

from deepanon.crops import Crops, blank, cut
from deepanon.data.crops import PackedCrops
from deepanon.detectors import build_detector
from deepanon.distance import floor
from deepanon.embedders import Embedder, build_embedder, face_windows
from deepanon.files import replacing
from deepanon.models import (
    DeepPrivacyDiscriminator,
    DeepPrivacyGenerator,
    Generator,
    Growth,
    ModulatedGenerator,
    NonSaturating,
    Phase,
    ResidualDiscriminator,
    WassersteinGP,
)
from deepanon.training import Augmentation, Checkpoints, DiffAugment, FaceData, GANTrainer, HeldOutDistance
from deepanon.training.batches import prepare
from deepanon.training.callbacks import Every, tile
from deepanon.weights import load_generator

WIDTHS = {4: 96, 8: 96, 16: 64, 32: 32}
CRITIC_WIDTHS = {4: 128, 8: 128, 16: 88, 32: 40}  # the paper's rule: times sqrt(2), floored to multiples of 8
SIZE, BATCH = 32, 8


def full(images: int) -> Growth:
    """32 px from the first image on."""
    return Growth([Phase(SIZE, BATCH, 0, images)])


def growing(images: int) -> Growth:
    """8, 16 and 32 px: an eighth of the images each for a phase and for a fade, the rest at 32 px."""
    part = images // 8
    return Growth([Phase(8, BATCH, 0, part), Phase(16, BATCH, part, part), Phase(32, BATCH, part, images - 4 * part)])


def paper(growth: Growth, *, mask: bool = False) -> GANTrainer:
    """DeepPrivacy's networks made narrow, its losses, settings and augmentation; `mask`: see `VARIANTS`."""
    settings: dict[str, Any] = {"lr": 0.00175, "ema_half_life": 2000}
    if not mask:
        settings["augmentation"] = Augmentation(keypoint_dropout=0, second_hole=0)
    generator = DeepPrivacyGenerator(SIZE, WIDTHS, mask_channel=mask, composite=mask)
    return GANTrainer(generator, DeepPrivacyDiscriminator(SIZE, CRITIC_WIDTHS, mask_channel=mask), growth, **settings)


def modern(growth: Growth, **changes: Any) -> GANTrainer:
    """The modern networks of the same widths."""
    networks = ModulatedGenerator(SIZE, WIDTHS), ResidualDiscriminator(SIZE, WIDTHS)
    settings = {"objective": NonSaturating(), "lr": 0.002, "ema_half_life": 2000}
    return GANTrainer(*networks, growth, **settings | changes)


VARIANTS: dict[str, Callable[[int], GANTrainer]] = {
    "paper": lambda n: paper(full(n)),
    "paper-grow": lambda n: paper(growing(n)),  # as the paper trains
    "paper-mask": lambda n: paper(full(n), mask=True),  # both networks are given the mask, known pixels are kept
    "modern": lambda n: modern(full(n)),
    "modern-grow": lambda n: modern(growing(n)),
    "modern-aug": lambda n: modern(full(n), diffaugment=DiffAugment()),
    "modern-wgan": lambda n: modern(full(n), objective=WassersteinGP()),
    "modern-l1": lambda n: modern(full(n), reconstruction_weight=5.0, reconstruction_images=n),
    "modern-rel": lambda n: modern(full(n), objective=NonSaturating(0.05, 0.05, every=2, relativistic=True)),
}


class Curve(Every):
    """Measures the averaged generator with every ruler now and then, into `curve.json`."""

    def __init__(self, images: int, rulers: list[HeldOutDistance], path: Path) -> None:
        super().__init__(images)
        self.rulers, self.path, self.start = rulers, path, time.perf_counter()
        self.rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []

    def act(self, module: GANTrainer) -> None:
        """Add a row, unless this state was measured before training was stopped."""
        if any(row["images"] == module.images_seen for row in self.rows):
            return
        row: dict[str, Any] = {"images": module.images_seen, "seconds": time.perf_counter() - self.start}
        for ruler in self.rulers:
            row[ruler.embedder.name] = ruler.measure(module)
        row["resolution"] = module.growth.grown(module.images_seen)
        if row["resolution"] == SIZE:
            row["variety"] = variety(module, self.rulers[0])
        self.rows.append(row)
        write(self.path, json.dumps(self.rows, indent=1))


@torch.no_grad()
def variety(module: GANTrainer, ruler: HeldOutDistance, faces: int = 128) -> float:
    """Mean difference of hidden pixels, of 2 in all, between two drawings of one face from different noise."""
    _, crops = prepare(ruler.data.read(ruler.rows[:faces], SIZE), module.schema, full(1).at(0))
    rng, known = torch.Generator().manual_seed(1), (crops.context, crops.mask, crops.keypoints)
    one, two = (module.ema(*known, torch.randn(faces, module.ema.noise, 4, 4, generator=rng)) for _ in range(2))
    return float(((one - two).abs() * crops.mask).sum() / (3 * crops.mask.sum()))


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of packed crops")
    parser.add_argument("--images", type=int, default=30_000, help="images a variant (default: %(default)s)")
    parser.add_argument("--only", nargs="*", choices=VARIANTS, default=list(VARIANTS), help="variants (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, data order and noise (default: %(default)s)")
    parser.add_argument(
        "--embedder", nargs=2, action="append", default=[], metavar=("KIND", "FILE"), help="measure with this one too"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("out/ablation"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    train, val = PackedCrops(options.data, "train", SIZE), PackedCrops(options.data, "val", SIZE)
    embedders = [build_embedder("onet")]
    embedders += [build_embedder(kind, weights=path, order="bgr") for kind, path in options.embedder]
    rulers = [HeldOutDistance(val, embedder) for embedder in embedders]
    for name in options.only:
        train_variant(name, options, FaceData(train, val, options.seed), rulers)
    report(options.output, [(embedder, *real_floor(embedder, val)) for embedder in embedders])
    draw(options, val)


def train_variant(name: str, options: argparse.Namespace, data: FaceData, rulers: list[HeldOutDistance]) -> None:
    """Train a variant, or go on where it was stopped; nothing happens if it is done."""
    folder = options.output / f"{name}-{options.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    module, last = VARIANTS[name](options.images), folder / "last.ckpt"
    module.seed = options.seed
    callbacks = [Curve(options.images // 3, rulers, folder / "curve.json"), Checkpoints(folder, options.images // 15)]
    trainer = L.Trainer(
        max_epochs=-1, accelerator="cpu", logger=False, callbacks=callbacks,
        enable_checkpointing=False, enable_model_summary=False, enable_progress_bar=False,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(module, data, ckpt_path=last if last.is_file() else None, weights_only=True)
    print(f"{folder.name}: {module.images_seen} images", flush=True)


def real_floor(embedder: Embedder, val: PackedCrops) -> tuple[float, float]:
    """Fréchet distance of the face box between two random halves of the real crops, and its deviation."""
    real, crops = prepare(val.read(range(len(val)), SIZE), val.schema, full(1).at(0))
    found = [
        embedder(face_windows(r, b, embedder.size)) for r, b in zip(real.split(64), crops.boxes.split(64), strict=True)
    ]
    return floor(torch.cat(found).numpy())


def report(folder: Path, floors: list[tuple[Embedder, float, float]]) -> None:
    """Write all that is known of the variants in `folder` as a Markdown table."""
    names = [embedder.name for embedder, _, _ in floors]
    columns = [f"{part} {name}" for name in names for part in ("FD face", "FD crop", "KD face")]
    lines = ["| variant | seed | images | " + " | ".join(columns) + " | variety |"]
    lines.append("|---" * (4 + len(columns)) + "|")
    for variant in VARIANTS:
        for path in sorted(folder.glob(f"{variant}-[0-9]*/curve.json")):
            for row in json.loads(path.read_text()):
                if row["resolution"] == SIZE:
                    lines.append(_line(variant, path.parent.name.rpartition("-")[2], row, names))
    cells = " | ".join(f"{mean:.4g} ± {spread:.2g} | - | 0" for _, mean, spread in floors)
    lines.append(f"| real against real, halves | - | - | {cells} | - |")
    write(folder / "table.md", "\n".join(lines))
    print("\n".join(lines), flush=True)


def _line(variant: str, seed: str, row: dict[str, Any], names: list[str]) -> str:
    parts = ("face", "crop", "kernel_face")
    cells = " | ".join(f"{row[name][part]:.3g}" for name in names for part in parts)
    return f"| {variant} | {seed} | {row['images']:,} | {cells} | {row['variety']:.3f} |"


def draw(options: argparse.Namespace, val: PackedCrops, faces: int = 10) -> None:
    """Write `grid.png`, held-out crops by all trained variants, and `portrait.png`, a public-domain one."""
    networks = []
    for variant in VARIANTS:
        path = options.output / f"{variant}-{options.seed}" / "generator.safetensors"
        if path.is_file() and (network := load_generator(path).network).resolution == SIZE:
            networks.append(network)
            print(f"column {len(networks) + 1} of the pictures: {variant}")
    batch = val.read(np.linspace(0, len(val) - 1, faces).astype(int).tolist(), SIZE)
    save_sheet(options.output / "grid.png", networks, *prepare(batch, val.schema, full(1).at(0)))
    portrait, draws = astronaut(), 4  # Eileen Collins, NASA; ships with scikit-image
    found = build_detector("mtcnn")(portrait)
    real = cut(portrait, found, SIZE).context.expand(draws, -1, -1, -1)
    known = cut(blank(portrait, found.boxes), found, SIZE)
    many = {name: getattr(known, name).expand(draws, -1, -1, -1) for name in ("context", "mask")}
    known = replace(known, **many, keypoints=known.keypoints.expand(draws, -1, -1))
    save_sheet(options.output / "portrait.png", networks, real, known)


@torch.no_grad()
def save_sheet(path: Path, networks: list[Generator], real: Tensor, crops: Crops) -> None:
    """Context, a drawing by each network, original; another noise in each row."""
    columns = [crops.context]
    for network in networks:
        z = torch.randn(len(real), network.noise, 4, 4, generator=torch.Generator().manual_seed(0))
        columns.append(network(crops.context, crops.mask, crops.keypoints, z))
    sheet = tile([*columns, real]).repeat(3, axis=0).repeat(3, axis=1)
    with replacing(path) as temporary:
        Image.fromarray(sheet).save(temporary)


def write(path: Path, text: str) -> None:
    """Replace a text file in one move."""
    with replacing(path) as temporary:
        temporary.write_text(text + "\n")


if __name__ == "__main__":
    main()
