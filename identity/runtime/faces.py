"""Compares faces: what a file shows becomes a template, a picture's of one sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from common.errors import InvalidInput
from identity.capture.sniff import clip_container
from identity.capture.stream import decode_picture
from identity.capture.types import OWN_FILES
from identity.comparison import Template, compare, template_from_vectors
from identity.errors import NotAVideo
from identity.liveness.detection import faces_of_picture
from identity.liveness.signals import good_samples
from identity.runtime.analysis import analyse
from models.engine import Engines

PICTURE_SIDE = 1920


class NoUsableFace(InvalidInput):
    """No face was found in a picture or clip, or none that could be described."""

    code = "no_usable_face"
    message = "No usable face was found."


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """The face of one file.

    Attributes:
        template: of one sample for a picture, of 1 to 20 for a clip.
        is_clip: whether the file was a clip.
        faces: how many faces the picture shows (the largest counts); 1 for a clip.
    """

    template: Template
    is_clip: bool
    faces: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison decision on two files.

    Attributes:
        score: comparison score.
        threshold: the score from which on it is a match.
        match: the decision.
        template_format: of the pack.
        faces: faces seen in either file.
    """

    score: float
    threshold: float
    match: bool
    template_format: str
    faces: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        """Returns it as docs/analyse-clip.md says."""
        return {
            "score": round(self.score, 4),
            "threshold": self.threshold,
            "decision": "match" if self.match else "non-match",
            "template_format": self.template_format,
            "faces": list(self.faces),
        }


def likeness_of(data: bytes, engines: Engines) -> Likeness:
    """Returns the face of a picture or clip.

    Args:
        data: a JPEG, PNG or WebP picture, or a clip.
        engines: of one pack.

    Raises:
        NoUsableFace: there is none.
        CameoError: every error of `identity.capture.stream`.
    """
    try:
        clip_container(data)
    except NotAVideo:
        return _of_picture(data, engines)
    return _of_clip(data, engines)


def compare_likenesses(one: Likeness, other: Likeness, engines: Engines) -> Comparison:
    """Returns the comparison decision.

    Two clips are held against the threshold for templates; as soon as one is a picture, it is
    the one for pictures, as a single picture says no more than that.

    Raises:
        TemplateFormatMismatch: the templates are of different packs.
    """
    calibration = engines.calibration
    both_clips = one.is_clip and other.is_clip
    threshold = calibration.template_threshold if both_clips else calibration.picture_threshold
    score = compare(one.template, other.template, calibration)
    return Comparison(
        score=score,
        threshold=threshold,
        match=score >= threshold,
        template_format=one.template.template_format,
        faces=(one.faces, other.faces),
    )


def _of_picture(data: bytes, engines: Engines) -> Likeness:
    picture = decode_picture(data, working_side=PICTURE_SIDE)
    found = faces_of_picture(picture, engines.detector, engines.mesh)
    for face in found:
        try:
            vectors = tuple(e.embed(picture, face.mesh.points) for e in engines.embedders)
        except InvalidInput:
            # Degenerate points, or a face that an embedder's own detector doesn't see.
            continue
        template = template_from_vectors([vectors], engines.template_format, minimum=1)
        return Likeness(template, is_clip=False, faces=len(found))
    raise NoUsableFace


def _of_clip(data: bytes, engines: Engines) -> Likeness:
    track = analyse(data, None, engines, limits=OWN_FILES).track
    # Unlike an enrolment, a comparison makes do with whatever there is.
    samples = good_samples(track) or tuple(
        sorted(track.samples, key=lambda s: float(np.hypot(s.yaw, s.pitch)))
    )
    vectors = [sample.vectors for sample in samples]
    if not vectors:
        raise NoUsableFace
    template = template_from_vectors(vectors, engines.template_format, minimum=1)
    return Likeness(template, is_clip=True, faces=1)
