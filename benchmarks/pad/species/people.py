"""Somebody else's face: swapped in for a while, or pasted beside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from benchmarks.pad.frames import Picture, Pictures, as_picture, resized

Points = NDArray[np.floating]

OVAL: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""The outline of the 468-point mesh (MediaPipe's face oval)."""


def face_mask(points: Points, size: tuple[int, int], feather: float = 0.04) -> NDArray[np.float32]:
    """(height, width), 1 inside the face's outline, falling off inward over `feather` of it."""
    outline = np.rint(points[list(OVAL), :2]).astype(np.int32)
    mask = np.zeros((size[1], size[0]), dtype=np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(outline), 255)
    width = max(2.0, feather * float(np.ptp(outline[:, 0])))
    side = 2 * round(width) + 1
    inner = cv2.erode(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    return np.asarray(cv2.GaussianBlur(inner, (0, 0), width / 2), dtype=np.float32) / 255.0


def pasted_face(
    host: Picture,
    guest: Picture,
    host_points: Points,
    guest_points: Points,
    *,
    by_mesh: bool,
    match_colour: bool = True,
) -> Picture:
    """The guest's face in the place and size of the host's.

    Args:
        host, guest: RGB, of any sizes.
        host_points, guest_points: (468, 2 or 3), pixels of their pictures.
        by_mesh: whether each triangle of the mesh is warped for itself (the guest then even
            takes the host's shape and pose), or the whole face by one similarity.
        match_colour: whether the guest takes the host's mean colour and contrast.
    """
    height, width = host.shape[:2]
    if by_mesh:
        brought = _by_triangles(guest, guest_points, host_points, (width, height))
    else:
        matrix, _ = cv2.estimateAffinePartial2D(
            np.ascontiguousarray(guest_points[:, :2], dtype=np.float32),
            np.ascontiguousarray(host_points[:, :2], dtype=np.float32),
            method=cv2.LMEDS,
        )
        if matrix is None:
            return host
        brought = as_picture(cv2.warpAffine(guest, matrix, (width, height)))
    mask = face_mask(host_points, (width, height))
    if match_colour:
        brought = _coloured_like(brought, host, mask > 0.5)
    cover = mask[:, :, None]
    return as_picture(np.rint(brought * cover + host * (1.0 - cover)))


def _by_triangles(
    guest: Picture, guest_points: Points, host_points: Points, size: tuple[int, int]
) -> Picture:
    """The guest's picture with each of its mesh's triangles brought where the host's is."""
    target = np.asarray(host_points[:, :2], dtype=np.float64)
    source = np.asarray(guest_points[:, :2], dtype=np.float64)
    triangles = Delaunay(target).simplices
    ids = np.zeros((size[1], size[0]), dtype=np.int32)
    for index, corners in enumerate(np.rint(target[triangles] * 16).astype(np.int32)):
        cv2.fillConvexPoly(ids, corners, index + 1, shift=4)
    square = np.concatenate([target[triangles], np.ones((len(triangles), 3, 1))], axis=2)
    # A triangle without an area maps nowhere; the pseudo-inverse gives it a point.
    affine = np.linalg.pinv(square) @ source[triangles]
    affine = np.concatenate([np.zeros((1, 3, 2)), affine]).astype(np.float32)
    x = np.arange(size[0], dtype=np.float32)[None, :]
    y = np.arange(size[1], dtype=np.float32)[:, None]
    maps = [affine[ids, 0, k] * x + affine[ids, 1, k] * y + affine[ids, 2, k] for k in (0, 1)]
    return as_picture(cv2.remap(guest, maps[0], maps[1], cv2.INTER_LINEAR))


def _coloured_like(picture: Picture, model: Picture, where: NDArray[np.bool_]) -> Picture:
    """`picture` with the mean and spread of each channel that `model` has there."""
    if not where.any():
        return picture
    out = picture.astype(np.float32)
    for channel in range(3):
        own, other = picture[where, channel], model[where, channel]
        gain = float(other.std()) / max(1.0, float(own.std()))
        gain = min(2.0, max(0.5, gain))
        out[:, :, channel] = (out[:, :, channel] - own.mean()) * gain + other.mean()
    return as_picture(np.clip(np.rint(out), 0, 255))


def cut_to(frames: Pictures, guest: Pictures, first: int) -> list[Picture]:
    """Whole frames of the guest, resized to fill, in place of as many from `first` on."""
    size = (frames[0].shape[1], frames[0].shape[0])
    out = list(frames)
    for index, picture in enumerate(guest):
        if first + index < len(out):
            out[first + index] = resized(picture, size)
    return out


def with_poster(
    frames: Pictures,
    fps: float,
    face: Picture,
    *,
    scale: float,
    place: tuple[float, float],
    during: tuple[float, float],
) -> Iterator[Picture]:
    """The frames with a flat picture of somebody in them.

    Args:
        face: RGB, cropped to head and shoulders.
        scale: the poster's height as a part of the frame's.
        place: of its middle, as parts of the frame's width and height.
        during: seconds (from, until) in which it is there.
    """
    height, width = frames[0].shape[:2]
    rows = round(scale * height)
    cols = max(2, round(rows * face.shape[1] / face.shape[0]))
    poster = cv2.resize(face, (cols, rows), interpolation=cv2.INTER_AREA)
    x, y = round(place[0] * width - cols / 2), round(place[1] * height - rows / 2)
    x0, y0, x1, y1 = max(0, x), max(0, y), min(width, x + cols), min(height, y + rows)
    for index, frame in enumerate(frames):
        if during[0] <= index / fps < during[1] and x1 > x0 and y1 > y0:
            frame = frame.copy()
            frame[y0:y1, x0:x1] = poster[y0 - y : y1 - y, x0 - x : x1 - x]
        yield frame


def head_of(picture: Picture, points: Points) -> Picture:
    """Head and shoulders, cut out round a mesh."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    wide, tall = high - low
    x0, y0 = max(0, int(low[0] - 0.4 * wide)), max(0, int(low[1] - 0.5 * tall))
    x1, y1 = int(high[0] + 0.4 * wide), int(high[1] + 0.3 * tall)
    return np.ascontiguousarray(picture[y0:y1, x0:x1])
