"""Head pose from five keypoints and a generic head."""

from __future__ import annotations

import cv2
import numpy as np

from deepanon.detections import FIVE, KeypointSchema
from deepanon.geometry import Array

# A generic head, not the person's: eye centres, tip of the nose and corners of the mouth in millimetres, seen from the
# front with x to the right, y down, z away from the camera; pupils 63 mm apart, a mouth 50 mm wide, as adults have.
HEAD = np.array([[-31.5, -33.0, 28.0], [31.5, -33.0, 28.0], [0.0, 0.0, 0.0], [-25.0, 32.0, 24.0], [25.0, 32.0, 24.0]])
FAR = 8.0  # focal length over the extent of the points: a portrait from about a metre
FLAT = 0.05  # smaller over larger deviation of the points, below which they lie on a line
MISFIT = 0.15  # mean distance of points and fitted head over their extent, above which it is no head


def head_poses(points: Array, schema: KeypointSchema = FIVE) -> Array:
    """Rotation of every head against one that looks straight into the camera.

    A generic head is fitted by perspective-n-point (SQPnP, Terzakis and Lourakis 2020), seen by a camera that looks
    at the face itself. Absolute angles are off by some degrees for whoever has another face; differences between two
    pictures of one face are less so.

    Args:
        points: (N, 5, 2) keypoints in pixels, NaN where unknown.
        schema: of the points; only "five" holds what is needed.

    Returns:
        (N, 3, 3) float64 rotation matrices; NaN where points are missing, lie on a line, or fit no head.
    """
    if schema != FIVE:
        return np.full((len(points), 3, 3), np.nan)
    return np.array([_pose(face) for face in np.asarray(points, dtype=np.float64)]).reshape(-1, 3, 3)


def _pose(face: Array) -> Array:
    none = np.full((3, 3), np.nan)
    if not np.isfinite(face).all():
        return none
    centred = face - face.mean(axis=0)
    large, small = np.linalg.svd(centred, compute_uv=False)
    if not large > 0 or small < FLAT * large:
        return none
    extent = float(np.ptp(centred, axis=0).max())
    unit = centred / extent  # so that nothing depends on the size of the picture
    camera = np.diag([FAR, FAR, 1.0])
    try:
        found, turn, shift = cv2.solvePnP(HEAD, unit, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    except cv2.error:
        return none
    if not found or not shift[2, 0] > 0:
        return none
    fitted = cv2.projectPoints(HEAD, turn, shift, camera, None)[0].reshape(-1, 2)
    rotation = np.asarray(cv2.Rodrigues(turn)[0], dtype=np.float64)
    fits = float(np.linalg.norm(fitted - unit, axis=1).mean()) <= MISFIT and rotation[2, 2] > 0  # sees the face's front
    return rotation if fits else none


def pose_distance(a: Array, b: Array) -> Array:
    """Geodesic angle between rotations in degrees: (N, 3, 3), (N, 3, 3) -> (N,), NaN where either is NaN.

    arccos((tr(A^T B) - 1) / 2), written with |A - B| = sqrt(8) sin(angle / 2), which keeps its digits near 0.
    """
    half = np.linalg.norm(a - b, axis=(1, 2)) / np.sqrt(8)
    return np.degrees(2 * np.arcsin(np.clip(half, 0, 1)))


def yaw(rotations: Array) -> Array:
    """(N, 3, 3) -> (N,) degrees that the face is turned to a side, in [-180, 180]; positive to the picture's right."""
    ahead = -rotations[:, :, 2]  # where the nose points; (0, 0, -1) is into the camera
    return np.degrees(np.arctan2(ahead[:, 0], -ahead[:, 2]))
