"""What a cloak is worth: photos of known people are cloaked against some recognisers and attacked with others.

    python benchmarks/cloak.py lfw --surrogate mobilefacenet:weights=mobilefacenet.pt \
        --target openvino:weights=reid.xml:template=reid0095:name=reid0095 \
        --target openvino:weights=y1.xml:mean=0:std=1:name=y1

Recognisers are named as for `deepanon audit`. The folder is in LFW's layout (a tar file of it will do), its photos are
squares of one size. Half of the people are looked for, the others are whom an attacker learns from. Faces come from
MTCNN, or from a file of `deepanon detect` (`--detections`); the one nearest to the middle counts. Surrogates are
targets too: what they say is the white-box case. Each photo of each person is cloaked once for every surrogate, at some
2.5 s for 50 steps on one core. Prints Markdown; `--json` writes all numbers.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import groupby
from pathlib import Path

import numpy as np
from tqdm import tqdm

from deepanon.anonymizers import Cloak
from deepanon.audit.cloaking import PURIFICATIONS, CloakFindings, CloakStudy, Estimate, leave_one_out
from deepanon.audit.people.samples import Samples
from deepanon.audit.people.subjects import Subject, find_subjects
from deepanon.cli.recognisers import named_recogniser
from deepanon.data.people import read_people
from deepanon.detectors import Given, build_detector
from deepanon.embedders import Surrogate
from deepanon.errors import DataError
from deepanon.evaluation.quality import Lpips

CLOAKED = {"nothing": "nothing", "probe": "photo looked up", "gallery": "enrolled photos", "both": "both"}
ROWS = [  # role, attack
    *((role, attack) for attack in ("nearest", "linear") for role in ("nothing", "probe", "gallery")),
    *((role, "verification") for role in ("nothing", "probe")),
    *(("probe", name) for name in (*PURIFICATIONS, "worst purification")),
    *((role, "adaptive") for role in CLOAKED),
]


def main() -> None:
    """Cloak, attack and print."""
    options = arguments().parse_args()
    against = surrogates(options.surrogate)
    targets = {one.name: one for one in map(named_recogniser, options.target)}
    targets |= {one.name: one.recogniser() for one in against}
    study = CloakStudy(read_samples(options), targets, distance=Lpips(weights=options.lpips) if options.lpips else None)
    settings = {"eps": options.eps, "steps": options.steps, "kernel": options.kernel, "dssim": options.dssim}
    cloaks = {name: Cloak(surrogates=some, **settings) for name, some in leave_one_out(against).items()}
    start = time.perf_counter()
    found = study.run(cloaks, each=lambda rows: tqdm(rows, mininterval=20))
    if options.json:
        Path(options.json).write_text(found.to_json() + "\n")
    report(found)
    print(f"\n{time.perf_counter() - start:.0f} s")


def arguments() -> argparse.ArgumentParser:
    """What can be said."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", type=Path, help="folder or tar file in LFW's layout")
    parser.add_argument("--detections", type=Path, help="file of deepanon detect (default: MTCNN looks)")
    parser.add_argument("--surrogate", action="append", required=True, metavar="NAME")
    parser.add_argument("--target", action="append", default=[], metavar="NAME")
    parser.add_argument("--count", type=int, default=80, help="of people, half of whom are looked for")
    parser.add_argument("--photos", type=int, default=4, help="of each")
    parser.add_argument("--eps", type=int, default=8)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--kernel", type=int, default=7)
    parser.add_argument("--dssim", type=float)
    parser.add_argument("--lpips", type=Path, metavar="FILE", help="AlexNet's weights, to measure LPIPS too")
    parser.add_argument("--json", metavar="FILE")
    return parser


def surrogates(texts: list[str]) -> list[Surrogate]:
    """Recognisers that can be looked through."""
    return [Surrogate(one.embedder, one.cut, one.name) for one in map(named_recogniser, texts)]


def read_samples(options: argparse.Namespace) -> Samples:
    """Whole photos of the first people with enough of them in which a face with keypoints is found."""
    detector = Given(options.detections) if options.detections else build_detector("mtcnn")
    photos = read_people(options.people, least=options.photos)
    whole: list[list[Subject]] = []
    for _, own in tqdm(groupby(photos, key=lambda photo: photo.person), mininterval=20):
        usable = find_subjects(list(own), detector).usable[: options.photos]
        whole += [usable] if len(usable) == options.photos else []
        if len(whole) == options.count:
            break
    if len(whole) < options.count:
        raise DataError(f"{len(whole)} people with {options.photos} photos and faces in them, not {options.count}")
    chosen = [one for some in whole for one in some]
    return Samples(
        np.stack([one.read() for one in chosen]),
        np.concatenate([one.face.boxes for one in chosen]),
        np.concatenate([one.face.points for one in chosen]),
        np.repeat(np.arange(len(whole)), options.photos),
        np.arange(len(chosen)),
    )


def report(found: CloakFindings) -> None:
    """Print tables: one a cloak, one column a target."""
    print(f"{found.people} people looked for, {found.photos} photos, {found.attackers} others to learn from\n")
    for cloak, about in found.cloaks.items():
        print(f"`{cloak}`: {about}\n\n| cloaked | attack | {' | '.join(found.targets)} |")
        print("|---" * (2 + len(found.targets)) + "|")
        for role, attack in ROWS:
            cells = [cell(found.of(cloak, name, role, attack)) for name in found.targets]
            print(f"| {CLOAKED[role]} | {attack} | {' | '.join(cells)} |")
        seen = found.visibility[cloak]
        further = [f"LPIPS {seen.lpips.value:.3f}"] if seen.lpips else []
        parts = [f"L-infinity {seen.linf}", f"PSNR {seen.psnr.value:.1f} dB", f"SSIM {seen.ssim.value:.3f}",
                 f"DSSIM {seen.dssim.value:.3f}", *further]  # fmt: skip
        print(f"\n{', '.join(parts)}; told from clear photos: AUC {cell(found.detectable[cloak])} %\n")


def cell(value: Estimate) -> str:
    """Per cent."""
    text = f"{100 * value.value:.1f} [{100 * value.low:.1f}, {100 * value.high:.1f}]"
    return f"{text} ({value.note})" if value.note else text


if __name__ == "__main__":
    sys.exit(main())
