import io

import numpy as np
import pytest
from PIL import Image

from deepanon.data.review.duplicates import bit_distance, gradient_hash, near_duplicates, near_pairs, thumbnail
from deepanon.data.synthetic import draw_face
from deepanon.errors import OptionError


def grey(seed, size=96):
    return np.asarray(Image.fromarray(draw_face(size, np.random.default_rng(seed))[0]).convert("L"))


def fingerprints(pictures):
    return np.array([gradient_hash(p) for p in pictures], np.uint64), np.array([thumbnail(p) for p in pictures])


def test_hash_by_hand():
    rising = np.tile(np.arange(9, dtype=np.uint8) * 20, (8, 1))
    assert gradient_hash(rising) == 2**64 - 1
    assert gradient_hash(rising[:, ::-1].copy()) == 0
    one = np.zeros((8, 9), np.uint8)
    one[0, 1] = 9  # brighter than the first cell: the highest bit
    assert gradient_hash(one) == 1 << 63


def test_bits_are_counted():
    a, b = np.array([0, 5, 2**64 - 1], np.uint64), np.array([0, 3, 0], np.uint64)
    assert bit_distance(a, b).tolist() == [0, 2, 64]


@pytest.mark.parametrize("distance", [0, 1, 3, 6, 15])
def test_pairs_are_those_of_a_plain_search_each_once(distance):
    rng = np.random.default_rng(distance)
    seeds = rng.integers(0, 2**64, 30, dtype=np.uint64)
    flips = [np.uint64(sum(1 << int(b) for b in rng.choice(64, rng.integers(0, 9), replace=False))) for _ in range(400)]
    hashes = np.array([seeds[rng.integers(30)] ^ flip for flip in flips], np.uint64)
    plain = [
        (i, j) for i in range(400) for j in range(i + 1, 400) if bin(int(hashes[i] ^ hashes[j])).count("1") <= distance
    ]
    found = [tuple(pair) for block in near_pairs(hashes, distance) for pair in block.tolist()]
    assert sorted(found) == plain
    assert len(plain) > 10


def test_large_buckets_are_done_in_blocks(monkeypatch):
    monkeypatch.setattr("deepanon.data.review.duplicates.BLOCK", 7)
    blocks = list(near_pairs(np.zeros(40, np.uint64), 2))
    assert sum(map(len, blocks)) == 40 * 39 // 2
    assert max(map(len, blocks)) <= 49
    assert len({tuple(pair) for block in blocks for pair in block.tolist()}) == 40 * 39 // 2


def test_the_same_photo_saved_otherwise_is_found_and_other_faces_are_not():
    pictures = [grey(seed) for seed in range(30)]
    stream = io.BytesIO()
    Image.fromarray(pictures[4]).resize((70, 70), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=60)
    pictures.append(np.asarray(Image.open(stream)))
    pictures.append(np.clip(pictures[9].astype(int) + 5, 0, 255).astype(np.uint8))
    assert near_duplicates(*fingerprints(pictures)).tolist() == [[4, 30], [9, 31]]


def test_thumbnails_decide_where_hashes_agree():
    face = grey(1)
    dark = (face // 2).astype(np.uint8)  # the same gradients, another picture
    hashes, thumbs = fingerprints([face, dark])
    assert bit_distance(hashes[:1], hashes[1:])[0] <= 6
    assert len(near_duplicates(hashes, thumbs)) == 0
    assert len(near_duplicates(hashes, thumbs, levels=255)) == 1


def test_few_or_impossible_inputs():
    assert near_duplicates(np.zeros(0, np.uint64), np.zeros((0, 16, 16), np.uint8)).shape == (0, 2)
    assert list(near_pairs(np.zeros(1, np.uint64), 3)) == []
    for distance in (-1, 16):
        with pytest.raises(OptionError, match="0 to 15"):
            list(near_pairs(np.zeros(2, np.uint64), distance))
