"""Networks, losses and the growth schedule. Torch only: nothing here knows faces, pictures or files."""

from deepanon.models.discriminator import Discriminator
from deepanon.models.generator import Generator
from deepanon.models.growth import Growth, Phase

__all__ = ["Discriminator", "Generator", "Growth", "Phase"]
