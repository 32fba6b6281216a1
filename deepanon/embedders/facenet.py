"""FaceNet as an Inception-ResNet v1 (Schroff et al. 2015; Szegedy et al. 2017), through facenet-pytorch."""

from __future__ import annotations

import warnings
from pathlib import Path

from torch import Tensor

from deepanon.data.download import fetch
from deepanon.embedders.differentiable import TwoWays, read_network
from deepanon.embedders.pixels import FILTER, resized
from deepanon.errors import DeepanonError, ModelError, lookup
from deepanon.files import sha256_of

RELEASE = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9"
URLS = {  # what it was trained on -> where facenet-pytorch itself gets it
    "vggface2": f"{RELEASE}/20180402-114759-vggface2.pt",
    "casia-webface": f"{RELEASE}/20180408-102900-casia-webface.pt",
}
CLASSIFIER = ("logits.weight", "logits.bias")  # of the people in the training set; not part of the embedding
WHAT = "the weights of facenet-pytorch's InceptionResnetV1"


class Facenet(TwoWays):
    """512 features on the unit sphere; the recogniser that most anonymization papers report.

    Args:
        pretrained: "vggface2" or "casia-webface"; downloaded once (107 or 111 MB) to where facenet-pytorch keeps it
            too, `$TORCH_HOME/checkpoints`, by default `~/.cache/torch/checkpoints`.
        weights: a state dict of the same network from a file, instead of a download.
        name: what to call it; None says "facenet" and what it was trained on.

    Raises:
        OptionError: unknown `pretrained`.
        FileNotFoundError: there is no file at `weights`.
        ModelError: the download failed, or the file holds something else; the message says what to do.
    """

    size = 160

    def __init__(
        self, pretrained: str = "vggface2", weights: str | Path | None = None, name: str | None = None
    ) -> None:
        with warnings.catch_warnings():  # the package changes the process-wide filters on import
            from facenet_pytorch.models.inception_resnet_v1 import InceptionResnetV1, get_torch_home

        self.path = _downloaded(pretrained, Path(get_torch_home())) if weights is None else Path(weights)
        if not self.path.is_file():
            raise FileNotFoundError(f"no weights at {self.path}")
        self.name = name or (f"facenet {pretrained}" if weights is None else f"facenet {self.path.stem}")
        self.digest = sha256_of(self.path)[:16]
        self.network = read_network(InceptionResnetV1, self.path, WHAT, _without_classifier)

    @property
    def description(self) -> str:
        """Network, input and filter in one line."""
        return (
            f"{self.name}, Inception-ResNet v1 of facenet-pytorch (SHA-256 {self.digest}), 512 features; "
            f"{self.size} px RGB, (x - 127.5) / 128; {FILTER}"
        )

    def _run(self, images: Tensor) -> Tensor:
        inputs = (resized(images, self.size) - 127.5) / 128
        features: Tensor = self.network.to(images.device)(inputs)
        return features


def _downloaded(pretrained: str, home: Path) -> Path:
    url = lookup(URLS, pretrained, "training set of facenet (pretrained)")
    path = home / "checkpoints" / url.rsplit("/", 1)[1]
    if not path.is_file():
        try:
            fetch(url, path, tries=2)
        except (DeepanonError, OSError) as error:
            raise ModelError(
                f"the weights of facenet cannot be downloaded ({error}); fetch {url} elsewhere and put it at {path}, "
                "or name another file (weights=FILE)"
            ) from error
    return path


def _without_classifier(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value for key, value in state.items() if key not in CLASSIFIER}
