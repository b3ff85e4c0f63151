"""InsightFace's liveness addon as a PAD engine, through the `insightface` library.

The library's own way is FaceAnalysis(addons=["liveness"]), which needs a second detector and
downloads what isn't there. Its class Liveness takes a session and five points; the session
runs the bytes whose digest was compared, and the points come from the tracker's mesh.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import onnxruntime
from insightface.addons import Liveness

from models.alignment import five_points
from models.engine import (
    REGION_MARGIN,
    FaceMesh,
    MeshEngine,
    Picture,
    Region,
    region_from_points,
)
from models.errors import MalformedModel, NoPadScore, UnusableRegion
from models.geometry import checked_picture
from models.minifasnet import Box, grown_box
from models.onnx_session import PROVIDERS, session_options

_PRESENT: Final = 0.5


class InsightFaceLivenessPad:
    """The addon, aligned by the mesh of the face in the box."""

    def __init__(self, name: str, content: bytes, mesh: MeshEngine, *, threads: int = 1) -> None:
        """Loads the network.

        Args:
            name: of the engine, for records.
            content: liveness.onnx, its digest already verified.
            mesh: places the points by which the face is aligned.
            threads: threads to compute on.

        Raises:
            MalformedModel: the bytes are no such network.
        """
        self._name = name
        self._mesh = mesh
        try:
            session = onnxruntime.InferenceSession(
                content, session_options(threads), providers=PROVIDERS
            )
            self._addon = Liveness(name, session=session)
        # The library's and ONNX Runtime's errors have no common root but Exception.
        except Exception as error:
            raise MalformedModel("The InsightFace liveness addon can't be loaded.") from error

    @property
    def name(self) -> str:
        """The engine's name for records."""
        return self._name

    def score(self, picture: Picture, box: Box) -> float:
        """Returns the addon's live score, 0 to 1.

        Args:
            picture: RGB, shape (height, width, 3).
            box: (x0, y0, x1, y1) as the detector gives it, pixels of that picture; may reach
                beyond its edges.

        Raises:
            UnusablePicture: the array is not such a picture.
            UnusableRegion: the box is empty, not finite, or outside the picture.
            NoPadScore: there is no face in the box, over 30 % of the addon's crop would lie
                outside the picture, or its network gives no probability.
        """
        height, width = checked_picture(picture).shape[:2]
        grown_box(box, 1.0, width=width, height=height)
        points = five_points(self._mesh_in(picture, box).points)
        bgr = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2BGR)
        try:
            answer = self._addon.predict(bgr, points)
        # As above; what is left that can go wrong is the alignment and the network's output.
        except Exception as error:
            raise NoPadScore from error
        score = answer.get("live_score")
        if score is None:
            raise NoPadScore
        return float(score)

    def _mesh_in(self, picture: Picture, box: Box) -> FaceMesh:
        """The mesh, placed twice: the second time turned so that the eyes are level."""
        x0, y0, x1, y1 = box
        side = REGION_MARGIN * max(x1 - x0, y1 - y0)
        try:
            rough = self._mesh.landmarks(
                picture, Region((x0 + x1) / 2, (y0 + y1) / 2, side, angle=0.0)
            )
            mesh = self._mesh.landmarks(picture, region_from_points(rough.points))
        except UnusableRegion as error:
            raise NoPadScore from error
        if mesh.presence <= _PRESENT:
            raise NoPadScore
        return mesh
