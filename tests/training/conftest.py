"""What several tests of training need."""

import lightning as L
import pytest


class StopAt(L.Callback):
    """Stops a training, as if the process were killed, once so many images were seen."""

    class Killed(Exception):
        pass

    def __init__(self, images):
        self.images = images

    def on_train_batch_end(self, trainer, module, *_):
        if module.images_seen >= self.images:
            raise self.Killed


@pytest.fixture(scope="session")
def stop_at():
    """Makes the callback for a number of images; what it raises is `stop_at.Killed`."""
    return StopAt
