"""What was found about cloaks: plain numbers, and the verdict that no number changes."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

from deepanon.audit.cloaking.estimate import Estimate

VERDICT = "cosmetic"  # the class of every cloak: the face is there, and whoever keeps the picture can wait


@dataclass(frozen=True)
class Recognised:
    """How often people are named, or let in.

    Attributes:
        cloak: which one.
        target: the recogniser of the attacker.
        white_box: whether the cloak was made against this very recogniser.
        role: what is cloaked: "nothing", "probe", "gallery" (of the person looked for alone), or "both".
        attack: "nearest", "linear", "verification", a purification of both sides, "worst purification", or "adaptive".
        share: of the probes, with its interval over people. 1 minus it is the protection rate.
    """

    cloak: str
    target: str
    white_box: bool
    role: str
    attack: str
    share: Estimate


@dataclass(frozen=True)
class Visibility:
    """How much a cloak changes the face box, in 8 bits.

    Attributes:
        linf: largest change of a value in any photo, levels.
        psnr: dB.
        ssim: at most 1.
        dssim: (1 - SSIM) / 2.
        lpips: None without its weights.
    """

    linf: int
    psnr: Estimate
    ssim: Estimate
    dssim: Estimate
    lpips: Estimate | None = None


@dataclass(frozen=True)
class CloakFindings:
    """All numbers of one study.

    Attributes:
        cloaks: description of each by name.
        targets: description of each recogniser by name.
        people: how many were looked for.
        photos: how many photos of them.
        attackers: how many other people the adaptive attacks were trained on.
        recognised: see there.
        visibility: by cloak.
        detectable: by cloak, area under the ROC curve; 0.5 is a coin.
        verdict: "cosmetic".
    """

    cloaks: dict[str, str]
    targets: dict[str, str]
    people: int
    photos: int
    attackers: int
    recognised: tuple[Recognised, ...]
    visibility: dict[str, Visibility]
    detectable: dict[str, Estimate]
    verdict: str = VERDICT

    def of(self, cloak: str, target: str, role: str, attack: str) -> Estimate:
        """One share; `KeyError` if it was not measured."""
        for row in self.recognised:
            if (row.cloak, row.target, row.role, row.attack) == (cloak, target, role, attack):
                return row.share
        raise KeyError((cloak, target, role, attack))

    def to_json(self) -> str:
        """All of it; what is no finite number is null."""
        return json.dumps(_plain(asdict(self)), indent=1, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
