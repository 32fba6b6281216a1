"""How attackers train a network: on their own people, for a fixed number of epochs, and the best look is kept."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.checks import check_count, check_weight

Loss = Callable[[Tensor, torch.Generator], Tensor]  # (B,) int64 rows, randomness -> () loss


@dataclass(frozen=True)
class Budget:
    """What a training may cost.

    Attributes:
        epochs: passes over the samples.
        batch: samples a step.
        rate: highest learning rate; it rises for a tenth of the steps and falls to nothing as a cosine.
        looks: how often, at even distances, the network is judged on people it does not learn from; the best is kept.
        minutes: after which no step follows; results then depend on the machine. None = no limit.
        device: where networks run.
        half: convolutions in bfloat16, everything else in float32.

    Raises:
        OptionError: a number is too small.
    """

    epochs: int = 12
    batch: int = 64
    rate: float = 2e-3
    looks: int = 4
    minutes: float | None = None
    device: str = "cpu"
    half: bool = True

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "looks"):
            check_count(name, getattr(self, name))
        check_weight("rate", self.rate, positive=True)
        if self.minutes is not None:
            check_weight("minutes", self.minutes, positive=True)

    @property
    def description(self) -> str:
        """All that results depend on, in a few words."""
        limit = "" if self.minutes is None else f", {self.minutes:g} minutes at most"
        kind = "bfloat16" if self.half else "float32"
        return f"{self.epochs} epochs of {self.batch} at {self.rate:g}, best of {self.looks} looks{limit}, {kind}"

    def casting(self) -> torch.autocast:
        """Within it networks run as fast as `half` allows."""
        return torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.half)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within it torch's own randomness follows the seed; after it, it is what it was before."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def fit(
    network: nn.Module, loss: Loss, count: int, budget: Budget, seed: int, judge: Callable[[], float] | None = None
) -> list[float]:
    """Train `network` in place, and leave it, in evaluation mode, as it was when it was judged best.

    Args:
        network: all that is trained; parameters that need no gradient stay as they are.
        loss: of the samples at some rows; it runs the network.
        count: how many samples there are.
        budget: how long.
        seed: of order and of what `loss` draws.
        judge: more = better; it sees the network in evaluation mode, and nothing of it flows back into the weights.
            None keeps the last.

    Returns:
        What the judge said before and at each look.
    """
    network.to(budget.device).eval()
    random = torch.Generator().manual_seed(seed)
    held = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(held, lr=budget.rate, weight_decay=0.02)
    batch = min(budget.batch, count)
    total = budget.epochs * (count // batch)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _course(step, total))
    looks = {round(total * (look + 1) / budget.looks) for look in range(budget.looks)}
    end = math.inf if budget.minutes is None else time.monotonic() + 60 * budget.minutes
    said = [] if judge is None else [judge()]  # what it was before may be best
    best = None if judge is None else copy.deepcopy(network.state_dict())
    for step, rows in enumerate(_batches(count, batch, budget.epochs, random), start=1):
        network.train()
        optimizer.zero_grad(set_to_none=True)
        loss(rows, random).backward()
        nn.utils.clip_grad_norm_(held, 5.0)
        optimizer.step()
        rates.step()
        late = time.monotonic() > end
        if judge is not None and (step in looks or late):
            network.eval()
            said.append(judge())
            if said[-1] >= max(said):
                best = copy.deepcopy(network.state_dict())
        if late:
            break
    if best is not None:
        network.load_state_dict(best)
    network.eval()
    return said


def varied(pictures: Tensor, random: torch.Generator, device: str = "cpu") -> Tensor:
    """(B, 3, S, S) uint8 -> float in [-1, 1] or so: mirrored, turned, shifted, scaled, in other light; each by itself.

    Args:
        pictures: on the CPU.
        random: the randomness.
        device: where the result is.
    """
    n = len(pictures)

    def around(spread: float, *shape: int) -> Tensor:
        return (torch.rand(n, *shape, generator=random) * 2 - 1) * spread

    turn, scale = around(0.06), 1 + around(0.06)
    mirror = torch.randint(0, 2, (n,), generator=random) * 2.0 - 1
    where = torch.stack([turn.cos() * mirror, -turn.sin(), turn.sin() * mirror, turn.cos()], 1).view(n, 2, 2)
    where = torch.cat([where * scale[:, None, None], around(0.06, 2, 1)], 2).to(device)
    images = pictures.to(device).float() / 127.5 - 1
    grid = F.affine_grid(where, list(images.shape), align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    gain = (1 + around(0.15, 1, 1, 1) + around(0.04, 3, 1, 1)).to(device)
    return images * gain + around(0.08, 1, 1, 1).to(device)


def plain(pictures: Tensor, device: str = "cpu") -> Tensor:
    """(B, 3, S, S) uint8 -> float in [-1, 1]."""
    return pictures.to(device).float() / 127.5 - 1


def _course(step: int, total: int) -> float:
    rise = max(1, total // 10)
    return (step + 1) / rise if step < rise else 0.5 + 0.5 * math.cos(math.pi * (step - rise) / max(1, total - rise))


def _batches(count: int, batch: int, epochs: int, random: torch.Generator) -> Iterator[Tensor]:
    """Rows in a new order each epoch; what is left over at its end comes in another."""
    for _ in range(epochs):
        order = torch.randperm(count, generator=random)
        for start in range(0, count - batch + 1, batch):
            yield order[start : start + batch]
