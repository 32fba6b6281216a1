"""Train a generator: `python train.py data.root=FOLDER [experiment=NAME] [key=value …]`."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import hydra
import lightning as L
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, MissingMandatoryValue, OmegaConf

from deepanon.errors import DeepanonError, ModelError, OptionError
from deepanon.files import replacing

log = logging.getLogger(__name__)


def train(config: DictConfig) -> Path:
    """Build everything, train, and return the path of the generator file."""
    if not isinstance(config.seed, int):
        raise OptionError(f"seed must be a number, got {config.seed!r}")
    L.seed_everything(config.seed, workers=True)
    folder = Path(config.output)
    module = instantiate(config.model)
    data = instantiate(config.data)
    callbacks = (
        [instantiate(config.distance, data=data.val)] if config.distance else []
    )  # before checkpoints: see there
    callbacks += [
        instantiate(config.checkpoints, training=OmegaConf.to_container(config.card, resolve=True)),
        instantiate(config.grid, data=data.val),
    ]
    trainer = instantiate(config.trainer, callbacks=callbacks, logger=instantiate(config.logger))
    last = folder / "last.ckpt"
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "config.yaml") as temporary:
        OmegaConf.save(config, temporary)
    log.info("%d images to go in %s", module.growth.total_images, folder)
    try:
        trainer.fit(module, data, ckpt_path=last if last.is_file() else None, weights_only=True)
    except RuntimeError as error:
        if "loading state_dict" not in str(error):
            raise
        raise ModelError(f"{last} is of another model; go on with its settings, or choose another output=") from error
    return folder / "generator.safetensors"


@hydra.main(config_path="configs", config_name="train", version_base="1.3")
def main(config: DictConfig) -> None:
    """Entry point."""
    try:
        print(f"generator written to {train(config)}")
    except InstantiationException as error:  # Hydra wraps what the constructors say
        sys.exit(f"train.py: {_reason(error)}")
    except (DeepanonError, FloatingPointError, MissingMandatoryValue) as error:
        sys.exit(f"train.py: {_without_traceback(str(error))}")


def _reason(error: InstantiationException) -> str:
    """One line: what the constructor objected to, and the key of the config it was called from."""
    key = str(error).rpartition("full_key: ")[2]
    return " ".join(f"{error.__cause__ or error} (config key {key})".split())


def _without_traceback(message: str) -> str:
    """What went wrong in a loader's worker reaches us with the worker's traceback in front of it."""
    if "in DataLoader worker process" not in message:
        return message
    return message.strip().splitlines()[-1].partition(": ")[2]


if __name__ == "__main__":
    main()
