"""The mesh of pack `open`: MediaPipe's 468 points (Y. Kartynnik et al., 2019)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from models.engine import MESH_POINTS, FaceMesh, Picture, Region, checked_region
from models.geometry import checked_picture, crop_region, region_to_picture
from models.tensorflow_lite import Graph

SIZE: Final = 192


class FaceMeshEngine:
    """Places 468 points on the face in a region."""

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
            output_sizes=(3 * MESH_POINTS, 1),
            threads=threads,
        )

    def landmarks(self, picture: Picture, region: Region) -> FaceMesh:
        """Returns the mesh of the face in `region` of an RGB picture (height, width, 3).

        Raises:
            UnusablePicture: the array is not such a picture.
            UnusableRegion: the region is empty or not finite.
        """
        checked_picture(picture)
        matrix = region_to_picture(checked_region(region), SIZE)
        values, logit = self._graph.run(
            crop_region(picture, matrix, SIZE), scale=1 / 255, offset=0.0
        )
        raw = values.reshape(MESH_POINTS, 3)
        points = np.empty((MESH_POINTS, 3), dtype=np.float32)
        points[:, :2] = raw[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        points[:, 2] = raw[:, 2] * (region.side / SIZE)
        presence = 1 / (1 + math.exp(-max(-50.0, min(50.0, float(logit.reshape(-1)[0])))))
        return FaceMesh(points=points, presence=presence)
