"""A made-up audit with everything a report can hold; its numbers are drawn by chance, none was measured."""

import math
from dataclasses import replace

import numpy as np
import pytest

from deepanon.audit.measures import METRICS
from deepanon.audit.report import add_faces
from deepanon.audit.result import COSMETIC, FAIL, INCONCLUSIVE, PASS, AuditResult, Control, Verdict
from deepanon.evaluation.report import Pictures
from deepanon.evaluation.values import Value

ATTACKS = {  # name -> what the attacker knows, gallery, strength
    "naive": ("nothing", "clear", 0.05), "reverse": ("nothing", "anonymized", 0.06),
    "blind restorer": ("nothing", "clear", 0.2), "parrot gallery": ("the method", "anonymized", 0.45),
    "parrot head": ("the method", "anonymized", 0.8), "parrot full": ("the method", "anonymized", 0.97),
    "embedding inversion": ("the method", "clear", 0.6), "linear reconstruction": ("the method", "clear", 1.0),
    "U-Net reconstruction": ("the method", "clear", 0.85),
    "analytic inversion": ("the method, its strength", "clear", 0.7),
    "multi-release": ("the method", "clear", 0.9), "side channel": ("nothing", "clear", 0.02),
}  # fmt: skip
EYES = ("sface", "mobilefacenet_y1")
METHODS = {  # name -> strongest rank 1, verdict on the picture, on the face, uses the face
    "gan": (0.031, PASS, PASS, False), "swap <oracle>": (0.012, PASS, PASS, False),
    "blackout": (0.21, FAIL, PASS, False), "layered, strong": (0.06, INCONCLUSIVE, INCONCLUSIVE, True),
    "layered, lite": (0.41, FAIL, FAIL, True), "pixelate8": (0.69, FAIL, FAIL, True),
    "heavy_blur": (0.95, FAIL, FAIL, True), "block permutation": (0.993, FAIL, FAIL, True),
    "dp_pix (8 cells, ε 0.3)": (0.062, INCONCLUSIVE, PASS, True), "cloak": (0.97, COSMETIC, COSMETIC, True),
}  # fmt: skip
PEOPLE, CHANCE, CONTEXT = 150, 1 / 150, 0.19


def reached(method, attack):
    """Rank 1 of one attack."""
    if method == "cloak":
        return 0.62 if attack == "naive" else 0.97 - 0.02 * ATTACKS[attack][2]
    if method == "block permutation" and attack == "U-Net reconstruction":
        return 0.245
    return max(CHANCE, METHODS[method][0] * ATTACKS[attack][2])


def value(method, metric, level, eye="all", attack="all", wide=0.02, **more):
    low, high = (max(level - wide, 0), level + wide) if math.isfinite(level) else (math.nan, math.nan)
    top = 1.0 if METRICS[metric].unit == "share" else math.inf
    named = {"low": low, "high": min(high, top)} | more
    return Value("audit", "drawn people", eye, method, metric, attack, min(level, top), n=PEOPLE, **named)


def attacked(method, attack, eye, rng):
    """All numbers of one attack with one recogniser, and its curves."""
    rank_1 = min(reached(method, attack) * (1 if eye == EYES[0] else 0.85) + rng.uniform(0, 0.004), 1.0)
    levels = {
        "audit_rank_1": rank_1, "audit_rank_5": min(rank_1 * 1.6 + 0.02, 1),
        "audit_rank_1_normalised": (rank_1 - CHANCE) / (1 - CHANCE), "audit_tar_1e-3": rank_1 * 0.8,
        "audit_eer": 0.5 * (1 - rank_1**0.5), "audit_d_sys": rank_1**0.7, "audit_d_prime": 4 * rank_1,
        "audit_median_rank": 1 + 74 * (1 - rank_1) ** 6, "audit_anonymity_set": 1 + 54 * (1 - rank_1) ** 4,
    }  # fmt: skip
    values = [value(method, metric, level, eye, attack) for metric, level in levels.items()]
    own = "another threshold than that of clear pictures has no meaning for a network of the attacker's own"
    deployed, note = (rank_1 * 0.7, "") if ATTACKS[attack][1] == "clear" else (math.nan, own)
    values.append(value(method, "audit_tar_deployed_1e-3", deployed, eye, attack, note=note))
    ranks, steps = np.arange(1, PEOPLE + 1), np.linspace(-4, 4, 40)
    cmc = rank_1 + (1 - rank_1) * (np.log(ranks) / np.log(PEOPLE)) ** (0.4 + 2 * (1 - rank_1))
    shift = 4 * rank_1
    det = [[0.5 * math.erfc(s / 2**0.5), 1 - 0.5 * math.erfc((s - shift) / 2**0.5)] for s in steps]
    return values, {"cmc": [round(float(share), 4) for share in cmc], "det": det}


def made_up():
    """The whole of it."""
    rng, values, curves = np.random.default_rng(4), [], {}
    missing = {"blind restorer": "no weights of a restorer: name a file with --restorer"}
    for method in METHODS:
        for attack in [name for name in ATTACKS if name not in missing]:
            for eye in (*EYES, "own") if attack == "parrot full" else EYES:
                found, curve = attacked(method, attack, eye, rng)
                values += found
                curves.setdefault(method, {}).setdefault(attack, {})[eye] = curve
        best = max((v for v in values if (v.method, v.metric) == (method, "audit_rank_1")), key=lambda v: v.value)
        upper = {"low": math.nan, "high": min(best.value + 0.025, 1.0)}
        values.append(value(method, "audit_worst_rank_1", best.value, best.by, best.scope, **upper))
        values.append(value(method, "audit_worst_tar_1e-3", 0.8 * best.value, **upper))
        values.append(value(method, "audit_over_context_rank_1", best.value - CONTEXT, wide=0.03))
    return AuditResult(
        provenance={
            "deepanon": "0.0", "command": "deepanon audit drawn", "finished": "2031-01-02T03:04:05Z", "seeds": [0],
            "weights": {"sface": "ab" * 32}, "git": {"revision": "c" * 40, "changed": False}, "packages": {"a": "1"},
        },
        profile="cpu",
        facts={"chance": CHANCE, "data": {"name": "drawn people", "people": 400, "photos": 3200, "real": False},
               "split": {"attacker": 250, "sought": 150}, "limits": {"over chance": 0.05, "TAR": 0.05}, "seed": 0,
               "resamples": 1000},
        recognisers={EYES[0]: "SFace, 128 numbers", EYES[1]: "MobileFaceNet, 512 numbers"},
        attacks={name: {"knows": knows, "gallery": gallery, "description": f"What {name} does, in a sentence."}
                 for name, (knows, gallery, _) in ATTACKS.items()},
        methods={
            name: {
                "description": f"what {name} does to a face", "sees_face": uses, "random": not uses, "cosmetic": False,
                "not_run": missing, "side": {"EXIF thumbnails": 0, "faces left open": 0.02, "GPS": False},
                "depends": {"photos": 24, "changed": 24 * uses},
            }
            for name, (_, _, _, uses) in METHODS.items()
        },
        controls=(
            Control("no-op", "at least 0.95 of clear", "0.99 of clear (rank 1 98.7 %)", True),
            Control("constant image", "chance for every attack", "upper limit 1.9 %, chance 0.7 %", True),
            Control("shuffled labels", "chance for every trained attack", "upper limit 2.4 %, chance 0.7 %", True),
            Control("block permutation", "broken by linear reconstruction", "rank 1 99.3 %", True),
        ),
        values=tuple(values),
        verdicts={
            name: Verdict(picture, face, uses, (f"rank 1 of {100 * top:.1f} % against a limit of 5.7 %.",))
            for name, (top, picture, face, uses) in METHODS.items()
        },
        curves=curves,
        notes=("Drawn people & <nobody> else.",),
    )  # fmt: skip


@pytest.fixture(scope="session")
def result():
    """Ten methods, twelve attacks, two recognisers, and names that HTML must escape."""
    return made_up()


@pytest.fixture(scope="session")
def small(result):
    """One method of it and two attacks, for what need not be large."""
    attacks = ("naive", "parrot head")
    return replace(
        result,
        methods={"gan": result.methods["gan"]},
        verdicts={"gan": result.verdicts["gan"]},
        attacks={name: result.attacks[name] for name in attacks},
        curves={"gan": {name: result.curves["gan"][name] for name in attacks}},
        values=tuple(
            replace(v, scope=attacks[1]) if v.metric == "audit_worst_rank_1" else v
            for v in result.values
            if v.method == "gan" and (v.scope in (*attacks, "all") or v.metric == "audit_worst_rank_1")
        ),
    )


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Function: whether they are of real people -> a new folder with faces of two methods."""

    def made(real):
        rng, kept = np.random.default_rng(0), Pictures(tmp_path_factory.mktemp("faces") / "pictures")
        for method in ("heavy_blur", "gan"):
            for face in range(2):
                noise = [rng.integers(0, 256, (32, 32, 3), dtype=np.uint8) for _ in range(4)]
                rebuilt = {"linear reconstruction": noise[2], "U-Net reconstruction": noise[3]}
                add_faces(
                    kept, set="Jane_Doe" if real else "drawn people", method=method, face=str(face),
                    original=noise[0], anonymized=noise[1], rebuilt=rebuilt, real=real,
                )  # fmt: skip
        return kept.folder

    return made
