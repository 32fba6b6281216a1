"""The generators that ship in the package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deepanon.errors import ModelError
from deepanon.files import sha256_of

FOLDER = Path(__file__).parent
DEFAULT = "research"


@dataclass(frozen=True)
class Bundled:
    """A generator of the package.

    Attributes:
        name: what it is called; its file and its card are named after it.
        sha256: of its file, in hex.
        about: what it is, for one line.
    """

    name: str
    sha256: str
    about: str

    @property
    def path(self) -> Path:
        """The generator file."""
        return FOLDER / f"{self.name}.safetensors"

    @property
    def card(self) -> Path:
        """What it was trained on, for what use it is, and how good."""
        return FOLDER / f"{self.name}.md"


BUNDLED = {
    model.name: model
    for model in (
        Bundled(
            "research",
            "920905e4a180b927c2404d2d3f687c6bdd610e11bb6220454bf52de052344067",
            "many people, soft when enlarged; trained on research benchmarks",
        ),
        Bundled(
            "first",
            "03942ee6136349bf308c3f8679757b370b78a8961c07fc786bf7da03f3e83651",
            "small and soft; new faces vary little",
        ),
    )
}


def model_path(model: str | Path) -> Path:
    """The file of a bundled generator, by name, or of another, by path.

    Raises:
        FileNotFoundError: nothing is there; the message names the bundled ones.
        ModelError: the file of a bundled one is not the one that was published.
    """
    bundled = BUNDLED.get(str(model))
    path = bundled.path if bundled else Path(model)
    if not path.is_file():
        raise FileNotFoundError(
            f"no generator at {path}: pass a file made by train.py, or a bundled one ({', '.join(BUNDLED)})"
        )
    if bundled and sha256_of(path) != bundled.sha256:
        raise ModelError(f"{path} is not the file that was published: SHA-256 {sha256_of(path)}; reinstall deepanon")
    return path
