"""Networks, objectives and the growth schedule. Torch only: nothing here knows faces, pictures or files."""

from typing import Any

from deepanon.models.deepprivacy_discriminator import DeepPrivacyDiscriminator
from deepanon.models.deepprivacy_generator import DeepPrivacyGenerator
from deepanon.models.discriminator import Discriminator
from deepanon.models.features import Features, MobileNetFeatures, NetworkFeatures
from deepanon.models.generator import Generator
from deepanon.models.growth import Growth, Phase
from deepanon.models.lean_generator import LeanGenerator
from deepanon.models.mobilefacenet import MobileFaceNet
from deepanon.models.modulated_generator import ModulatedGenerator
from deepanon.models.objectives import NonSaturating, Objective, WassersteinGP
from deepanon.models.projected_discriminator import ProjectedDiscriminator
from deepanon.models.residual_discriminator import ResidualDiscriminator

GENERATORS: dict[str, type[Generator]] = {
    "deepprivacy": DeepPrivacyGenerator,
    "modulated": ModulatedGenerator,
    "lean": LeanGenerator,
}

__all__ = [
    "GENERATORS",
    "DeepPrivacyDiscriminator",
    "DeepPrivacyGenerator",
    "Discriminator",
    "Features",
    "Generator",
    "Growth",
    "LeanGenerator",
    "MobileFaceNet",
    "MobileNetFeatures",
    "ModulatedGenerator",
    "NetworkFeatures",
    "NonSaturating",
    "Objective",
    "Phase",
    "ProjectedDiscriminator",
    "ResidualDiscriminator",
    "WassersteinGP",
    "build_generator",
]


def build_generator(architecture: str, **options: Any) -> Generator:
    """Return a new generator of a named architecture; `options` are its constructor's arguments.

    Raises:
        ValueError: unknown name; the message lists the known ones.
    """
    if architecture not in GENERATORS:
        raise ValueError(f"unknown generator architecture {architecture!r}; known: {', '.join(GENERATORS)}")
    return GENERATORS[architecture](**options)
