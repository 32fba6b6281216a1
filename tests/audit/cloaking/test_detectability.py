import numpy as np

from deepanon.audit.cloaking import by_people
from deepanon.audit.cloaking.detectability import classifier, residuals


def noisy(samples, size):
    noise = np.random.default_rng(1).choice([-size, 0, size], samples.pictures.shape)
    return samples.showing(np.clip(samples.pictures + noise, 0, 255).astype(np.uint8))


def test_noise_is_told_from_none_and_nothing_is_not(samples):
    learnt, looked = by_people(samples, 0.5, 0)
    for size, least, most in ((8, 0.95, 1.0), (0, 0.5, 0.5)):
        weights = classifier(residuals(learnt), residuals(noisy(learnt, size)))
        clear, changed = residuals(looked) @ weights, residuals(noisy(looked, size)) @ weights
        above = (changed[:, None] > clear[None]) + 0.5 * (changed[:, None] == clear[None])
        assert least <= above.mean() <= most


def test_features_are_shares_of_the_face_box_alone(samples):
    found = residuals(samples)
    assert found.shape == (len(samples), 147)
    np.testing.assert_allclose(found.reshape(len(samples), 3, 49).sum(axis=2), 1)
    outside = samples.pictures.copy()
    outside[:, 66:] = 0  # farther from the box than a JPEG block
    assert np.array_equal(residuals(samples.showing(outside)), found)
