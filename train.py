"""Train a generator: `python train.py data.root=FOLDER [experiment=NAME] [key=value …]`; see docs/training.md."""

from __future__ import annotations

import importlib.util
import logging
import netrc
import os
import secrets
import sys
from functools import partial
from pathlib import Path
from typing import Any

import hydra
import lightning as L
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from deepanon.errors import DeepanonError, ModelError, OptionError
from deepanon.files import remove_parts, saving
from deepanon.training import FaceData, GANTrainer
from deepanon.training.callbacks import LAST, PREVIOUS
from deepanon.training.checkpoint import look
from deepanon.training.probe import measure
from deepanon.training.processes import cluster
from deepanon.training.schedule import table
from deepanon.training.start import start_from

log = logging.getLogger(__name__)
PASSING = ("output", "dry_run", "limit", "hydra")  # settings that say nothing about the training itself


def train(config: DictConfig) -> Path | None:
    """Build everything, train, and return the path of the generator file; None after a dry run."""
    seed = config.seed
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise OptionError(f"seed must be a whole number from 0 to {2**32 - 1}, got {seed!r}")
    L.seed_everything(seed, workers=True, verbose=False)
    folder = Path(config.output)
    module = instantiate(config.model)
    plugins = cluster()
    trainer_for = partial(instantiate, config.trainer, **{"plugins": plugins} if plugins else {})
    if config.dry_run:
        if first_process():  # the others would only slow it down
            print(table(module.growth, measure(module, trainer_for), module.warmup_images))
        return None
    data = instantiate(config.data)
    last = prepare_folder(folder, config, module, data)
    if config.start and not last:
        start_from(module, config.start)
    distance = [instantiate(config.distance, data=data.val)] if config.distance else []
    checkpoints = instantiate(config.checkpoints, training=stated(config.card))
    checkpoints.settings = plain(config)
    callbacks = [
        instantiate(config.limit),
        *distance,  # before the checkpoints, which say what it found
        checkpoints,
        instantiate(config.grid, data=data.val),
        instantiate(config.bar),
        instantiate(config.metrics),  # the last, for it times the wait for data
    ]
    chosen = config.get("logger")
    logger = instantiate(chosen, **logger_settings(chosen, folder, grid_logged=config.grid.log)) if chosen else False
    trainer = trainer_for(callbacks=callbacks, logger=logger, enable_progress_bar=False)
    for one in trainer.loggers:
        one.log_hyperparams(plain(config))
    try:
        trainer.fit(module, data, ckpt_path=last, weights_only=True)
    except FloatingPointError as error:
        raise FloatingPointError(f"{error} {way_back(folder)}") from error
    return folder / "generator.safetensors"


def prepare_folder(folder: Path, config: DictConfig, module: GANTrainer, data: FaceData) -> Path | None:
    """Look at what is in the output folder, leave the settings there, and return the checkpoint to go on from.

    Raises:
        ModelError: the checkpoint there is damaged, or of another model; the message says what was changed.
    """
    last = folder / LAST
    if going_on := last.is_file():
        stored = look(last)
        changed = changes(stored.settings, plain(config))
        if stored.crops not in (None, data.counts):
            changed.append(f"crops in data.root: {stored.crops} -> {data.counts}")
        try:
            stored.check_model(module)
        except ModelError as error:
            raise ModelError(f"{error}{'; changed: ' if changed else ''}{', '.join(changed)}") from error
        say(f"going on with {last}, after {stored.images_seen:,} images{'; changed:' if changed else ''}", *changed)
    if first_process():
        for part in remove_parts(folder):
            log.info("removed %s, left by a process that was killed", part)
        with saving(folder / "config.yaml") as temporary:
            OmegaConf.save(config, temporary)
    return last if going_on else None


def way_back(folder: Path) -> str:
    """What a training that went bad can go on from."""
    if not (folder / LAST).is_file():
        return f"from the beginning: {folder} has no checkpoint yet"
    also = f"; if it is too late already, put {PREVIOUS} in its place" if (folder / PREVIOUS).is_file() else ""
    return f"from {folder / LAST}, with the same command{also}"


def changes(before: dict[str, Any] | None, now: dict[str, Any]) -> list[str]:
    """What differs between the settings of a checkpoint, if it has them, and those of now, as `key: old -> new`."""
    if before is None:
        return []
    old, new = flat(before), flat(now)
    keys = [key for key in {**old, **new} if key.split(".")[0] not in PASSING]
    return [
        f"{key}: {old.get(key, 'absent')} -> {new.get(key, 'absent')}" for key in keys if old.get(key) != new.get(key)
    ]


def plain(config: Any) -> Any:
    """The settings as dictionaries and lists, references to other settings left as they are."""
    return OmegaConf.to_container(config, resolve=False)


def stated(card: DictConfig) -> dict[str, Any]:
    """What is said of the training, without what is left open."""
    if not isinstance(card, DictConfig):
        raise OptionError(f"card must be a table such as card.data=TEXT, got {card!r}")
    return {name: fact for name, fact in OmegaConf.to_container(card, resolve=True).items() if fact is not None}  # type: ignore[union-attr, misc]


def flat(node: Any, key: str = "") -> dict[str, str]:
    """{"a": {"b": [1]}} -> {"a.b.0": "1"}."""
    if not isinstance(node, dict | list) or not node:
        return {key: str(node)}
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    return {k: v for name, child in pairs for k, v in flat(child, f"{key}.{name}".lstrip(".")).items()}


def logger_settings(logger: DictConfig | None, folder: Path, *, grid_logged: bool) -> dict[str, Any]:
    """What depends on this machine and folder: whether wandb may go online, and the run it goes on with.

    Raises:
        OptionError: the logger is not installed, or wandb is to go online without being logged in.
    """
    target = str(logger.get("_target_")) if logger else ""
    if target.endswith("TensorBoardLogger") and not importlib.util.find_spec("tensorboard"):
        raise OptionError("logger=tensorboard needs TensorBoard: pip install 'deepanon[tensorboard]'")
    if not target.endswith("WandbLogger"):
        return {}
    assert logger is not None
    mode, offline = os.environ.get("WANDB_MODE"), logger.get("offline")
    if offline is None:
        offline = mode in ("offline", "dryrun") or (not mode and not logged_in())
    if not offline and mode in (None, "", "online", "shared") and not logged_in():
        raise OptionError("wandb is not logged in, and training does not ask: `wandb login`, or logger.offline=true")
    if grid_logged and not offline and mode != "disabled":
        say("wandb is online and gets the sample grids, which show real held-out faces; grid.log=false keeps them here")
    note = folder / "wandb-id.txt"
    if not note.is_file() and first_process():
        with saving(note) as temporary:
            temporary.write_text(secrets.token_hex(4))
    return {"offline": offline, "id": note.read_text().strip() if note.is_file() else None, "resume": "allow"}


def logged_in() -> bool:
    """Whether wandb finds a key without asking: in the environment or in the netrc file."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    host = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai").partition("://")[2].split("/")[0].split(":")[0]
    for path in (os.environ.get("NETRC"), Path.home() / ".netrc", Path.home() / "_netrc"):
        try:
            if path and netrc.netrc(path).authenticators(host):
                return True
        except (OSError, netrc.NetrcParseError):
            continue
    return False


def first_process() -> bool:
    """Whether this is the process that writes and speaks for all that train together."""
    return getattr(rank_zero_only, "rank", 0) == 0


def say(*lines: str) -> None:
    """Print, once for all processes."""
    if first_process():
        print(*lines, sep="\n  ", flush=True)


@hydra.main(config_path="configs", config_name="train", version_base="1.3")
def main(config: DictConfig) -> None:
    """Entry point."""
    try:
        if written := train(config):
            say(f"generator written to {written}")
    except InstantiationException as error:  # Hydra wraps what the constructors say
        sys.exit(f"train.py: {_reason(error)}")
    except (
        DeepanonError,
        FileNotFoundError,
        FloatingPointError,
        OmegaConfBaseException,
        MisconfigurationException,
    ) as error:
        sys.exit(f"train.py: {_without_traceback(str(error))}")


def _reason(error: InstantiationException) -> str:
    """One line: what the constructor objected to, and the key of the config it was called from."""
    key = str(error).rpartition("full_key: ")[2]
    cause = error.__cause__ or error
    return " ".join(f"{str(cause) or type(cause).__name__} (config key {key})".split())


def _without_traceback(message: str) -> str:
    """What went wrong in a loader's worker reaches us with the worker's traceback in front of it."""
    if "in DataLoader worker process" not in message:
        return message
    return message.strip().splitlines()[-1].partition(": ")[2]


if __name__ == "__main__":
    main()
