import inspect
import re
import shlex
from itertools import product
from pathlib import Path

import pytest
import torch

from deepanon.models import MobileNetFeatures

hydra = pytest.importorskip("hydra")
from hydra import compose, initialize_config_dir  # noqa: E402
from hydra.errors import ConfigCompositionException  # noqa: E402
from hydra.utils import get_class, get_method, instantiate  # noqa: E402
from omegaconf import OmegaConf  # noqa: E402

FOLDER = Path(__file__).parent.parent / "configs"
ROOTS = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def groups(root):
    """Group -> how one of its files is chosen: of "model" there is one, of "scorer@scorers.mtcnn" there may be more."""
    for entry in OmegaConf.load(FOLDER / f"{root}.yaml").get("defaults", []):
        for key in entry if OmegaConf.is_dict(entry) else ():
            group, _, package = key.split()[-1].lstrip("/").partition("@")
            yield group, f"+{group}@{package.rpartition('.')[0]}.another" if package else group


def meant_for(root, path):
    """Whether a file can be chosen under a root: an experiment changes what only one of them has."""
    known = {*OmegaConf.load(FOLDER / f"{root}.yaml"), *(group for group, _ in groups(root))}
    return path.parent.name != "experiment" or OmegaConf.load(path).keys() - {"defaults"} <= known


CHOICES = sorted(
    {
        (root, f"{how}={path.stem}")
        for root in ROOTS
        for group, how in groups(root)
        for path in (FOLDER / group).glob("[a-z]*.yaml")  # _base is no choice
        if meant_for(root, path)
    }
)


def composed(root, *overrides):
    with initialize_config_dir(str(FOLDER), version_base="1.3"):
        return compose(root, list(overrides))


def targets(node):
    """Every `_target_` in a plain container."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield node["_target_"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from targets(child)


def check_targets(config):
    found = list(targets(OmegaConf.to_container(config, resolve=False)))
    assert found
    for name in found:
        try:
            get_class(name)
        except Exception:
            assert callable(get_method(name)), name


@pytest.mark.parametrize("root", ROOTS)
def test_root_composes_and_names_what_exists(root):
    check_targets(composed(root))


@pytest.mark.parametrize(("root", "choice"), CHOICES)
def test_every_choice_composes(root, choice):
    check_targets(composed(root, choice))


def test_every_group_is_chosen_from_somewhere():
    there = {path.parent.name for path in FOLDER.glob("*/*.yaml")}
    assert {group for root in ROOTS for group, _ in groups(root)} == there


GIVEN = {"data", "training", "stream", "cls"}  # what train.py itself hands over, and what no text can say


def arguments(name):
    """Names that a class or function of ours can be called with, bases included where it passes options on."""
    target = get_class(name) if name.rpartition(".")[2][0].isupper() else get_method(name)
    found = {}
    for kind in inspect.getmro(target)[:2] if inspect.isclass(target) else [target]:
        found |= inspect.signature(kind).parameters
        if not any(p.kind is p.VAR_KEYWORD for p in inspect.signature(kind).parameters.values()):
            break
    return {n for n, p in found.items() if p.kind is not p.VAR_KEYWORD} - GIVEN


def nodes(node):
    """Every dictionary with a `_target_` of ours in a plain container."""
    if isinstance(node, dict):
        if str(node.get("_target_")).startswith("deepanon.") and not node.get("_partial_"):
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from nodes(child)


@pytest.mark.parametrize(("root", "choice"), CHOICES)
def test_every_setting_can_be_changed_without_a_plus(root, choice):
    """Hydra refuses to change what a config does not name; so the configs name all there is."""
    found = nodes(OmegaConf.to_container(composed(root, choice), resolve=False))
    missing = {node["_target_"]: arguments(node["_target_"]) - set(node) for node in found}
    assert not any(missing.values()), missing


PARTS = (
    "model|data|limit|distance|trainer|logger|checkpoints|grid|bar|metrics|card|"
    "people|crops|scorers|recognisers|embedders"
)
KEY = rf"((?:{PARTS})\.[\w.]*=[^`\s,;]*)"


def documented():
    """(file, root, overrides) of each command in the documentation, and of each setting its text or a config names.

    Text does not say of which program it speaks: the root is empty then.
    """
    root = FOLDER.parent
    for path in (root / "README.md", root / "data/README.md", *(root / "docs").glob("*.md"), *FOLDER.glob("*/*.yaml")):
        text = re.sub(r"\\\n\s*", "", path.read_text())
        for line in text.splitlines():
            if match := re.search(r"(?<!`)(train|evaluate)\.py ([^`#]*)", line):
                words = shlex.split(match[2])
                yield path.name, match[1], tuple(w for w in words if "=" in w and not w.startswith("-"))
            prose = re.findall(f"`{KEY}`", line) if path.suffix == ".md" else re.findall(KEY, line.partition("#")[2])
            yield from ((path.name, "", (setting,)) for setting in prose)


@pytest.mark.parametrize(("file", "root", "overrides"), sorted(set(documented())), ids=str)
def test_what_the_documentation_says_can_be_said(file, root, overrides):
    prose = [(), ("data=fdf",), ("logger=wandb",), ("model=projected",)]  # prose says where it applies
    choices = prose if len(overrides) == 1 else [()]
    for program, choice in product([root] if root else ROOTS, choices):
        try:
            composed(program, *choice, *overrides)
            return
        except ConfigCompositionException as error:
            refused = error
    raise refused


@pytest.mark.parametrize("choice", [c for root, c in CHOICES if root == "train" and c.partition("=")[0] != "data"])
def test_training_can_be_built(choice, packed, fdf, tmp_path):
    choices = [choice, f"output={tmp_path}", f"data.root={packed}", "data.train.resolution=8"]
    if "FdfCrops" in composed("train", choice).data.train._target_:
        choices += [f"data.root={fdf}", "data.train.val_rows=2"]
    if choice == "logger=wandb":
        pytest.importorskip("wandb")
        choices += ["+logger.mode=disabled", "logger.offline=false"]
    if choice == "logger=tensorboard":
        pytest.importorskip("tensorboard")
    if choice == "model=projected":  # the weights of what sees for it are the user's
        torch.save(MobileNetFeatures().state_dict(), tmp_path / "seen.pth")
        choices.append(f"model.discriminator.features.weights={tmp_path / 'seen.pth'}")
    config = composed("train", *choices)
    module = instantiate(config.model)
    assert module.growth.final_resolution == module.generator.resolution == config.model.generator.resolution
    data = instantiate(config.data)
    for node, extra in ((config.checkpoints, {"training": {}}), (config.grid, {"data": data.val}), (config.logger, {})):
        instantiate(node, **extra)
    if config.distance and choice not in ("distance=inception", "distance=network"):  # the weights are the user's
        instantiate(config.distance, data=data.val)
    instantiate(config.trainer, accelerator="cpu", logger=False)


def test_fdf_brings_its_keypoints_with_it(fdf):
    """`data=fdf` trains a model for seven keypoints on the layout that FDF's downloader makes."""
    choices = [
        "data=fdf",
        "model=modern_small",
        f"data.root={fdf}",
        "data.train.resolution=32",
        "data.train.val_rows=2",
    ]
    config = composed("train", *choices)
    data, module = instantiate(config.data), instantiate(config.model)
    assert (len(data.train), len(data.val), data.workers) == (4, 2, 2)
    assert data.train.schema == module.schema
    assert module.generator.keypoints == 7


def test_both_sets_follow_what_is_said_of_one(packed, tmp_path):
    """Held-out crops are of the same sources, size and licences, and rows held out are held out on both sides."""
    config = composed(
        "train", "data.root=a", "data.train.sources=[gen]", "data.train.resolution=32", "schema=coco7"
    ).data
    assert (config.val.root, config.val.sources, config.val.resolution, config.val.schema) == (
        "a",
        ["gen"],
        32,
        "coco7",
    )
    changes = [
        "data.train.val_rows=7",
        "data.train.licences=[cc-by-2]",
        "data.train.opt_out=o",
        "data.train.layout=split",
    ]
    config = composed("train", "data=fdf", "data.root=a", *changes).data
    names = ("root", "val_rows", "licences", "opt_out", "layout")
    assert [config.val[name] for name in names] == ["a", 7, ["cc-by-2"], "o", "split"]
