"""Embedders of InsightFace packs, through the `insightface` library.

The tracker stays that of pack `open`. Where a sample is taken, the pack's own detector
looks at that frame once more, since its recogniser was trained on crops aligned by that
detector's key points.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from insightface.app import FaceAnalysis
from numpy.typing import NDArray

from models.embedder import unit
from models.engine import MESH_POINTS, Picture, Vector
from models.errors import MalformedModel, NoFaceToEmbed, PackError, UnusableRegion
from models.geometry import checked_picture
from models.manifest import PackFile
from models.onnx_session import PROVIDERS, session_options

# What else may lie in a pack's folder; FaceAnalysis loads every ONNX file it finds there.
_OTHER_FILES: Final = frozenset({"calibration.toml"})
# The mesh ends at the brow and the detector's box at the hairline, so the same face
# overlaps by half to three quarters and the next face not at all.
_MIN_OVERLAP: Final = 0.3


class InsightFaceEmbedder:
    """A recogniser with the detector that aligns for it."""

    def __init__(
        self, folder: Path, detector: PackFile, recogniser: PackFile, *, threads: int = 1
    ) -> None:
        """Loads both networks.

        Args:
            folder: the pack's folder; the digests of its files are already verified.
            detector: the manifest's entry.
            recogniser: the manifest's entry.
            threads: threads to compute on.

        Raises:
            PackError: the folder holds files that the manifest doesn't name.
            MalformedModel: the files are no such networks.
        """
        known = {detector.name, recogniser.name} | _OTHER_FILES
        if not folder.is_dir():
            raise PackError(f"The pack's folder {folder} is not there.")
        strangers = sorted(path.name for path in folder.iterdir() if path.name not in known)
        if strangers:
            raise PackError(f"The pack's folder holds unknown files: {', '.join(strangers)}.")
        self._name = recogniser.name
        self._dimensions = recogniser.dimensions or 0
        self._analysis = _load(folder, detector.preparation.input_size, threads)
        shape = self._analysis.models["recognition"].output_shape
        if list(shape)[-1] != self._dimensions:
            raise MalformedModel("The InsightFace recogniser has another output.")

    @property
    def name(self) -> str:
        """The recogniser's file name in its manifest."""
        return self._name

    @property
    def dimensions(self) -> int:
        """Length of the vector."""
        return self._dimensions

    def embed(self, picture: Picture, mesh_points: NDArray[np.float32]) -> Vector:
        """Returns a vector of unit length, shape (dimensions,), float32.

        Args:
            picture: RGB, shape (height, width, 3).
            mesh_points: shape (468, 3), pixels of that picture; says whose face is meant.

        Raises:
            UnusablePicture: the array is not such a picture.
            UnusableRegion: the points are not finite, or the vector has no direction.
            NoFaceToEmbed: the pack's detector sees no face where the mesh is.
        """
        bgr = cv2.cvtColor(np.ascontiguousarray(checked_picture(picture)), cv2.COLOR_RGB2BGR)
        wanted = _box_of(mesh_points)
        with warnings.catch_warnings():
            # scikit-image 0.26 announces the end of SimilarityTransform.estimate, which
            # insightface.utils.face_align still calls; every other warning stays one.
            warnings.filterwarnings(
                "ignore", message=r"`estimate` is deprecated", category=FutureWarning
            )
            faces = self._analysis.get(bgr)
        overlaps = [_overlap(wanted, np.asarray(face.bbox, dtype=np.float64)) for face in faces]
        if not overlaps or max(overlaps) < _MIN_OVERLAP:
            raise NoFaceToEmbed
        # A missing attribute of Face is None, not an error.
        vector: NDArray[np.float32] | None = faces[int(np.argmax(overlaps))].normed_embedding
        if vector is None or vector.shape != (self._dimensions,):
            raise NoFaceToEmbed
        return unit(vector)


def _load(folder: Path, detector_size: int, threads: int) -> Any:
    try:
        analysis = FaceAnalysis(
            # A folder's path, not a name: a name that isn't there would be downloaded.
            name=str(folder.resolve(strict=True)),
            allowed_modules=["detection", "recognition"],
            providers=PROVIDERS,
            sess_options=session_options(threads),
        )
        if set(analysis.models) != {"detection", "recognition"}:
            raise MalformedModel("The InsightFace pack lacks a detector or a recogniser.")
        analysis.prepare(ctx_id=-1, det_size=(detector_size, detector_size))
    except MalformedModel:
        raise
    # The library's and ONNX Runtime's errors have no common root but Exception.
    except Exception as error:
        raise MalformedModel("The InsightFace pack can't be loaded.") from error
    return analysis


def _box_of(mesh_points: NDArray[np.float32]) -> NDArray[np.float64]:
    points = mesh_points[:, :2].astype(np.float64)
    if points.shape[0] < MESH_POINTS or not np.isfinite(points).all():
        raise UnusableRegion
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Intersection over union of two (x0, y0, x1, y1)."""
    sides = np.clip(np.minimum(a[2:4], b[2:4]) - np.maximum(a[:2], b[:2]), 0.0, None)
    shared = float(sides[0] * sides[1])
    union = float(np.prod(a[2:4] - a[:2]) + np.prod(b[2:4] - b[:2])) - shared
    return shared / union if union > 0 else 0.0
