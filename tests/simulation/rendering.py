"""Drawing: from vertices to a picture, by looking up every pixel in the portrait.

A triangle that shows its back is left out; the others are drawn from far to near at half the
resolution, which gives each pixel a triangle and by it a place in the portrait. The map of
places is smooth inside the head, so it is enlarged, not the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.simulation import landmarks as lm
from tests.simulation.geometry import Floats, Head, pose_head, rotation
from tests.simulation.light import NODE, Surface
from tests.simulation.motion import Moment
from tests.simulation.portrait import Picture, as_picture

_STEP = 2
_SUBPIXEL_BITS = 4
_JUMP = 3.0
_LASHES = 12
_TEETH = np.array([196.0, 186.0, 172.0], dtype=np.float32)
_CAVITY = np.array([58.0, 24.0, 24.0], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Stage:
    """What is rendered: a canvas (h, w, 3) RGB with its head, seen by a frame of `size`.

    `lids` is the same canvas with skin in place of the eyes, `surface` how light falls on it.
    """

    canvas: Picture
    lids: Picture
    head: Head
    surface: Surface
    size: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """What the lens lets through at a moment.

    Attributes:
        picture: (height, width, 3) uint8 RGB, as the portrait was lit, without noise.
        screen: (rows, cols) of cells about `NODE` pixels wide, how much of the screen's light
            arrives there (1: on skin that faces it at arm's length); None where nobody asked.
    """

    picture: Picture
    screen: NDArray[np.float32] | None = None


def render(stage: Stage, moment: Moment) -> Picture:
    """One picture (height, width, 3) uint8 RGB of the stage at a moment, without noise."""
    return shoot(stage, moment, lit=False).picture


def shoot(stage: Stage, moment: Moment, *, lit: bool) -> Shot:
    """`render`, and where the screen's light arrives if `lit`."""
    turn = rotation(moment.yaw, moment.pitch, moment.roll)
    posed = pose_head(
        stage.head,
        turn,
        lids=moment.lids,
        mouth=moment.mouth,
        smile=moment.smile,
    )
    camera = _camera(stage, moment)
    on_frame = posed.copy()
    on_frame[:, :2] = posed[:, :2] @ camera[:, :2].T + camera[:, 2]
    map_x, map_y = _still_map(stage.size, camera)
    folds = _paste_head(stage, on_frame, camera, map_x, map_y)
    picture = as_picture(
        cv2.remap(stage.canvas, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    )
    _soften(picture, *folds)
    _draw_mouth(picture, on_frame, moment)
    _draw_lids(picture, stage, (map_x, map_y), on_frame, moment.lids)
    if not lit:
        return Shot(picture)
    rows, cols = cells(picture.shape[0]), cells(picture.shape[1])
    at_x, at_y = (part[rows[:, None], cols] / np.float32(NODE) for part in (map_x, map_y))
    arriving = stage.surface.arriving(turn)
    screen = cv2.remap(arriving, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return Shot(picture, np.asarray(screen, dtype=np.float32))


def cells(length: int) -> NDArray[np.int64]:
    """The middle pixels of the cells into which a side of `length` pixels is cut."""
    count = max(1, round(length / NODE))
    return np.asarray((np.arange(count) + 0.5) * length / count, dtype=np.int64)


def _camera(stage: Stage, moment: Moment) -> Floats:
    """(2, 3): from the canvas to the frame, with the shake of a hand."""
    angle = np.radians(moment.shake_roll)
    scale = moment.zoom
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([stage.canvas.shape[1] / 2, stage.canvas.shape[0] / 2])
    target = np.array(stage.size) / 2 + np.array([moment.shake_x, moment.shake_y])
    return np.column_stack([turn, target - turn @ middle])


def _still_map(
    size: tuple[int, int], camera: Floats
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    back = np.asarray(cv2.invertAffineTransform(camera), dtype=np.float32)
    x = np.arange(size[0], dtype=np.float32)
    y = np.arange(size[1], dtype=np.float32)[:, None]
    map_x = (back[0, 0] * x + back[0, 2]) + back[0, 1] * y
    map_y = (back[1, 0] * x + back[1, 2]) + back[1, 1] * y
    return map_x, map_y


def _paste_head(
    stage: Stage,
    on_frame: Floats,
    camera: Floats,
    map_x: NDArray[np.float32],
    map_y: NDArray[np.float32],
) -> tuple[tuple[slice, slice], NDArray[np.uint8]]:
    """Overwrite the maps where the head and what follows it are.

    Returns:
        That window, and where in it (not 0) one part of the head ends in front of another.
    """
    head = stage.head
    x0, y0, x1, y1 = head.moving
    corners = np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]]) @ camera[:, :2].T + camera[:, 2]
    low = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int) // _STEP * _STEP
    high = np.minimum(np.ceil(corners.max(axis=0)), stage.size).astype(int) // _STEP * _STEP
    cols, rows = ((high - low) // _STEP).tolist()
    # A pixel of the small map stands for the middle of a block of _STEP x _STEP pixels.
    small = (on_frame[:, :2] - low - (_STEP - 1) / 2) / _STEP
    ids = _triangle_ids(head.triangles, small, on_frame[:, 2], cols, rows)
    affine = _affines(head, small)
    x = np.arange(cols, dtype=np.float32)
    y = np.arange(rows, dtype=np.float32)[:, None]
    window = (slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0])))
    folds = np.zeros((rows * _STEP, cols * _STEP), dtype=np.uint8)
    for row, target in ((0, map_x), (3, map_y)):
        part = affine[row].take(ids) * x
        part += affine[row + 1].take(ids) * y
        part += affine[row + 2].take(ids)
        large = cv2.resize(part, None, fx=_STEP, fy=_STEP, interpolation=cv2.INTER_LINEAR)
        block = cv2.resize(part, None, fx=_STEP, fy=_STEP, interpolation=cv2.INTER_NEAREST)
        # Where one part hides another the map jumps: there half-way is nowhere.
        away = cv2.absdiff(large, block)
        jump = as_picture(cv2.threshold(away, _JUMP, 255.0, cv2.THRESH_BINARY)[1])
        cv2.bitwise_or(folds, jump, dst=folds)
        target[window] = cv2.copyTo(block, jump, large)
    return window, folds


def _soften(picture: Picture, window: tuple[slice, slice], where: NDArray[np.uint8]) -> None:
    """Blur the edges that the small map has left in steps."""
    near = cv2.dilate(where, np.ones((3, 3), dtype=np.uint8))
    part = picture[window]
    cv2.copyTo(cv2.blur(part, (4, 4)), near, part)


def _triangle_ids(
    triangles: NDArray[np.int32], points: Floats, depth: Floats, cols: int, rows: int
) -> NDArray[np.int32]:
    """(rows, cols) int32: 1 + the index of the nearest triangle, 0 where there is none."""
    corners = points[triangles]
    edge_a, edge_b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = edge_a[:, 0] * edge_b[:, 1] - edge_a[:, 1] * edge_b[:, 0]
    low, high = corners.min(axis=1), corners.max(axis=1)
    inside = (high[:, 0] > -1) & (high[:, 1] > -1) & (low[:, 0] < cols) & (low[:, 1] < rows)
    drawn = np.flatnonzero(inside & (area > 1e-3))
    drawn = drawn[np.argsort(-depth[triangles[drawn]].mean(axis=1), kind="stable")]
    fixed = np.rint(corners * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    ids = np.zeros((rows, cols), dtype=np.int32)
    for index in drawn.tolist():
        cv2.fillConvexPoly(ids, fixed[index], index + 1, lineType=8, shift=_SUBPIXEL_BITS)
    return ids


def _affines(head: Head, points: Floats) -> list[NDArray[np.float32]]:
    """Six arrays (t + 1,): place in the canvas = [a, b, c; d, e, f] · (x, y, 1), by id."""
    corners = points[head.triangles]
    source = head.vertices[head.triangles, :2]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    sa, sb = source[:, 1] - source[:, 0], source[:, 2] - source[:, 0]
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    area = np.where(np.abs(area) < 1e-3, 1e-3, area)
    out = []
    for k in (0, 1):
        by_x = (sa[:, k] * b[:, 1] - sb[:, k] * a[:, 1]) / area
        by_y = (sb[:, k] * a[:, 0] - sa[:, k] * b[:, 0]) / area
        origin = source[:, 0, k] - by_x * corners[:, 0, 0] - by_y * corners[:, 0, 1]
        out += [np.concatenate([[0.0], part]).astype(np.float32) for part in (by_x, by_y, origin)]
    return out


def _sixteenths(path: Floats) -> NDArray[np.int32]:
    """(n, 2 or more) pixels as OpenCV's fixed-point coordinates (n, 2)."""
    return np.asarray(np.rint(path[:, :2] * 16), dtype=np.int32)


def _draw_mouth(picture: Picture, points: Floats, moment: Moment) -> None:
    """The dark between the lips, and the line where shut lips meet."""
    if moment.smile > 0.5:
        return
    first, last = lm.INNER_MOUTH_CORNERS
    upper, lower = (first, *lm.UPPER_LIP_INNER, last), (first, *lm.LOWER_LIP_INNER, last)
    ring = _sixteenths(points[[*upper, *reversed(lower)]])
    box = _box(ring, picture)
    if box is None:
        return
    open_part = min(1.0, 6.0 * moment.mouth)
    if open_part > 0.0:
        dark = 0.95 * open_part * _filled(ring, box, 1.0)[:, :, None]
        picture[box] = np.rint(picture[box] * (1.0 - dark) + _CAVITY * dark)
        hang = np.minimum(0.35 * (points[list(lower)] - points[list(upper)]), _teeth(points))
        row = np.vstack([points[list(upper)], (points[list(upper)] + hang)[::-1]])
        teeth = _filled(_sixteenths(row), box, 0.8)[:, :, None]
        white = 0.8 * open_part * teeth * dark
        picture[box] = np.rint(picture[box] * (1.0 - white) + _TEETH * white)
    _shade_lines(picture, [points[list(upper)]], box, strength=0.25 * (1.0 - open_part))


def _teeth(points: Floats) -> float:
    """How far the upper teeth show, pixels."""
    right, left = points[list(lm.INNER_MOUTH_CORNERS), :2]
    return 0.11 * float(np.linalg.norm(left - right))


def _draw_lids(
    picture: Picture,
    stage: Stage,
    maps: tuple[NDArray[np.float32], NDArray[np.float32]],
    points: Floats,
    lids: float,
) -> None:
    """Lids that slide down over the eyes, with the dark line of the lashes on their edge."""
    if lids < 0.02:
        return
    for upper, lower, fold, corners in lm.EYES:
        first, last = points[corners[0]], points[corners[1]]
        high, low, crease = points[list(upper)], points[list(lower)], points[list(fold)]
        # Beyond the corners and over the fold, or the old outline would still look open.
        outward = 0.2 * (last - first)
        rim = np.vstack([first - outward, high + 2.2 * (crease - high), last + outward])
        edge = np.vstack([first, high + lids * (low - high), last])
        below = np.vstack([first - outward, high + 1.3 * lids * (low - high), last + outward])
        ring = _sixteenths(np.vstack([rim, below[::-1]]))
        box = _box(ring, picture)
        if box is None:
            continue
        mask = _filled(ring, box, 1.5)
        if lids < 0.9:  # the eye is still to be seen between the lids
            slit = _sixteenths(np.vstack([edge, below[::-1]]))
            mask = mask * (1.0 - _filled(slit, box, 0.8))
        skin = cv2.remap(stage.lids, maps[0][box], maps[1][box], cv2.INTER_LINEAR)
        cover = mask[:, :, None]
        picture[box] = np.rint(picture[box] * (1.0 - cover) + skin * cover)
        strength = min(1.0, 2 * lids)
        _shade_lines(picture, [edge], box, strength=0.3 * strength)
        _shade_lines(picture, _lashes(edge), box, strength=0.35 * strength)


def _lashes(edge: Floats) -> list[Floats]:
    """Short strokes (2, 2) down from a lid's edge (n, 3), fanning out."""
    width = float(np.ptp(edge[:, 0]))
    along = np.linspace(0.0, 1.0, len(edge))
    out = []
    for part in (np.arange(_LASHES) + 0.5) / _LASHES:
        root = np.array([np.interp(part, along, edge[:, axis]) for axis in (0, 1)])
        lean = np.sign(edge[-1, 0] - edge[0, 0]) * (part - 0.5) * 0.10 * width
        out.append(np.vstack([root, root + np.array([lean, 0.08 * width])]))
    return out


def _filled(ring: NDArray[np.int32], box: tuple[slice, slice], blur: float) -> NDArray[np.float32]:
    """Coverage (rows, cols) in [0, 1] of a polygon in sixteenths of a pixel, within `box`."""
    mask = np.zeros((box[0].stop - box[0].start, box[1].stop - box[1].start), dtype=np.uint8)
    corner = np.array([box[1].start * 16, box[0].start * 16])
    cv2.fillPoly(mask, [(ring - corner).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), blur), dtype=np.float32) / 255.0


def _shade_lines(
    picture: Picture, lines: list[Floats], box: tuple[slice, slice], *, strength: float
) -> None:
    """Darken along lines of points (n, 2 or more), pixels of the picture."""
    mask = np.zeros((box[0].stop - box[0].start, box[1].stop - box[1].start), dtype=np.uint8)
    corner = np.array([box[1].start, box[0].start])
    paths = [np.rint((line[:, :2] - corner) * 16).astype(np.int32) for line in lines]
    cv2.polylines(mask, paths, False, 255, 2, lineType=cv2.LINE_AA, shift=4)
    soft = cv2.GaussianBlur(mask, (0, 0), 0.8).astype(np.float32)[:, :, None] / 255.0
    picture[box] = np.rint(picture[box] * (1.0 - strength * soft))


def _box(ring: NDArray[np.int32], picture: Picture) -> tuple[slice, slice] | None:
    low, high = ring.min(axis=0) // 16 - 6, ring.max(axis=0) // 16 + 7
    x0, y0 = max(0, int(low[0])), max(0, int(low[1]))
    x1, y1 = min(picture.shape[1], int(high[0])), min(picture.shape[0], int(high[1]))
    return (slice(y0, y1), slice(x0, x1)) if x1 > x0 and y1 > y0 else None
