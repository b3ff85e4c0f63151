"""Other simulated people: morphs of the one portrait, in proportions, colouring and relief.

Every number names one person: it is the seed from which the morph is drawn. Most numbers give
somebody whom the pack still takes for the portrait's or another number's person, so those in
`IDENTITIES` were found by search; see `search.py`, which says how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from tests.simulation import landmarks as lm
from tests.simulation.geometry import Floats
from tests.simulation.portrait import Picture, as_picture

# `python -m tests.simulation.search`; the highest score of a pair was 2.2.
IDENTITIES: Final = (0, 107, 221, 37, 64, 13, 222)
_ENLARGE: Final = 2
_GRID: Final = 8

_RIGHT_EYE: Final = (*lm.RIGHT_UPPER_LID, *lm.RIGHT_LOWER_LID, *lm.RIGHT_EYE_CORNERS)
_LEFT_EYE: Final = (*lm.LEFT_UPPER_LID, *lm.LEFT_LOWER_LID, *lm.LEFT_EYE_CORNERS)
_NOSE: Final = (6, 197, 195, 5, 4, 1, 2, 98, 327, 129, 358, 49, 279, 64, 294, 115, 344)
_LIPS: Final = (
    *lm.UPPER_LIP_OUTER, *lm.UPPER_LIP_INNER, *lm.LOWER_LIP_INNER, *lm.LOWER_LIP_OUTER,
    *lm.INNER_MOUTH_CORNERS, *lm.MOUTH_CORNERS,
)  # fmt: skip
_CHEEKS: Final = (50, 280, 205, 425, 117, 346, 187, 411)


@dataclass(frozen=True, slots=True)
class Looks:
    """What makes a morph: lengths in parts of the face's width or height, factors, CIELAB.

    Attributes:
        stretch: of the whole picture, sideways.
        eye_spacing, eye_height, eye_slant: shift, shift, radians.
        eye_size, nose_width, nose_length, mouth_width, lips: factors.
        brow_height, nose_height, mouth_height, chin_length, jaw_width, cheek_width: shifts.
        skin, hair: (3,) shifts of lightness, a and b.
        brow_dark, beard: 0 to 1.
        lip_red: shift of a on the lips.
        relief: (16, 3), places (x, y in the face, 0 to 1) and gains of soft light and shade.
    """

    stretch: float
    eye_spacing: float
    eye_height: float
    eye_slant: float
    eye_size: float
    brow_height: float
    nose_width: float
    nose_length: float
    nose_height: float
    mouth_width: float
    mouth_height: float
    lips: float
    chin_length: float
    jaw_width: float
    cheek_width: float
    skin: NDArray[np.float64]
    hair: NDArray[np.float64]
    brow_dark: float
    beard: float
    lip_red: float
    relief: NDArray[np.float64]


def draw_looks(identity: int) -> Looks:
    """The looks that a number stands for."""
    chance = np.random.default_rng(identity)

    def around(middle: float, reach: float) -> float:
        return float(middle + chance.uniform(-reach, reach))

    # Not far: a darkened face is a caricature, not another person.
    lightness = chance.uniform(-28.0, 8.0)
    return Looks(
        stretch=around(1.0, 0.16),
        eye_spacing=around(0.0, 0.06),
        eye_height=around(0.0, 0.05),
        eye_slant=around(0.0, 0.16),
        eye_size=around(1.12, 0.2),
        brow_height=around(-0.01, 0.03),
        nose_width=around(1.1, 0.45),
        nose_length=around(1.0, 0.2),
        nose_height=around(0.0, 0.03),
        mouth_width=around(0.98, 0.24),
        mouth_height=around(0.0, 0.04),
        lips=around(1.1, 0.5),
        chin_length=around(0.0, 0.12),
        jaw_width=around(0.0, 0.09),
        cheek_width=around(0.0, 0.06),
        skin=np.array([lightness, around(0.0, 5.0), around(1.0, 7.0)]),
        hair=np.array([around(-25.0, 60.0), around(2.0, 5.0), around(-10.0, 14.0)]),
        brow_dark=max(0.0, around(0.3, 0.7)),
        beard=max(0.0, around(-0.1, 0.7)),
        lip_red=around(0.0, 7.0),
        relief=chance.uniform([0.05, 0.05, -0.3], [0.95, 0.95, 0.25], (16, 3)),
    )


def morphed_portrait(picture: Picture, mesh: Floats, identity: int) -> Picture:
    """The portrait (h, w, 3) with a mesh (468, 3), as the person of a number: twice as large."""
    looks = draw_looks(identity)
    big = as_picture(
        cv2.resize(picture, None, fx=_ENLARGE, fy=_ENLARGE, interpolation=cv2.INTER_LANCZOS4)
    )
    points = mesh[:, :2] * _ENLARGE + (_ENLARGE - 1) / 2
    x0, y0, x1, y1 = _head_box(points, big.shape[1], big.shape[0])
    inside = points - [x0, y0]
    big[y0:y1, x0:x1] = _shape(_colour(big[y0:y1, x0:x1], inside, looks), inside, looks)
    width = round(big.shape[1] * looks.stretch)
    return as_picture(cv2.resize(big, (width, big.shape[0]), interpolation=cv2.INTER_CUBIC))


def _shape(picture: Picture, points: Floats, looks: Looks) -> Picture:
    """Move the features; what lies between follows smoothly, what lies round the head stays."""
    target = _moved(points, looks)
    used = sorted({*_RIGHT_EYE, *_LEFT_EYE, *lm.BROWS, *_NOSE, *_LIPS, *_CHEEKS, *lm.CONTOUR})
    rows, cols = picture.shape[:2]
    frame = _frame(cols, rows)
    field = RBFInterpolator(
        np.vstack([target[used], frame]),
        np.vstack([points[used] - target[used], np.zeros_like(frame)]),
        kernel="linear",
        smoothing=2.0,
    )
    # One node more than fits, and cv2.resize would put nodes into the middle of their blocks.
    nodes_x, nodes_y = np.meshgrid(
        np.arange(0, cols + _GRID, _GRID), np.arange(0, rows + _GRID, _GRID)
    )
    shift = field(np.column_stack([nodes_x.ravel(), nodes_y.ravel()])).astype(np.float32)
    y, x = np.mgrid[:rows, :cols].astype(np.float32)
    dense = cv2.remap(shift.reshape(*nodes_x.shape, 2), x / _GRID, y / _GRID, cv2.INTER_LINEAR)
    return as_picture(
        cv2.remap(
            picture,
            x + dense[:, :, 0],
            y + dense[:, :, 1],
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT_101,
        )
    )


def _moved(points: Floats, looks: Looks) -> Floats:
    """Where the mesh's points (468, 2) go."""
    target = points.copy()
    width = float(points[lm.LEFT_CHEEK_EDGE, 0] - points[lm.RIGHT_CHEEK_EDGE, 0])
    height = float(points[lm.CHIN, 1] - points[lm.FOREHEAD, 1])
    middle = float(points[list(lm.CONTOUR), 0].mean())
    for eye, side in ((_RIGHT_EYE, -1.0), (_LEFT_EYE, 1.0)):
        index = list(eye)
        centre = points[index].mean(axis=0)
        angle = side * -looks.eye_slant
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        shift = np.array([side * looks.eye_spacing * width, looks.eye_height * height])
        target[index] = centre + looks.eye_size * (points[index] - centre) @ turn.T + shift
    for index_of_brow in lm.BROWS:
        side = 1.0 if points[index_of_brow, 0] > middle else -1.0
        target[index_of_brow] += [
            side * looks.eye_spacing * width,
            (looks.brow_height + looks.eye_height) * height,
        ]
    nose = list(_NOSE)
    bridge = points[6]
    target[nose] = bridge + (points[nose] - bridge) * [looks.nose_width, looks.nose_length]
    target[nose] += [0.0, looks.nose_height * height]
    mouth = list(_LIPS)
    centre = points[mouth].mean(axis=0)
    target[mouth] = centre + (points[mouth] - centre) * [looks.mouth_width, looks.lips]
    target[mouth] += [0.0, (looks.mouth_height + 0.4 * looks.chin_length) * height]
    cheeks = list(_CHEEKS)
    target[cheeks, 0] += np.sign(points[cheeks, 0] - middle) * looks.cheek_width * width
    contour = list(lm.CONTOUR)
    down = np.clip((points[contour, 1] - points[lm.NOSE_TIP, 1]) / (0.5 * height), 0.0, 1.0)
    sideways = looks.cheek_width + (looks.jaw_width - looks.cheek_width) * down
    lean = (points[contour, 0] - middle) / (0.5 * width)
    target[contour, 0] += lean * sideways * width
    target[contour, 1] += looks.chin_length * height * down**2
    return target


def _colour(picture: Picture, points: Floats, looks: Looks) -> Picture:
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32)
    face = _mask(picture, points[list(lm.CONTOUR)], 9.0)
    skin = _skin(lab, points)
    hair = _hair(lab, points, np.maximum(face * skin, 0.0))
    features = np.maximum.reduce(
        [_mask(picture, points[list(eye)], 3.0, hull=True) for eye in (_RIGHT_EYE, _LEFT_EYE)]
    )
    lips = _mask(picture, points[list(_LIPS)], 3.0, hull=True)
    skin = skin * (1.0 - features)
    # Dark skin loses contrast as it loses light: scale lightness instead of shifting it.
    lab[:, :, 0] *= 1.0 + skin * (np.float32(looks.skin[0]) / 160.0)
    for channel in (1, 2):
        lab[:, :, channel] += skin * np.float32(looks.skin[channel])
    lab[:, :, 0] *= np.clip(1.0 + hair * (np.float32(looks.hair[0]) / 100.0), 0.1, 2.0)
    for channel in (1, 2):
        lab[:, :, channel] += hair * np.float32(looks.hair[channel])
    lab[:, :, 1] += lips * np.float32(looks.lip_red)
    for side in (lm.BROWS[:10], lm.BROWS[10:]):
        brow = _mask(picture, points[list(side)], 3.0, hull=True)
        lab[:, :, 0] *= 1.0 - 0.6 * np.float32(looks.brow_dark) * brow
    lab[:, :, 0] *= 1.0 - 0.4 * np.float32(looks.beard) * _beard(picture, points, lips)
    lab[:, :, 0] *= 1.0 + face * _relief(picture, points, looks.relief)
    return as_picture(cv2.cvtColor(np.clip(lab, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB))


def _skin(lab: NDArray[np.float32], points: Floats) -> NDArray[np.float32]:
    """(h, w) in [0, 1]: like the cheeks in colour, or inside the face; not far from it."""
    at = np.rint(points[list(_CHEEKS)]).astype(int)
    sample = np.median(lab[at[:, 1], at[:, 0]], axis=0)
    away = np.abs(lab - sample) / np.array([90.0, 12.0, 14.0], dtype=np.float32)
    like = np.exp(-np.square(away).sum(axis=2))
    centre, reach = points.mean(axis=0), np.ptp(points, axis=0)
    y, x = np.ogrid[: lab.shape[0], : lab.shape[1]]
    far = ((x - centre[0]) / (0.75 * reach[0])) ** 2 + ((y - centre[1]) / (0.75 * reach[1])) ** 2
    near = np.clip(2.0 - far, 0.0, 1.0)
    inner = centre + 0.86 * (points[list(lm.CONTOUR)] - centre)
    face = _mask(lab, inner, 12.0)
    mask = np.maximum(like * near, face)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 2.0), dtype=np.float32)


def _hair(
    lab: NDArray[np.float32], points: Floats, skin: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(h, w) in [0, 1]: about the forehead, and not of the backdrop's grey."""
    width = float(points[lm.LEFT_CHEEK_EDGE, 0] - points[lm.RIGHT_CHEEK_EDGE, 0])
    height = float(points[lm.CHIN, 1] - points[lm.FOREHEAD, 1])
    x0, y0 = points[lm.FOREHEAD] + [0.0, 0.16 * height]
    y, x = np.ogrid[: lab.shape[0], : lab.shape[1]]
    rho = ((x - x0) / (0.85 * width)) ** 2 + ((y - y0) / (0.72 * height)) ** 2
    inside = np.clip((1.0 - rho) * 8.0, 0.0, 1.0)
    grey = np.hypot(lab[:, :, 1] - 128.0, lab[:, :, 2] - 128.0) < 9.0
    backdrop = (grey & (lab[:, :, 0] > 120.0)).astype(np.float32)
    mask = inside * (1.0 - backdrop) * (1.0 - skin)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 2.5), dtype=np.float32)


def _beard(picture: Picture, points: Floats, lips: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w) in [0, 1]: jaw, chin and upper lip, grainy as stubble is."""
    low = [index for index in lm.CONTOUR if points[index, 1] > points[lm.NOSE_TIP, 1]]
    ring = points[[*low, 205, 98, 2, 327, 425]]
    jaw = _mask(picture, ring, 7.0, hull=True) * (1.0 - lips)
    grain = np.random.default_rng(1).uniform(0.7, 1.3, picture.shape[:2])
    return np.asarray(jaw * cv2.GaussianBlur(grain, (0, 0), 1.0), dtype=np.float32)


def _relief(picture: Picture, points: Floats, spots: Floats) -> NDArray[np.float32]:
    """(h, w) gains about 0: soft light and shade, as other bones would throw."""
    low, span = points.min(axis=0), np.ptp(points, axis=0)
    y, x = np.ogrid[: picture.shape[0], : picture.shape[1]]
    total = np.zeros(picture.shape[:2])
    for place_x, place_y, gain in spots:
        centre = low + span * [place_x, place_y]
        far = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (0.11 * span[0]) ** 2
        total += gain * np.exp(-far / 2.0)
    return total.astype(np.float32)


def _mask(
    picture: NDArray[np.generic], ring: Floats, blur: float, *, hull: bool = False
) -> NDArray[np.float32]:
    """(h, w) in [0, 1]: a polygon (n, 2), or the hull of its points, with a soft edge."""
    mask = np.zeros(picture.shape[:2], dtype=np.uint8)
    path = np.rint(ring).astype(np.int32)
    cv2.fillPoly(mask, [cv2.convexHull(path) if hull else path], 255)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), blur), dtype=np.float32) / 255.0


def _head_box(points: Floats, width: int, height: int) -> tuple[int, int, int, int]:
    low, span = points.min(axis=0), np.ptp(points, axis=0)
    x0, y0 = np.maximum(low - 0.7 * span, 0).astype(int)
    x1, y1 = np.minimum(low + span * [1.7, 1.35], [width, height]).astype(int)
    return int(x0), int(y0), int(x1), int(y1)


def _frame(width: int, height: int) -> Floats:
    """Points (n, 2) along the edges."""
    xs, ys = np.linspace(0, width, 9), np.linspace(0, height, 9)
    none = np.zeros(9)
    edges = [(xs, none), (xs, none + height), (none, ys), (none + width, ys)]
    return np.vstack([np.column_stack(edge) for edge in edges])
