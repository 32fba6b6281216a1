"""Crops that are decoded once: the same as when they are decoded every time, and never those of other files."""

import hashlib
import logging
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from deepanon.data import decoded
from deepanon.data.batch import BatchRequest, as_is
from deepanon.data.crops import PackedCrops
from deepanon.data.packed_files import is_packed_name
from deepanon.errors import DataError


def caches(folder):
    return sorted(path.name for path in folder.glob("*.crops"))


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(vars(a).values(), vars(b).values(), strict=True))


def never(row, out):
    raise AssertionError("decoded again")


def damaged(*rows):
    return lambda files: {key: blob[: len(blob) // 2] if int(key) in rows else blob for key, blob in files.items()}


@pytest.mark.parametrize("side", [32, 8])
def test_what_is_read_is_what_would_be_decoded_and_later_runs_decode_nothing(packed, tmp_path, side, monkeypatch):
    plain = PackedCrops(packed, "train", 32, cache_gib=0).read([5, 0, 23, 5], side)
    assert same(PackedCrops(packed, "train", 32, store=tmp_path).read([5, 0, 23, 5], side), plain)
    (name,) = caches(tmp_path)
    assert name.startswith(f"train-{side}px-")
    assert is_packed_name(name)
    again = PackedCrops(packed, "train", 32, store=tmp_path)
    monkeypatch.setattr(again, "decode", never)
    batch = again.read([5, 0, 23, 5], side)
    assert same(batch, plain)
    batch.images.zero_()  # a batch is a copy
    assert same(again.read([5, 0, 23, 5], side), plain)


def test_nothing_is_written_unless_asked_for(tmp_path, packer):
    packer(tmp_path, "train", 6)
    before = sorted(os.listdir(tmp_path))
    PackedCrops(tmp_path, "train", 16).read([0], 16)
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("change", ["pixels", "touch only", "order", "limit", "decoder", "code"])
def test_another_set_has_another_file(change, tmp_path, packer, monkeypatch):
    root, options = tmp_path / "set", {}
    packer(root, "train", 6, seed=0)
    PackedCrops(root, "train", 16, store=root).read([0], 16)
    first = caches(root)
    shard, times = root / "train-000.tar", os.stat(root / "train-000.tar")
    if change == "pixels":  # same size, same date
        blob = bytearray(shard.read_bytes())
        blob[-1] ^= 1
        shard.write_bytes(blob)
        os.utime(shard, ns=(times.st_atime_ns, times.st_mtime_ns))
    elif change == "touch only":
        os.utime(shard)
    elif change == "order":
        keys = np.array([f"{i:06d}" for i in range(6)])[::-1]
        packer(root, "train", 6, seed=0, key=keys, shard=np.arange(6)[::-1] % 2)
    elif change == "limit":
        options["limit"] = 3
    elif change == "decoder":
        monkeypatch.setattr("simplejpeg.__version__", "0.0.0")
    else:
        monkeypatch.setattr("deepanon.data.crops.sha256_of_sources", lambda names: "other")
    data = PackedCrops(root, "train", 16, store=root, **options)
    rows = range(len(data))
    assert same(data.read(rows, 16), PackedCrops(root, "train", 16, **options).read(rows, 16))
    assert (caches(root) == first) is (change == "touch only")


@pytest.mark.parametrize("spoil", ["short", "long", "foreign", "empty", "other count"])
def test_a_file_that_is_not_whole_is_made_again(spoil, packed, tmp_path):
    expected = PackedCrops(packed, "train", 32, store=tmp_path).read(range(24), 16)
    path = tmp_path / caches(tmp_path)[0]
    good = path.read_bytes()
    other = good[:16] + np.array([23, 16], np.int64).tobytes() + good[32:]
    bad = {"short": good[:-1], "long": good + b"x", "foreign": b"x" * len(good), "empty": b"", "other count": other}
    path.write_bytes(bad[spoil])
    assert same(PackedCrops(packed, "train", 32, store=tmp_path).read(range(24), 16), expected)
    assert path.read_bytes() == good


def test_unreadable_crops_are_named_and_counted_in_later_runs_too(tmp_path, packer, caplog):
    packer(tmp_path, "train", 6, members=damaged(2, 3))
    plain = PackedCrops(tmp_path, "train", 16).read(range(6), 16)
    for _ in range(2):
        data = PackedCrops(tmp_path, "train", 16, store=tmp_path)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert same(data.read(range(6), 16), plain)
        assert data.corrupt == [data.name(2), data.name(3)]
        assert len(caplog.records) == 2
    with pytest.raises(DataError, match="2 of 6 crops cannot be read, more than max_corrupt=1"):
        PackedCrops(tmp_path, "train", 16, store=tmp_path, max_corrupt=1).read([0], 16)


def test_a_full_disk_costs_the_cache_and_nothing_else(packed, tmp_path, monkeypatch, caplog):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(decoded.os, "fsync", full)
    data = PackedCrops(packed, "train", 32, store=tmp_path)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert same(data.read([3, 4], 16), PackedCrops(packed, "train", 32).read([3, 4], 16))
    assert caplog.text.count("No space left on device") == 1
    assert os.listdir(tmp_path) == []


READ_ALL = """
import hashlib, pathlib, sys, time
from deepanon.data.crops import PackedCrops
root, store, ready, me = sys.argv[1:]
data = PackedCrops(root, "train", 32, store=store)
pathlib.Path(ready, me).touch()
while len(list(pathlib.Path(ready).iterdir())) < 2:
    time.sleep(0.001)
print(hashlib.sha256(data.read(range(24), 32).images.numpy().tobytes()).hexdigest())
"""


def test_two_processes_may_write_at_once(packed, tmp_path):
    store, ready = tmp_path / "store", tmp_path / "ready"
    ready.mkdir()
    command = [sys.executable, "-c", READ_ALL, str(packed), str(store), str(ready)]
    both = [subprocess.Popen([*command, me], stdout=subprocess.PIPE, text=True) for me in "ab"]
    got = [process.communicate(timeout=120)[0].strip() for process in both]
    expected = PackedCrops(packed, "train", 32).read(range(24), 32).images.numpy().tobytes()
    assert got == [hashlib.sha256(expected).hexdigest()] * 2
    assert len(os.listdir(store)) == 1


def test_workers_share_the_file(tmp_path, packer):
    packer(tmp_path, "train", 12)
    data = PackedCrops(tmp_path, "train", 16, store=tmp_path)
    requests = [BatchRequest([0, 1, 2, 6], 8), BatchRequest([6, 2, 3], 16)] * 3
    batches = list(DataLoader(data, batch_sampler=requests, collate_fn=as_is, num_workers=2))
    for request, batch in zip(requests, batches, strict=True):
        assert same(batch, PackedCrops(tmp_path, "train", 16).read(request.rows, request.resolution))
    assert 1 <= len(caches(tmp_path)) <= 2


def test_it_is_not_sent_along(packed, tmp_path):
    data = PackedCrops(packed, "train", 32, store=tmp_path)
    data.read([0], 32)
    assert len(pickle.dumps(data)) < 20_000
    assert same(pickle.loads(pickle.dumps(data)).read([7], 32), data.read([7], 32))


def test_a_file_that_is_removed_while_it_is_used_is_no_harm(packed, tmp_path):
    data = PackedCrops(packed, "train", 32, store=tmp_path)
    before = data.read(range(24), 16)
    (tmp_path / caches(tmp_path)[0]).unlink()
    assert same(data.read(range(24), 16), before)
