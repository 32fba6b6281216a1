"""How fast training runs, phase by phase, against a plain loop and against what convolutions reach here.

    python benchmarks/training.py [--model deepprivacy] [--resolutions 32 64] [--batch 8] [--threads 2]

Three figures a phase, all of one run, their blocks taken in turn so that a busy moment meets all of them:

- images/s of the real trainer (Lightning, augmentation, moving average, logging of every step's numbers);
- the same of a plain PyTorch loop over the same networks and losses;
- GFLOP/s of the trainer (operations counted, not estimated) as a share of the best that a 3x3 convolution, forward and
  backward, reaches at this phase's sizes and widths.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hydra
import lightning as L
import torch
from flops import counted
from hydra.utils import instantiate
from torch.nn.functional import conv2d
from torch.utils.data import DataLoader

from deepanon.data.batch import FaceBatch, as_is
from deepanon.models import Growth, Phase
from deepanon.training import GANTrainer
from deepanon.training.batches import prepare
from deepanon.training.draws import Draws

CONFIGS = str(Path(__file__).parents[1] / "configs")
SECONDS = 6.0  # a block
LINE = "{px:>4} {batch:>5} {per_second:>8.1f} im/s {plain:>8.1f} im/s {ratio:>6.2f} {gflop:>9.2f} {share:>6.0%} "
LINE += "of {peak:.0f} GFLOP/s"


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="modern", help="config of configs/model (default: %(default)s)")
    parser.add_argument("--resolutions", type=int, nargs="+", help="sizes to time (default: those of the schedule)")
    parser.add_argument("--batch", type=int, help="images a step (default: the schedule's)")
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument("--precision", default="32-true", help="Lightning's precision (default: %(default)s)")
    parser.add_argument("--compile", action="store_true", help="through torch.compile")
    parser.add_argument("--blocks", type=int, default=3, help="repetitions (default: %(default)s)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads or torch.get_num_threads())
    print(f"model={options.model}  {options.device}  {options.precision}  {torch.get_num_threads()} threads")
    print("  px batch      trainer   plain loop  ratio GFLOP/img       of conv peak")
    for found in rows(**{name: value for name, value in vars(options).items() if name != "threads"}):
        print(LINE.format(**found))


def rows(
    model: str, resolutions: Sequence[int] | None = None, batch: int | None = None, blocks: int = 3, **run: Any
) -> list[dict[str, Any]]:
    """What `timed` finds of a configuration's sizes; `run` says device, precision, and whether to compile."""
    options = argparse.Namespace(blocks=blocks, **{"device": "cpu", "precision": "32-true", "compile": False} | run)
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        config = hydra.compose("train", [f"model={model}", "data.root=x"])
    schedule = instantiate(config.model.growth, _convert_="all")
    sizes = {phase.resolution: phase.batch_size for phase in schedule.phases}
    phases = [
        Phase(size, batch or sizes.get(size, schedule.phases[-1].batch_size), 0, 10**9) for size in resolutions or sizes
    ]
    return [{"name": f"{model}, {one.resolution} px"} | timed(config, one, options) for one in phases]


def timed(config: Any, phase: Phase, options: argparse.Namespace) -> dict[str, float]:
    """One phase: images/s of trainer and plain loop, their ratio, GFLOP an image, share of convolutions' peak."""
    trained, plain, peaks = [], [], []
    run, step = Run(config, phase, options), plain_step(build(config, phase, options), phase, options)
    peak = conv_block(build(config, phase, options), phase, options)
    flops = counted(step) / phase.batch_size
    for _ in range(options.blocks):
        trained.append(run.block() * phase.batch_size)
        plain.append(rate(step, options.device) * phase.batch_size)
        peaks.append(max(rate(once, options.device) * work for once, work in peak))
    speed, alone, best = (statistics.median(values) for values in (trained, plain, peaks))
    ratio = statistics.median(a / b for a, b in zip(trained, plain, strict=True))
    share = statistics.median(a * flops / b for a, b in zip(trained, peaks, strict=True))
    return {
        "per_second": speed,
        "plain": alone,
        "ratio": ratio,
        "gflop": flops / 1e9,
        "share": share,
        "peak": best / 1e9,
    }


def build(config: Any, phase: Phase, options: argparse.Namespace) -> GANTrainer:
    """The configured trainer for one phase alone."""
    torch.manual_seed(0)
    overrides = {"growth": Growth([phase]), "compile": options.compile}
    networks = {
        name: instantiate(config.model[name], _convert_="all", resolution=phase.resolution)
        for name in ("generator", "discriminator")
    }
    module: GANTrainer = instantiate(config.model, **networks, **overrides)
    return module


def batches(phase: Phase, keypoints: int) -> list[FaceBatch]:
    """A few random batches as a loader would hand them over."""
    rng, n = torch.Generator().manual_seed(0), phase.batch_size
    shape, boxes = (n, 3, phase.resolution, phase.resolution), torch.tensor([[0.25, 0.25, 0.75, 0.75]]).repeat(n, 1)
    pictures = [torch.randint(0, 256, shape, generator=rng, dtype=torch.uint8) for _ in range(4)]
    return [FaceBatch(each, boxes, torch.rand(n, keypoints, 2, generator=rng)) for each in pictures]


class Run(L.Callback):
    """A Lightning training that goes on by blocks of some seconds."""

    def __init__(self, config: Any, phase: Phase, options: argparse.Namespace) -> None:
        self.module, self.options, self.steps, self.spent = build(config, phase, options), options, 0, 0.0
        self.data = batches(phase, self.module.generator.keypoints)

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, outputs: Any, *_: Any) -> None:
        """Count; the first three steps of a block only warm up."""
        self.steps += 1
        if self.steps == 3:
            synchronize(self.options.device)
            self.start = time.perf_counter()
        if self.steps > 4 and time.perf_counter() - self.start > SECONDS:
            synchronize(self.options.device)
            self.spent = time.perf_counter() - self.start
            trainer.should_stop = True

    def block(self) -> float:
        """Steps a second."""
        self.steps = 0
        trainer = L.Trainer(
            max_epochs=-1, accelerator="gpu" if self.options.device == "cuda" else "cpu", devices=1, logger=False,
            callbacks=[self], enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            precision=self.options.precision, inference_mode=False,
        )  # fmt: skip
        loader = DataLoader(Endless(self.data), batch_size=None, collate_fn=as_is)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer.fit(self.module, loader)
        return (self.steps - 3) / self.spent


class Endless(torch.utils.data.IterableDataset[FaceBatch]):
    """The same batches again and again."""

    def __init__(self, data: list[FaceBatch]) -> None:
        self.data = data

    def __iter__(self) -> Any:
        return itertools.cycle(self.data)


def plain_step(module: GANTrainer, phase: Phase, options: argparse.Namespace) -> Callable[[], None]:
    """One training step as one would write it by hand: no Lightning, no augmentation, no logging."""
    device = options.device
    module.to(device)
    g, d, ema, n = module.generator, module.discriminator, module.ema, phase.batch_size
    optimizers = [torch.optim.Adam(net.parameters(), module.lr, module.betas) for net in (g, d)]
    data, turns = itertools.cycle(batches(phase, g.keypoints)), itertools.count()
    state = module.growth.at(0)
    bf16 = options.precision.startswith("bf16")

    def learn(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def step() -> None:
        turn = next(turns)
        real, crops = prepare(next(data).to(device), module.schema, state)
        draws = Draws(0, turn, n, device)
        known = (crops.context, crops.mask, crops.keypoints)
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            fake = g(*known, draws.normal(g.noise, 4, 4)).float()
            loss, _ = module.objective.discriminator(
                lambda x: d(x, *known).float(), lambda x: d(x, *known).float(), real, fake.detach(), crops.mask,
                draws.uniform(1, 1, 1), turn,
            )  # fmt: skip
        learn(optimizers[1], loss)
        d.requires_grad_(False)
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            loss = module.objective.generator(lambda x: d(x, *known).float(), real, fake)
        learn(optimizers[0], loss)
        d.requires_grad_(True)
        with torch.no_grad():
            for average, weight in zip(ema.parameters(), g.parameters(), strict=True):
                average.lerp_(weight, 0.001)

    return step


def conv_block(module: GANTrainer, phase: Phase, options: argparse.Namespace) -> list[tuple[Callable[[], None], float]]:
    """A 3x3 convolution with its backward pass at each size of the network, and its operations."""
    found = []
    for size in (2**k for k in range(3, phase.resolution.bit_length())):
        c = module.generator.widths[size]
        x = torch.randn(phase.batch_size, c, size, size, device=options.device).to(memory_format=torch.channels_last)
        w = torch.randn(c, c, 3, 3, device=options.device).to(memory_format=torch.channels_last)
        if options.precision.startswith("bf16"):
            x, w = x.bfloat16(), w.bfloat16()
        x, w = x.requires_grad_(), w.requires_grad_()

        def once(x: torch.Tensor = x, w: torch.Tensor = w) -> None:
            y = conv2d(x, w, padding=1)
            torch.autograd.grad(y, (x, w), y.detach())

        found.append((once, 3 * 2 * 9 * c * c * size * size * phase.batch_size))
    return found


def rate(once: Callable[[], None], device: str, least: int = 3) -> float:
    """Calls a second over some seconds, after two calls to warm up."""
    for _ in range(2):
        once()
    synchronize(device)
    start = time.perf_counter()
    done = 0
    while done < least or time.perf_counter() - start < SECONDS / 3:
        once()
        done += 1
    synchronize(device)
    return done / (time.perf_counter() - start)


def synchronize(device: str) -> None:
    """Wait for the GPU, if there is one."""
    if device == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
