"""From a folder of photos to packed crops: resumable after any death, and the same whoever does the work."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from deepanon.data import SPLITS
from deepanon.data.building.journal import Examined, Journal
from deepanon.data.building.provenance import differences
from deepanon.data.building.recipe import PHOTO_DIGITS, Recipe, examine_photo, keypoint_schema, split_of, stamp
from deepanon.data.building.workers import in_processes, single_threaded
from deepanon.data.packed_files import META, is_packed_name, read_meta
from deepanon.data.packed_writer import StoredCrop, write_meta, write_split
from deepanon.errors import DataError, OptionError

JOURNAL = "build.sqlite"
JOURNAL_FILES = (JOURNAL, f"{JOURNAL}-journal")  # SQLite's own journal lies beside it while it writes


class Build:
    """One set in the making. `examine` until it is through, then `pack`; after `kill -9` start again with the same.

    Args:
        photos: name (path below the folder, with slashes) -> file.
        out: folder of the set: new, empty, an unfinished build by this recipe, or a finished one of the same photos.
        recipe: how to make it.

    Attributes:
        done: the set is whole already.
        todo: names of the photos that `examine` will look at.

    Raises:
        DataError: `out` holds something else or was made with other settings; the message says which.
        OptionError: `recipe.identities`, and a photo lies in no sub-folder.
    """

    def __init__(self, photos: Mapping[str, Path], out: str | Path, recipe: Recipe) -> None:
        _check_identities(photos, recipe)
        self.photos, self.out, self.recipe = photos, Path(out), recipe
        self.schema = keypoint_schema(recipe)
        self.settings = recipe.describe()
        stamps = {name: stamp(path) for name, path in photos.items()}
        self.listing = {"files": len(photos), "sha256": _listing(stamps)}
        self.done = self._is_done()
        if self.done:
            self._remove_journal()  # if the process was killed between the last two steps
            self.todo: list[str] = []
            return
        self.journal = self._open_journal()
        known = self.journal.keep_only(stamps)
        self.todo = sorted(photos.keys() - known)

    def _is_done(self) -> bool:
        if not (self.out / META).is_file():
            return False
        meta = read_meta(self.out)
        made_with = dict(meta["made_with"])
        made_with.pop("counts", None)
        differ = differences(made_with, self.settings | {"photos": self.listing})
        if differ:
            raise DataError(
                f"{self.out} holds a finished set, which stays as it is; to change something, build into a new folder. "
                f"It was made from other photos or settings: {'; '.join(differ)}"
            )
        return True

    def _open_journal(self) -> Journal:
        self.out.mkdir(parents=True, exist_ok=True)
        inside = sorted(path.name for path in self.out.iterdir())
        foreign = [name for name in inside if name not in JOURNAL_FILES and not is_packed_name(name)]
        if foreign or (inside and JOURNAL not in inside):
            raise DataError(f"{self.out} already holds {(foreign or inside)[0]}, which is no unfinished build")
        journal = Journal(self.out / JOURNAL)
        if journal.settings is None:
            journal.settings = self.settings
        differ = differences(journal.settings or {}, self.settings)
        if differ:
            journal.close()
            raise DataError(f"{self.out} holds an unfinished build with other settings: {'; '.join(differ)}")
        return journal

    def examine(self, workers: int = 0) -> Iterator[Examined]:
        """Look at every photo of `todo` and yield it once it is in the journal; a failure does not stop the others.

        Args:
            workers: number of processes; 0 works in this one, where a crash inside a decoder ends everything.
        """
        jobs = [(name, self.photos[name], self.recipe) for name in self.todo]
        if workers == 0:
            single_threaded()
            results: Any = ((job, examine_photo(job)) for job in jobs)
        else:
            results = in_processes(examine_photo, jobs, workers, single_threaded)
        for (name, path, _), result in results:
            photo = result or Examined(name, stamp(path), error=f"{path}: ended the process that worked on it")
            self.journal.add(photo)
            yield photo

    @property
    def failed(self) -> dict[str, str]:
        """Photo name -> why it failed; known until `pack` is through."""
        return {} if self.done else self.journal.failed()

    def pack(self) -> dict[str, Any]:
        """Write shards and arrays, then `meta.json`, then remove the journal; returns the counts.

        Files by the names of a set are replaced (a run that was killed here leaves some); any other file stays.

        Raises:
            DataError: no crop passed the rules.
        """
        if self.done:
            return dict(read_meta(self.out)["made_with"]["counts"])
        self._remove_packed()
        counts = self._counts()
        if not counts["crops"]:
            raise DataError(f"no crop passed: {summarize(counts)}; nothing was written but the journal")
        for split in SPLITS:
            counts[split] = write_split(self.out, split, self._crops(split))
        facts = self.settings | {"photos": self.listing, "counts": counts}
        write_meta(self.out, self.schema, self.recipe.rules.resolution, facts)
        self.journal.close()
        self._remove_journal()
        self.done = True
        return counts

    def _remove_packed(self) -> None:
        """Remove what a run that was killed while packing left; files of any other name are not ours to remove."""
        for path in self.out.iterdir():
            if is_packed_name(path.name):
                path.unlink()

    def _remove_journal(self) -> None:
        for name in JOURNAL_FILES:
            (self.out / name).unlink(missing_ok=True)

    def _crops(self, split: str) -> Iterator[StoredCrop]:
        """In order of the photos' content, which is as good as shuffled and the same everywhere."""
        for photo in self.journal.photos():
            identity = photo.name.split("/")[0] if self.recipe.identities else photo.sha256[:PHOTO_DIGITS]
            if split_of(identity, self.recipe.val) == split:
                for crop in self.journal.crops(photo.name):
                    yield replace(crop, source=self.recipe.source, identity=identity)

    def _counts(self) -> dict[str, Any]:
        unique = list(self.journal.photos())
        failed = len(self.journal.failed())
        dropped = sum((Counter(photo.dropped) for photo in unique), Counter[str]())
        faces = sum(photo.faces for photo in unique)
        return {
            "photos": len(self.photos),
            "failed": failed,
            "duplicates": len(self.photos) - failed - len(unique),
            "without_face": sum(not photo.faces for photo in unique),
            "faces": faces,
            "dropped": dict(sorted(dropped.items())),
            "crops": faces - dropped.total(),
        }


def summarize(counts: Mapping[str, Any]) -> str:
    """What became of photos and faces, in one or two lines."""
    without = f"{counts['duplicates']} duplicates, {counts['without_face']} without a face, {counts['failed']} failed"
    dropped = ", ".join(f"{number} {reason}" for reason, number in counts["dropped"].items())
    return (
        f"{counts['photos']} photos: {without}\n"
        f"{counts['faces']} faces: {counts['crops']} crops, left out: {dropped or 'none'}"
    )


def _check_identities(photos: Mapping[str, Path], recipe: Recipe) -> None:
    loose = [name for name in photos if "/" not in name]
    if recipe.identities and loose:
        raise OptionError(f"identities need one folder a person; {loose[0]} lies in none")


def _listing(stamps: Mapping[str, tuple[int, int]]) -> str:
    """Digest of names and sizes; it tells whether a finished set was made from these photos."""
    lines = "".join(f"{size} {name}\n" for name, (size, _) in sorted(stamps.items()))
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
