"""What the mesh engine sees in a picture: the simulation's own small tracker.

The formulae are those of docs/models.md, written down here a second time on purpose: tests use
them as an oracle that shares no code with the service.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.engine import Engines, FaceMesh, region_from_detection, region_from_points
from tests.simulation.portrait import Picture

_SETTLE = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """What one frame's mesh says.

    Attributes:
        yaw, pitch: degrees; positive yaw toward the picture's right edge, positive pitch up.
        eyes: eye aspect ratio, mean of both. mouth: mouth ratio.
    """

    yaw: float
    pitch: float
    eyes: float
    mouth: float


def find_mesh(engines: Engines, picture: Picture) -> FaceMesh | None:
    """The mesh of the best face in an RGB picture, or None without one."""
    faces = engines.detector.detect(picture)
    if not faces:
        return None
    mesh = engines.mesh.landmarks(picture, region_from_detection(faces[0]))
    for _ in range(_SETTLE):
        mesh = engines.mesh.landmarks(picture, region_from_points(mesh.points))
    return mesh


def read(points: NDArray[np.floating]) -> Reading:
    """Pose, eyes and mouth of a mesh (468, 3)."""
    p = np.asarray(points, dtype=np.float64)
    across, down = p[454] - p[234], p[152] - p[10]
    across = across / np.linalg.norm(across)
    down = down - across * (down @ across)
    down = down / np.linalg.norm(down)

    def ratio(a: int, b: int, c: int, d: int) -> float:
        return float(np.linalg.norm((p[a] - p[b])[:2]) / np.linalg.norm((p[c] - p[d])[:2]))

    return Reading(
        yaw=float(np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1])))),
        pitch=float(np.degrees(np.arctan2(-down[2], np.hypot(down[0], down[1])))),
        eyes=(ratio(159, 145, 33, 133) + ratio(386, 374, 362, 263)) / 2,
        mouth=ratio(13, 14, 61, 291),
    )
