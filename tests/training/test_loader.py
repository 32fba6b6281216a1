import itertools

import pytest
import torch

from deepanon.errors import DataError
from deepanon.models import Growth, Phase
from deepanon.training import CropsData, GrowthBatchSampler

GROWTH = Growth([Phase(8, 7, 0, 20), Phase(16, 4, 10, 15)])


def flat(batches):
    return list(itertools.chain.from_iterable(batches))


def test_batches_follow_the_schedule():
    assert [len(b) for b in GrowthBatchSampler(10, GROWTH)] == [7, 7, 7, 4, 4, 4, 4, 4, 4]  # ends once 45 were seen


def test_every_row_is_seen_once_a_round_in_a_new_order():
    order = flat(GrowthBatchSampler(10, GROWTH))
    rounds = [order[i : i + 10] for i in range(0, 40, 10)]
    assert all(sorted(r) == list(range(10)) for r in rounds)
    assert len({tuple(r) for r in rounds}) == 4


def test_order_depends_on_the_seed_and_nothing_else():
    first = flat(GrowthBatchSampler(10, GROWTH, seed=3))
    torch.manual_seed(123)
    sampler = GrowthBatchSampler(10, GROWTH, seed=3)
    assert first == flat(sampler) == flat(sampler)
    assert first != flat(GrowthBatchSampler(10, GROWTH, seed=4))


def test_starting_in_the_middle_goes_on_exactly():
    batches = list(GrowthBatchSampler(10, GROWTH, seed=3))
    seen = 0
    for done, batch in enumerate(batches):
        assert list(GrowthBatchSampler(10, GROWTH, 3, start=seen)) == batches[done:]
        seen += len(batch)
    assert list(GrowthBatchSampler(10, GROWTH, 3, start=seen)) == []


def test_fewer_rows_than_a_batch():
    assert [sorted(b)[:3] for b in GrowthBatchSampler(2, Growth([Phase(8, 6, 0, 6)]))] == [[0, 0, 0]]


def test_data_module_reads_both_splits(packed):
    data = CropsData(packed, 16, sources=["a"], limit=5)
    assert (len(data.train), len(data.val)) == (5, 3)
    with pytest.raises(DataError, match=r"expected .*coco7"):
        CropsData(packed, 16, schema="coco7")
