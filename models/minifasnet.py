"""PAD with Minivision's MiniFASNets: two networks that see a face with two widths of its
surroundings, and the mean of what they say.

One frame, and a soft signal: bona fide faces on a plain studio background have scored lower
than some attacks (docs/models.md), so that this must never decide alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.converters.minifasnet import CLASSES
from models.engine import Picture
from models.errors import ManifestError, UnusableRegion
from models.geometry import checked_picture
from models.manifest import PackFile
from models.onnx_session import OnnxNetwork

_LIVE: Final = 1
# How many times its size the detector's box is cut out, by the alignment's name in a manifest.
_GROWTH: Final[Mapping[str, float]] = {"grown_box_2.7": 2.7, "grown_box_4.0": 4.0}

Box = tuple[float, float, float, float]


class MiniFasNetPad:
    """The mean of one or several MiniFASNets' live class."""

    def __init__(
        self, name: str, files: Sequence[tuple[PackFile, bytes]], *, threads: int = 1
    ) -> None:
        """Loads the networks.

        Args:
            name: of the engine, for records.
            files: the manifest's entries and the .onnx files' bytes.
            threads: threads for each network to compute on.

        Raises:
            ManifestError: there are no entries, or one is not prepared as this engine does it.
            MalformedModel: the bytes are no such network.
        """
        if not files:
            raise ManifestError(f"{name} has no network.")
        self._name = name
        self._networks = [
            (_growth(file), file.preparation.input_size, _network(file, content, threads))
            for file, content in files
        ]

    @property
    def name(self) -> str:
        """The engine's name for records."""
        return self._name

    def score(self, picture: Picture, box: Box) -> float:
        """Returns the live probability, 0 to 1: the mean of the networks' soft-maxes' class 1.

        Args:
            picture: RGB, shape (height, width, 3).
            box: (x0, y0, x1, y1) as the detector gives it, pixels of that picture; may reach
                beyond its edges.

        Raises:
            UnusablePicture: the array is not such a picture.
            UnusableRegion: the box is empty, not finite, or outside the picture; or the
                picture is under two pixels wide or high.
        """
        checked_picture(picture)
        height, width = picture.shape[:2]
        scores = []
        for growth, size, network in self._networks:
            x0, y0, x1, y1 = grown_box(box, growth, width=width, height=height)
            logits = network.run(network_input(picture[y0:y1, x0:x1], size))
            scores.append(_live(logits))
        return float(np.mean(scores))


def grown_box(box: Box, growth: float, *, width: int, height: int) -> tuple[int, int, int, int]:
    """Returns (x0, y0, x1, y1), a part of the picture; x1 and y1 are the first pixels outside.

    The box is grown about its centre, by less where it would be wider or higher than the
    picture, and then shifted inside: the crop of the networks' training (CropImage in
    Minivision's repository, src/generate_patches.py).

    Args:
        box: (x0, y0, x1, y1), pixels.
        growth: times the box.
        width: of the picture, pixels.
        height: of the picture, pixels.

    Raises:
        UnusableRegion: the box is under a pixel wide, not finite, or outside the picture; or
            the picture is under two pixels wide or high.
    """
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    if not all(map(math.isfinite, (*box, w, h))) or min(w, h) < 1.0 or min(width, height) < 2:
        raise UnusableRegion
    if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
        raise UnusableRegion
    factor = min(growth, (width - 1) / w, (height - 1) / h)
    left, right = _inside((x0 + x1) / 2, w * factor, width - 1)
    top, bottom = _inside((y0 + y1) / 2, h * factor, height - 1)
    return left, top, right + 1, bottom + 1


def network_input(crop: Picture, size: int) -> NDArray[np.float32]:
    """Returns (1, 3, size, size), BGR, 0 to 255, of an RGB crop of any shape, stretched."""
    chip = cv2.resize(np.ascontiguousarray(crop), (size, size), interpolation=cv2.INTER_LINEAR)
    planes = chip[:, :, ::-1].transpose(2, 0, 1)[None]
    return np.ascontiguousarray(planes, dtype=np.float32)


def _inside(centre: float, length: float, last: int) -> tuple[int, int]:
    """Both ends of a stretch about `centre`, shifted to lie between 0 and `last`."""
    start = min(max(centre - length / 2, 0.0), max(last - length, 0.0))
    return int(start), min(int(start + length), last)


def _live(logits: NDArray[np.float32]) -> float:
    powers = np.exp(logits.astype(np.float64) - float(logits.max()))
    return float(powers[_LIVE] / powers.sum())


def _growth(file: PackFile) -> float:
    preparation = file.preparation
    plain = (preparation.colour_order, preparation.mean, preparation.scale)
    if preparation.alignment not in _GROWTH or plain != ("bgr", (0.0, 0.0, 0.0), 1.0):
        raise ManifestError(f"{file.name} is not prepared as a MiniFASNet must be.")
    return _GROWTH[preparation.alignment]


def _network(file: PackFile, content: bytes, threads: int) -> OnnxNetwork:
    size = file.preparation.input_size
    return OnnxNetwork(content, input_shape=(1, 3, size, size), dimensions=CLASSES, threads=threads)
