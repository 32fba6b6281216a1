"""How fast training data come, against decoding the same files and nothing else.

    python benchmarks/loader.py                       # drawn faces
    DEEPANON_DATA=FOLDER python benchmarks/loader.py  # JPEG: faces128 in it

All but the last column is in images per second of CPU time of one process, so that neighbours on the machine matter
little; workers are measured by the clock. `decode` is the decoder's own call on files that are in memory, `files` opens
them too; both throw the picture away. `loader` is what a trainer gets: whole batches of 64 with boxes and keypoints, in
shuffled order, nothing cached. Rounds take turns, and the best of each counts: what else runs can only slow them down.
The last table holds batches against the plain way: a `Dataset` that opens PNGs with Pillow, and torch's collation.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
import torch
from PIL import Image
from torch.utils.data import DataLoader

from deepanon.data.batch import BatchRequest, as_is
from deepanon.data.crops import PackedCrops
from deepanon.data.cropset import CropSet
from deepanon.data.fdf.crops import FdfCrops
from deepanon.data.synthetic import draw_face, write_packed_crops

SIDES = (128, 64, 32, 16)
COLUMNS = ("px", "decode/s", "files/s", "loader/s", "loader : decode", "loader : files", "loader, cached/s")
BATCH = 64
DRAWN = 640  # faces, where there are no real ones


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2560, help="a round")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        jpeg, png = packed(folder), fdf(folder)
        for title, data, cached in (
            (f"JPEG shards, {jpeg}", PackedCrops(jpeg, "train", 128, cache_gib=0), PackedCrops(jpeg, "train", 128)),
            ("PNG in FDF's layout, drawn", fdf_crops(png, cache_gib=0), fdf_crops(png)),
        ):
            print(f"\n{title}\n\n| {' | '.join([*COLUMNS, f'{options.workers} workers/s'])} |")
            print("|" + "---|" * (len(COLUMNS) + 1))
            for side in SIDES:
                print(f"| {side} | {' | '.join(measure(data, cached, side, options))} |", flush=True)
    print("\n| whole batches at 128 px | images/s | ratio | MiB of arrays |\n|---|---|---|---|")
    for row in rows(options.images, options.rounds):
        print(f"| {row['name']} | {row['per_second']:,.0f} | {row['ratio']:.1f} | {row['peak_mib']:.1f} |")


class Plain(torch.utils.data.Dataset[Any]):
    """The plain way: a PNG a crop, Pillow, floats at once; crops of the set in `data`."""

    def __init__(self, folder: Path, data: CropSet) -> None:
        self.folder, self.data = folder, data
        folder.mkdir()
        for row in range(len(data)):
            Image.fromarray(data[row].images[0].permute(1, 2, 0).numpy()).save(folder / f"{row}.png")

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, row: int) -> Any:
        with Image.open(self.folder / f"{row}.png") as opened:
            pixels = torch.from_numpy(np.array(opened.convert("RGB"))).permute(2, 0, 1).float() / 127.5 - 1
        return pixels, self.data.boxes[row], self.data.keypoints[row]


def rows(images: int = 2560, rounds: int = 7, side: int = 128) -> list[dict[str, Any]]:
    """Images per CPU second of each way to load drawn crops, ratio to the plain one, MiB that a batch asks for."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "packed"
        write_packed_crops(root, "train", DRAWN, seed=0, resolution=side)
        kept, stored = PackedCrops(root, "train", side), PackedCrops(root, "train", side, store=root)
        data = PackedCrops(root, "train", side, cache_gib=0)
        order = np.concatenate([np.random.default_rng(n).permutation(DRAWN) for n in range(-(-images // DRAWN))])
        batches = [order[at : at + BATCH].tolist() for at in range(0, images // BATCH * BATCH, BATCH)]
        requests = [BatchRequest(batch, side) for batch in batches]
        ways: dict[str, DataLoader[Any]] = {
            "plain: PNG, Pillow, one by one": DataLoader(Plain(Path(folder) / "png", data), batch_sampler=batches)
        } | {
            name: DataLoader(source, batch_sampler=requests, collate_fn=as_is)
            for name, source in (
                ("JPEG shards, decoded each time", data),
                ("kept in memory (cache_gib)", kept),
                ("kept in a file (store)", stored),
            )
        }
        tasks = [lambda loader=loader: [None for _ in loader].clear() for loader in ways.values()]
        speeds = per_second(tasks, rounds, len(batches) * BATCH)
        return [
            {"name": name, "per_second": speed, "ratio": speed / speeds[0], "peak_mib": peak(loader)}
            for (name, loader), speed in zip(ways.items(), speeds, strict=True)
        ]


def peak(loader: DataLoader[Any]) -> float:
    """MiB of numpy's arrays in the first two batches."""
    tracemalloc.start()
    for _ in zip(range(2), loader, strict=False):
        pass
    found = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return found


def measure(data: CropSet, cached: CropSet, side: int, options: argparse.Namespace) -> list[str]:
    """One row of the table."""
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.permutation(len(data)) for _ in range(-(-options.images // len(data)))])
    rows = rows[: options.images // BATCH * BATCH].tolist()
    requests = [BatchRequest(rows[i : i + BATCH], side) for i in range(0, len(rows), BATCH)]
    files = [stored(data, row, side) for row in rows]
    alone = decode_jpeg if isinstance(data, PackedCrops) else decode_png

    def decode() -> None:
        for blob in files:
            alone(blob, side)

    def read() -> None:
        for row in rows:
            alone(stored(data, row, side), side)

    def load(source: CropSet) -> Callable[[], None]:
        loader = DataLoader(source, batch_sampler=requests, collate_fn=as_is)
        return lambda: [None for _ in loader].clear()

    plain, opening, loading, kept = per_second([decode, read, load(data), load(cached)], options.rounds, len(rows))
    parallel = by_the_clock(data, requests * 6, options.workers)
    return [f"{plain:,.0f}", f"{opening:,.0f}", f"{loading:,.0f}", f"{loading / plain:.0%}", f"{loading / opening:.0%}",
            f"{kept:,.0f}", f"{parallel:,.0f}"]  # fmt: skip


def decode_jpeg(blob: bytes, side: int) -> Any:
    """The library's own call."""
    return simplejpeg.decode_jpeg(blob, min_height=side, min_width=side)


def decode_png(blob: bytes, side: int) -> Any:
    """The library's own call."""
    return cv2.imdecode(np.frombuffer(blob, np.uint8), cv2.IMREAD_COLOR)


def stored(data: CropSet, row: int, side: int) -> bytes:
    """The file that is read for a crop of that size."""
    if isinstance(data, PackedCrops):
        return data.shards.read(row)
    assert isinstance(data, FdfCrops)
    with open(data.path(row, side), "rb", buffering=0) as file:
        return file.readall()


def per_second(tasks: list[Callable[[], None]], rounds: int, images: int) -> list[float]:
    """Images per CPU second of each task, in turns; the first round warms up."""
    times = np.empty((rounds + 1, len(tasks)))
    for number in range(rounds + 1):
        for index, task in enumerate(tasks):
            start = time.process_time()
            task()
            times[number, index] = time.process_time() - start
    return (images / times[1:].min(axis=0)).tolist()


def by_the_clock(data: CropSet, requests: list[BatchRequest], workers: int) -> float:
    """Images per second with worker processes, once they are running."""
    loader = DataLoader(data, batch_sampler=requests, collate_fn=as_is, num_workers=workers)
    seen, start = 0, 0.0
    for number, batch in enumerate(loader):
        if number == 4 * workers:
            start = time.perf_counter()
        elif number > 4 * workers:
            seen += len(batch.images)
    return seen / (time.perf_counter() - start)


def packed(folder: str) -> Path:
    """Real crops where there are any, or drawn ones of the same form."""
    real = Path(os.environ.get("DEEPANON_DATA", "")) / "faces128"
    if (real / "train.npz").is_file():
        return real
    print("no faces128 in DEEPANON_DATA: drawing faces", file=sys.stderr)
    write_packed_crops(Path(folder) / "packed", "train", DRAWN, seed=0, resolution=128)
    return Path(folder) / "packed"


def fdf(folder: str) -> Path:
    """Drawn faces in the layout of FDF's downloader, reduced as FDF's were: by 2 x 2 means."""
    root, rng = Path(folder) / "fdf", np.random.default_rng(0)
    drawn = [draw_face(128, rng) for _ in range(DRAWN + 1)]
    for side in (8, *reversed(SIDES)):
        for name in (f"images/{side}", "bounding_box", "landmarks"):
            (root / name).mkdir(parents=True, exist_ok=True)
        for number, (image, _, _) in enumerate(drawn):
            noisy = np.clip(image + rng.normal(0, 4, image.shape), 0, 255)  # grain, which PNG spends its bytes on
            small = noisy.reshape(side, 128 // side, side, 128 // side, 3).mean((1, 3)).astype(np.uint8)
            Image.fromarray(small).save(root / f"images/{side}/{number}.png")
        np.save(root / f"bounding_box/{side}.npy", np.stack([box * side / 128 for _, box, _ in drawn]).astype(np.int64))
        points = np.stack([np.concatenate([keypoints, keypoints[:2]]) for _, _, keypoints in drawn])
        np.save(root / f"landmarks/{side}.npy", (points * side / 128).reshape(-1, 14))
    return root


def fdf_crops(root: Path, cache_gib: float = 2.0) -> FdfCrops:
    """All but one of the drawn faces."""
    return FdfCrops(root, "train", 128, val_rows=1, cache_gib=cache_gib)


if __name__ == "__main__":
    main()
