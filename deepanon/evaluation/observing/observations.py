"""One pass over the photos: every variant of every photo is made once, and shown to every observer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np

from deepanon.crops import GREY
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import Detections
from deepanon.errors import DataError, DeepanonError, SaveError, SchemaError
from deepanon.evaluation.observing.looks import faces_of, faces_to_arrays
from deepanon.evaluation.observing.observer import Observer
from deepanon.evaluation.observing.store import Arrays, Key, Store
from deepanon.evaluation.observing.stream import Record, Regions
from deepanon.evaluation.observing.variants import NONE, Variant
from deepanon.geometry import Array
from deepanon.images import write_image

T = TypeVar("T")
Progress = Callable[[Iterable[AnnotatedPhoto]], Iterable[AnnotatedPhoto]]


@dataclass(frozen=True)
class Observations:
    """What observers see of photos in all variants.

    Attributes:
        photos: what to read.
        regions: what to replace.
        variants: what to do to it.
        observers: who looks at the result.
        store: where it is written down; what is there already is not made again.
        pictures: folder to which every picture is written too, as `<variant>/<photo>.png`; None writes none.

    Raises:
        DataError: two photos have one name.
    """

    photos: Sequence[AnnotatedPhoto]
    regions: Regions
    variants: Sequence[Variant]
    observers: Sequence[Observer]
    store: Store = field(default_factory=Store)
    pictures: Path | None = None

    def __post_init__(self) -> None:
        seen: dict[str, str] = {}
        for photo in self.photos:
            if _png(photo) in seen:
                raise DataError(f"photos {seen[_png(photo)]} and {photo.name} would be one {_png(photo)}; rename one")
            seen[_png(photo)] = photo.name

    def make(self, progress: Progress = iter) -> None:
        """Observe what is not in the store yet; a photo that fails does not stop the others.

        Raises:
            DataError: photos could not be read or anonymized. All others have been observed and are kept.
            SaveError: the disk is full.
            SchemaError: the finder's keypoints are not those that a method or an observer needs.
        """
        self._rehearse()
        failed = []
        for photo in progress(self.photos):
            try:
                self._observe(photo)
            except SaveError:
                raise
            except DeepanonError as error:
                failed.append(error)
        if failed:
            others = f" (and {len(failed) - 1} more photos)" if len(failed) > 1 else ""
            raise DataError(
                f"{failed[0]}{others}; the other {len(self.photos) - len(failed)} are observed and kept: mend or "
                "remove what failed, and start the same command again"
            ) from failed[0]

    def of(self, variant: Variant, observer: Observer) -> list[dict[str, Array]]:
        """What `observer` saw of every photo, in order.

        Raises:
            DataError: it has not been observed; `make` comes first.
        """
        entries = [self.store.get(self._key(photo, variant, observer.key)) for photo in self.photos]
        if any(entry is None for entry in entries):
            raise DataError(f"not every photo has been observed under {variant.name} by {observer.key}")
        return [entry for entry in entries if entry is not None]

    def by_method(self, observer: Observer, read: Callable[[dict[str, Array]], T]) -> dict[str, list[list[T]]]:
        """Method -> seed -> what `observer` saw of every photo, each entry through `read`."""
        return {
            method: [[read(entry) for entry in self.of(variant, observer)] for variant in self.seeds(method)]
            for method in self.methods
        }

    @cached_property
    def replaced(self) -> list[Detections]:
        """The faces that are replaced in every photo, in order; `DataError` if they have not been found yet."""
        entries = [self.store.get(self._regions_key(photo)) for photo in self.photos]
        if any(entry is None for entry in entries):
            raise DataError("not every photo has been looked at by the finder")
        return [faces_of(entry) for entry in entries if entry is not None]

    def seeds(self, method: str) -> list[Variant]:
        """All variants of one method."""
        return [variant for variant in self.variants if variant.method == method]

    @cached_property
    def methods(self) -> list[str]:
        """In order, each once."""
        return list(dict.fromkeys(variant.method for variant in self.variants))

    def record(self, photo: AnnotatedPhoto, variant: Variant) -> Record:
        """Make one picture again, as it was observed."""
        original = photo.read()
        return self._record(photo, original, self._chosen(photo, original), variant)

    def _rehearse(self) -> None:
        """Meet on an empty picture what would otherwise be met on every photo: keypoints of the wrong schema.

        Nothing else is decided here. A detector that reads a file does not know this picture, for example.
        """
        grey, nobody = np.full((64, 64, 3), GREY, dtype=np.uint8), np.zeros((0, 4), dtype=np.float32)
        photo = AnnotatedPhoto(Path(), "", nobody, np.zeros(0, dtype=bool))
        with _schemas_only():
            schema = self.regions.finder(grey, "").schema
            points = np.full((1, len(schema), 2), 32.0)
            face = Detections(np.array([[16, 16, 48, 48]]), np.ones(1), points, schema=schema)
            for variant in self.variants:
                with _schemas_only():
                    variant(grey, face, "")
            for observer in self.observers:
                with _schemas_only():
                    observer(Record(photo, grey, grey, face))

    def _observe(self, photo: AnnotatedPhoto) -> None:
        missing = list(self._missing(photo))
        if not missing and self._regions_key(photo) in self.store:
            return
        original = photo.read()
        detections = self._chosen(photo, original)
        for variant, observers in missing:
            entries: dict[Key, Arrays] = {}
            try:
                record = self._record(photo, original, detections, variant)
                self._save(record)
                for observer in observers:
                    entries[self._key(photo, variant, observer.key)] = observer(record)
            except DeepanonError as error:
                raise type(error)(f"{photo.path}: {variant.name}: {error}") from error
            self.store.put(entries)

    def _record(self, photo: AnnotatedPhoto, original: Array, detections: Detections, variant: Variant) -> Record:
        return Record(photo, original, variant(original, detections, photo.name), detections, _name(variant, photo))

    def _missing(self, photo: AnnotatedPhoto) -> Iterator[tuple[Variant, list[Observer]]]:
        """Variants of the photo that someone has not seen, and who."""
        for variant in self.variants:
            observers = [o for o in self.observers if self._key(photo, variant, o.key) not in self.store]
            unsaved = self.pictures is not None and not (self.pictures / _name(variant, photo)).is_file()
            if observers or unsaved:
                yield variant, observers

    def _chosen(self, photo: AnnotatedPhoto, original: Array) -> Detections:
        """The faces to replace; the finder looks once."""
        key = self._regions_key(photo)
        stored = self.store.get(key)
        if stored is None:
            height, width = original.shape[:2]
            try:
                found = self.regions.finder(original, f"{NONE}/{_png(photo)}")
            except DeepanonError as error:
                raise type(error)(f"{photo.path}: {error}") from error
            stored = faces_to_arrays(self.regions.choose(photo, found, width, height))
            self.store.put({key: stored})
        return faces_of(stored)

    def _save(self, record: Record) -> None:
        if self.pictures is not None:
            write_image(self.pictures / record.name, record.anonymized)

    def _key(self, photo: AnnotatedPhoto, variant: Variant, observer: str) -> Key:
        return self._prints[photo.name], f"{variant.key}; {self.regions.key}", observer

    def _regions_key(self, photo: AnnotatedPhoto) -> Key:
        return self._prints[photo.name], self.regions.key, "regions"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all photos with their names and annotations, flags included."""
        flags = [
            (p.name, p.ignored.tolist(), {k: v.tolist() for k, v in sorted(p.labels.items())}) for p in self.photos
        ]
        return hashlib.sha256(repr((sorted(self._prints.values()), sorted(flags))).encode()).hexdigest()

    @cached_property
    def _prints(self) -> dict[str, str]:
        return {photo.name: fingerprint(photo) for photo in self.photos}


@contextmanager
def _schemas_only() -> Iterator[None]:
    """Let through what is wrong with keypoint schemas, and nothing else."""
    try:
        yield
    except SchemaError:
        raise
    except DeepanonError:
        pass


def fingerprint(photo: AnnotatedPhoto) -> str:
    """The photo's name with a SHA-256 of its file and its annotations; `DataError` if there is no such file."""
    try:
        digest = hashlib.sha256(photo.contents())
    except OSError as error:
        raise DataError(f"{photo.path} cannot be read: {error.strerror}") from error
    digest.update(photo.boxes.tobytes())
    return f"{photo.name} {digest.hexdigest()}"


def _name(variant: Variant, photo: AnnotatedPhoto) -> str:
    return f"{variant.name}/{_png(photo)}"


def _png(photo: AnnotatedPhoto) -> str:
    return Path(photo.name).with_suffix(".png").as_posix()
