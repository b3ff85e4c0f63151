"""The signal `light_response`: the face answers with the colours that the screen showed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from identity.liveness.lighting import (
    LATENCIES,
    Evidence,
    Fits,
    answer_of,
    chromaticity,
    colours_of,
    fit,
    gather,
    light_prompts,
    near_colours,
    other_colours,
    stretches,
)
from identity.prompts import COLOUR_SECONDS, Script
from identity.types import NOT_APPLICABLE, NOT_MEASURED, Colours, Signal, SignalOutcome, Track

__all__ = ["WHY", "Reading", "light_response", "rank_of", "read_light"]

NAME: Final = "light_response"
WHY: Final = (
    "ok",
    NOT_APPLICABLE,
    NOT_MEASURED,
    "no_face",
    "clip_ends_early",
    "drowned",
    "wrong_light",
    "behind",
)
OTHERS: Final = 4000
MAX_P: Final = 3e-4
"""Of 4,000 other scripts none may explain the face as well as the right one; nor may any that
differs from it in one colour."""
MIN_STRENGTH: Final = 1.5
"""What is weaker never passes: by chance one clip in thousands without light ranks first. Of 400
stretches of the five real clips, without light, the strongest came to 1.33."""
WRONG_STRENGTH: Final = 4.0
WRONG_SHARE: Final = 0.9
WRONG_P: Final = 0.01
"""The light is another's where slots of any colour explain at least four times the noise, some
other script's nine tenths of that, and one script in a hundred fits better than the right one."""
BEHIND: Final = 0.7
BEHIND_LINEAR: Final = 0.5
"""The background answers like the face from these parts on, in the logarithm of its colours and
in linear light. Both are asked: behind a face in a lamp's light a dark wall answers a lot for
what light it has, and a white wall just behind a dark face reflects much."""
_SURE: Final = 2.0
_SEEN: Final = 0.8
_RESTLESS: Final = 4.0
_SLOT_FRAMES: Final = 3
_EARLY_S: Final = 0.05

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a face says of a script's light.

    Attributes:
        rank: of the right colours among random others; 1 is first, ties count against it.
        others: how many others there were.
        rivals: how many scripts that differ in one colour explain the face as well.
        latency_s: how late the screen was, as the right colours fit best.
        strength: what slots of any colours explain, for each 1/15 s, over what they leave.
        share: of that, what the right colours explain.
        other_share: what the best of the others explains.
        behind: how strongly the background answers, as a part of the face, in the logarithm of
            its colours; None where there is no background.
        behind_error: its standard error; None likewise.
        behind_linear: the same in linear light; None likewise.
    """

    rank: int
    others: int
    rivals: int
    latency_s: float
    strength: float
    share: float
    other_share: float
    behind: float | None
    behind_error: float | None
    behind_linear: float | None

    @property
    def p(self) -> float:
        """The chance of such a rank where the face knows nothing of the script."""
        return self.rank / (self.others + 1)


def light_response(track: Track, script: Script | None) -> Signal:
    """The face's chromaticity follows the script's colours, and more than the background does.

    Value: the p-value of the right colours among 4,000 random others, at most 3e-4, and no
    script that differs in one colour may fit as well, and the answer has to stand out of the
    noise (`MIN_STRENGTH`); where the background is the reason, its
    answer as a part of the face's, at most 0.7.
    """
    if script is None or not light_prompts(script):
        return Signal(NAME, None, None, SignalOutcome.ABSTAIN, NOT_APPLICABLE, 0)
    reading = read_light(track, script)
    if isinstance(reading, str):
        return Signal(NAME, None, MAX_P, SignalOutcome.ABSTAIN, reading, 0)
    n = reading.others
    if reading.p <= MAX_P and not reading.rivals and reading.strength >= MIN_STRENGTH:
        if reading.behind is not None and _is_behind(reading):
            return Signal(NAME, reading.behind, BEHIND, SignalOutcome.FAIL, "behind", n)
        return Signal(NAME, reading.p, MAX_P, SignalOutcome.PASS, "ok", n)
    if (
        reading.strength >= WRONG_STRENGTH
        and reading.other_share >= WRONG_SHARE
        and reading.p >= WRONG_P
    ):
        return Signal(NAME, reading.p, MAX_P, SignalOutcome.FAIL, "wrong_light", n)
    return Signal(NAME, reading.p, MAX_P, SignalOutcome.ABSTAIN, "drowned", n)


def _is_behind(reading: Reading) -> bool:
    """Whether the background answers as much as the face, beyond doubt."""
    if reading.behind is None or reading.behind_error is None or reading.behind_linear is None:
        return False
    least = reading.behind - _SURE * reading.behind_error
    return least >= BEHIND and reading.behind_linear >= BEHIND_LINEAR


def rank_of(track: Track, script: Script, others: int = 10_000) -> int | None:
    """Returns where the script's colours rank among random others: 1 is first, ties behind.

    None where the track says nothing of the light.
    """
    reading = read_light(track, script, others)
    return None if isinstance(reading, str) else reading.rank


def read_light(track: Track, script: Script, others: int = OTHERS) -> Reading | str:
    """Returns what the face says of the script's light, or why nothing can be said.

    Args:
        track: of the clip.
        script: with at least one `light` prompt.
        others: how many random scripts to compare with.
    """
    colours = track.colours
    n = len(track.times)
    if colours is None or n == 0 or not len(colours.skin) == len(colours.background) == n:
        return NOT_MEASURED
    timed = np.isfinite(track.times)
    if not timed.any() or not (timed & track.present).any():
        return "no_face"
    if float(track.times[timed].max()) < max(p.end for p in light_prompts(script)) - _EARLY_S:
        return "clip_ends_early"
    order = np.flatnonzero(timed)
    order = order[np.argsort(track.times[order], kind="stable")]
    times, skin = track.times[order], skin_of(track, colours, script)[order]
    seen = np.asarray(np.isfinite(skin).all(axis=1), dtype=np.bool_)
    if not _whole(times, track.present[order], seen, script):
        return "no_face"
    face = gather(times[seen], skin[seen], script)
    if face is None:
        return "no_face"
    right = fit(face, colours_of(script))
    wrong = fit(face, np.concatenate([other_colours(script, others), near_colours(script)]))
    as_well = wrong.explained >= right.explained[0]
    behind = _behind(times, colours, order, face, right, script)
    return Reading(
        rank=1 + int(np.count_nonzero(as_well[:others])),
        others=others,
        rivals=int(np.count_nonzero(as_well[others:])),
        latency_s=float(LATENCIES[right.latency[0]]),
        strength=face.strength,
        share=float(right.share[0]),
        other_share=float(wrong.share.max(initial=0.0)),
        behind=None if behind is None else behind[0],
        behind_error=None if behind is None else behind[1],
        behind_linear=None if behind is None else behind[2],
    )


def skin_of(track: Track, colours: Colours, script: Script) -> Floats:
    """Returns one chromaticity for each frame: log R/G and log B/G over their mean, (N, 2).

    The mean over the regions that are seen in at least nine tenths of the frames around the
    light in which any is, without one that varies over four times as much as the middle one of
    them: hair falls over it, or a hand is before it. Not a number where one is missing.
    """
    chroma = chromaticity(colours.skin)
    there = np.isfinite(chroma).all(axis=2) & track.present[:, None]
    around = np.zeros(len(track.times), dtype=np.bool_)
    for start, end in stretches(script):
        around |= (track.times >= start) & (track.times <= end)
    counts = there[around].sum(axis=0)
    used = np.flatnonzero(counts >= 0.9 * max(int(counts.max(initial=0)), 1))
    whole = around & there[:, used].all(axis=1)
    out = np.full((len(track.times), 2), np.nan)
    if used.size and whole.any():
        seen = chroma[whole][:, used]
        spread = seen.std(axis=0).sum(axis=1)
        calm = spread <= _RESTLESS * np.median(spread)
        out[whole] = (seen - seen.mean(axis=0))[:, calm].mean(axis=1)
    return out


def _whole(
    times: Floats, present: NDArray[np.bool_], seen: NDArray[np.bool_], script: Script
) -> bool:
    """Whether the face was there for most of the light, and for some of each colour."""
    around = np.zeros(len(times), dtype=np.bool_)
    for start, end in stretches(script):
        around |= (times >= start) & (times <= end)
    return (
        bool(around.any())
        and float(present[around].mean()) >= _SEEN
        and _in_each_slot(times[seen], script)
    )


def _in_each_slot(times: Floats, script: Script) -> bool:
    """Whether each colour was up for some of these frames."""
    starts = [
        prompt.start + k * COLOUR_SECONDS
        for prompt in light_prompts(script)
        for k in range(len(prompt.colours))
    ]
    return all(
        np.count_nonzero((times >= at) & (times < at + COLOUR_SECONDS)) >= _SLOT_FRAMES
        for at in starts
    )


def _behind(
    times: Floats,
    colours: Colours,
    order: NDArray[np.intp],
    face: Evidence,
    right: Fits,
    script: Script,
) -> tuple[float, float, float] | None:
    """How strongly the background answers: part, its error, part in linear light."""
    wall = chromaticity(colours.background[order])
    seen = np.isfinite(wall).all(axis=1)
    if not _in_each_slot(times[seen], script):
        return None
    evidence = gather(times[seen], wall[seen], script)
    if evidence is None:
        return None
    part, error = answer_of(evidence, face, right, script)
    bright, skin = (
        float(np.nanmedian(light)) for light in (colours.background[order][seen], colours.skin)
    )
    return part, error, part * bright / max(skin, 1e-9)
