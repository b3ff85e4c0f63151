"""Shows every frame to all that measure, and gathers what they saw in a track."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from identity.capture.types import ClipInfo
from identity.liveness.changes import ChangeMeter
from identity.liveness.colours import ColourMeter
from identity.liveness.pad_model import PadMeter
from identity.liveness.parallax import ParallaxMeter
from identity.liveness.recapture import TraceMeter
from identity.liveness.tracking import Tracker
from identity.runtime.sampling import Sampler
from identity.types import Track
from models.engine import Engines, PadEngine, Picture


@dataclass(slots=True)
class Watcher:
    """Feed it every frame in order, then `finish`.

    Attributes:
        engines: of the pack; nobody else may use them until `finish` returned.
        aside: one thread, for what can be described while the next frames are tracked.
        pad: the PAD engine, or None where the deployment has none.
        measure_seconds: time spent on colours, changes, parallaxes, traces and PAD scores.
    """

    engines: Engines
    aside: Executor
    pad: PadEngine | None = None
    clock: Callable[[], float] = time.perf_counter
    measure_seconds: float = 0.0
    tracker: Tracker = field(init=False)
    sampler: Sampler = field(init=False)
    _changes: ChangeMeter = field(default_factory=ChangeMeter)
    _colours: ColourMeter = field(default_factory=ColourMeter)
    _parallaxes: ParallaxMeter = field(default_factory=ParallaxMeter)
    _traces: TraceMeter = field(default_factory=TraceMeter)
    _scores: PadMeter = field(init=False)

    def __post_init__(self) -> None:
        self._scores = PadMeter(self.pad)
        self.tracker = Tracker(self.engines.detector, self.engines.mesh)
        self.sampler = Sampler(self.engines.embedders, self.aside)

    def see(self, time_s: float, picture: Picture) -> None:
        """Takes the next frame.

        Args:
            time_s: later than the frame before.
            picture: RGB uint8, (height, width, 3); only crops of it are kept.
        """
        seen = self.tracker.follow(time_s, picture)
        points = None if seen.mesh is None else seen.mesh.points
        if points is None:
            self.sampler.lost()
        else:
            self.sampler.take(time_s, picture, points, broken=seen.broken)
        started = self.clock()
        for meter in (
            self._changes,
            self._colours,
            self._parallaxes,
            self._traces,
            self._scores,
        ):
            meter.note(time_s, picture, points)
        self.measure_seconds += self.clock() - started

    def finish(self, info: ClipInfo) -> Track:
        """Returns all that was measured."""
        meshes, present = self.tracker.stacked()
        return Track(
            times=np.array(self.tracker.times, dtype=np.float64),
            meshes=meshes,
            present=present,
            passes=tuple(self.tracker.passes),
            jumps=tuple(self.tracker.jumps),
            samples=self.sampler.finish(),
            width=info.width,
            height=info.height,
            scale=info.scale,
            changes=self._changes.finish(),
            colours=self._colours.finish(),
            parallaxes=self._parallaxes.finish(),
            traces=self._traces.finish(),
            pad=self._scores.finish(),
        )
