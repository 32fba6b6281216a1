"""What each part of the modern model is worth: the same crops, the same number of images, one change at a time.

    python benchmarks/ablation.py DATA [--images 30000] [--only paper-full …] [--embedder openvino FILE]

Trains every variant at 32 px (narrow networks, batches of 8), carries on where it was stopped, measures each on the
held-out split and writes `table.md`, and `grid.png` with all variants side by side. It takes half an hour to an hour a
variant on one CPU core.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from PIL import Image

from deepanon.data.crops import PackedCrops
from deepanon.embedders import build_embedder
from deepanon.files import replacing
from deepanon.models import (
    DeepPrivacyDiscriminator,
    DeepPrivacyGenerator,
    Growth,
    ModulatedGenerator,
    NonSaturating,
    Phase,
    ResidualDiscriminator,
    WassersteinGP,
)
from deepanon.training import Checkpoints, DiffAugment, FaceData, GANTrainer, HeldOutDistance
from deepanon.training.batches import prepare
from deepanon.training.callbacks import tile

WIDTHS = {4: 96, 8: 96, 16: 64, 32: 32}
SIZE, BATCH = 32, 8


def full(images: int) -> Growth:
    """32 px from the first image on."""
    return Growth([Phase(SIZE, BATCH, 0, images)])


def growing(images: int) -> Growth:
    """8, 16 and 32 px: an eighth of the images each for a phase and for a fade, the rest at 32 px."""
    part = images // 8
    return Growth([Phase(8, BATCH, 0, part), Phase(16, BATCH, part, part), Phase(32, BATCH, part, images - 4 * part)])


def paper(growth: Growth, **changes: Any) -> GANTrainer:
    """DeepPrivacy's networks made narrow, with its losses and settings."""
    networks = DeepPrivacyGenerator(SIZE, WIDTHS), DeepPrivacyDiscriminator(SIZE, WIDTHS)
    return GANTrainer(*networks, growth, **{"lr": 0.00175, "ema_half_life": 2000} | changes)


def modern(growth: Growth, **changes: Any) -> GANTrainer:
    """The modern networks of the same widths."""
    networks = ModulatedGenerator(SIZE, WIDTHS), ResidualDiscriminator(SIZE, WIDTHS)
    settings = {"objective": NonSaturating(), "lr": 0.002, "ema_half_life": 2000}
    return GANTrainer(*networks, growth, **settings | changes)


VARIANTS: dict[str, Callable[[int], GANTrainer]] = {
    "paper-full": lambda n: paper(full(n)),
    "paper-grow": lambda n: paper(growing(n)),
    "modern-noaug": lambda n: modern(full(n)),
    "modern-grow": lambda n: modern(growing(n)),
    "modern-full": lambda n: modern(full(n), diffaugment=DiffAugment()),
    "modern-wgan": lambda n: modern(full(n), objective=WassersteinGP()),
    "modern-l1": lambda n: modern(full(n), reconstruction_weight=5.0, reconstruction_images=n),
    "modern-rel": lambda n: modern(full(n), objective=NonSaturating(0.05, 0.05, every=2, relativistic=True)),
}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of packed crops")
    parser.add_argument("--images", type=int, default=30_000, help="images a variant (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS), help="variants (default: all)")
    parser.add_argument(
        "--embedder", nargs=2, action="append", default=[], metavar=("KIND", "FILE"), help="measure with this one too"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("out/ablation"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    train, val = PackedCrops(options.data, "train", SIZE), PackedCrops(options.data, "val", SIZE)
    embedders = [
        build_embedder("onet"),
        *(build_embedder(kind, weights=path, order="bgr") for kind, path in options.embedder),
    ]
    rulers = [HeldOutDistance(val, embedder) for embedder in embedders]
    rows, drawings = {}, {}
    for name in options.only:
        module = trained(name, options.images, FaceData(train, val), options.output / name)
        rows[name] = [ruler.measure(module) for ruler in rulers]
        drawings[name] = samples(module, val)
        report(rows, options.output)
    context, real = samples(None, val)
    sheet = tile([context, *(column for name in drawings for column in drawings[name]), real])
    with replacing(options.output / "grid.png") as temporary:
        Image.fromarray(sheet.repeat(3, axis=0).repeat(3, axis=1)).save(temporary)


def trained(name: str, images: int, data: FaceData, folder: Path) -> GANTrainer:
    """Train a variant, or go on where it was stopped; nothing happens if it is done."""
    torch.manual_seed(0)
    module, last = VARIANTS[name](images), folder / "last.ckpt"
    trainer = L.Trainer(
        max_epochs=-1, accelerator="cpu", logger=False, callbacks=[Checkpoints(folder, 2000)],
        enable_checkpointing=False, enable_model_summary=False, enable_progress_bar=False,
    )  # fmt: skip
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(module, data, ckpt_path=last if last.is_file() else None, weights_only=True)
    print(f"{name}: {module.images_seen} images, {time.perf_counter() - start:.0f} s", flush=True)
    return module


@torch.no_grad()
def samples(module: GANTrainer | None, val: PackedCrops, faces: int = 10) -> list[torch.Tensor]:
    """Two drawings of some held-out crops; without a module their context and the originals."""
    batch = val.read(np.linspace(0, len(val) - 1, faces).astype(int).tolist(), SIZE)
    real, crops = prepare(batch, val.schema, full(1).at(0))
    if module is None:
        return [crops.context, real]
    rng, known = torch.Generator().manual_seed(0), (crops.context, crops.mask, crops.keypoints)
    return [module.ema(*known, torch.randn(faces, module.ema.noise, 4, 4, generator=rng)) for _ in range(2)]


def report(rows: dict[str, list[dict[str, Any]]], folder: Path) -> None:
    """Write what is known so far as a Markdown table and as JSON."""
    names = [ruler["name"] for ruler in next(iter(rows.values()))]
    head = "| variant | images | " + " | ".join(f"{name} face | {name} crop" for name in names) + " |"
    lines = [head, "|---" * (2 + 2 * len(names)) + "|"]
    for variant, values in rows.items():
        cells = " | ".join(f"{value['face']:.4g} | {value['crop']:.4g}" for value in values)
        lines.append(f"| {variant} | {values[0]['images_seen']} | {cells} |")
    for file, text in (("table.md", "\n".join(lines)), ("table.json", json.dumps(rows, indent=1))):
        with replacing(folder / file) as temporary:
            temporary.write_text(text + "\n")
    print(lines[-1], flush=True)


if __name__ == "__main__":
    main()
