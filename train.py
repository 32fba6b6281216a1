"""Train a generator: `python train.py data.root=FOLDER [experiment=NAME] [key=value …]`."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import hydra
import lightning as L
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from deepanon.errors import DeepanonError

log = logging.getLogger(__name__)


def train(config: DictConfig) -> Path:
    """Build everything, train, and return the path of the generator file."""
    L.seed_everything(config.seed, workers=True)
    folder = Path(config.output)
    module = instantiate(config.model)
    data = instantiate(config.data)
    callbacks = [
        instantiate(config.checkpoints, training=OmegaConf.to_container(config.card, resolve=True)),
        instantiate(config.grid, data=data.val),
    ]
    trainer = instantiate(config.trainer, callbacks=callbacks, logger=instantiate(config.logger))
    last = folder / "last.ckpt"
    folder.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(config, folder / "config.yaml")
    log.info("%d images to go in %s", module.growth.total_images, folder)
    trainer.fit(module, data, ckpt_path=last if last.is_file() else None, weights_only=True)
    return folder / "generator.safetensors"


@hydra.main(config_path="configs", config_name="train", version_base="1.3")
def main(config: DictConfig) -> None:
    """Entry point."""
    try:
        print(f"generator written to {train(config)}")
    except (DeepanonError, FloatingPointError) as error:
        sys.exit(f"train.py: {error}")


if __name__ == "__main__":
    main()
