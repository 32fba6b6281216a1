"""The house: data flows one way, and importing the package costs nothing."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import deepanon

ROOT = Path(deepanon.__file__).parent
LAYERS = {
    0: (
        "ahead",
        "checks",
        "errors",
        "files",
        "detections",
        "geometry",
        "images",
        "jpeg",
        "kinds",
        "seeds",
        "distance",
        "partly",
        "threads",
    ),
    1: ("crops", "models", "pasting", "tracking"),
    2: ("detectors", "embedders", "anonymizers", "data", "portraits", "runtimes", "weights"),
    3: ("pipeline", "selection", "training"),
    4: ("folders", "films", "sets", "evaluation", "verifying", "audit", "demo"),
    5: ("cli", "__init__", "__main__"),
}
LAYER_OF = {module: layer for layer, modules in LAYERS.items() for module in modules}
OUTSIDE = {"hydra", "omegaconf", "wandb"}
FILES = sorted(ROOT.rglob("*.py"))


def imports(path):
    """(imported module, whether inside `if TYPE_CHECKING`) of a file, function bodies included."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def home(path):
    return path.relative_to(ROOT).with_suffix("").parts[0]


def test_every_module_has_a_layer():
    assert {home(path) for path in FILES} == set(LAYER_OF)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_imports_only_from_its_own_layer_and_those_above(path):
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "deepanon" and len(parts) > 1 and parts[1] in LAYER_OF and home(path) != "__init__":
            assert LAYER_OF[parts[1]] <= LAYER_OF[home(path)], f"{path} imports {name}"
        assert parts[0] not in OUTSIDE, f"{path} imports {name}: only train.py and evaluate.py may"
        if parts[0] == "lightning":
            assert home(path) == "training", f"{path} imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "models").glob("*.py")), ids=lambda p: p.name)
def test_models_know_torch_and_nothing_else(path):
    for name in imports(path):
        assert (
            name.startswith(("deepanon.checks", "deepanon.models", "torch"))
            or name.split(".")[0] in sys.stdlib_module_names
        ), name


def fresh(code):
    """Run `code` in a new interpreter and return the JSON that it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_the_package_loads_nothing_heavy_and_touches_no_file():
    code = """
import sys, json
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import deepanon
heavy = [m for m in ("torch", "torchvision", "lightning", "hydra", "wandb", "cv2", "numpy") if m in sys.modules]
print(json.dumps([heavy, [f for f in opened if not f.endswith((".py", ".pyc"))]]))
"""
    assert fresh(code) == [[], []]


def test_using_the_pipeline_loads_no_training_stack():
    code = """
import sys, json
from deepanon import FaceAnonymizer, anonymize, build_detector
build_detector("mtcnn")
print(json.dumps([m for m in ("lightning", "hydra", "wandb", "skimage", "deepanon.training") if m in sys.modules]))
"""
    assert fresh(code) == []


def test_the_public_surface_is_what_is_written_here():
    assert deepanon.__all__ == [
        "DeepanonError",
        "Detections",
        "FaceAnonymizer",
        "Photo",
        "Seeds",
        "anonymize",
        "build_anonymizer",
        "build_detector",
        "read_image",
        "replace_faces",
        "write_image",
    ]
    assert all(getattr(deepanon, name) is not None for name in deepanon.__all__)
    assert (ROOT / "py.typed").is_file()


def test_no_function_is_longer_than_sixty_lines_and_no_file_than_250():
    for path in [*FILES, *ROOT.parent.glob("*.py"), *ROOT.parent.glob("benchmarks/*.py")]:
        text = path.read_text()
        assert text.count("\n") <= 250, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 60, f"{path}: {node.name}"
