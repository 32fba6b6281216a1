"""What a cloak is worth: photos of known people are cloaked against some recognisers and attacked with others.

    python benchmarks/cloak.py lfw --surrogate mobilefacenet=mobilefacenet.pt \
        --target reid0095=openvino:reid.xml:reid0095 --target y1=openvino:y1.xml:arcface:0:1

The folder is in LFW's layout (a tar file of it will do). Half of the people are looked for, the others are whom an
attacker learns from. Faces come from MTCNN, or from a file of `deepanon detect` (`--detections`); the one nearest to
the middle counts. Surrogates are targets too: what they say is the white-box case. Each photo of each person is cloaked
once for every surrogate, at some 2.5 s for 50 steps on one core. Prints Markdown; `--json` writes all numbers.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from deepanon.anonymizers import Cloak
from deepanon.audit.cloaking import PURIFICATIONS, CloakFindings, CloakStudy, Estimate, Sample, leave_one_out
from deepanon.cli.recognisers import FED
from deepanon.data.people import read_people
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import Detections
from deepanon.detectors import Detector, build_detector
from deepanon.embedders import Aligned, Recogniser, Surrogate, build_embedder, build_surrogates
from deepanon.errors import DataError, OptionError
from deepanon.evaluation.quality import Lpips
from deepanon.geometry import Array

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
    surrogates = [one for text in options.surrogate for one in surrogate(text)]
    targets = dict(target(text) for text in options.target)
    targets |= {one.name: one.recogniser() for one in surrogates}
    sample = read_sample(options)
    study = CloakStudy(sample, targets, distance=Lpips(weights=options.lpips) if options.lpips else None)
    settings = {"eps": options.eps, "steps": options.steps, "kernel": options.kernel, "dssim": options.dssim}
    cloaks = {name: Cloak(surrogates=some, **settings) for name, some in leave_one_out(surrogates).items()}
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
    parser.add_argument("--detections", type=Path, help="JSON: name -> boxes, scores, keypoints (default: MTCNN looks)")
    parser.add_argument("--surrogate", action="append", required=True, metavar="KIND=FILE")
    parser.add_argument("--target", action="append", default=[], metavar="NAME=KIND:FILE[:TEMPLATE[:MEAN:STD]]")
    parser.add_argument("--count", type=int, default=80, help="of people, half of whom are looked for")
    parser.add_argument("--photos", type=int, default=4, help="of each")
    parser.add_argument("--eps", type=int, default=8)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--kernel", type=int, default=7)
    parser.add_argument("--dssim", type=float)
    parser.add_argument("--lpips", type=Path, metavar="FILE", help="AlexNet's weights, to measure LPIPS too")
    parser.add_argument("--json", metavar="FILE")
    return parser


def surrogate(text: str) -> list[Surrogate]:
    """One of "mobilefacenet=FILE"."""
    kind, _, file = text.partition("=")
    if not file:
        raise OptionError(f"surrogate {text!r} is not KIND=FILE, as in mobilefacenet=net.pt")
    return build_surrogates(kind, file)


def target(text: str) -> tuple[str, Recogniser]:
    """One of "reid0095=openvino:FILE:reid0095"; fed as usual for the template, unless mean and deviation are given."""
    name, _, rest = text.partition("=")
    kind, *parts = rest.split(":")
    if len(parts) not in (1, 2, 4):
        raise OptionError(f"target {text!r} is not NAME=KIND:FILE[:TEMPLATE[:MEAN:STD]], as in y1=openvino:y1.xml")
    file, template, *feed = parts if len(parts) > 1 else (parts[0], "arcface")
    order, mean, std = FED[template]
    mean, std = (float(value) for value in feed) if feed else (mean, std)
    embedder = build_embedder(kind, weights=file, order=order, mean=mean, std=std)
    return name, Recogniser(embedder, Aligned(template, embedder.size), name)


def read_sample(options: argparse.Namespace) -> Sample:
    """The first people with enough photos of one size in which a face with keypoints is found."""
    stored = json.loads(options.detections.read_text()) if options.detections else None
    detector = None if stored else build_detector("mtcnn")
    faces: dict[str, list[tuple[Array, Detections]]] = {}
    for photo in tqdm(read_people(options.people, least=options.photos), mininterval=20):
        some = faces.setdefault(photo.person, [])
        full = sum(len(others) == options.photos for others in faces.values())
        if full >= options.count:
            break
        if len(some) < options.photos and (found := middle(photo, stored, detector)) is not None:
            some.append(found)
    whole = [some for some in faces.values() if len(some) == options.photos]
    if len(whole) < options.count:
        raise DataError(f"{len(whole)} people with {options.photos} photos and faces in them, not {options.count}")
    rows = [pair for some in whole for pair in some]
    return Sample(
        np.stack([picture for picture, _ in rows]),
        np.concatenate([face.boxes for _, face in rows]),
        np.concatenate([face.points for _, face in rows]),
        np.repeat(np.arange(len(whole)), options.photos),
    )


def middle(photo: AnnotatedPhoto, stored: dict | None, detector: Detector | None) -> tuple[Array, Detections] | None:
    """The picture and its face nearest to the middle, if it has one with keypoints."""
    picture = photo.read()
    if detector is not None:
        found = detector(picture, photo.name)
    else:
        entry = (stored or {}).get(photo.name, {"boxes": [], "scores": [], "keypoints": []})
        if not entry["boxes"]:
            return None
        found = Detections(*(np.array(entry[key]) for key in ("boxes", "scores", "keypoints")))
    if not len(found):
        return None
    away = np.linalg.norm(found.boxes[:, :2] + found.boxes[:, 2:] - picture.shape[1::-1], axis=1)
    face = found[int(away.argmin()) : int(away.argmin()) + 1]
    return (picture, face) if np.isfinite(face.points).all() else None


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
