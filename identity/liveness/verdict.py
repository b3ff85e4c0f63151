"""The verdict on a clip: all signals of its track, put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from identity.liveness import (
    depth as depths,
)
from identity.liveness import (
    freshness as fresh,
)
from identity.liveness import (
    light,
    matching,
    signals,
)
from identity.liveness import (
    pad_model as pad,
)
from identity.liveness import (
    pulse as pulses,
)
from identity.liveness import (
    recapture as traces,
)
from identity.liveness import (
    timing as times,
)
from identity.liveness.continuity import continuity
from identity.liveness.depth import depth
from identity.liveness.events import find_events
from identity.liveness.freshness import freshness
from identity.liveness.fusion import assurance_of, fuse, reasons_of, soft_sum
from identity.liveness.geometry import motion_of
from identity.liveness.light import light_response
from identity.liveness.pad_model import pad_model
from identity.liveness.pulse import pulse
from identity.liveness.recapture import recapture
from identity.liveness.signals import compliance, quality, single_face
from identity.liveness.timing import timing
from identity.prompts import Script
from identity.types import MeasuredPrompt, Track, Verdict
from models.engine import Calibration

WHY: Final[Mapping[str, tuple[str, ...]]] = {
    **signals.WHY,
    "depth": depths.WHY,
    "light_response": light.WHY,
    "freshness": fresh.WHY,
    "timing": times.WHY,
    "recapture": traces.WHY,
    "pulse": pulses.WHY,
    "pad_model": pad.WHY,
}
"""Every reason that each signal can give."""


def judge(track: Track, script: Script | None, calibration: Calibration) -> Verdict:
    """Returns what all signals say of a clip.

    Args:
        track: what was measured; may be without any face, or without a frame.
        script: what was asked; None where nothing was.
        calibration: of the pack that made the samples.
    """
    prompts = measured_prompts(track, script)
    found = (
        single_face(track),
        quality(track),
        compliance(track, prompts),
        depth(track, script),
        light_response(track, script),
        continuity(track, calibration),
        freshness(track, script),
        timing(track),
        recapture(track),
        pulse(track, script),
        pad_model(track),
    )
    return Verdict(
        outcome=fuse(found, prompts),
        signals=found,
        prompts=prompts or (),
        reasons=reasons_of(found),
        soft=soft_sum(found),
        assurance=assurance_of(script),
    )


def measured_prompts(track: Track, script: Script | None) -> tuple[MeasuredPrompt, ...] | None:
    """Returns how each prompt was answered; None without a script."""
    if script is None:
        return None
    if not track.present.any():
        return tuple(
            MeasuredPrompt(prompt, False, (), None, matching.NOT_SEEN) for prompt in script.prompts
        )
    return matching.measure_prompts(script, find_events(motion_of(track), script))
