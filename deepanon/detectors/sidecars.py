"""Faces from a folder with one JSON file a picture: as many as there are pictures, none read before it is needed."""

from __future__ import annotations

from pathlib import Path

from deepanon.detections import Detections
from deepanon.detectors.given import Given
from deepanon.errors import DetectionError
from deepanon.geometry import Array


class Sidecars:
    """A detector that knows the answer: the faces of "party/one.jpg" are in FOLDER/party/one.jpg.json.

    Args:
        folder: as `deepanon anonymize --sidecars FOLDER` writes it, edited or not.

    Raises:
        DetectionError: there is no such folder.
    """

    name = "given"

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise DetectionError(f"folder of detections {folder} does not exist")
        self.description = f"faces given in files of the folder {self.folder.name}"

    def __call__(self, image: Array, name: str = "") -> Detections:
        """Return the faces of the picture called `name`.

        Raises:
            DetectionError: its file is missing, malformed, or was made for a picture of another size.
        """
        return Given(self.folder / f"{name}.json")(image, name)
