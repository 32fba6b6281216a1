import itertools
import time

import lightning as L
import pytest
import torch

from deepanon.data.crops import PackedCrops
from deepanon.errors import DataError, OptionError, SchemaError
from deepanon.models import Growth, Phase
from deepanon.training import FaceData, GrowthBatchSampler
from deepanon.training.draws import generator_for

GROWTH = Growth([Phase(8, 7, 0, 20), Phase(16, 4, 10, 15)])
EVEN = Growth([Phase(8, 8, 0, 24), Phase(16, 4, 8, 16)])


def rows(requests):
    return [list(request.rows) for request in requests]


def flat(requests):
    return list(itertools.chain.from_iterable(rows(requests)))


def test_batches_follow_the_schedule():
    requests = list(GrowthBatchSampler(10, GROWTH))
    assert [len(r) for r in requests] == [7, 7, 7, 4, 4, 4, 4, 4, 4]  # ends once 45 were seen
    assert [r.resolution for r in requests] == [8, 8, 8, 16, 16, 16, 16, 16, 16]


def test_every_row_is_seen_once_a_round_in_a_new_order():
    order = flat(GrowthBatchSampler(10, GROWTH))
    rounds = [order[i : i + 10] for i in range(0, 40, 10)]
    assert all(sorted(r) == list(range(10)) for r in rounds)
    assert len({tuple(r) for r in rounds}) == 4


def test_image_number_i_is_what_the_docstring_says():
    order = flat(GrowthBatchSampler(10, GROWTH, seed=3))
    for i, row in enumerate(order):
        assert row == torch.randperm(10, generator=generator_for(3, i // 10))[i % 10]


def test_neighbouring_seeds_share_no_order():
    """Not even in different rounds: repeats with seeds 0, 1, 2 would else see the same orders one round apart."""
    growth = Growth([Phase(8, 24, 0, 24 * 50)])
    orders = [tuple(r.rows) for seed in range(4) for r in GrowthBatchSampler(24, growth, seed)]
    assert len(orders) == len(set(orders)) == 4 * 50


def test_order_depends_on_the_seed_and_nothing_else():
    first = flat(GrowthBatchSampler(10, GROWTH, seed=3))
    torch.manual_seed(123)
    sampler = GrowthBatchSampler(10, GROWTH, seed=3)
    assert first == flat(sampler) == flat(sampler)
    assert first != flat(GrowthBatchSampler(10, GROWTH, seed=4))


def test_starting_in_the_middle_goes_on_exactly():
    requests = list(GrowthBatchSampler(10, GROWTH, seed=3))
    seen = 0
    for done, request in enumerate(requests):
        assert list(GrowthBatchSampler(10, GROWTH, 3, start=seen)) == requests[done:]
        seen += len(request)
    assert list(GrowthBatchSampler(10, GROWTH, 3, start=seen)) == []


def test_fewer_rows_than_a_batch():
    assert [sorted(r)[:3] for r in rows(GrowthBatchSampler(2, Growth([Phase(8, 6, 0, 6)])))] == [[0, 0, 0]]


@pytest.mark.parametrize("world_size", [2, 4])
@pytest.mark.parametrize("start", [0, 16, 32])
def test_processes_share_each_batch(world_size, start):
    """Their slices, one after the other, are the batches of one process: also across rounds, fades and resumes."""
    alone = GrowthBatchSampler(10, EVEN, 5, start)
    together = [GrowthBatchSampler(10, EVEN, 5, start, rank, world_size) for rank in range(world_size)]
    for whole, parts in zip(alone, zip(*together, strict=True), strict=True):
        assert {len(part) for part in parts} == {len(whole) // world_size}
        assert flat(parts) == whole.rows
        assert {part.resolution for part in parts} == {whole.resolution}


def faces(root, resolution=16, **options):
    return FaceData(PackedCrops(root, "train", resolution), PackedCrops(root, "val", resolution), **options)


class Watch(L.LightningModule):
    """Takes every batch and counts images as `GANTrainer` does."""

    def __init__(self, growth, schema, start=0, world_size=1, wait=0.0):
        super().__init__()
        self.growth, self.schema, self.images_seen, self.batches = growth, schema, start, []
        self.world_size, self.wait = world_size, wait
        self.automatic_optimization = False

    def training_step(self, batch, _):
        assert batch.images.shape[-1] == self.growth.at(self.images_seen).resolution
        self.batches.append(batch)
        self.images_seen += len(batch.images) * self.world_size
        time.sleep(self.wait)

    def configure_optimizers(self):
        return None


def run(module, data):
    trainer = L.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, data)
    return module.batches


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("workers", [0, 2])
def test_each_phase_gets_crops_of_its_size(packed, workers):
    data = faces(packed, seed=2, workers=workers)
    batches = run(Watch(EVEN, data.train.schema), data)
    requests = list(GrowthBatchSampler(24, EVEN, 2))
    assert len(batches) == len(requests)
    for request, batch in zip(requests, batches, strict=True):
        expected = data.train.read(request.rows, request.resolution)
        assert torch.equal(batch.images, expected.images)
        assert torch.equal(batch.keypoints, expected.keypoints)


@pytest.mark.filterwarnings("ignore")
def test_a_run_that_goes_on_gets_the_batches_that_were_left(packed):
    data = faces(packed, seed=2)
    whole = run(Watch(EVEN, data.train.schema), data)
    rest = run(Watch(EVEN, data.train.schema, start=32), faces(packed, seed=2))
    assert len(rest) == len(whole) - 5
    assert all(torch.equal(a.images, b.images) for a, b in zip(whole[5:], rest, strict=True))


@pytest.mark.filterwarnings("ignore")
def test_data_that_do_not_fit_end_training_before_it_starts(packed, tmp_path, packer):
    data = faces(packed, 8)
    with pytest.raises(DataError, match="crops of 8 px do not fit growth to 16 px"):
        run(Watch(EVEN, data.train.schema), data)
    packer(tmp_path, "train", 4, points=7)
    seven = PackedCrops(tmp_path, "train", 16, schema="coco7")
    with pytest.raises(SchemaError, match="the data has keypoint schema 'coco7', the model 'five'"):
        run(Watch(EVEN, data.train.schema), FaceData(seven, seven))
    with pytest.raises(SchemaError, match="train has keypoint schema 'coco7', val 'five'"):
        FaceData(seven, data.val)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [({"workers": -1}, OptionError, "workers must be 0 or more"), ({"seed": "x"}, TypeError, "seed must be"),
     ({"prefetch": 0}, OptionError, "prefetch must be positive"),
     ({"val": "faces"}, OptionError, "val must be a set of crops")],
)  # fmt: skip
def test_impossible_options(packed, options, error, message):
    data = PackedCrops(packed, "train", 16)
    with pytest.raises(error, match=message):
        FaceData(**{"train": data, "val": data} | options)
