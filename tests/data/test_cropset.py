import gc
import logging
import tracemalloc

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from deepanon.data.batch import BatchRequest, as_is
from deepanon.data.crops import PackedCrops
from deepanon.errors import DataError, OptionError


def damage(*rows):
    """A packer's `members`: these rows lose the second half of their files."""

    def change(files):
        return {key: blob[: len(blob) // 2] if int(key) in rows else blob for key, blob in files.items()}

    return change


def rows_of(batch, data):
    """Which rows a batch shows, by their boxes."""
    return [int(torch.nonzero((data.boxes == box).all(1))[0, 0]) for box in batch.boxes]


@pytest.mark.parametrize("cache_gib", [0, 1.0])
def test_an_unreadable_crop_is_named_counted_and_replaced_by_the_next(tmp_path, packer, caplog, cache_gib):
    good = PackedCrops(packer(tmp_path / "good", "train", 6), "train", 16)
    data = PackedCrops(packer(tmp_path, "train", 6, members=damage(2, 3, 5)), "train", 16, cache_gib=cache_gib)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            batch = data.read([0, 1, 2, 3, 4, 5], 16)
            assert rows_of(batch, data) == [0, 1, 4, 4, 4, 0]
            assert torch.equal(batch.images, good.read([0, 1, 4, 4, 4, 0], 16).images)
            assert torch.equal(batch.keypoints, data.keypoints[[0, 1, 4, 4, 4, 0]])
    assert [r.args[0] for r in caplog.records] == [data.name(row) for row in (2, 3, 5)]  # once each
    assert "train-000.tar:000002.jpg: not a readable picture" in caplog.text
    assert "3 unreadable so far, training stops above 10" in caplog.text
    assert data.corrupt == [data.name(row) for row in (2, 3, 5)]


def test_too_many_unreadable_crops_stop_training(tmp_path, packer):
    packer(tmp_path, "train", 9, members=damage(1, 2, 4, 5, 7))
    data = PackedCrops(tmp_path, "train", 16, max_corrupt=4)
    data.read([0, 1, 2, 3, 4, 5], 16)
    with pytest.raises(DataError, match=r"5 of 9 crops cannot be read, more than max_corrupt=4: .*000001.jpg, .*more"):
        data.read([7], 16)
    with pytest.raises(DataError, match=r"1 of 9 crops cannot be read, more than max_corrupt=0: .*000001.jpg; the"):
        PackedCrops(tmp_path, "train", 16, max_corrupt=0).read([0, 1], 16)


def test_a_set_without_a_readable_crop_ends(tmp_path, packer):
    packer(tmp_path, "train", 3, members=damage(0, 1, 2))
    with pytest.raises(DataError, match="none of the 3 crops can be read"):
        PackedCrops(tmp_path, "train", 16).read([1], 16)


def test_how_many_are_put_up_with(packed):
    assert PackedCrops(packed, "train", 16).max_corrupt == 10
    assert PackedCrops(packed, "train", 16, max_corrupt=3).max_corrupt == 3


def test_a_shard_that_was_cut_since_it_was_indexed(tmp_path, packer):
    packer(tmp_path, "train", 6, shards=1)
    data = PackedCrops(tmp_path, "train", 16, max_corrupt=10)
    shard = tmp_path / "train-000.tar"
    shard.write_bytes(shard.read_bytes()[: data.shards.offsets[4] + 10])
    assert rows_of(data.read([3, 4, 5], 16), data) == [3, 0, 0]
    assert data.corrupt == [data.name(4), data.name(5)]


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_workers_give_the_same_and_count_together(tmp_path, packer, method):
    """Each of the two workers meets both unreadable crops; together they met two."""
    packer(tmp_path, "train", 8, members=damage(2, 6))
    data = PackedCrops(tmp_path, "train", 16, max_corrupt=2)
    requests = [BatchRequest([0, 1, 2, 6], 8), BatchRequest([6, 2, 3], 16)] * 2
    loader = DataLoader(data, batch_sampler=requests, collate_fn=as_is, num_workers=2, multiprocessing_context=method)
    batches = list(loader)
    assert data.corrupt == [data.name(2), data.name(6)]
    for request, batch in zip(requests, batches, strict=True):
        expected = PackedCrops(tmp_path, "train", 16).read(request.rows, request.resolution)
        assert all(torch.equal(a, b) for a, b in zip(vars(batch).values(), vars(expected).values(), strict=True))
    assert data._cache is None


def test_workers_stop_above_the_bound(tmp_path, packer):
    packer(tmp_path, "train", 8, members=damage(2, 6))
    data = PackedCrops(tmp_path, "train", 16, max_corrupt=1)
    requests = [BatchRequest([row], 8) for row in range(8)]
    with pytest.raises(DataError, match="2 of 8 crops cannot be read, more than max_corrupt=1"):
        list(DataLoader(data, batch_sampler=requests, collate_fn=as_is, num_workers=1))


def test_the_cache_decodes_once_and_holds_one_resolution(packed, monkeypatch):
    data, decoded = PackedCrops(packed, "train", 32), []
    real = data.decode
    monkeypatch.setattr(data, "decode", lambda row, out: (decoded.append((row, len(out))), real(row, out)))
    first, again = data.read([3, 4, 3], 16), data.read([4, 3], 16)
    assert decoded == [(3, 16), (4, 16)] or decoded == [(3, 16), (4, 16), (3, 16)]
    assert torch.equal(first.images[[1, 0]], again.images)
    again.images.zero_()  # a batch is a copy
    assert torch.equal(data.read([3], 16).images, first.images[:1])
    decoded.clear()
    data.read([3], 8)
    assert data._cache.images.shape == (24, 8, 8, 3)
    assert decoded == [(3, 8)]
    data.read([3], 16)  # what was held at 16 px was freed
    assert decoded == [(3, 8), (3, 16)]


def test_the_cache_has_a_bound(packed):
    bytes_at_16 = 24 * 16 * 16 * 3
    data = PackedCrops(packed, "train", 32, cache_gib=bytes_at_16 / 2**30)
    data.read([0], 16)
    assert data._cache.images.nbytes == bytes_at_16
    data.read([0], 32)
    assert data._cache is None
    off = PackedCrops(packed, "train", 32, cache_gib=0)
    assert torch.equal(off.read([5, 2], 16).images, data.read([5, 2], 16).images)
    assert off._cache is None


def test_memory_stays_flat_over_epochs(tmp_path, packer):
    """400 crops of 64 px are 5 MB decoded: nothing of that may stay, and nothing more with every epoch."""
    packer(tmp_path, "train", 400, side=64)
    data = PackedCrops(tmp_path, "train", 64, cache_gib=0)

    def epoch():
        for start in range(0, 400, 20):
            data.read(range(start, start + 20), 64)

    data.read(range(20), 64)
    gc.collect()
    tracemalloc.start()
    before = resident()
    for _ in range(4):
        epoch()
    gc.collect()
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 100_000
    assert peak < 1_000_000
    assert resident() - before < 2_000_000  # tensors are not traced; 4 epochs decode 20 MB


def test_memory_stays_flat_once_the_cache_is_full(tmp_path, packer):
    """The first epoch takes what the decoded crops take, and later epochs nothing more."""
    packer(tmp_path, "train", 400, side=64)
    data, size = PackedCrops(tmp_path, "train", 64), 400 * 64 * 64 * 3

    def epoch():
        for start in range(0, 400, 20):
            data.read(range(start, start + 20), 64)

    PackedCrops(tmp_path, "train", 64, cache_gib=0).read(range(20), 64)  # what decoding needs once
    gc.collect()
    tracemalloc.start()
    epoch()
    gc.collect()
    full, before = tracemalloc.get_traced_memory()[0], resident()
    assert size <= full < 1.1 * size
    tracemalloc.reset_peak()
    for _ in range(4):
        epoch()
    gc.collect()
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept - full < 100_000
    assert peak - full < 1_000_000
    assert resident() - before < 2_000_000  # 4 epochs copy 20 MB out of the cache


def resident():
    """Bytes of this process in memory."""
    try:
        with open("/proc/self/statm") as stream:
            return int(stream.read().split()[1]) * 4096
    except OSError:
        pytest.skip("no /proc on this system")


@pytest.mark.parametrize(
    ("rows", "resolution", "message"),
    [([0], 33, "crops of 32 px cannot be read at 33 px"), ([0], 0, "at 0 px"),
     ([24], 8, r"rows must lie in 0..23, got 24..24"), ([3, -1], 8, "got -1..3")],
)  # fmt: skip
def test_impossible_requests(packed, rows, resolution, message):
    with pytest.raises(OptionError, match=message):
        PackedCrops(packed, "train", 32).read(rows, resolution)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [({"max_corrupt": -1}, OptionError, "max_corrupt must be 0 or more"),
     ({"max_corrupt": "x"}, TypeError, "max_corrupt"), ({"cache_gib": "2"}, TypeError, "cache_gib"),
     ({"cache_gib": -1}, OptionError, "cache_gib must be"),
     ({"cache_gib": np.inf}, OptionError, "cache_gib must be finite")],
)  # fmt: skip
def test_impossible_options(packed, options, error, message):
    with pytest.raises(error, match=message):
        PackedCrops(packed, "train", 32, **options)


def test_an_empty_request(packed):
    assert PackedCrops(packed, "train", 32).read([], 8).images.shape == (0, 3, 8, 8)
