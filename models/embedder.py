"""Embedders that align by the mesh and run on ONNX Runtime."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.alignment import ALIGNMENTS
from models.engine import Picture, Vector
from models.errors import ManifestError, UnusableRegion
from models.geometry import align, checked_picture
from models.manifest import PackFile
from models.onnx_session import OnnxNetwork


def unit(vector: NDArray[np.float32]) -> Vector:
    """Returns the vector at unit length, float32.

    Raises:
        UnusableRegion: it has no direction.
    """
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if not np.isfinite(length) or length < 1e-9:
        raise UnusableRegion("The embedder gave no usable vector.")
    return np.asarray(vector / length, dtype=np.float32)


class MeshAlignedEmbedder:
    """An embedder whose input is cut out by points of the mesh."""

    def __init__(self, file: PackFile, content: bytes, *, threads: int = 1) -> None:
        """Loads the network.

        Args:
            file: the manifest's entry, for dimensions and preparation.
            content: the .onnx file.
            threads: threads to compute on.

        Raises:
            ManifestError: the entry names an alignment that there isn't, or no dimensions.
            MalformedModel: the bytes are no such network.
        """
        preparation = file.preparation
        if preparation.alignment not in ALIGNMENTS or file.dimensions is None:
            raise ManifestError(f"{file.name} can't be aligned by the mesh.")
        self._name = file.name
        self._dimensions = file.dimensions
        self._preparation = preparation
        self._alignment = ALIGNMENTS[preparation.alignment]
        self._network = OnnxNetwork(
            content,
            input_shape=(1, 3, preparation.input_size, preparation.input_size),
            dimensions=file.dimensions,
            threads=threads,
        )

    @property
    def name(self) -> str:
        """The file's name in its manifest."""
        return self._name

    @property
    def dimensions(self) -> int:
        """Length of the vector."""
        return self._dimensions

    def embed(self, picture: Picture, mesh_points: NDArray[np.float32]) -> Vector:
        """Returns a vector of unit length, shape (dimensions,), float32.

        Args:
            picture: RGB, shape (height, width, 3).
            mesh_points: shape (468, 3), pixels of that picture.

        Raises:
            UnusablePicture: the array is not such a picture.
            UnusableRegion: the points are degenerate or not finite.
        """
        size = self._preparation.input_size
        matrix = self._alignment(mesh_points, size)
        return unit(
            self._network.run(self.network_input(align(checked_picture(picture), matrix, size)))
        )

    def network_input(self, chip: Picture) -> NDArray[np.float32]:
        """Returns the network's input, (1, 3, size, size), for an aligned RGB crop."""
        preparation = self._preparation
        return np.asarray(
            cv2.dnn.blobFromImage(
                chip,
                scalefactor=preparation.scale,
                mean=preparation.mean,
                swapRB=preparation.colour_order == "bgr",
            ),
            dtype=np.float32,
        )
