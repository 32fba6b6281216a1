import numpy as np
import pytest
import torch

from deepanon.errors import DataError, OptionError
from deepanon.evaluation.quality import manifold, precision_recall


def drawn(n, d=6, seed=0, scale=1.0):
    return np.random.default_rng(seed).normal(size=(n, d)) * scale


def by_loops(real, faces, k):
    """Equations 1 and 2 of the paper, word by word."""

    def covered(point, balls):
        for i, centre in enumerate(balls):
            others = sorted(np.linalg.norm(centre - other) for j, other in enumerate(balls) if j != i)
            if np.linalg.norm(point - centre) <= others[k - 1]:
                return True
        return False

    return [covered(p, real) for p in faces], [covered(p, faces) for p in real]


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("block", [7, 512])
def test_is_its_definition(k, block, monkeypatch):
    monkeypatch.setattr(manifold, "BLOCK", block)
    real, faces = drawn(40), drawn(33, seed=1, scale=0.7)
    precision, recall = precision_recall(real, faces, k)
    expected = by_loops(real, faces, k)
    assert precision.tolist() == expected[0]
    assert recall.tolist() == expected[1]
    assert 0 < recall.mean() < precision.mean() <= 1


def test_agrees_with_torch_fidelity():
    metric = pytest.importorskip("torch_fidelity.metric_prc")
    real, faces = drawn(300, 16), drawn(300, 16, seed=1, scale=0.8)
    expected = metric.prc_features_to_metric(torch.tensor(faces), torch.tensor(real), verbose=False)
    precision, recall = precision_recall(real, faces)
    assert precision.mean() == pytest.approx(expected["precision"], abs=1e-6)
    assert recall.mean() == pytest.approx(expected["recall"], abs=1e-6)


def test_what_it_means():
    """Few kinds of good faces: precise, and little recalled. Noise: the other way round. Far away: neither."""
    real = drawn(300, 3)
    collapsed = real[:3].repeat(100, axis=0) + drawn(300, 3, seed=1, scale=0.01)
    precision, recall = precision_recall(real, collapsed)
    assert precision.mean() > 0.95
    assert recall.mean() < 0.05
    precision, recall = precision_recall(real, drawn(300, 3, seed=2, scale=6.0))
    assert precision.mean() < 0.5 < recall.mean()
    assert [x.mean() for x in precision_recall(real, real + 100)] == [0, 0]
    assert [x.mean() for x in precision_recall(real, real)] == [1, 1]


def test_far_from_zero():
    real, faces = drawn(60), drawn(50, seed=1)
    near = precision_recall(real, faces)
    far = precision_recall(real + 1e7, faces + 1e7)
    assert all((a == b).mean() > 0.97 for a, b in zip(near, far, strict=True))


@pytest.mark.parametrize(
    ("real", "faces", "k", "error", "message"),
    [
        (drawn(3), drawn(9), 3, DataError, "3 neighbours need at least 4 feature vectors a side, got 3 and 9"),
        (drawn(9), drawn(9, 5), 3, DataError, "6 and 5 numbers cannot be compared"),
        (drawn(9), np.full((9, 6), np.nan), 3, DataError, "not finite"),
        (drawn(9), drawn(9), 0, OptionError, "neighbours must be positive"),
    ],
)
def test_impossible_sets(real, faces, k, error, message):
    with pytest.raises(error, match=message):
        precision_recall(real, faces, k)
