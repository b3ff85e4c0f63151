"""The head as a triangulated surface: what moves rigidly, what follows, what stays.

All points are in pixels of the canvas (the enlarged portrait): x to the right, y down, z away
from the camera, as the mesh engine gives them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.spatial import Delaunay
from scipy.spatial.distance import cdist

from tests.simulation import landmarks as lm

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Head:
    """A portrait's surface, and how it is carried along when its rigid part moves.

    Attributes:
        vertices: (n, 3), in the neutral pose; the first 468 are the mesh's.
        triangles: (t, 3) int, indices into `vertices`.
        known: indices of the vertices whose movement is given (face, rigid hair).
        free: indices of the vertices that follow.
        follow: (len(free), len(known)), harmonic weights: free movement = follow @ known movement.
        moving: bounds (x0, y0, x1, y1) of everything that can move.
        pivot: (3,), the point about which the head turns.
        focal: focal length of the imagined camera in pixels.
        close_mouth, open_mouth, shut_eyes: (s, 3), displacements of the first s vertices (the
            mesh and the collar of skin round the jaw) at full expression.
    """

    vertices: Floats
    triangles: NDArray[np.int32]
    known: NDArray[np.int64]
    free: NDArray[np.int64]
    follow: Floats
    moving: tuple[float, float, float, float]
    pivot: Floats
    focal: float
    close_mouth: Floats
    open_mouth: Floats
    shut_eyes: Floats


def build_head(mesh: Floats, width: int, height: int) -> Head:
    """Make the surface for a mesh (468, 3) on a canvas of `width` by `height` pixels."""
    mesh = _flatten_sides(mesh)
    face_width = float(mesh[lm.LEFT_CHEEK_EDGE, 0] - mesh[lm.RIGHT_CHEEK_EDGE, 0])
    face_height = float(mesh[lm.CHIN, 1] - mesh[lm.FOREHEAD, 1])
    centre_x = float(mesh[list(lm.CONTOUR), 0].mean())
    ears = mesh[[lm.RIGHT_CHEEK_EDGE, lm.LEFT_CHEEK_EDGE]].mean(axis=0)
    pivot = np.array([centre_x, ears[1] + 0.1 * face_height, ears[2] + 0.24 * face_width])

    # The hair's outline: an ellipse about the forehead, in proportions of the face.
    hair = np.array([centre_x, mesh[lm.FOREHEAD, 1] + 0.16 * face_height])
    radii = np.array([0.80 * face_width, 0.68 * face_height])
    parents, collar = _collar(mesh, float(ears[1]), face_width)
    outer = _surroundings(mesh, hair, radii, face_width, width, height)
    outer = outer[cdist(outer, collar[:, :2]).min(axis=1) > 0.07 * face_width]
    rho = np.hypot(*((outer - hair) / radii).T)
    depth = _depth_between(mesh, outer, rho, hair, radii, float(pivot[2]))
    vertices = np.vstack([mesh, collar, np.column_stack([outer, depth])])
    triangles = Delaunay(vertices[:, :2]).simplices.astype(np.int32)

    solid = lm.POINTS + len(collar)
    outer_index = np.arange(solid, len(vertices))
    rigid = (rho < 1.0) & (outer[:, 1] < ears[1] + 0.15 * face_height)
    known = np.concatenate([np.arange(solid), outer_index[rigid]])
    near = cdist(outer, vertices[known, :2]).min(axis=1) < 0.5 * face_width
    above_shoulders = outer[:, 1] < mesh[lm.CHIN, 1] + 0.32 * face_height
    free = outer_index[~rigid & near & above_shoulders]
    follow = _harmonic(vertices[:, :2], triangles, known, free)
    reach = vertices[np.concatenate([known, free])]
    margin = 0.25 * face_width
    moving = (
        float(reach[:, 0].min() - margin),
        float(reach[:, 1].min() - margin),
        float(reach[:, 0].max() + margin),
        float(reach[:, 1].max() + margin),
    )
    close_mouth = _close_mouth(mesh)
    carrier = np.concatenate([np.arange(lm.POINTS), parents])
    return Head(
        vertices=vertices,
        triangles=triangles,
        known=known,
        free=free,
        follow=follow,
        moving=moving,
        pivot=pivot,
        focal=4.5 * face_width,
        close_mouth=close_mouth[carrier],
        open_mouth=_open_mouth(mesh + close_mouth)[carrier],
        shut_eyes=_shut_eyes(mesh)[carrier],
    )


def rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """(3, 3), degrees. Positive yaw: toward the picture's right edge; positive pitch: up."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array(
        [[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]], dtype=np.float64
    )
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]], dtype=np.float64
    )
    about_z = np.array(
        [[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]], dtype=np.float64
    )
    turned: Floats = about_z @ about_y @ about_x
    return turned


def pose_head(
    head: Head, turn: Floats, *, lids: float = 0.0, mouth: float = 0.0, smile: float = 0.0
) -> Floats:
    """Vertices (n, 3) projected to the canvas (z kept for the order of drawing).

    Args:
        head: the surface.
        turn: (3, 3) rotation about the pivot.
        lids: 0 open as in the portrait, 1 shut (the lids themselves are drawn, not moved).
        mouth: 0 shut, 1 wide open.
        smile: 1 leaves the mouth as the portrait has it, 0 shuts it.
    """
    shaped = head.vertices.copy()
    shaped[: len(head.open_mouth)] += (
        (1.0 - smile) * head.close_mouth + mouth * head.open_mouth + lids * head.shut_eyes
    )
    given = shaped[head.known]
    # Seen through a camera at `focal`: lift off the picture, turn, and see again.
    away = 1.0 + (given[:, 2:] - head.pivot[2]) / head.focal
    solid = np.column_stack([(given[:, :2] - head.pivot[:2]) * away, given[:, 2] - head.pivot[2]])
    solid = solid @ turn.T
    seen = solid[:, :2] / (1.0 + solid[:, 2:] / head.focal) + head.pivot[:2]
    moved = np.column_stack([seen, solid[:, 2] + head.pivot[2]])
    out = head.vertices.copy()
    out[head.known] = moved
    out[head.free] += head.follow @ (moved - head.vertices[head.known])
    return out


def _flatten_sides(mesh: Floats) -> Floats:
    """The mesh with its sides brought forward.

    A frontal portrait shows hardly anything of what lies far back, and a turned head would have
    to show it: as a smear as wide as it is deep.
    """
    flat = mesh.copy()
    start = float(mesh[lm.CHIN, 2])
    behind = np.maximum(mesh[:, 2] - start, 0.0)
    flat[:, 2] = mesh[:, 2] - 0.5 * behind
    return flat


def _collar(mesh: Floats, ear: float, face_width: float) -> tuple[NDArray[np.int64], Floats]:
    """Points round the jaw that move with the contour, so that its edge stays an edge.

    Returns:
        The contour's point that carries each, and the points (c, 3).
    """
    ring = mesh[list(lm.CONTOUR)]
    along = np.roll(ring, -1, axis=0) - np.roll(ring, 1, axis=0)
    outward = np.column_stack([along[:, 1], -along[:, 0], np.zeros(len(ring))])
    outward = outward / np.linalg.norm(outward, axis=1, keepdims=True)
    jaw = np.flatnonzero(ring[:, 1] > ear)
    parents = np.array(lm.CONTOUR, dtype=np.int64)[jaw]
    rows = [ring[jaw] + offset * face_width * outward[jaw] for offset in (0.05, 0.10)]
    return np.tile(parents, 2), np.vstack(rows)


def _surroundings(
    mesh: Floats, hair: Floats, radii: Floats, face_width: float, width: int, height: int
) -> Floats:
    """Points (m, 2) round the face: dense near it, sparse far away, and the canvas's edge."""
    contour = mesh[list(lm.CONTOUR), :2].astype(np.float32)
    spacing = 0.14 * face_width
    out: list[tuple[float, float]] = []
    for row, y in enumerate(np.arange(0.0, height + spacing, spacing)):
        for x in np.arange((row % 2) * spacing / 2, width + spacing, spacing):
            near = np.hypot(*((np.array([x, y]) - hair) / radii)) < 2.2
            if near and cv2.pointPolygonTest(contour, (float(x), float(y)), True) < -0.5 * spacing:
                out.append((float(x), float(y)))
    far = 3 * spacing
    for y in np.append(np.arange(0.0, height, far), float(height)):
        for x in np.append(np.arange(0.0, width, far), float(width)):
            if np.hypot(*((np.array([x, y]) - hair) / radii)) >= 2.2:
                out.append((float(x), float(y)))
    return np.array(out)


def _depth_between(
    mesh: Floats, outer: Floats, rho: Floats, hair: Floats, radii: Floats, back: float
) -> Floats:
    """Depth (m,) of the hair: from the contour's, round to the plane of the pivot."""
    contour = mesh[list(lm.CONTOUR)]
    middle = contour[:, :2].mean(axis=0)

    def angle(points: Floats) -> Floats:
        offset = points[:, :2] - middle
        return np.asarray(np.arctan2(offset[:, 1], offset[:, 0]), dtype=np.float64)

    at = angle(contour)
    order = np.argsort(at)
    edge_z = np.interp(angle(outer), at[order], contour[order, 2], period=2 * np.pi)
    edge_rho = np.interp(
        angle(outer),
        at[order],
        np.hypot(*((contour[order, :2] - hair) / radii).T),
        period=2 * np.pi,
    )
    part = np.clip((rho - edge_rho) / np.maximum(1.0 - edge_rho, 0.05), 0.0, 1.0)
    depth: Floats = edge_z + (back - edge_z) * part**1.5
    return depth


def _harmonic(
    points: Floats,
    triangles: NDArray[np.int32],
    known: NDArray[np.int64],
    free: NDArray[np.int64],
) -> Floats:
    """Weights (free, known) of a membrane that hangs between what moves and what stays.

    All other points stay, and so need no column.
    """
    n = len(points)
    graph = np.zeros((n, n))
    for a, b in ((0, 1), (1, 2), (2, 0)):
        i, j = triangles[:, a], triangles[:, b]
        length = np.asarray(np.linalg.norm(points[i] - points[j], axis=1), dtype=np.float64)
        weight = 1.0 / np.maximum(length, 1e-6)
        graph[i, j] = weight
        graph[j, i] = weight
    degree = graph.sum(axis=1)
    inner = np.diag(degree[free]) - graph[np.ix_(free, free)]
    return np.asarray(np.linalg.solve(inner, graph[np.ix_(free, known)]), dtype=np.float64)


def _spread(mesh: Floats, moved: dict[int, Floats], still: tuple[int, ...]) -> Floats:
    """Displacement (468, 3) that takes the given points along and leaves `still` in place."""
    at = [*moved, *(i for i in still if i not in moved)]
    shift = np.array([moved.get(i, np.zeros(3)) for i in at])
    sites, kept = np.unique(mesh[at, :2], axis=0, return_index=True)
    field: Floats = RBFInterpolator(sites, shift[kept], kernel="linear")(mesh[:, :2])
    for index, vector in moved.items():
        field[index] = vector
    return np.asarray(field, dtype=np.float64)


def _close_mouth(mesh: Floats) -> Floats:
    """Lips together: the upper one comes down by two fifths of the gap, the lower one up."""
    moved: dict[int, Floats] = {}
    for upper, lower in zip(lm.UPPER_LIP_INNER, lm.LOWER_LIP_INNER, strict=True):
        gap = mesh[lower] - mesh[upper]
        moved[upper], moved[lower] = 0.45 * gap, -0.6 * gap
    gap = mesh[14] - mesh[13]
    for index in lm.UPPER_LIP_OUTER:
        moved[index] = 0.2 * gap
    for index in lm.LOWER_LIP_OUTER:
        moved[index] = -0.4 * gap
    for index in (*lm.INNER_MOUTH_CORNERS, *lm.MOUTH_CORNERS):
        moved[index] = np.zeros(3)
    return _spread(mesh, moved, (*lm.STILL, *lm.CONTOUR))


def _open_mouth(mesh: Floats) -> Floats:
    """Jaw down and corners in, from shut lips; the mesh reads a ratio of about 0.5 on it."""
    right, left = mesh[lm.MOUTH_CORNERS[0]], mesh[lm.MOUTH_CORNERS[1]]
    width = float(np.linalg.norm((left - right)[:2]))
    middle = float((left + right)[0]) / 2
    down = np.array([0.0, 0.5 * width, 0.08 * width])
    corner = np.array([-0.05 * width, 0.2 * width, 0.0])

    def drawn_in(index: int) -> tuple[float, Floats]:
        """How far from the middle (0) to a corner (1) a point is, and how it follows that."""
        side = np.sign(mesh[index, 0] - middle)
        part = min(1.0, abs(float(mesh[index, 0]) - middle) / (0.5 * width))
        return part, np.array([side * corner[0] * part, corner[1] * part**1.5, 0.0])

    moved: dict[int, Floats] = {}
    for row, share, power in (
        (lm.LOWER_LIP_INNER, 1.0, 0.75),
        (lm.LOWER_LIP_OUTER, 0.95, 0.75),
        (lm.UPPER_LIP_INNER, -0.20, 1.0),
        (lm.UPPER_LIP_OUTER, -0.14, 1.0),
        ((*lm.MOUTH_CORNERS, *lm.INNER_MOUTH_CORNERS), 0.0, 1.0),
    ):
        for index in row:
            part, follow = drawn_in(index)
            moved[index] = share * down * (1.0 - part**2) ** power + follow
    hinge, chin = mesh[lm.LEFT_CHEEK_EDGE, 1], mesh[lm.CHIN, 1]
    for index in lm.CONTOUR:
        drop = np.clip((mesh[index, 1] - hinge) / (chin - hinge), 0.0, 1.0)
        moved[index] = 0.75 * down * drop**1.5
    return _spread(mesh, moved, lm.STILL)


def _shut_eyes(mesh: Floats) -> Floats:
    """Brows and folds drawn up a little, which smooths the lids."""
    moved: dict[int, Floats] = {}
    gaps = []
    for upper, lower, _, corners in lm.EYES:
        gaps.append((mesh[list(lower)] - mesh[list(upper)]).mean(axis=0))
        moved.update((index, np.zeros(3)) for index in (*upper, *lower, *corners))
    lift = -0.36 * np.mean(gaps, axis=0)
    moved.update((index, lift) for _, _, fold, _ in lm.EYES for index in fold)
    moved.update((index, 0.8 * lift) for index in lm.BROWS)
    still = tuple(index for index in (*lm.STILL, *lm.CONTOUR) if index not in moved)
    return _spread(mesh, moved, still)
