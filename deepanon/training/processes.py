"""Several processes that train one model together."""

from __future__ import annotations

from lightning.fabric.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy, Strategy

from deepanon.errors import OptionError
from deepanon.models import Growth


def check_shares(strategy: Strategy, growth: Growth, group: int) -> None:
    """Check that the processes can share every batch of the schedule.

    Gradients are averaged by DistributedDataParallel, which does so correctly for two networks that take turns, for
    layers that have not grown in yet and for gradient penalties, if it looks for unused parameters in each step.

    Args:
        strategy: Lightning's, which knows how many processes there are.
        growth: the schedule; its batch sizes are those of all processes together.
        group: samples that the discriminator looks at together; a process's part must be a multiple of it, or smaller.

    Raises:
        OptionError: the strategy does not average gradients as training needs it, or a batch cannot be shared.
    """
    if not isinstance(strategy, SingleDeviceStrategy):
        searching = isinstance(strategy, DDPStrategy) and strategy._ddp_kwargs.get("find_unused_parameters")
        if not searching:
            raise OptionError(
                f"{type(strategy).__name__} as it is set up does not suit two networks that take turns; "
                "use trainer.strategy=ddp_find_unused_parameters_true"
            )
    world = getattr(strategy, "world_size", 1)
    for number, phase in enumerate(growth.phases, 1):
        where = f"in phase {number} ({phase.resolution} px)"
        if phase.batch_size % world:
            raise OptionError(
                f"{world} processes cannot share the {phase.batch_size} images of a batch {where} equally"
            )
        mine = phase.batch_size // world
        if mine > group and mine % group:
            raise OptionError(
                f"a process has {mine} images of a batch {where}, no multiple of the discriminator's group of {group}"
            )


def cluster() -> list[SLURMEnvironment]:
    """Plugins that the trainer needs for where it runs: under SLURM, one that neither saves nor requeues by itself.

    Lightning's own would, at a signal, save wherever the program is, in the middle of a step too, and the next job
    would take that file for a checkpoint. A job that starts again has `last.ckpt`.
    """
    if SLURMEnvironment.detect() and not TorchElasticEnvironment.detect():
        return [SLURMEnvironment(auto_requeue=False)]
    return []
