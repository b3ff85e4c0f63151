"""What passes between liveness and the analysis: frozen types, numbers only, no picture.

Degrees are what the mesh reads, seconds count from the first frame, directions are the
subject's own in an unmirrored clip (left: the face points to the picture's right edge).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from identity.prompts import Prompt

NOT_APPLICABLE: Final = "not_applicable"
"""Why a signal abstains that the script didn't ask for: it stands in nobody's way."""
NOT_MEASURED: Final = "not_measured"
"""Why a signal abstains whose measurement this deployment or this track lacks."""

Vector = NDArray[np.float32]


class Outcome(StrEnum):
    """What becomes of a clip."""

    PASS = "pass"  # noqa: S105 (no password)
    REVIEW = "review"
    RETRY = "retry"
    FAIL = "fail"
    UNSUPPORTED = "unsupported"


class SignalOutcome(StrEnum):
    """What one signal says; a missing measurement abstains, and abstaining never passes."""

    PASS = "pass"  # noqa: S105 (no password)
    FAIL = "fail"
    ABSTAIN = "abstain"


class Assurance(StrEnum):
    """What a pass is worth, the least first."""

    BASIC = "basic"
    STANDARD = "standard"
    ATTESTED = "attested"


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What the embedders say of one frame.

    Attributes:
        time_s: of the frame.
        vectors: one of unit length for each embedder, float32.
        brightness: mean luma of the face, 0 to 255.
        contrast: standard deviation of the face's luma.
        sharpness: see liveness.quality.
        yaw, pitch: degrees as the mesh reads them, not from neutral.
        margin: part of the face's points that lie inside the picture, 0 to 1.
    """

    time_s: float
    vectors: tuple[Vector, ...]
    brightness: float
    contrast: float
    sharpness: float
    yaw: float
    pitch: float
    margin: float


@dataclass(frozen=True, slots=True)
class DetectionPass:
    """One look over the whole picture.

    Attributes:
        time_s: of the frame.
        others: faces beside the tracked one.
        light: mean luma of the whole picture, 0 to 255.
    """

    time_s: float
    others: int
    light: float


@dataclass(frozen=True, slots=True)
class Jump:
    """A moment at which the tracked face isn't where, or what, it was one frame before.

    Attributes:
        time_s: of the later frame.
        kind: "place", "size", "shape" or "look" (see liveness.tracking).
        size: by how much, in the unit of its limit.
    """

    time_s: float
    kind: str
    size: float


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """How each frame differs from the one before (see liveness.changes); the first from none.

    Attributes:
        picture: shape (N,), float32: mean absolute change of green, 0 to 255, over a sparse
            grid of single pixels of the whole picture; not a number for the first frame.
        face: the same inside the face's box; not a number where no face was.
        prints: shape (N, 32), float32: the grid's signed change projected on fixed random
            signs. Equal movements of equal pictures have equal prints.
    """

    picture: NDArray[np.float32]
    face: NDArray[np.float32]
    prints: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Colours:
    """Mean colour of parts of each frame (see liveness.colours), linear RGB, 0 to 1.

    Attributes:
        skin: shape (N, 3, 3), float32: forehead, the subject's right and left cheek, by
            channel; not a number where no face was or a part lies outside the picture.
        background: shape (N, 3), float32: what lies beside the head; not a number where there
            is nothing.
    """

    skin: NDArray[np.float32]
    background: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Trace:
    """What one sampled frame shows of a screen or a print (see liveness.recapture).

    Attributes:
        time_s: of the frame.
        moire: height of the strongest peak in the spectrum over its surroundings.
        bezel: how straight and strong edges round the face are.
        flatness: how little colour varies over the face.
    """

    time_s: float
    moire: float
    bezel: float
    flatness: float


@dataclass(frozen=True, slots=True)
class Parallax:
    """What moved against what when the head turned (see liveness.parallax); no picture.

    Attributes:
        time_s: of the turned frame.
        before_s: of the straight frame it is compared with, earlier.
        shift: how far the nose's tip moved toward the picture's right edge against the middle
            of brow and upper lip, over the face's width, seen in pixels; not a number where
            it couldn't be followed.
    """

    time_s: float
    before_s: float
    shift: float


@dataclass(frozen=True, slots=True)
class PadScore:
    """What the pack's PAD engine says of one good frame.

    Attributes:
        time_s: of the frame.
        score: the engine's live probability, 0 to 1.
    """

    time_s: float
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """All that was measured of a clip.

    Attributes:
        times: shape (N,), float64, seconds.
        meshes: shape (N, 468, 3), float32, working pixels; not a number where no face was.
        present: shape (N,), bool.
        passes: the looks over the whole picture, in order.
        jumps: sudden changes of place or shape, in order.
        samples: in the order of time.
        width, height: pixels of the original.
        scale: working pixels per original pixel.
        changes, colours: a row for each frame; None where they weren't measured.
        traces: of sampled frames, in the order of time.
        pad: scores of good frames, in the order of time; empty without a PAD engine.
        parallaxes: of turned frames, in the order of time.
    """

    times: NDArray[np.float64]
    meshes: NDArray[np.float32]
    present: NDArray[np.bool_]
    passes: tuple[DetectionPass, ...]
    jumps: tuple[Jump, ...]
    samples: tuple[Sample, ...]
    width: int
    height: int
    scale: float
    changes: Changes | None = None
    colours: Colours | None = None
    traces: tuple[Trace, ...] = ()
    pad: tuple[PadScore, ...] = ()
    parallaxes: tuple[Parallax, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasuredPrompt:
    """How one prompt was answered.

    Attributes:
        prompt: what was asked.
        found: whether it was answered.
        times: when, seconds; one for each blink, else at most one (a turn's peak).
        measured: degrees of a turn from neutral, opening of a mouth (height over width), eye
            opening at its smallest over its usual, spread in degrees of a hold; None where
            nothing was measured.
        why: stable code, docs/liveness.md.
    """

    prompt: Prompt
    found: bool
    times: tuple[float, ...]
    measured: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Signal:
    """What one measurement says.

    Attributes:
        name: see docs/liveness.md.
        value, threshold: what was compared; None where nothing was measured.
        outcome: pass, fail or abstain.
        why: stable code, docs/liveness.md.
        n: how many measurements it rests on.
    """

    name: str
    value: float | None
    threshold: float | None
    outcome: SignalOutcome
    why: str
    n: int

    def to_json(self) -> dict[str, Any]:
        """Returns the signal as the command line and the decision record write it."""
        return {
            "name": self.name,
            "value": None if self.value is None else round(self.value, 4),
            "threshold": self.threshold,
            "outcome": self.outcome.value,
            "why": self.why,
            "n": self.n,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all signals together say.

    Attributes:
        outcome: of the clip.
        signals: in a fixed order.
        prompts: in the order of the script; empty without one.
        reasons: "signal:why" of each signal that stands in the way of a pass; for a review,
            of the soft signals that speak against the clip.
        soft: sum of the soft signals' log-likelihood ratios, bona fide over attack.
        assurance: what a pass of this script is worth: basic, or standard where it asked for
            motion and light; attested is more than a clip can show.
    """

    outcome: Outcome
    signals: tuple[Signal, ...]
    prompts: tuple[MeasuredPrompt, ...]
    reasons: tuple[str, ...]
    soft: float
    assurance: Assurance
