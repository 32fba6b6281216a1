import numpy as np

from deepanon.audit.cloaking.detectability import classifier, residuals
from deepanon.audit.cloaking.sample import by_people


def noisy(sample, size):
    noise = np.random.default_rng(1).choice([-size, 0, size], sample.pictures.shape)
    return sample.showing(np.clip(sample.pictures + noise, 0, 255).astype(np.uint8))


def test_noise_is_told_from_none_and_nothing_is_not(sample):
    learnt, looked = by_people(sample, 0.5, 0)
    for size, least, most in ((8, 0.95, 1.0), (0, 0.5, 0.5)):
        weights = classifier(residuals(learnt), residuals(noisy(learnt, size)))
        clear, changed = residuals(looked) @ weights, residuals(noisy(looked, size)) @ weights
        above = (changed[:, None] > clear[None]) + 0.5 * (changed[:, None] == clear[None])
        assert least <= above.mean() <= most


def test_features_are_shares_of_the_face_box_alone(sample):
    found = residuals(sample)
    assert found.shape == (len(sample), 147)
    np.testing.assert_allclose(found.reshape(len(sample), 3, 49).sum(axis=2), 1)
    outside = sample.pictures.copy()
    outside[:, 66:] = 0  # farther from the box than a JPEG block
    assert np.array_equal(residuals(sample.showing(outside)), found)
