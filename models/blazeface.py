"""The detector of pack `open`: BlazeFace, short range (V. Bazarevsky et al., 2019).

Anchors and decoding follow the graph's own description in MediaPipe (Apache-2.0),
modules/face_detection: 16 × 16 cells of 2 anchors, then 8 × 8 cells of 6, of unit size.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.engine import DetectedFace, Picture
from models.geometry import checked_picture
from models.tensorflow_lite import Graph

SIZE: Final = 128
ANCHORS: Final = 896
KEY_POINTS: Final = 6
# The sigmoid of it is the score of 0.5 from which a face counts.
_MIN_LOGIT: Final = 0.0
MAX_OVERLAP: Final = 0.3
# e to its power is still a float32; the graph's own limit of 100 is not.
_LOGIT_LIMIT: Final = 80.0


def _anchor_centres() -> NDArray[np.float32]:
    layers = []
    for cells, per_cell in ((16, 2), (8, 6)):
        ticks = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
        layers.append(np.repeat(grid, per_cell, axis=0))
    return np.concatenate(layers).astype(np.float32)


def _overlap(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of one (x0, y0, x1, y1) with n others."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0.0, None), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1)
    union = np.prod(box[2:] - box[:2]) + areas - shared
    return np.asarray(shared / np.maximum(union, 1e-9), dtype=np.float32)


def _best_of_overlapping(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> list[int]:
    """Indices that non-maximum suppression keeps, the best score first."""
    order = np.argsort(-scores, kind="stable")
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        order = rest[_overlap(boxes[best], boxes[rest]) <= MAX_OVERLAP]
    return kept


def _shrunk(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture at `size` (width, height).

    By way of twice that size where it is larger: the mean of four samples a pixel aliases
    less than one, and costs a tenth of the mean of all.
    """
    twice = (2 * size[0], 2 * size[1])
    if picture.shape[1] > twice[0]:
        picture = np.asarray(cv2.resize(picture, twice, interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


class BlazeFaceDetector:
    """Finds faces that are roughly within 2 m of the camera."""

    def __init__(self, content: bytes, *, threads: int = 1) -> None:
        """Loads the graph.

        Args:
            content: the .tflite file.
            threads: threads to compute on.

        Raises:
            MalformedModel: the bytes are not this graph.
        """
        self._graph = Graph(
            content,
            input_shape=(1, SIZE, SIZE, 3),
            output_sizes=(ANCHORS * (4 + 2 * KEY_POINTS), ANCHORS),
            threads=threads,
        )
        self._anchors = _anchor_centres()
        self._square = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)

    def detect(self, picture: Picture) -> tuple[DetectedFace, ...]:
        """Returns the faces in an RGB picture (height, width, 3), the best score first.

        Raises:
            UnusablePicture: the array is not such a picture.
        """
        checked_picture(picture)
        height, width = picture.shape[:2]
        longer = max(height, width)
        inner = (max(1, round(width * SIZE / longer)), max(1, round(height * SIZE / longer)))
        left, top = (SIZE - inner[0]) // 2, (SIZE - inner[1]) // 2
        self._square.fill(0)
        self._square[top : top + inner[1], left : left + inner[0]] = _shrunk(picture, inner)
        regressors, logits = self._graph.run(self._square, scale=2 / 255, offset=-1.0)
        flat = logits.reshape(-1)
        found = np.flatnonzero(flat > _MIN_LOGIT)
        if not found.size:
            return ()
        logits_kept = np.minimum(flat[found], np.float32(_LOGIT_LIMIT))
        scores = np.asarray(1 / (1 + np.exp(-logits_kept)), dtype=np.float32)
        # From the unit square that was looked at to pixels of the picture.
        scale = np.array([width / inner[0], height / inner[1]], dtype=np.float32) * SIZE
        shift = np.array([left, top], dtype=np.float32) / SIZE
        values = regressors.reshape(ANCHORS, -1)[found].reshape(found.size, -1, 2) / SIZE
        centres = (values[:, 0] + self._anchors[found] - shift) * scale
        halves = values[:, 1] * scale / 2
        boxes = np.concatenate([centres - halves, centres + halves], axis=1)
        points = (values[:, 2:] + self._anchors[found][:, None] - shift) * scale
        return tuple(
            DetectedFace(
                box=(
                    float(boxes[i, 0]),
                    float(boxes[i, 1]),
                    float(boxes[i, 2]),
                    float(boxes[i, 3]),
                ),
                score=float(scores[i]),
                key_points=np.ascontiguousarray(points[i], dtype=np.float32),
            )
            for i in _best_of_overlapping(boxes, scores)
        )
