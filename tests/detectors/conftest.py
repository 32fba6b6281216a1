"""What tests of detectors share."""

import pytest


@pytest.fixture(scope="module")
def astronaut():
    from skimage.data import astronaut

    return astronaut()
